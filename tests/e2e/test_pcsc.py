#!/usr/bin/env python3
"""A card of ours in a PC/SC reader: pcscd with vpcd, and opensc's tool as the terminal, in namespaces of their own."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
import card_lab as lab
import pcsc_place as place

PACKAGE = 'TS48_V7.0_eSIM_GTP_SAIP2.3_BERTLV_SUCI.der'
ATR = '3b:9f:96:80:3f:c7:82:80:31:e0:73:fe:21:1f:67:53:57:45:55:49:43:43:2b'


def opensc(*arguments):
    done = subprocess.run(['opensc-tool', '-r', '0', *arguments], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def sent(*apdus):
    """Sends commands in one session; the answers as (status word, data) in hex."""
    arguments = [part for apdu in apdus for part in ('-s', apdu)]
    code, text = opensc(*arguments)
    if code != 0:
        sys.exit(f'opensc-tool: {text}')
    answers = []
    for block in re.split(r'(?=Received \(SW1)', text)[1:]:
        sw = ''.join(re.search(r'SW1=0x(..), SW2=0x(..)', block).groups())
        # a line of the dump: up to 16 octets in hex, then the same as text
        lines = (re.match(r'(?:[0-9A-F]{2} ){1,16}', line) for line in block.splitlines()[1:])
        answers.append((sw.upper(), ''.join(match.group(0) for match in lines if match).replace(' ', '')))
    return answers


def throughput():
    """Commands per second through the whole of PC/SC, said and not judged: machines differ."""
    count, started = 200, time.monotonic()
    sent(*(['00 A4 00 0C 02 3F 00', '00 A4 00 0C 02 2F E2'] + ['00 B0 00 00 0A'] * count))
    print(f'{count / (time.monotonic() - started):.0f} commands/s through pcscd and vpcd')


def judge():
    lab.expect('ATR', place.wait_for_card(), ATR)
    answers = sent('00 A4 00 0C 02 3F 00', '00 A4 00 0C 02 2F E2', '00 B0 00 00 0A')
    lab.expect('EF_ICCID', answers[-1], ('9000', '98001032547698103214'))
    answers = sent('00 A4 04 0C 07 A0 00 00 00 87 10 02', '00 A4 00 0C 02 6F 07', '00 B0 00 00 09')
    lab.expect('EF_IMSI', answers[-1], ('9000', '080910101032547698'))
    lab.expect('no such application', sent('00 A4 04 00 08 A0 00 00 00 03 00 00 00 00')[-1][0], '6A82')
    throughput()


def main():
    place.enter('opensc-tool')
    with tempfile.TemporaryDirectory() as folder:
        image = lab.make_card(folder, lab.package(PACKAGE))
        log = open(os.path.join(folder, 'log'), 'w')
        started = [place.start_pcscd(log)]
        try:
            started.append(subprocess.Popen([lab.EUICC, 'serve', '--state', image, '--vpcd', place.READERS[0]], stdout=log, stderr=log))
            judge()
            started[1].send_signal(signal.SIGTERM)
            lab.expect('exit code after TERM', started[1].wait(10), 0)
        finally:
            place.stop(started)


main()
