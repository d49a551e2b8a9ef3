#!/usr/bin/env python3
"""What the conformance runner says: table, JSON and JUnit XML agree, a foreign reader of JUnit XML takes the last; exit codes; and
plain words for a card that is no eUICC, or whose keys are others."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree

from conform_cards import Cards
from processes import free_port, skip

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = 127
ATR = '3B9F95801FC78031E073FE211B63F10200830F9000EF'


def expect(what, got, want):
    if got != want:
        sys.exit(f'{what}: got {got!r}, want {want!r}')
    print(f'{what}: {want!r}')


def run(cards, *arguments):
    return subprocess.run([cards.runner, *arguments], capture_output=True, text=True, timeout=60)


def verdicts_of_junit(path):
    """By the schema, by the foreign reader, and (name, verdict, detail) of each case; the sums must be true."""
    done = subprocess.run(['xmllint', '--noout', '--schema', os.path.join(HERE, 'junit.xsd'), path], capture_output=True, text=True)
    expect('schema', (done.returncode, done.stderr.strip()), (0, f'{path} validates'))
    found, sums = [], []
    for suite in xml.etree.ElementTree.parse(path).getroot():
        for case in suite:
            tag = case[0].tag if len(case) else 'system-out'
            detail = case[0].get('message', case[0].text) if len(case) else ''
            found.append((case.get('name'), {'failure': 'fail', 'skipped': 'skip', 'system-out': 'pass'}[tag], detail))
        sums.append([int(suite.get(name)) for name in ('tests', 'failures', 'skipped')])
    root = xml.etree.ElementTree.parse(path).getroot()
    expect('sums', [int(root.get(name)) for name in ('tests', 'failures', 'skipped')], [sum(column) for column in zip(*sums)])
    return found


def foreign_reader(path, fails):
    if not shutil.which('junitparser'):
        skip('junitparser is not installed')
    expect('junitparser verify', subprocess.run(['junitparser', 'verify', path]).returncode, int(fails))
    merged = path + '.merged'
    subprocess.run(['junitparser', 'merge', path, path, merged], check=True)
    expect('junitparser merge', int(xml.etree.ElementTree.parse(merged).getroot().get('tests')), 2 * CASES)


def reports_agree(cards, folder, what, keys, wanted):
    """One card, all reports. wanted: number of a case and its verdict, where it is not pass."""
    junit = f'{folder}/{what} & "co".xml'
    target = ['--target', f'soft:{folder}/lab/card.nvm', '--keys', keys] if keys else ['--target', 'soft']
    done = run(cards, 'card', *target, '--json', '--junit', junit)
    expect(f'{what}: exit code', done.returncode, int('fail' in wanted.values()))
    said = json.loads(done.stdout)
    cases = said['cases']
    expect('cases', len({case['name'] for case in cases}), CASES)
    expect('members', {tuple(sorted(case)) for case in cases},
           {('detail', 'group', 'ms', 'name', 'number', 'section', 'title', 'verdict')})
    expect('verdicts', {c['number']: c['verdict'] for c in cases if c['verdict'] != 'pass'}, wanted)
    expect('sums of JSON', [said[name] for name in ('passed', 'failed', 'skipped')],
           [sum(c['verdict'] == verdict for c in cases) for verdict in ('pass', 'fail', 'skip')])
    expect('JUnit XML says the same', sorted(verdicts_of_junit(junit)) == sorted((c['name'], c['verdict'], c['detail']) for c in cases), True)
    foreign_reader(junit, 'fail' in wanted.values())
    table = run(cards, 'card', *target).stdout
    rows = sorted(int(number) for number in re.findall(r'^  (?:pass|FAIL|skip) +(\d+)', table, re.M))
    expect('the table has them all', rows == sorted(case['number'] for case in cases), True)
    expect('sums of the table', re.search(r'^all +(\d+) ', table, re.M).group(1), str(said['passed']))


def all_reports(cards, folder):
    cards.make(f'{folder}/lab')
    text = open(f'{folder}/lab/keys.ini').read()
    reports_agree(cards, folder, 'good', None, {})
    another = text.replace(re.search(r'public = (\w+)', text).group(1), re.search(r'public = (\w+)', open(
        f'{cards.make(folder + "/other")}/keys.ini').read()).group(1))
    open(f'{folder}/another.ini', 'w').write(another)
    open(f'{folder}/without.ini', 'w').write(re.sub(r'\[eum\]\n.*\n.*\n', '', text))
    reports_agree(cards, folder, 'another EUM', f'{folder}/another.ini', {23: 'skip', 75: 'fail'})
    reports_agree(cards, folder, 'no EUM', f'{folder}/without.ini', {23: 'skip', 75: 'skip'})


def wrong_use(cards, folder):
    keys = f'{folder}/lab/keys.ini'
    for what, code, word, arguments in (
            ('help', 0, 'make-card', ['--help']), ('no command', 2, 'make-card', []), ('no target', 2, '--target', ['card']),
            ('no such target', 2, 'vpcd:PORT', ['card', '--target', 'usb', '--keys', keys]),
            ('no such group', 2, 'no such case', ['card', '--target', 'soft', '--group', 'keyz']),
            ('no such case', 2, 'no such case', ['card', '--target', 'soft', '--case', '999']),
            ('no such option', 2, '--verbose', ['card', '--target', 'soft', '--verbose']),
            ('no patience', 2, '--patience', ['card', '--target', 'soft', '--patience', 'no']),
            ('no keys file', 2, 'none.ini', ['card', '--target', 'soft:x', '--keys', f'{folder}/none.ini']),
            ('no image', 3, 'not a card image', ['card', '--target', f'soft:{keys}', '--keys', keys])):
        done = run(cards, *arguments)
        expect(what, (done.returncode, word in (done.stdout + done.stderr)), (code, True))


def plain_uicc(port):
    """A UICC with a USIM and nothing of SGP.02, in the reader that listens on this port."""
    answers = {'00A40004023F00': '9000', '00A4040007A0000000871002': '9000'}
    connection = socket.create_connection(('127.0.0.1', port), 5)
    read = connection.makefile('rb').read
    while True:
        head = read(2)
        if len(head) < 2:
            return
        message = read(int.from_bytes(head, 'big')).hex().upper()
        answer = ATR if message == '04' else None
        if len(message) > 2:
            unknown = {'A4': '6A82', '10': '9000', 'F2': '9000', 'C2': '9000'}.get(message[2:4], '6D00')
            answer = answers.get(message, unknown)
        if answer:
            octets = bytes.fromhex(answer)
            connection.sendall(len(octets).to_bytes(2, 'big') + octets)


def strangers(cards, folder):
    port = free_port()
    runner = cards.ask(f'vpcd:{port}', f'{folder}/lab')
    card = threading.Timer(0.2, plain_uicc, [port])
    card.start()
    out, error = runner.communicate(timeout=30)
    card.join()
    expect('a plain UICC', (runner.returncode, out, error), (3, '', f'osprey-conform: vpcd:{port}: no eUICC of SGP.02, as far as one '
           'sees: SELECT of the ISD-R gives 6A82, a short message for it 9000 and no proof of receipt\n'))
    text = open(f'{folder}/lab/keys.ini').read()
    open(f'{folder}/wrong.ini', 'w').write(re.sub(r'kic = \w+', 'kic = ' + '5A' * 16, text))
    done = run(cards, 'card', '--target', f'soft:{folder}/lab/card.nvm', '--keys', f'{folder}/wrong.ini')
    expect('other keys', (done.returncode, 'there is an ISD-R, and it is silent to a packet under KVN 01' in done.stderr), (3, True))


def main():
    with tempfile.TemporaryDirectory() as folder, Cards() as cards:
        all_reports(cards, folder)
        wrong_use(cards, folder)
        strangers(cards, folder)


main()
