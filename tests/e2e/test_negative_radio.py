#!/usr/bin/env python3
"""Between SM-SR and card: forged, tampered and replayed short messages, wrong keys of HTTPS, counters that ran apart, and
networks that go and come back. What is forged meets silence and changes nothing; what was interrupted is finished.

Proven elsewhere, not repeated here:
  every policy and status of secured packets, on the card    tests/unit/isdr/test_sms.c
  one eUICC's keys for another, stray PoRs                   tests/unit/sm-sr/test_procedures.c (foreign_packets_change_nothing)
  kill -9 of SMSC, SM-SR, SM-DP and device in each step      test_kill.py"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import ecosystem
from ecosystem import Ecosystem, LabError
from smpp_peer import Esme

FORGED = 24  # copies of each message, each with one bit wrong
QUIET_S = 1.0


def number_of(digits, octets):
    """A BCD number of so many digits."""
    text = ''.join(f'{o & 15:X}{o >> 4:X}' for o in octets)
    return text[:digits]


def user_data(tpdu):
    """The TP-UD of SMS-DELIVER or SMS-SUBMIT."""
    submit = tpdu[0] & 3 == 1
    at = 2 if submit else 1
    digits = tpdu[at]
    at += 2 + (digits + 1) // 2 + 2 + (0 if submit else 7)
    return bytes(tpdu[at + 1:at + 1 + tpdu[at]])


def tpdu_in(octets):
    """The value of the first SMS TPDU TLV (8B or 0B)."""
    at = octets.index(0x8B)
    length, at = (octets[at + 2], at + 3) if octets[at + 1] == 0x81 else (octets[at + 1], at + 2)
    return octets[at:at + length]


class Air:
    """What went over the air, as the card's own trace has it."""

    def __init__(self, lab):
        self.lab = lab

    def lines(self):
        return open(self.lab.path('card.apdu')).read().splitlines()

    def to_card(self):
        """User data of every short message that reached the card."""
        return [user_data(tpdu_in(bytes.fromhex(line[12:]))) for line in self.lines() if re.match(r'> 80C20000..D1', line)]

    def from_card(self):
        """User data of every short message the card sent."""
        return [user_data(tpdu_in(bytes.fromhex(line[2:-4]))) for line in self.lines() if re.match(r'< D0(81)?..8103..13', line)]


class Radio:
    def __init__(self, lab, seed):
        self.lab, self.dice, self.air = lab, random.Random(seed), Air(lab)
        self.eid, self.iccid = lab.cards[0]['eid'], lab.profiles[0]['iccid']
        self.count = 0
        self.phone = ecosystem.START_MSISDN

    def must(self, operation, *more):
        code, answer, err = self.lab.osprey('profile', operation, '--eid', self.eid, '--iccid', self.iccid, '--timeout', '50', *more)
        if code:
            raise LabError(f'{operation}: {answer} {err}')
        self.lab.wait('quiet', self.lab.idle, 30)

    def agree(self):
        return self.lab.card_now(self.eid) == self.lab.eis_now(self.eid)

    def silence(self, what, send, answers=0, memory=True):
        """Nothing may come of it: no short message beyond `answers` of the card, no change anywhere."""
        before, said, told = self.lab.snapshot(), len(self.air.from_card()), len(self.air.to_card())
        esme = Esme(self.lab.port['smsc'], 'stranger', '999799999999')
        sent, to_the_card = send(esme)
        esme.wait(lambda: all(s in esme.answers for s in sent))
        if any(esme.answers[s][0] for s in sent):
            raise LabError(f'{what}: the SMSC did not take it')
        if to_the_card:
            self.lab.wait(f'{what} at the card', lambda: len(self.air.to_card()) == told + len(sent), 10)
        time.sleep(QUIET_S)
        esme.close()
        self.lab.wait('quiet', self.lab.idle, 10)
        if len(self.air.from_card()) != said + answers:
            raise LabError(f'{what}: the card sent {len(self.air.from_card()) - said} messages, {answers} wanted')
        if len(self.air.to_card()) != told + (len(sent) if to_the_card else 0):
            raise LabError(f'{what}: the SM-SR sent something')
        self.lab.must_be_as_before(before, what)
        self.count += len(sent)

    def flips(self, data, first=0):
        """Copies with one bit wrong each, behind the header that routes it."""
        for _ in range(FORGED):
            at = self.dice.randrange(first, len(data))
            yield data[:at] + bytes([data[at] ^ 1 << self.dice.randrange(8)]) + data[at + 1:]


def forged_notifications(r):
    """To the SM-SR, in the device's name."""
    to, sent = ecosystem.lab.SMSR_NUMBER, r.air.from_card()
    notifications = [data for data in sent if data.startswith(bytes.fromhex('027000'))]
    reports = [data for data in sent if data.startswith(bytes.fromhex('027100'))]
    if len(notifications) < 2 or len(reports) < 2:
        raise LabError(f'too little was said: {len(notifications)} notifications, {len(reports)} reports')
    r.silence('a notification with a bit wrong', lambda e: ([e.submit(r.phone, to, d) for d in r.flips(notifications[-1], 5)], False))
    r.silence('a report with a bit wrong', lambda e: ([e.submit(r.phone, to, d) for d in r.flips(reports[-1], 3)], False))
    r.silence('an old notification', lambda e: ([e.submit(r.phone, to, notifications[0])], False))
    r.silence('reports that were there', lambda e: ([e.submit(r.phone, to, d) for d in reports], False))
    r.silence('noise', lambda e: ([e.submit(r.phone, to, bytes(r.dice.randrange(256) for _ in range(length))) for length in (1, 5, 30, 140)], False))
    r.silence('a notification from nowhere', lambda e: ([e.submit('999788888888', to, d) for d in r.flips(notifications[-1], 5)], False))


def forged_commands(r):
    """To the card, in the SM-SR's name. A tampered packet meets silence; a replayed one is told, and not executed."""
    sent = [data for data in r.air.to_card() if data.startswith(bytes.fromhex('027000'))]
    enable = next(data for data in sent if len(data) > 60)
    r.silence('a command with a bit wrong', lambda e: ([e.submit(ecosystem.lab.SMSR_NUMBER, r.phone, d) for d in r.flips(enable, 14)], True))
    r.silence('commands that were there', lambda e: ([e.submit(ecosystem.lab.SMSR_NUMBER, r.phone, d) for d in sent[:4]], True), answers=4)
    reports = [data for data in r.air.from_card()[-4:]]
    if not all(data.startswith(bytes.fromhex('027100')) for data in reports):
        raise LabError(f'a replay is told by a report: {[d.hex() for d in reports]}')


def strange_keys(r):
    """PSK-TLS with an identity nobody has, and with a right identity and a wrong key: the two must look the same."""
    kvn, kid = r.lab.smsr_rows('SELECT kvn, kid FROM keyset WHERE eid=? AND kvn BETWEEN 64 AND 79', r.eid)[0]
    isdr = 'A0000005591010FFFFFFFF8900000100'
    identity = lambda eid: f'8001028110{eid}4F10{isdr}8201{kid:02X}8301{kvn:02X}'
    before, faults = r.lab.snapshot(), set()
    for who in (identity(r.eid), identity(r.eid[:-4] + '9999'), 'nobody', '80' * 60):
        done = subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{r.lab.port["scp81"]}', '-tls1_2', '-cipher', 'PSK-AES128-CBC-SHA256',
                               '-psk', '00112233445566778899AABBCCDDEEFF', '-psk_identity', who], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=20)
        fault = re.search(r'(alert [a-z ]+|unexpected eof[a-z ]*)', done.stderr)
        if 'Cipher is PSK' in done.stdout and 'Verify return code' in done.stdout and not fault:
            raise LabError(f'{who} came in: {done.stdout[-400:]}')
        faults.add(fault[1] if fault else done.stderr[-300:])
        r.count += 1
    if len(faults) != 1:
        raise LabError(f'one can tell a wrong identity from a wrong key: {faults}')
    plain = subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{r.lab.port["scp81"]}', '-tls1_2', '-cipher', 'ALL:!PSK'],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    if plain.returncode == 0:
        raise LabError('a session without PSK was opened')
    r.lab.must_be_as_before(before, 'a wrong PSK')
    return faults.pop()


def counters_apart(r):
    """The SM-SR gets an old database back: its counters are behind the card's, so each of its packets is too low."""
    lab, save = r.lab, r.lab.path('saved')
    for first in ('audit', 'enable'):
        lab.programs['sm-sr'].stop()
        shutil.copytree(lab.path('sm-sr'), save)
        lab.programs['sm-sr'].start()
        r.must('enable')
        r.must('disable')
        lab.programs['sm-sr'].stop()
        shutil.rmtree(lab.path('sm-sr'))
        os.rename(save, lab.path('sm-sr'))
        lab.programs['sm-sr'].start()
        if first == 'audit':
            code, answer, err = lab.osprey('audit', '--eid', r.eid, '--via', 'sm-sr', '--timeout', '50')
            if code:
                raise LabError(f'audit with counters behind: {answer} {err}')
        else:
            r.must('enable')
            r.must('disable')
        if 'counter low' not in open(lab.path('logs', 'sm-sr.log')).read():
            raise LabError('no packet was too low')
        lab.wait('card and EIS agree', lambda: lab.idle() and r.agree(), 30)
        r.count += 1


def gone_and_back(r, name, operation, pause_s=3.0):
    """One program is away when the call comes, and returns later: the call is carried out, and answered once."""
    since = r.lab.inbox_last()
    r.lab.programs[name].stop()
    back = threading.Timer(pause_s, r.lab.programs[name].start)
    back.start()
    began = time.time()
    try:
        r.must(operation)
    finally:
        back.join()
    if time.time() - began < pause_s:
        raise LabError(f'{operation} without {name}?')
    functions = {'download': 'ES2-DownloadProfile', 'enable': 'ES2-EnableProfile', 'disable': 'ES2-DisableProfile', 'delete': 'ES2-DeleteProfile'}
    if len(r.lab.answers(functions[operation], since)) != 1:
        raise LabError(f'{operation} while {name} was away: not one answer')
    r.lab.wait('card and EIS agree', lambda: r.lab.idle() and r.agree(), 30)
    r.count += 1


def away_in_the_middle(r, name, operation, marker, pause_s=3.0):
    """The same, but it leaves after the beginning."""
    from test_kill import Watch
    watch = Watch(r.lab)
    failure = []

    def leave():
        try:
            r.lab.wait('the middle', lambda: watch.reached(marker), 20, 0.0005)
            r.lab.programs[name].stop()
            time.sleep(pause_s)
            r.lab.programs[name].start()
        except LabError as error:
            failure.append(error)

    thread = threading.Thread(target=leave)
    thread.start()
    r.must(operation)
    thread.join()
    if failure:
        raise failure[0]
    r.lab.wait('card and EIS agree', lambda: r.lab.idle() and r.agree(), 30)
    r.count += 1


def bad_weather(r):
    """One message in five is lost, one in three comes twice."""
    lab = r.lab
    lab.programs['smsc'].stop()
    text = open(lab.path('smsc.conf')).read()
    ecosystem.lab.write(lab.path('smsc.conf'), re.sub(r'loss_permille = \d+', 'loss_permille = 200\nduplicate_permille = 300', text))
    lab.programs['smsc'].start()
    for operation in ('enable', 'disable', 'delete', 'download'):
        r.must(operation)
        lab.wait('card and EIS agree', lambda: lab.idle() and r.agree(), 40)
        r.count += 1


def run(lab, seed):
    lab.up()
    r = Radio(lab, seed)
    for operation in ('download', 'enable', 'disable'):
        r.must(operation)
    time.sleep(0.3)
    forged_notifications(r)
    forged_commands(r)
    fault = strange_keys(r)
    counters_apart(r)
    gone_and_back(r, 'smsc', 'enable')
    gone_and_back(r, 'sm-sr', 'disable')
    gone_and_back(r, 'device', 'delete')
    gone_and_back(r, 'smsc', 'download')
    r.must('delete')
    away_in_the_middle(r, 'sm-sr', 'download', ('soap', r'sm-dp-\d+-out-ES3-SendDataRequest', 2))
    away_in_the_middle(r, 'smsc', 'enable', ('soap', r'sm-sr-\d+-in-ES3-', 1))
    r.must('disable')
    bad_weather(r)
    return r.count, fault


def main():
    ecosystem.needs(*ecosystem.lab.PLACES)
    if not shutil.which('openssl'):
        ecosystem.skip('openssl is not installed')
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with tempfile.TemporaryDirectory(prefix='osprey-radio-') as out, Ecosystem(out, profiles=1) as lab:
        try:
            count, fault = run(lab, seed)
        except BaseException:
            print(ecosystem.lab.tail(lab.path('logs', 'sm-sr.log'), 15), ecosystem.lab.tail(lab.path('logs', 'device.log'), 8), sep='\n')
            raise
    print(f'seed {seed}: {count} cases; forged and replayed messages met silence, wrong keys met "{fault}", all else was finished')


if __name__ == '__main__':
    sys.exit(main())
