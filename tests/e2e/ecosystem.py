"""One ecosystem in a folder of its own for a test: factory, registered eUICC, servers, network, device, operators.

On top of tools/lab.py; adds what tests ask: what the card has (its image, or the device's own view), what the SM-SR has
on record, what the operator was told."""
import json
import os
import shutil
import sqlite3
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', '..', 'tools'))
import lab  # noqa: E402
from lab import LabError  # noqa: E402

BUILD = os.environ.get('OSPREY_BUILD', os.path.join(HERE, '..', '..', 'build'))
SKIPPED = 77
START_IMSI, START_MSISDN = '999710000000001', '999710000001'
START_K, START_OPC = '8BAF473F2F8FD09487CCCBD7097C6862', '8E27B6AF0E692E750F32667A3B14605D'
STATES = {'enabled': 'Enabled', 'disabled': 'Disabled', 'created': 'Created', 'selectable': 'Created', 'personalized': 'Created'}


def skip(why):
    print(f'skipped: {why}')
    sys.exit(SKIPPED)


def needs(*names):
    for name in names:
        if not any(os.path.exists(os.path.join(BUILD, place, name)) for place in lab.PLACES[name]):
            skip(f'{name} is not built')


class Ecosystem(lab.Lab):
    """The lab as every test here wants it: profiles A and B are ordered at the SM-DP, the servers run."""

    def __init__(self, out, https=True, devices=1, timing=lab.CARD_TIMING, smsr={}, smdp={}, profiles=2, pol2={}, postgres=None,
                 cat_tp=None, trace=True):
        super().__init__(BUILD, out, https=https, postgres=postgres, cat_tp=cat_tp, trace=trace)
        self.make_authorities()
        self.profiles = [self.order(n) for n in range(profiles)]
        self.cards = []
        for n in range(devices):
            self.cards.append(self.add_card(n, timing))
        self.configure_smsr(**smsr)
        self.configure_smdp({f'p{n}': self.profile_options(n, pol2.get(n)) for n in range(profiles)}, **smdp)
        self.configure_operator('operator')
        self.configure_operator('start')
        self.configure_network()

    def order(self, n):
        iccid, imsi = f'89999700000000{n:04d}', f'9997000000{n:05d}'
        self.build_profile('demo-operator.profile', f'profile-{n}.der', iccid=iccid, imsi=imsi, k=f'{n + 1:032X}', msisdn=f'+99970000{n:04d}')
        return {'iccid': iccid + check_digit(iccid), 'imsi': imsi, 'msisdn': f'99970000{n:04d}'}

    def profile_options(self, n, pol2):
        options = {'package': f'profile-{n}.der', 'msisdn': self.profiles[n]['msisdn'], 'memory': 60000}
        return dict(options, pol2=pol2) if pol2 else options

    def add_card(self, n, timing):
        imsi, msisdn = f'{int(START_IMSI) + n}', f'{int(START_MSISDN) + n}'
        der = self.build_profile('bootstrap.profile', f'bootstrap-{n}.der', iccid=f'8999970000000{9001 + n:05d}', imsi=imsi)
        self.subscribers.append(lab.Subscriber(imsi, msisdn, 'milenage', START_K, START_OPC))
        card = self.make_euicc(der, msisdn, timing=timing, serial=n + 1)[0]
        return dict(card, device='device' if n == 0 else f'device-{n}')

    # -- running -------------------------------------------------------------------------------------------------
    def start_servers(self):
        for name in ('smsc', 'sm-dp', 'hlr', 'sm-sr'):
            self.start(name)

    def up(self, devices=True):
        self.start_servers()
        self.listen('operator')
        self.listen('start')
        for card in self.cards:
            code, out, err = self.register(card['eid'])
            if code:
                raise LabError(f'registration of {card["eid"]}: {out}{err}')
            self.configure_device(card['eid'], card['device'])
        if devices:
            self.power_on()

    def power_on(self):
        """Devices on; waits until the first notification of each card is confirmed."""
        for card in self.cards:
            self.start(card['device'])
        for card in self.cards:
            self.wait('first notification', lambda: self.seen(card['eid']), 30)

    def seen(self, eid):
        rows = self.smsr_rows('SELECT seen_ms, note_sequence FROM euicc WHERE eid=?', eid)
        return bool(rows and rows[0][0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop_all()

    # -- what the databases say ----------------------------------------------------------------------------------
    def rows(self, file, query, *values):
        """The servers keep their databases to themselves: a copy is asked, its write-ahead log included."""
        with tempfile.TemporaryDirectory(dir=self.out) as folder:
            for ending in ('', '-wal'):
                if os.path.exists(self.path(file) + ending):
                    shutil.copy(self.path(file) + ending, os.path.join(folder, 'copy.db' + ending))
            db = sqlite3.connect(os.path.join(folder, 'copy.db'))
            try:
                return db.execute(query, values).fetchall()
            finally:
                db.close()

    def smsr_rows(self, query, *values):
        return self.rows('sm-sr/sm-sr.db', query, *values)

    def smdp_rows(self, query, *values):
        return self.rows('sm-dp/sm-dp.db', query, *values)


    # -- what card and record say --------------------------------------------------------------------------------
    def card_now(self, eid):
        """The card's profiles, from a copy of its memory (a log of whole transactions: a copy is a card after a power cut)."""
        with tempfile.TemporaryDirectory(dir=self.out) as folder:
            image = os.path.join(folder, 'card.nvm')
            shutil.copy(self.path('cards', eid, 'card.nvm'), image)
            _, text, _ = self.tool('osprey-euicc', 'info', '--state', image, '--log', 'error')
        return sorted(profile_of(line) for line in text.splitlines() if line.startswith('ISD-P'))

    def eis_now(self, eid):
        """The profiles on record: what each operator sees of its own at the SM-SR (ES4.GetEIS)."""
        profiles = []
        for who in ('operator', 'start'):
            code, answer, err = self.osprey('eis', 'show', '--eid', eid, '--via', 'sm-sr', '--timeout', '10', who=who)
            none = (answer.get('subject'), answer.get('reason')) == ('8.6', '1.2')
            if code and not none:
                raise LabError(f'eis show for {who}: {answer} {err}')
            profiles += answer.get('eis', {}).get('profiles', [])
        return sorted((p['iccid'], p['isdp_aid'], p['state'], p['fallback']) for p in profiles)

    def idle(self):
        """Nothing is left to do, to send, or to wait for at both servers."""
        left = self.smsr_rows('SELECT (SELECT count(*) FROM operation) + (SELECT count(*) FROM exchange) + (SELECT count(*) FROM outbox)')
        left += self.smdp_rows('SELECT (SELECT count(*) FROM job) + (SELECT count(*) FROM outbox)')
        return left == [(0,), (0,)]

    def identity(self, folder, kind, oid, ci='ci', *more):
        """A TLS identity with a plain key, as somebody else would have it: (certificate, key)."""
        self.tool('osprey-eum', 'issue', kind, '--ci', self.path(ci), '--out', self.path(folder), '--oid', oid, '--name', f'Test {folder}',
                  '--plain-keys', *more)
        return self.path(folder, 'tls.pem'), self.path(folder, 'tls.key')

    # What must stay as it is when something is refused. Counters move when a card was asked, versions and clocks by themselves.
    SMSR_TABLES = {'euicc': 'eid, remaining_memory, available_memory, last_audit_ms, note_type, note_sequence, note_isdp, seen_from',
                   'profile': '*', 'document': '*', 'property': '*', 'operation': '*', 'exchange': '*', 'keyset': 'eid, kvn, usage, kid, wrapped'}
    SMDP_TABLES = {'profile': 'iccid, owner, type, imsi, msisdn, pol2, size, memory, state, eid, smsr', 'job': '*', 'package': '*'}

    def snapshot(self, counters=True):
        """Databases and cards. counters: nothing was sent to a card either, and its memory is the same octet for octet."""
        seen = {f'sm-sr {table}': sorted(self.smsr_rows(f'SELECT {what} FROM {table}'), key=repr) for table, what in self.SMSR_TABLES.items()}
        seen.update({f'sm-dp {table}': sorted(self.smdp_rows(f'SELECT {what} FROM {table}'), key=repr) for table, what in self.SMDP_TABLES.items()})
        for card in self.cards:
            seen[f'card {card["eid"]}'] = self.card_now(card['eid'])
        if counters:
            seen['sm-sr counters'] = self.smsr_rows('SELECT eid, kvn, counter FROM keyset ORDER BY eid, kvn')
            for card in self.cards:
                seen[f'memory of {card["eid"]}'] = open(self.path('cards', card['eid'], 'card.nvm'), 'rb').read()
        return seen

    def must_be_as_before(self, before, what, counters=True):
        now = self.snapshot(counters)
        changed = [name for name in before if name in now and before[name] != now[name]]
        if changed:
            raise LabError(f'{what} changed {", ".join(changed)}')

    def answers(self, function, after):
        """Callbacks of this function in the operator's inbox, each MessageID once: [soap]."""
        rows = self.rows('operator/inbox.db', 'SELECT message_id, soap FROM message WHERE name=? AND number>? ORDER BY number',
                         f'{function}Response', after)
        return list(dict(rows).values())

    def inbox_last(self):
        return self.rows('operator/inbox.db', 'SELECT coalesce(max(number), 0) FROM message')[0][0]


def show_logs(folder):
    """What each program of a lab said last: for a test that failed."""
    for name in sorted(os.listdir(folder)):
        print(name, lab.tail(os.path.join(folder, name), 12), sep='\n')


def profile_of(line):
    """A line of osprey-euicc info: (iccid, isdp_aid, state, fallback)."""
    word = line.split()
    value = dict(zip(word[2:], word[3:]))
    return value.get('ICCID', ''), word[1], STATES[word[2].lower()], 'fall-back' in word


def check_digit(digits):
    """Luhn's."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)
