#!/usr/bin/env python3
"""What SGP.02 leaves to the parties about an installed profile, on real processes: Master Delete with the SM-DP's token, from
order to the card, and connectivity parameters without a download. What must not happen: a wrong token, the enabled profile, the
one with the fall-back attribute, somebody else's profile, an eUICC that is at work, a kill after "accepted"."""
import json
import os
import sys
import tempfile

import ecosystem
from ecosystem import Ecosystem, lab


class Labs(Ecosystem):
    """The first profile is ordered with a token key and may not be deleted; the second is ordered plainly."""

    def profile_options(self, n, pol2):
        options = super().profile_options(n, pol2)
        return dict(options, token='yes', pol2='delete:not-allowed') if n == 0 else options


class Owner:
    def __init__(self, eco):
        self.eco, self.eid = eco, eco.cards[0]['eid']
        self.iccid = [p['iccid'] for p in eco.profiles]

    def ask(self, want, *words, who='operator'):
        """want: 'EXECUTED_SUCCESS', 'FAILED 8.3/4.2', or the words of a refusal."""
        code, said, err = self.eco.osprey(*words, who=who)
        got = said.get('status', '') + (f' {said["subject"]}/{said["reason"]}' if 'subject' in said else '')
        if got != want and want not in json.dumps(said, ensure_ascii=False) + err:
            sys.exit(f'{" ".join(words)} by {who}: {code} {got} {said} {err}, wanted {want}')
        return said

    def profile(self, verb, n, *more, want='EXECUTED_SUCCESS', iccid=None):
        return self.ask(want, 'profile', verb, '--eid', self.eid, '--iccid', iccid or self.iccid[n], '--via', 'sm-sr', *more)

    def master_delete(self, want, *words):
        return self.ask(want, 'profile', 'master-delete', *words)

    def token(self, n, **other):
        token = dict(self.ask(self.iccid[n], 'profile', 'delete-token', '--iccid', self.iccid[n]), **other)
        return lab.write(self.eco.path('token.json'), json.dumps(token)), token

    def on_card(self):
        return {iccid: state for iccid, _, state, _ in self.eco.card_now(self.eid)}


def tokens(o):
    """The key came with the download, or comes later; a token goes to the owner only, and each has its number."""
    orders = {row[0]: row[1] for row in o.eco.smdp_rows('SELECT iccid, token_state FROM profile')}
    assert orders == {o.iccid[0]: 2, o.iccid[1]: 0}, orders
    o.ask('has no token key', 'profile', 'delete-token', '--iccid', o.iccid[1])
    o.ask('EXECUTED_SUCCESS', 'profile', 'token', '--iccid', o.iccid[1])
    o.ask('EXECUTED_SUCCESS', 'profile', 'token', '--iccid', o.iccid[1])  # once more: the key is replaced by itself
    first, second = o.token(0)[1], o.token(0)[1]
    assert first['token_id'] != second['token_id'] and first['token'] != second['token'], (first, second)
    o.ask('only partners that are known', 'profile', 'delete-token', '--iccid', o.iccid[0], who='start')
    o.ask('no such profile of yours', 'profile', 'delete-token', '--iccid', '8999970000000099993')


def connectivity(o):
    """§3.14 for a profile that has been installed for long: the card sends its short messages to the new SMSC."""
    o.profile('enable', 1)
    o.ask('EXECUTED_SUCCESS', 'profile', 'connectivity', '--iccid', o.iccid[1], '--centre', '+49170900')
    o.profile('enable', 0)
    o.profile('enable', 1)
    apdus = open(o.eco.path('card.apdu')).read().replace(' ', '').upper()
    assert '86059194719000' in apdus, 'the card does not know the SMSC'
    o.ask('give --centre', 'profile', 'connectivity', '--iccid', o.iccid[1])



def refused(o):
    """Nothing of all this changes the card."""
    start = o.eco.rows('sm-sr/sm-sr.db', 'SELECT iccid FROM profile WHERE fallback=1')[0][0]
    before = o.on_card()
    o.profile('delete', 0, want='FAILED 8.2.3/3.8')
    path, token = o.token(0)
    nobody = o.eid[:-4] + '99'
    nobody += f'{98 - int(nobody + "00") % 97:02d}'
    wrong = f'{int(token["token"], 16) ^ 1:032X}'
    for other, want in (({'token': wrong}, 'FAILED 8.3/4.2'), ({'sin': '00'}, 'FAILED 8.3/4.2'), ({'token_id': '00000063'}, 'FAILED 8.3/4.2'),
                        ({'iccid': start}, 'FAILED 8.2.4/3.8'), ({'iccid': o.iccid[1]}, 'FAILED 8.2.1/1.2'),
                        ({'iccid': '8999970000000099993'}, 'FAILED 8.2.1/3.9'), ({'token': '00'}, 'token: not valid'),
                        ({'isdp_aid': 'A0000005591010FFFFFFFF8900009900'}, 'FAILED 8.3.1/3.4'), ({'sdin': ''}, 'sdin: not valid'),
                        ({'eid': nobody}, 'not managed here')):
        o.token(0, **other)
        o.master_delete(want, '--file', path)
    o.profile('enable', 0)
    o.master_delete('FAILED 8.2.1/1.2', '--iccid', o.iccid[0])
    o.profile('enable', 1)
    assert o.on_card() == before, (o.on_card(), before)
    stranger = o.eco.rows('sm-sr/sm-sr.db', "SELECT count(*) FROM audit WHERE operation=1536")
    assert stranger[0][0] >= 7, stranger  # refused ones are in the audit trail too


def deleted(o):
    """Accepted while the eUICC is at work and out of reach, then the SM-SR is killed: it happens once, and is told once."""
    o.eco.programs['device'].stop()
    o.ask('', 'audit', '--eid', o.eid, '--via', 'sm-sr', '--no-wait')
    again = ('--iccid', o.iccid[0], '--call-id', 'delete-1')
    o.token(0)
    o.master_delete('delete-1', '--file', o.eco.path('token.json'), '--call-id', 'delete-1', '--no-wait')
    o.eco.programs['sm-sr'].kill()
    o.eco.start('sm-sr')
    running = [row for row in o.eco.smsr_rows('SELECT procedure FROM operation ORDER BY n')]
    assert ('master-delete',) in running, running
    o.master_delete('was used for another request', *again)
    o.eco.start('device')
    o.master_delete('EXECUTED_SUCCESS', '--file', o.eco.path('token.json'), '--call-id', 'delete-1')
    o.eco.wait('the SM-DP hears of it', lambda: o.eco.smdp_rows('SELECT state FROM profile WHERE iccid=?', o.iccid[0]) == [(0,)], 10)
    o.master_delete('the profile is not installed', *again)
    assert o.iccid[0] not in o.on_card(), o.on_card()
    assert all(iccid != o.iccid[0] for iccid, *_ in o.eco.eis_now(o.eid))
    trail = o.eco.smsr_rows("SELECT exec FROM audit WHERE operation=1536 AND iccid=?", o.iccid[0])
    assert trail.count((0,)) == 1, trail
    o.eco.wait('the owner hears of it', lambda: o.eco.rows('operator/inbox.db', "SELECT 1 FROM message WHERE name LIKE '%HandleProfileDeletedNotification'"), 10)
    o.master_delete('FAILED 8.2.1/3.9', '--file', o.eco.path('token.json'))
    assert o.iccid[1] in o.on_card()


def main():
    ecosystem.needs('osprey-sm-sr', 'osprey-sm-dp', 'osprey-device', 'osprey-smsc', 'osprey')
    with tempfile.TemporaryDirectory(prefix="osprey-master-") as out:
        with Labs(out, https=True) as eco:
            eco.up()
            o = Owner(eco)
            for iccid in o.iccid:
                o.ask('EXECUTED_SUCCESS', 'profile', 'download', '--eid', o.eid, '--iccid', iccid, '--via', 'sm-dp')
            try:
                for test in (tokens, connectivity, refused, deleted):
                    test(o)
                    print(f'{test.__name__}: ok')
            except BaseException:
                for name in ('sm-dp', 'sm-sr'):
                    print(lab.tail(eco.path('logs', f'{name}.log'), 25).replace(' | ', '\n'))
                raise


main()
