"""From the factory to the SM-SR: real processes, mutual TLS, ES1.RegisterEIS; what must be refused is refused, in words."""
import os
import signal
import sqlite3
import subprocess
import sys
import time

from processes import BUILD, Daemon, free_port, scratch

EUM = os.path.join(BUILD, 'eum', 'osprey-eum')
SMSR = os.path.join(BUILD, 'sm-sr', 'osprey-sm-sr')
PROFILE = os.path.join(os.environ.get('OSPREY_SOURCE', '.'), 'profiles', 'bootstrap.profile')

CONFIG = """[sm-sr]
oid = 2.999.3
url = https://127.0.0.1:{port}
listen = 127.0.0.1:{port}
database = sm-sr.db
master_key = sm-sr/master.key
ci = ci/ci.pem
[tls]
certificate = sm-sr/tls.pem
key = sm-sr/tls.key
trust = ci/ci.pem
[partner eum]
oid = 2.999.2
kinds = eum
certificate = eum/eum.pem
transport_key = eum/sm-sr.kek
"""


class Lab:
    def __init__(self, folder):
        self.folder, self.port, self.next = folder, free_port(), 1000
        open(os.path.join(folder, 'sm-sr.conf'), 'w').write(CONFIG.format(port=self.port))

    def eum(self, *arguments, code=0):
        done = subprocess.run([EUM, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=60)
        if done.returncode != code:
            sys.exit(f'osprey-eum {" ".join(arguments)}: exit {done.returncode}, wanted {code}\n{done.stdout}{done.stderr}')
        return done.stdout + done.stderr

    def make(self, out, *more, smsr='2.999.3', eum='eum'):
        self.next += 100  # ICCID and IMSI are nobody else's
        self.eum('make-euicc', '--eum', eum, '--kek', 'eum/sm-sr.kek', '--smsr-oid', smsr, '--out', out,
                 '--bootstrap', PROFILE, '--iccid', f'8999970000000{self.next}', '--imsi', f'99971000000{self.next}',
                 '--random-keys', '--smsr-sms', '491710000001', *more)
        return sorted(os.path.join(out, eid, 'eis.xml') for eid in os.listdir(os.path.join(self.folder, out)))

    def register(self, *files, code=0, eum='eum', smsr='2.999.3'):
        return self.eum('register', '--eum', eum, '--url', f'https://127.0.0.1:{self.port}/es1', '--smsr-oid', smsr, *files,
                        code=code)


    def update(self, what, *files, code=0):
        return self.eum('update', '--eum', 'eum', '--url', f'https://127.0.0.1:{self.port}/es1', '--smsr-oid', '2.999.3', '--set', what, *files,
                        code=code)


def must_say(text, *words):
    for word in words:
        if word not in text:
            sys.exit(f'no "{word}" in: {text}')


def run(lab, smsr):
    lab.eum('ci', 'init', '--out', 'ci')
    for kind, oid in (('eum', '2.999.2'), ('sm-sr', '2.999.3'), ('sm-dp', '2.999.4')):
        lab.eum('issue', kind, '--ci', 'ci', '--out', kind, '--oid', oid, '--name', f'Lab {kind}')
    lab.eum('kek', '--out', 'eum/sm-sr.kek')
    smsr.start(lab.port)

    cards = lab.make('cards', '--count', '20')
    said = lab.register(*cards)
    must_say(said, *(f'registered {os.path.basename(os.path.dirname(card))}' for card in cards))

    must_say(lab.register(cards[0], code=1), 'FAILED 8.1.1/3.3')  # a second time
    must_say(lab.register(*lab.make('elsewhere', '--serial', '100', smsr='2.999.77'), code=1), 'FAILED 8.7/3.4')
    old = lab.make('old', '--serial', '101', '--from', '2020-01-01', '--days', '30')
    must_say(lab.register(*old, code=1), 'FAILED 8.5.2/6.3')

    # an EIS changed after it was signed
    path = os.path.join(lab.folder, lab.make('forged', '--serial', '102')[0])
    text = open(path).read()
    open(path, 'w').write(text.replace('Osprey software eUICC', 'Somebody else\'s eUICC'))
    must_say(lab.register(path, code=1), 'FAILED 8.6/6.1')

    # an EUM of another CI with the same OID: its TLS certificate already is not trusted
    lab.eum('ci', 'init', '--out', 'ci2')
    lab.eum('issue', 'eum', '--ci', 'ci2', '--out', 'eum2', '--oid', '2.999.2', '--name', 'Lab EUM')
    foreign = lab.make('foreign', '--serial', '103', eum='eum2')
    lab.register(*foreign, code=1, eum='eum2')
    # its EIS brought by the right EUM: signature and eUICC certificate are not the EUM's
    must_say(lab.register(*foreign, code=1), 'FAILED 8')

    # a partner of the CI that the SM-SR does not know
    lab.eum('issue', 'eum', '--ci', 'ci', '--out', 'eum3', '--oid', '2.999.55', '--name', 'Unknown EUM')
    said = lab.register(*lab.make('unknown', '--serial', '104', eum='eum3'), code=1, eum='eum3')
    if 'registered' in said:
        sys.exit(said)
    must_say(lab.register(cards[1], smsr='2.999.66', code=1), '2.999.3')  # not the server that was meant

    must_say(lab.update('site=Hall 7;lot=42', *cards[:2]), 'updated')
    must_say(lab.update('lot=43', cards[0]), 'updated')
    lab.update('lot', cards[0], code=2)

    revoked(lab, smsr)
    if smsr.stop() != 0:
        sys.exit('the SM-SR did not end cleanly')
    db = sqlite3.connect(os.path.join(lab.folder, 'sm-sr.db'))
    properties = sorted(db.execute("SELECT key, value FROM property WHERE key IN ('site', 'lot')"))
    if properties != [('lot', '42'), ('lot', '43'), ('site', 'Hall 7'), ('site', 'Hall 7')]:
        sys.exit(f'the additional properties: {properties}')
    must_hold(lab, len(cards) + 1)
    print(f'{len(cards) + 1} eUICCs registered, every wrong one refused')


def revoked(lab, smsr):
    """The CI revokes the EUM while the SM-SR runs, and thinks better of it."""
    card = lab.make('revoked', '--serial', '105')
    lab.eum('revoke', '--ci', 'ci', '--out', 'lists.pem', 'eum/eum.pem')
    lab.eum('revoke', '--ci', 'ci', '--out', 'other.pem', 'ci2/ci.pem', code=1)  # not its own
    lab.eum('revoke', '--out', 'other.pem', 'eum/eum.pem', code=2)
    path = os.path.join(lab.folder, 'sm-sr.conf')
    text = open(path).read().replace('trust = ci/ci.pem\n', 'trust = ci/ci.pem\ncrl = lists.pem\n')
    open(path, 'w').write(text)
    hup(smsr)
    must_say(lab.register(*card, code=1), 'FAILED 8.5.1/6.2', 'revoked')
    os.remove(os.path.join(lab.folder, 'lists.pem'))
    lab.eum('revoke', '--ci', 'ci', '--out', 'lists.pem')
    hup(smsr)
    must_say(lab.register(*card), 'registered')


def hup(smsr):
    words = 'the configuration is read anew'
    before, until = open(smsr.log).read().count(words), time.monotonic() + 20
    smsr.process.send_signal(signal.SIGHUP)
    while open(smsr.log).read().count(words) == before:
        if time.monotonic() > until:
            sys.exit('the configuration was not read anew')
        time.sleep(0.05)


def must_hold(lab, wanted):
    """The database holds as many eUICCs as were accepted."""
    db = sqlite3.connect(os.path.join(lab.folder, 'sm-sr.db'))
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    counts = {t: db.execute(f'SELECT COUNT(*) FROM "{t}"').fetchone()[0] for t in tables if 'euicc' in t or 'eis' in t}
    if not any(count == wanted for count in counts.values()):
        sys.exit(f'not {wanted} eUICCs in the database: {counts}')


def main():
    with scratch('registration') as folder:
        lab = Lab(folder)
        smsr = Daemon([SMSR, '--config', os.path.join(folder, 'sm-sr.conf')], os.path.join(folder, 'sm-sr.log'))
        try:
            run(lab, smsr)
        except BaseException:
            print(open(smsr.log, errors='replace').read()[-3000:] if os.path.exists(smsr.log) else '')
            raise
        finally:
            if smsr.process:
                smsr.stop()


main()
