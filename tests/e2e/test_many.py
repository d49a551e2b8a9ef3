#!/usr/bin/env python3
"""Three devices, one operator: downloads at the same time, everything at the same time, and the counts are right."""
import sys
import tempfile
import threading
import time

import ecosystem
from ecosystem import Ecosystem, LabError

DEVICES = 3


def at_once(lab, calls):
    """calls: arguments of osprey. All are started together; every one must succeed."""
    answers = [None] * len(calls)

    def call(n):
        answers[n] = lab.osprey(*calls[n], '--timeout', '60')

    threads = [threading.Thread(target=call, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, (code, answer, err) in enumerate(answers):
        if code or answer.get('status') != 'EXECUTED_SUCCESS':
            raise LabError(f'{calls[n]}: {answer} {err}')


def states(lab, eid):
    card, eis = lab.card_now(eid), lab.eis_now(eid)
    if card != eis:
        raise LabError(f'card and EIS differ:\n  {card}\n  {eis}')
    return {iccid: state for iccid, _, state, _ in card}


def expect(what, got, want):
    if got != want:
        raise LabError(f'{what}: {got}, want {want}')


def run(lab):
    lab.up()
    eids = [card['eid'] for card in lab.cards]
    first = [p['iccid'] for p in lab.profiles[:DEVICES]]
    second = [p['iccid'] for p in lab.profiles[DEVICES:]]
    began = time.time()
    at_once(lab, [('profile', 'download', '--eid', e, '--iccid', p, '--enable') for e, p in zip(eids, first)])
    took = time.time() - began
    lab.wait('quiet', lab.idle, 30)
    for e, p in zip(eids, first):
        expect('after downloads', states(lab, e).get(p), 'Enabled')
        expect('profiles enabled', sorted(states(lab, e).values()), ['Disabled', 'Enabled'])

    # two calls for each eUICC at once: one after the other there, all at the same time elsewhere
    at_once(lab, [('profile', 'download', '--eid', e, '--iccid', p) for e, p in zip(eids, second)] +
            [('profile', 'disable', '--eid', e, '--iccid', p) for e, p in zip(eids, first)])
    lab.wait('quiet', lab.idle, 30)
    for e, p, q in zip(eids, first, second):
        now = states(lab, e)
        expect('after the second round', (now.get(p), now.get(q), len(now)), ('Disabled', 'Disabled', 3))
    at_once(lab, [('profile', 'enable', '--eid', e, '--iccid', q) for e, q in zip(eids, second)] +
            [('audit', '--eid', e, '--via', 'sm-sr') for e in eids])
    lab.wait('quiet', lab.idle, 30)
    for e, q in zip(eids, second):
        expect('after the third round', states(lab, e).get(q), 'Enabled')

    answers = {name: len(lab.answers(name, 0)) for name in ('ES2-DownloadProfile', 'ES2-DisableProfile', 'ES2-EnableProfile', 'ES4-AuditEIS')}
    expect('answers', answers, {'ES2-DownloadProfile': 2 * DEVICES, 'ES2-DisableProfile': DEVICES, 'ES2-EnableProfile': DEVICES, 'ES4-AuditEIS': DEVICES})
    rows = lab.smsr_rows('SELECT eid, count(*), sum(state = (SELECT max(state) FROM profile)) FROM profile GROUP BY eid')
    expect('the database', sorted(rows), sorted((e, 3, 1) for e in eids))
    expect('profiles on eUICCs, to the SM-DP', lab.smdp_rows('SELECT count(*), count(DISTINCT eid) FROM profile WHERE eid IS NOT NULL'),
           [(2 * DEVICES, DEVICES)])
    attached = [len([x for x in lab.events(card['device']) if x['event'] == 'attach' and x['accepted']]) for card in lab.cards]
    if min(attached) < 4:
        raise LabError(f'every device attaches at least four times: {attached}')
    # each device saw its own profiles' IMSIs and nobody else's
    for n, card in enumerate(lab.cards):
        own = {str(int(ecosystem.START_IMSI) + n), lab.profiles[n]['imsi'], lab.profiles[DEVICES + n]['imsi']}
        expect('IMSIs', {x['imsi'] for x in lab.events(card['device']) if x['event'] == 'attach'}, own)
    return took, attached


def main():
    ecosystem.needs(*ecosystem.lab.PLACES)
    with tempfile.TemporaryDirectory(prefix='osprey-many-') as out, Ecosystem(out, devices=DEVICES, profiles=2 * DEVICES) as lab:
        try:
            took, attached = run(lab)
        except LabError:
            print(ecosystem.lab.tail(lab.path('logs', 'sm-sr.log'), 15), ecosystem.lab.tail(lab.path('logs', 'sm-dp.log'), 15), sep='\n')
            raise
    print(f'{DEVICES} devices: {DEVICES} downloads with enabling at the same time in {took:.1f} s, then two rounds of two calls for each; attaches {attached}')


if __name__ == '__main__':
    sys.exit(main())
