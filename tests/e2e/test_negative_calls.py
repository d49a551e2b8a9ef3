#!/usr/bin/env python3
"""Calls that must fail, through operator, SM-DP, SM-SR and card as they run: the exact status, and nothing is left behind.

Proven elsewhere, not repeated here:
  registration: EUM's signature, certificates, EID twice, ICCID twice        tests/e2e/test_registration.py, tests/unit/sm-sr/test_calls.c
  a forged or expired ECASD certificate, another eUICC's EIS                 tests/unit/sm-dp/test_refused.c
  POL1 in every combination; roll-back without network, fall-back by itself  tests/unit/sm-sr/test_procedures.c, the demo
  every kind of broken profile element                                       tests/unit/isdp/test_install.c (is_refused_and_leaves_nothing)"""
import re
import sys
import tempfile
import time

import ecosystem
import soap_peer
from ecosystem import Ecosystem, LabError

GOOD, FOREIGN, BIG, BROKEN_USIM, BROKEN_END, KEPT, SPARE = range(7)
USIM_TEMPLATE, NO_TEMPLATE = bytes.fromhex('67810f010204'), bytes.fromhex('67810f010263')


class Wrong(Ecosystem):
    """Its SM-DP reaches the SM-SR straight, but hears from it through `between`, where answers may be changed."""

    def __init__(self, out):
        super().__init__(out, devices=2, profiles=7, pol2={KEPT: 'delete:not-allowed'})
        self.spoil = lambda text: text
        port = ecosystem.lab.free_ports(1)[0]
        self.replace('sm-dp.conf', f'url = {self.url("dp")}\n', f'url = https://127.0.0.1:{port}\n')
        self.replace('sm-sr.conf', f'es3_url = {self.url("dp")}', f'es3_url = https://127.0.0.1:{port}')
        self.between = soap_peer.Between(port, self.port['dp'], self.identity('as-dp', 'sm-dp', ecosystem.lab.OIDS['sm-dp']),
                                         self.identity('as-sr', 'sm-sr', ecosystem.lab.OIDS['sm-sr']), lambda text: self.spoil(text))

    def replace(self, file, old, new):
        text = open(self.path(file)).read()
        if old not in text:
            raise LabError(f'{file} has no {old}')
        ecosystem.lab.write(self.path(file), text.replace(old, new))

    def profile_options(self, n, pol2):
        options = super().profile_options(n, pol2)
        if n == FOREIGN:
            options['owner'] = ecosystem.lab.OIDS['start']
        if n == BIG:
            options['memory'] = 900000
        if n == BROKEN_USIM:
            self.patch(options['package'], lambda der: rreplace(der, USIM_TEMPLATE, NO_TEMPLATE))
        if n == BROKEN_END:
            self.patch(options['package'], no_such_application)
        return options

    def patch(self, file, change):
        with open(self.path(file), 'rb') as f:
            der = f.read()
        with open(self.path(file), 'wb') as f:
            f.write(change(der))


def rreplace(octets, old, new):
    """The last one: the first stands in the header."""
    at = octets.rindex(old)
    return octets[:at] + new + octets[at + len(old):]


def no_such_application(der):
    """The last element manages the files of an application that is not there; all before it is installed by then."""
    usim = bytes.fromhex('A0000000871002FFFFFFFF8907090000')
    return rreplace(der, usim, usim[:-1] + b'\x77')


class Calls:
    def __init__(self, lab):
        self.lab, self.count = lab, 0
        self.eid, self.other = (card['eid'] for card in lab.cards)
        self.iccid = [profile['iccid'] for profile in lab.profiles]

    def ask(self, operation, eid, iccid, *more, who='operator', timeout=40):
        self.count += 1
        return self.lab.osprey('profile', operation, '--eid', eid, '--iccid', iccid, '--timeout', str(timeout), *more, who=who)

    def refused(self, what, want, *arguments, counters=True, quiet_s=20, **options):
        """want: 'STATUS subject/reason'. counters: not even asked the card."""
        before = self.lab.snapshot(counters)
        code, answer, err = self.ask(*arguments, **options)
        got = f'{answer.get("status")} {answer.get("subject")}/{answer.get("reason")}'
        if got != want or not code:
            raise LabError(f'{what}: got {got} ({answer.get("message")} {answer.get("error")} {err}), want {want}')
        self.settled(what, before, counters, quiet_s)
        return answer

    def settled(self, what, before, counters, quiet_s):
        """All is quiet again, and as it was; card and EIS agree."""
        lab = self.lab
        lab.wait(f'quiet after {what}', lab.idle, quiet_s)
        deadline = time.time() + quiet_s
        while True:
            try:
                lab.must_be_as_before(before, what, counters)
                break
            except LabError:
                if time.time() > deadline:
                    raise
                time.sleep(0.2)
        for eid in (self.eid, self.other):
            if lab.card_now(eid) != lab.eis_now(eid):
                raise LabError(f'after {what} card and EIS differ: {lab.card_now(eid)} {lab.eis_now(eid)}')

    def must(self, *arguments, **options):
        code, answer, err = self.ask(*arguments, **options)
        if code:
            raise LabError(f'{arguments}: {answer} {err}')
        self.lab.wait('quiet', self.lab.idle, 20)


def nobody(eid):
    """An EID like this one that no eUICC has."""
    body = eid[:22] + '99999999'
    return body + f'{98 - int(body + "00") % 97:02d}'


def before_a_card_is_asked(c):
    good, other = c.iccid[GOOD], nobody(c.eid)
    c.refused('an unknown EID at the SM-DP', 'FAILED 8.1.1/1.1', 'download', other, good)
    c.refused('an unknown EID at the SM-SR', 'FAILED 8.1.1/1.1', 'enable', other, good, '--via', 'sm-sr')
    c.refused('a profile of another operator', 'FAILED 8.2.1/1.2', 'download', c.eid, c.iccid[FOREIGN])
    c.refused('a profile nobody ordered', 'FAILED 8.2.1/3.9', 'download', c.eid, '8999970000000099993')
    c.refused('a profile that is too big', 'FAILED 8.1/4.8', 'download', c.eid, c.iccid[BIG])
    c.refused('a profile that is not there', 'FAILED 8.2.1/3.9', 'enable', c.eid, good)


def with_a_profile(c):
    good, start = c.iccid[GOOD], c.lab.card_now(c.eid)[-1][0]
    c.must('download', c.eid, good)
    c.refused('the same download again', 'FAILED 8.2.1/3.3', 'download', c.eid, good)
    c.refused('its ICCID for another eUICC', 'FAILED 8.2.1/3.3', 'download', c.other, good)
    c.refused('enabling it on another eUICC', 'FAILED 8.2.1/3.4', 'enable', c.other, good)
    c.refused('the same at the SM-SR', 'FAILED 8.2.1/3.4', 'enable', c.other, good, '--via', 'sm-sr')
    c.refused('enabling by another operator', 'FAILED 8.2.1/1.2', 'enable', c.eid, good, who='start')
    c.refused('deleting by another operator', 'FAILED 8.2.1/1.2', 'delete', c.eid, good, who='start')
    c.refused('disabling what is disabled', 'FAILED 8.2.1/1.2', 'disable', c.eid, good)
    c.refused('disabling the fall-back profile', 'FAILED 8.1/3.8', 'disable', c.eid, start, who='start')
    c.refused('deleting the fall-back profile', 'FAILED 8.2.4/3.8', 'delete', c.eid, start, who='start')
    c.refused('a validity period of one second', 'FAILED 1.6/2.1', 'enable', c.eid, good, '--validity', '1', '--via', 'sm-sr')
    c.must('enable', c.eid, good)
    c.refused('enabling what is enabled', 'FAILED 8.2.1/1.2', 'enable', c.eid, good)
    c.must('disable', c.eid, good)
    c.must('download', c.eid, c.iccid[KEPT])
    c.refused('deleting against POL2', 'FAILED 8.2.3/3.8', 'delete', c.eid, c.iccid[KEPT])


def broken_elements(c):
    """The elements before it are good, and undone."""
    for n, word in ((BROKEN_USIM, 'profile element'), (BROKEN_END, 'profile element')):
        answer = c.refused(f'broken package {n}', 'FAILED 8.3/4.2', 'download', c.other, c.iccid[n], counters=False)
        number = int((re.search(r'profile element (\d+)', answer['message']) or ['', '0'])[1])
        if word not in answer['message'] or number < 2:
            raise LabError(f'it was to break in the middle: {answer["message"]}')
        print(f'broken in the middle: {answer["message"]}')


def wrong_receipt(c):
    """The last octet of the second answer to SendData is the receipt's: the card has other keys, or somebody sits between."""
    seen = []

    def spoil(text):
        if 'ES3-SendDataResponse' in text:
            seen.append(text)
            if len(seen) == 2:
                return re.sub(r'([0-9A-F])(9000</\w*:?EuiccResponseData>)', lambda m: f'{int(m[1], 16) ^ 1:X}' + m[2], text)
        return text

    c.lab.spoil = spoil
    before = c.lab.snapshot(counters=False)
    code, answer, _ = c.ask('download', c.other, c.iccid[SPARE])
    c.lab.spoil = lambda text: text
    if code != 4 or len(seen) != 2 or (answer['subject'], answer['reason']) != ('8.3', '4.2') or 'receipt' not in answer['message']:
        raise LabError(f'a wrong receipt: {answer}, after {len(seen)} answers')
    c.settled('a wrong receipt', before, False, 20)
    print(f'a wrong receipt: FAILED {answer["subject"]}/{answer["reason"]} {answer["message"]}')


def is_disabled(c, wanted):
    return any(iccid == wanted and state == 'Disabled' for iccid, _, state, _ in c.lab.eis_now(c.eid))


def time_over(c):
    """The device is off. Whatever comes late is not believed, and nothing is left behind once it is back."""
    good = c.iccid[GOOD]
    c.lab.programs['device'].stop()
    for what, arguments in (('enabling', ('enable', c.eid, good, '--validity', '3', '--via', 'sm-sr')),
                            ('enabling through the SM-DP', ('enable', c.eid, good, '--validity', '4')),
                            ('a download', ('download', c.eid, c.iccid[SPARE], '--validity', '4'))):
        before = c.lab.snapshot(counters=False)
        began = time.time()
        code, answer, err = c.ask(*arguments)
        took = time.time() - began
        got = f'{answer.get("status")} {answer.get("subject")}/{answer.get("reason")}'
        if code != 5 or got != 'EXPIRED 1.6/5.3' or took > 7:
            raise LabError(f'{what} without device: {got} after {took:.1f} s {err}')
        profiles = {name: value for name, value in before.items() if 'card' in name or name == 'sm-sr profile'}
        c.lab.must_be_as_before(profiles, what, counters=False)
    before = c.lab.snapshot(counters=False)
    c.lab.programs['device'].start()
    # the card may have switched: nobody confirms it, and it takes the change back
    c.lab.wait('quiet once the device is back, and nothing that came after its time',
               lambda: c.lab.idle() and c.lab.card_now(c.eid) == c.lab.eis_now(c.eid) and is_disabled(c, good), 60)
    if c.iccid[SPARE] in {iccid for iccid, *_ in c.lab.eis_now(c.eid)}:
        raise LabError(f'something came after its time: {c.lab.eis_now(c.eid)}')
    c.must('enable', c.eid, good)  # and now it is served
    c.must('disable', c.eid, good)


def run(lab):
    lab.up()
    c = Calls(lab)
    before_a_card_is_asked(c)
    with_a_profile(c)
    broken_elements(c)
    wrong_receipt(c)
    time_over(c)
    return c.count


def main():
    ecosystem.needs(*ecosystem.lab.PLACES)
    with tempfile.TemporaryDirectory(prefix='osprey-calls-') as out, Wrong(out) as lab:
        try:
            count = run(lab)
        except LabError:
            print(ecosystem.lab.tail(lab.path('logs', 'sm-sr.log'), 12), ecosystem.lab.tail(lab.path('logs', 'sm-dp.log'), 12), sep='\n')
            raise
        finally:
            lab.between.close()
    print(f'{count} calls: each that must fail ended with its status, and nothing was left behind')


if __name__ == '__main__':
    sys.exit(main())
