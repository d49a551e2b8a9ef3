#!/usr/bin/env python3
"""The conformance runner against a card in another process: it plays vpcd's reader and osprey-euicc comes to it. All cases on a
P-256 card, key establishment on a brainpool card; twice, because the runner must leave the card as it found it."""
import json
import os
import socket
import subprocess
import sys
import tempfile

BUILD = os.environ.get('OSPREY_BUILD', os.path.join(os.path.dirname(__file__), '..', '..', 'build'))
RUNNER = os.path.join(BUILD, 'conform', 'osprey-conform')
EUICC = os.path.join(BUILD, 'euicc', 'osprey-euicc')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def verdicts(folder, *options):
    port = free_port()
    card = subprocess.Popen([EUICC, 'serve', '--state', f'{folder}/card.nvm', '--vpcd', f'127.0.0.1:{port}', '--log', 'error'],
                            stdout=subprocess.DEVNULL)
    try:
        done = subprocess.run([RUNNER, 'card', '--target', f'vpcd:{port}', '--keys', f'{folder}/keys.ini', '--json', '--quiet', *options],
                              capture_output=True, text=True, timeout=280)
    finally:
        card.terminate()
        card.wait(10)
    if not done.stdout:
        sys.exit(f'no verdicts: {done.stderr}')
    return json.loads(done.stdout)['cases']


def judge(what, cases, may_skip=()):
    wrong = [c for c in cases if c['verdict'] == 'fail' or (c['verdict'] == 'skip' and c['number'] not in may_skip)]
    for case in cases:
        if case['verdict'] != 'pass':
            print(f"{case['verdict']}  {case['name']}  {case['detail']}")
    print(f'{what}: {len(cases)} cases')
    if wrong or not cases:
        sys.exit(f'{what}: {len(wrong)} cases are not as they must be')


def main():
    with tempfile.TemporaryDirectory() as folder:
        for curve in ('P-256', 'brainpoolP256r1'):
            subprocess.run([RUNNER, 'make-card', '--out', f'{folder}/{curve}', '--curve', curve], check=True)
        judge('P-256', verdicts(f'{folder}/P-256'), may_skip=MAY_SKIP)
        judge('the same card again', verdicts(f'{folder}/P-256', '--group', 'delete'))
        judge('brainpoolP256r1', verdicts(f'{folder}/brainpoolP256r1', '--group', 'keys'))


# 23 is for the brainpool card; 101 and 102 are skipped by a card without CAT_TP
MAY_SKIP = (23, 101, 102)
main()
