#!/usr/bin/env python3
"""CAT_TP with real processes and real sockets: HTTPS is off, and between device and SM-SR lies a UDP network that loses, doubles
and delays datagrams. A profile is downloaded, enabled, audited and disabled over it; the SM-SR is killed in the middle."""
import re
import sys
import tempfile
import time

import ecosystem
from ecosystem import Ecosystem, LabError
from udp_relay import Relay

# Patience for a network that loses every fourth datagram.
TIMING = 'attach_guard=60,notification_interval=10,notification_tries=12,fallback=30,session_idle=30,refresh_retry=2,poll_interval=5,retry_wait=2'
LOSS = float(sys.argv[1]) if len(sys.argv) > 1 else 0.04


def log_of(lab):
    return open(lab.path('logs', 'sm-sr.log')).read()


def must(what, code, answer, err):
    if code:
        raise LabError(f'{what}: {answer} {err}')


def agree(lab, eid):
    card, eis = lab.card_now(eid), lab.eis_now(eid)
    if card != eis:
        raise LabError(f'the card has {card}, the EIS says {eis}')


def killed_download(lab, card, profile):
    """The SM-SR dies while packets go over the link; the operator's call ends well all the same."""
    call = lab.osprey_start('profile', 'download', '--eid', card['eid'], '--iccid', profile['iccid'], '--enable', '--timeout', '200')
    lab.wait('packets over the link', lambda: len(re.findall(r'over CAT_TP, \d+ octets', log_of(lab))) >= 4, 150, 0.002)
    lab.programs['sm-sr'].kill()
    time.sleep(0.2)
    lab.start('sm-sr')
    must('download', *lab.osprey_end(call))


def story(lab, card):
    eid, profile = card['eid'], lab.profiles[0]
    killed_download(lab, card, profile)
    must('audit', *lab.osprey('audit', '--eid', eid, '--timeout', '200'))
    agree(lab, eid)
    must('disable', *lab.osprey('profile', 'disable', '--eid', eid, '--iccid', profile['iccid'], '--timeout', '200'))
    lab.wait('quiet', lab.idle, 200)
    agree(lab, eid)


def judge(lab, relay):
    text = log_of(lab)
    by = {bearer: len(re.findall(rf'goes by {bearer}', text)) for bearer in ('SMS', 'HTTPS', 'CAT_TP')}
    reasons = set(re.findall(r'goes by CAT_TP: (.*)', text))
    print(f'scripts: {by}, because {sorted(reasons)}; datagrams: {relay.carried} carried, {relay.lost} lost')
    if by['HTTPS'] or by['SMS'] or by['CAT_TP'] < 8 or not relay.lost:
        raise LabError('the work did not go over CAT_TP')


def main():
    ecosystem.needs('osprey-eum', 'osprey-sm-sr', 'osprey-sm-dp', 'osprey-device', 'osprey-smsc', 'osprey-hlr', 'osprey')
    relay = Relay(loss=LOSS, double=0.05, late_s=0.02, seed=7)
    with tempfile.TemporaryDirectory(prefix='osprey-cat-tp-') as folder:
        try:
            with Ecosystem(folder, https=False, timing=TIMING, smsr={'bearer': 'cat_tp'}, cat_tp=relay.port) as lab:
                relay.to = ('127.0.0.1', lab.port['cat_tp'])
                lab.up()
                story(lab, lab.cards[0])
                judge(lab, relay)
        except LabError:
            for name in ('sm-sr', 'device', 'sm-dp'):
                print(f'--- {name}\n' + ''.join(open(f'{folder}/logs/{name}.log').readlines()[-60:]))
            raise
        finally:
            relay.close()


if __name__ == '__main__':
    main()
