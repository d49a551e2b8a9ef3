"""Who may do what with whose profile, and who hears of it, on real processes: PLMA and ONC directly and through the SM-DP, the
emergency attribute, POL2 that deletes, connectivity parameters from the SM-DP, validity periods that are refused, partners with
numbers of their own. The start operator is the M2M service provider here."""
import os
import sys
import tempfile
import time

import ecosystem
from ecosystem import Ecosystem, lab


# The start operator and the SM-DP get numbers of their own from the SM-SR; the operator from the SM-DP.
OWN_SMSR = {'start': 'code.PROFILE_STATE = 8.2.1/3.5\ncode.EID_UNKNOWN = 8.1.1/3.9\npol2_strict = no\n', 'sm-dp': 'code.PROFILE_STATE = 8.2.1/3.5\n'}
OWN_SMDP = {'sm-sr': 'code.PROFILE_STATE = 8.2.1/3.5\n', 'operator': 'code.PROFILE_STATE = 8.2.1/3.10\nvalidity_min_s = 30\n'}
SMSC = 'A00906079133369908' + '21F3'


class Labs(Ecosystem):
    def profile_options(self, n, pol2):
        options = super().profile_options(n, pol2)
        return dict(options, connectivity=SMSC) if n == 1 else options


def give_numbers(eco, file, own):
    text = open(eco.path(file)).read()
    for partner, options in own.items():
        text = text.replace(f'[partner {partner}]\n', f'[partner {partner}]\n{options}')
    lab.write(eco.path(file), text)


class Rights:
    def __init__(self, eco):
        self.eco, self.eid = eco, eco.cards[0]['eid']
        self.iccid = [p['iccid'] for p in eco.profiles]
        self.start = self.states()[0][0]

    def states(self):
        return [(iccid, state) for iccid, _, state, _ in self.eco.eis_now(self.eid)]

    def ask(self, want, *words, who='operator', via='sm-sr', eid=True):
        """want: what status and codes must be: 'EXECUTED_SUCCESS', 'FAILED 8.2.1/1.2'."""
        more = ('--eid', self.eid) if eid else ()
        code, said, err = self.eco.osprey(*words, *more, '--via', via, who=who)
        got = said.get('status', '') + (f' {said["subject"]}/{said["reason"]}' if 'subject' in said else '')
        if got != want:
            sys.exit(f'{" ".join(words)} by {who}: {got} {said} {err}, wanted {want}')
        return said

    def enabled(self, iccid):
        return (iccid, 'Enabled') in self.states()

    def heard(self, who, name, iccid, interface='ES4'):
        """How often: the notification is somewhere on its way for a moment."""
        def count():
            rows = self.eco.rows(f'{who}/inbox.db', 'SELECT soap FROM message WHERE name=?', f'{interface}-{name}')
            return sum(iccid.encode() in bytes(row[0]) or swapped(iccid) in bytes(row[0]).decode() for row in rows)
        return count()

    def must_hear(self, who, name, iccid):
        self.eco.wait(f'{who} hears {name}', lambda: self.heard(who, name, iccid), 10)


def swapped(digits):
    text = digits + 'F' * (len(digits) % 2)
    return ''.join(text[i + 1] + text[i] for i in range(0, len(text), 2))


def plma(r):
    sp = lab.OIDS['start']
    grant = ('plma', 'set', '--sp', sp, '--type', r.type)
    r.ask('FAILED 8.2.1/1.2', 'profile', 'enable', '--iccid', r.iccid[0], who='start')
    r.ask('FAILED 8.2.7/2.1', *grant, '--allow', 'UpdatePolicyRules', eid=False)
    r.ask('EXECUTED_SUCCESS', *grant, '--allow', 'EnableProfile,HandleProfileDisabledNotification', via='sm-dp', eid=False)
    assert r.ask('EXECUTED_SUCCESS', 'plma', 'show', via='sm-dp', eid=False)['plma'] == r.ask('EXECUTED_SUCCESS', 'plma', 'show', eid=False)['plma']
    r.ask('FAILED 8.2.1/1.2', 'profile', 'delete', '--iccid', r.iccid[0], who='start')
    r.ask('EXECUTED_SUCCESS', 'profile', 'enable', '--iccid', r.iccid[0], who='start')
    r.must_hear('operator', 'HandleProfileEnabledNotification', r.iccid[0])
    assert not r.heard('start', 'HandleProfileEnabledNotification', r.iccid[0]), 'who asks is not told'


def onc(r):
    quiet = ('onc', 'set', '--type', r.type, '--discard')
    r.ask('FAILED 8.2.8/2.1', *quiet, 'HandleNothing', via='sm-dp', eid=False)
    r.ask('EXECUTED_SUCCESS', *quiet, 'HandleProfileDisabledNotification', via='sm-dp', eid=False)
    r.ask('EXECUTED_SUCCESS', 'profile', 'enable', '--iccid', r.start, who='start')
    r.must_hear('start', 'HandleProfileDisabledNotification', r.iccid[0])  # an M2M SP hears what its PLMA says, ONC or not
    assert not r.heard('operator', 'HandleProfileDisabledNotification', r.iccid[0]), 'ONC says that it does not want it'
    r.ask('EXECUTED_SUCCESS', *quiet, 'none', eid=False)
    r.ask('EXECUTED_SUCCESS', 'plma', 'set', '--sp', lab.OIDS['start'], '--type', r.type, '--allow', 'none', eid=False)
    r.ask('FAILED 8.2.1/1.2', 'profile', 'enable', '--iccid', r.iccid[0], who='start')


def emergency(r):
    attribute = ('profile', 'emergency', '--iccid')
    r.ask('FAILED 8.2.9/3.8', *attribute, r.start, who='start')  # it has the fall-back attribute
    r.ask('EXECUTED_SUCCESS', *attribute, r.iccid[1], via='sm-dp')
    r.ask('FAILED 8.2.9/3.8', 'profile', 'enable', '--iccid', r.iccid[1], via='sm-dp')
    r.ask('EXECUTED_SUCCESS', *attribute, r.iccid[0])  # it moves
    r.ask('EXECUTED_SUCCESS', 'profile', 'enable', '--iccid', r.iccid[1])
    assert r.eco.smsr_rows('SELECT iccid FROM profile WHERE emergency<>0') == [(r.iccid[0],)]


def auto_delete(r):
    """POL2 says that the profile goes when it is disabled: enabling another one takes it away, on the card too."""
    r.ask('EXECUTED_SUCCESS', 'pol2', 'set', '--iccid', r.iccid[1], '--rules', 'disable:auto-delete', via='sm-dp')
    r.ask('EXECUTED_SUCCESS', 'profile', 'enable', '--iccid', r.start, who='start')
    r.must_hear('operator', 'HandleProfileDeletedNotification', r.iccid[1])
    assert r.states() == [(iccid, state) for iccid, _, state, _ in r.eco.card_now(r.eid)], 'EIS and card do not agree'
    assert r.iccid[1] not in dict(r.states())


def connectivity(r):
    """The second profile was ordered with an SMSC that the SM-DP sets over SCP03: the card sends its short messages there."""
    soap = [name.partition('-out-')[2] for name in sorted(os.listdir(r.eco.path('soap'))) if name.startswith('sm-dp-') and '-out-' in name]
    assert soap.count('ES3-UpdateConnectivityParametersRequest.xml') == 1, 'one of the two profiles has such parameters'
    apdus = open(r.eco.path('card.apdu')).read().replace(' ', '').upper()
    assert '86' + SMSC[6:] in apdus, 'the card does not know the SMSC'


def validity(r):
    r.eco.programs['device'].stop()
    before = time.time()
    said = r.ask('FAILED 1.6/2.1', 'profile', 'enable', '--iccid', r.start, '--validity', '1', who='start')
    assert said['acceptable_validity_s'] == 2, said
    said = r.ask('FAILED 1.6/2.1', 'audit', '--validity', '9999999', who='start')
    assert said['acceptable_validity_s'] == 30 * 24 * 3600, said
    r.ask('EXPIRED 1.6/5.3', 'audit', '--validity', '2', who='start')
    assert time.time() - before < 6


def numbers(r):
    """Doubtful codes: what the configuration says for one partner, the table's for the other; at once, by callback, relayed."""
    for iccid, who, code in ((r.start, 'start', '3.5'), (r.iccid[1], 'operator', '1.2')):
        enable = ('profile', 'enable', '--iccid', iccid)
        if not r.enabled(iccid):
            r.ask('EXECUTED_SUCCESS', *enable, who=who)
        r.ask(f'FAILED 8.2.1/{code}', *enable, who=who)
    r.ask('FAILED 8.2.1/3.10', *enable, via='sm-dp')
    nobody = f'{int(r.eid[:-4]) + 1}0000'
    nobody = nobody[:-2] + f'{98 - int(nobody) % 97:02d}'
    for who, code in (('operator', '1.1'), ('start', '3.9')):
        for words in (('eis', 'show'), ('audit',)):
            r.ask(f'FAILED 8.1.1/{code}', *words, '--eid', nobody, who=who, eid=False)
    said = r.ask('FAILED 1.6/2.1', *enable, '--validity', '20', via='sm-dp')
    assert said['acceptable_validity_s'] == 30, said
    rules = ('pol2', 'set', '--rules', 'enable:not-allowed')
    r.ask('FAILED 8.2.3/2.1', *rules, '--iccid', r.iccid[1])
    r.ask('EXECUTED_SUCCESS', *rules, '--iccid', r.start, who='start')
    r.ask('FAILED 8.2.3/3.8', 'profile', 'enable', '--iccid', r.start, who='start')
    r.ask('EXECUTED_SUCCESS', 'pol2', 'set', '--rules', 'none', '--iccid', r.start, who='start')
    r.ask('EXECUTED_SUCCESS', 'profile', 'enable', '--iccid', r.start, who='start')


def wrong_numbers(eco):
    """--check says which name or number is wrong; nothing starts with it."""
    for wrong, why in (('code.BUSY = 8.1/4.4', 'no status has that name'), ('code.EUICC_BUSY = 8.1', 'SUBJECT/REASON'),
                       ('validity_min_s = 9\nvalidity_max_s = 8', 'below validity_min_s'), ('pol2_strict = perhaps', 'not yes or no')):
        text = open(eco.path('sm-sr.conf')).read()
        lab.write(eco.path('wrong.conf'), text.replace('[partner operator]\n', f'[partner operator]\n{wrong}\n'))
        code, _, err = eco.tool('osprey-sm-sr', '--config', eco.path('wrong.conf'), '--check', check=False)
        assert code and why in err, (wrong, err)


def main():
    ecosystem.needs('osprey-sm-sr', 'osprey-sm-dp', 'osprey-device', 'osprey-smsc', 'osprey')
    with tempfile.TemporaryDirectory(prefix='osprey-rights-') as out:
        with Labs(out, https=True) as eco:
            give_numbers(eco, 'sm-sr.conf', OWN_SMSR)
            give_numbers(eco, 'sm-dp.conf', OWN_SMDP)
            wrong_numbers(eco)
            eco.up()
            r = Rights(eco)
            for iccid in r.iccid:
                r.ask('EXECUTED_SUCCESS', 'profile', 'download', '--iccid', iccid, via='sm-dp')
            r.type = eco.smsr_rows('SELECT type FROM profile WHERE iccid=?', r.iccid[0])[0][0]
            try:
                for test in (numbers, plma, onc, emergency, auto_delete, connectivity, validity):
                    test(r)
                    print(f'{test.__name__}: ok')
            except BaseException:
                print(lab.tail(eco.path('logs', 'sm-sr.log'), 25).replace(' | ', '\n'))
                raise


main()
