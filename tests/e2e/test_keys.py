#!/usr/bin/env python3
"""Keys as a security officer wants them: the servers' private keys in a PKCS#11 token (softhsm2), master keys sealed by it and
changed while the servers run and are killed; certificates changed while they run; no secret anywhere outside its place; no core.

What is under a master key is opened here by another implementation of the same form.

  test_keys.py [POSTGRESQL-URL]      with databases smsr and smdp there, whose dump is searched too; else with SQLite"""
import base64
import fnmatch
import glob
import hashlib
import json
import os
import resource
import secrets
import signal
import ssl
import subprocess
import sys
import tempfile

import ecosystem
import soap_peer
from ecosystem import Ecosystem, LabError, lab as labs
from test_admin import ADMIN, Server
from test_poll import replace

DRIVER, PIN = '/usr/lib/softhsm/libsofthsm2.so', '82645197'


# ---- a lab whose servers have their keys in a token

class TokenLab(Ecosystem):
    def __init__(self, out, postgres):
        self.token_folder = os.path.join(out, 'token')
        os.makedirs(self.token_folder)
        labs.write(os.path.join(out, 'pin'), PIN + '\n')
        conf = os.path.join(out, 'softhsm2.conf')
        labs.write(conf, f'directories.tokendir = {self.token_folder}\nobjectstore.backend = file\nlog.level = ERROR\n')
        os.environ['SOFTHSM2_CONF'] = conf
        self.pin_file, self.profile_secrets = os.path.join(out, 'pin'), []
        labs.run(['softhsm2-util', '--init-token', '--free', '--label', 'servers', '--pin', PIN, '--so-pin', '12345678'])
        for number, (label, kind) in enumerate((('sm-sr-tls', 'EC:prime256v1'), ('sm-sr-card', 'EC:prime256v1'), ('sm-dp-tls', 'EC:prime256v1'),
                                                ('sm-dp-card', 'EC:prime256v1'), ('sm-dp-card-2', 'EC:prime256v1'), ('wrap', 'AES:32'))):
            labs.run(['pkcs11-tool', '--module', DRIVER, '--token-label', 'servers', '--login', '--pin', PIN, '--label', label, '--id', f'{number + 1:02}',
                      '--keygen' if kind.startswith('AES') else '--keypairgen', '--key-type', kind])
        super().__init__(out, postgres=postgres)
        for name in ('sm-sr', 'sm-dp'):
            self.tool(f'osprey-{name}', 'keys', 'new', self.path(name, 'first.key'), '--token', self.uri('wrap'))
            replace(self.path(f'{name}.conf'), (f'key = {name}/tls.key', f'key = {self.uri(name + "-tls")}'),
                    (f'master_key = {name}/master.key', f'master_key = {name}/first.key'))
        replace(self.path('sm-dp.conf'), ('key = sm-dp/card.key', f'key = {self.uri("sm-dp-card")}'))
        self.append('sm-sr.conf', f'\n[card P-256]\ncertificate = sm-sr/card.7f21\nkey = {self.uri("sm-sr-card")}\n\n[partner admin]\noid = {ADMIN}\nkinds = admin\n')
        self.append('sm-dp.conf', f'\n[partner admin]\noid = {ADMIN}\nkind = admin\n')

    def uri(self, key):
        return f'pkcs11:token=servers;object={key}?module-path={DRIVER}&pin-source=file:{self.pin_file}'

    def issue_options(self, folder):
        if folder not in ('sm-sr', 'sm-dp'):
            return ()
        return ('--tls-key', self.uri(f'{folder}-tls'), '--card-key', self.uri(f'{folder}-card'), '--days', '20')

    def order(self, n):
        """Secrets that stand nowhere by chance."""
        made = {'k': secrets.token_hex(16), 'opc': secrets.token_hex(16), 'ota_kic': secrets.token_hex(16), 'ota_kid': secrets.token_hex(16),
                'ota_kik': secrets.token_hex(16)}
        self.profile_secrets.append(made)
        iccid, imsi = f'89999700000000{n:04d}', f'9997000000{n:05d}'
        self.build_profile('demo-operator.profile', f'profile-{n}.der', iccid=iccid, imsi=imsi, msisdn=f'+99970000{n:04d}', **made)
        return {'iccid': iccid + ecosystem.check_digit(iccid), 'imsi': imsi, 'msisdn': f'99970000{n:04d}'}

    def rows(self, file, query, *values):
        if not self.postgres:
            return super().rows(file, query, *values)
        for value in values:
            query = query.replace('?', f"'{value}'", 1)
        _, text, _ = labs.run(['psql', '-qAtX', '-F', ' ', '-d', self.database(file), '-c', query])
        words = (line.split(' ') for line in text.splitlines())
        return [tuple(bytes.fromhex(w[2:]) if w.startswith('\\x') else int(w) if len(w) < 16 and w.isdigit() else w for w in line) for line in words]

    def database(self, file):
        return f'{self.postgres}/{"smsr" if file.startswith("sm-sr") else "smdp"}'

    def dump(self):
        for name in ('sm-sr', 'sm-dp') if self.postgres else ():
            labs.run(['pg_dump', '-d', self.database(name), '-f', self.path(f'{name}.dump')])

    def profile_options(self, n, pol2):
        return dict(super().profile_options(n, pol2), token='yes')

    def hup(self, name, words):
        log = self.path('logs', f'{name}.log')
        before = open(log).read().count(words)
        self.programs[name].process.send_signal(signal.SIGHUP)
        self.wait(f'"{words}" of {name}', lambda: open(log).read().count(words) > before, 10)

    def download(self, n):
        eid, iccid = self.cards[0]['eid'], self.profiles[n]['iccid']
        by_https = open(self.path('logs', 'sm-sr.log')).read().count('goes by HTTPS: a download')
        code, answer, err = self.osprey('profile', 'download', '--eid', eid, '--iccid', iccid, '--enable')
        if code:
            raise LabError(f'download of {iccid}: {answer} {err}')
        if open(self.path('logs', 'sm-sr.log')).read().count('goes by HTTPS: a download') == by_https:
            raise LabError(f'download of {iccid}: not over HTTPS')
        self.wait('card and EIS to agree', lambda: self.card_now(eid) == self.eis_now(eid), 30)


# ---- certificates change while the servers run

def shown(lab, short, identity):
    with soap_peer.connect(lab.port[short], identity) as sock:
        return sock.getpeercert(binary_form=True)


def certificates(lab, admin, identity):
    log = lab.path('logs', 'sm-sr.log')
    if 'certificate [tls] expires in 19 days' not in open(log).read() or 'certificate [card P-256] expires in' not in open(log).read():
        raise LabError('no word of the certificates that expire soon')
    figures = admin.ask('admin', 'GET', '', 200, prefix='/metrics')
    left = int(figures.split('smsr_certificate_valid_seconds{certificate="tls"} ')[1].split()[0])
    if not 19 * 86400 < left <= 20 * 86400:
        raise LabError(f'the certificate is said to be valid for {left} s')
    old = shown(lab, 'sr', identity)
    lab.tool('osprey-eum', 'issue', 'sm-sr', '--ci', lab.path('ci'), '--out', lab.path('sm-sr-next'), '--oid', labs.OIDS['sm-sr'], '--name', 'Lab SM-SR')
    replace(lab.path('sm-sr.conf'), ('certificate = sm-sr/tls.pem', 'certificate = sm-sr-next/tls.pem'),
            (f'key = {lab.uri("sm-sr-tls")}', 'key = sm-sr-next/tls.key'))
    lab.hup('sm-sr', 'read anew')
    new = shown(lab, 'sr', identity)
    if new == old or ssl.DER_cert_to_PEM_cert(new).strip() not in open(lab.path('sm-sr-next', 'tls.pem')).read():
        raise LabError('the new TLS certificate is not shown')
    lab.tool('osprey-eum', 'issue', 'sm-dp', '--ci', lab.path('ci'), '--out', lab.path('sm-dp-next'), '--oid', labs.OIDS['sm-dp'], '--name', 'Lab SM-DP',
             '--card-key', lab.uri('sm-dp-card-2'))
    lab.append('sm-dp.conf', f'\n[card next]\ncertificate = sm-dp-next/card.7f21\nkey = {lab.uri("sm-dp-card-2")}\n')
    lab.hup('sm-dp', 'read anew')


def card_was_shown(lab, folder):
    """Is the certificate's signature in what the SM-DP sent to the card?"""
    end = open(lab.path(folder, 'card.7f21'), 'rb').read()[-24:].hex().upper()
    return any(end in open(path, errors='replace').read().upper() for path in glob.glob(lab.path('soap', '*')))


# ---- the master key changes while the servers run

def moved(server):
    answer = server.ask('admin', 'GET', 'keys', 200)
    return answer if answer['move']['to'] == answer['master_key'] and not answer['move']['running'] else None


def left_under(lab, name, key):
    """Columns of the database in which a value begins with the id of that master key: is one forgotten?"""
    file, found = f'{name}/{name}.db', set()
    for (table,) in lab.rows(file, "SELECT name FROM sqlite_master WHERE type='table'") if not lab.postgres else ():
        for _, column, *_ in lab.rows(file, f'PRAGMA table_info({table})'):
            values = lab.rows(file, f'SELECT {column} FROM {table} WHERE typeof({column})=\'blob\' AND length({column})>=28')
            found |= {f'{table}.{column}' for (value,) in values if value[:4] == bytes.fromhex(key)}
    return found


def rotate(lab, name, server):
    """To a key in a file, with kill -9 in the middle, and to leave the first one out is refused before."""
    conf = f'{name}.conf'
    first = open(lab.path(conf)).read()
    _, text, _ = lab.tool(f'osprey-{name}', 'keys', 'new', lab.path(name, 'second.key'))
    old = moved(server)['master_key']
    if old == text.strip() or not (left_under(lab, name, old) or lab.postgres):
        raise LabError(f'{name}: nothing is under master key {old}')
    alone = first.replace(f'{name}/first.key', f'{name}/second.key')
    labs.write(lab.path(conf), alone)
    lab.hup(name, 'must stay beside the others')
    labs.write(lab.path(conf), alone + f'\n[old_master first]\nkey = {name}/first.key\n')
    lab.hup(name, 'read anew')
    if server.ask('admin', 'GET', 'keys', 200)['master_key'] != text.strip():
        raise LabError(f'{name} has not taken the second key')
    lab.wait(f'the move of {name} to begin', lambda: server.ask('admin', 'GET', 'keys', 200)['move']['to'] == text.strip(), 10, pause=0.005)
    lab.programs[name].kill()
    lab.programs[name].start()
    lab.wait(f'all secrets of {name}', lambda: moved(server), 40)
    answer = moved(server)
    if not answer['move']['moved'] or answer['move']['unreadable']:
        raise LabError(f'{name}: {answer}')
    if left_under(lab, name, old):
        raise LabError(f'{name}: still under {old}: {left_under(lab, name, old)}')
    figures = server.ask('admin', 'GET', '', 200, prefix='/metrics')
    if f'{name.replace("-", "")}_secrets_to_look_at 0' not in figures:
        raise LabError(f'{name}: the older key may go, but the figures do not say so')
    labs.write(lab.path(conf), alone)
    lab.hup(name, 'read anew')
    os.rename(lab.path(name, 'first.key'), lab.path(name, 'gone.key'))
    lab.programs[name].kill()
    lab.programs[name].start()


# ---- the OTA keys of an eUICC change

def ota_keys(lab, server):
    """A new SCP80 key set, agreed with the card under the present one; the old one is gone from card, record and EIS."""
    eid = lab.cards[0]['eid']
    before = dict(lab.smsr_rows('SELECT kvn, wrapped FROM keyset WHERE usage=2'))
    psk = lab.smsr_rows('SELECT kvn, wrapped FROM keyset WHERE usage=3')
    server.ask('admin', 'POST', f'euiccs/{eid}/rotate-keys', 422, {'colour': 'red'})
    code, answer, err = lab.osprey('keys', 'rotate', '--eid', eid, who='admin')
    if code or answer['status'] != 'EXECUTED_SUCCESS':
        raise LabError(f'osprey keys rotate: {answer} {err}')
    after = dict(lab.smsr_rows('SELECT kvn, wrapped FROM keyset WHERE usage=2'))
    if len(before) != 1 or len(after) != 1 or set(before) & set(after):
        raise LabError(f'key sets before {sorted(before)}, after {sorted(after)}')
    psk_after = lab.smsr_rows('SELECT kvn, wrapped FROM keyset WHERE usage=3')
    if len(psk) != 1 or len(psk_after) != 1 or psk[0][0] == psk_after[0][0] or psk[0][1] == psk_after[0][1]:
        raise LabError(f'SCP81 key sets before {psk}, after {psk_after}')
    many_ota_keys(lab, set(after))
    code, answer, err = lab.osprey('audit', '--eid', eid, '--via', 'sm-sr')
    if code:
        raise LabError(f'an audit with the new keys: {answer} {err}')


def many_ota_keys(lab, before):
    """All of a file: looked at first; killed with the call under way, and the same command ends it; then there is nothing to do."""
    eid, stranger = lab.cards[0]['eid'], '89001012012341234012345678901224'
    fleet, words = lab.path('fleet.txt'), ['keys', 'rotate', '--eids', lab.path('fleet.txt')]
    labs.write(fleet, f'{stranger}\n{eid} # ours\n')

    def figures(got, wanted, code):
        said = {name: n for name, n in got[1].items() if n and name in ('not_tried', 'rotated', 'failed', 'in_doubt', 'ready')}
        if got[0] != code or said != wanted:
            raise LabError(f'osprey keys rotate --eids: {got}, not {wanted}')

    figures(lab.osprey(*words, '--dry-run', who='admin'), {'ready': 1, 'failed': 1}, 4)
    if set(dict(lab.smsr_rows('SELECT kvn, wrapped FROM keyset WHERE usage=2'))) != before:
        raise LabError('a dry run that is none')
    asked = lab.osprey_start(*words, who='admin')
    lab.wait('a rotation under way', lambda: lab.smsr_rows("SELECT 1 FROM operation WHERE procedure='rotate-keys'"), 20, pause=0.002)
    asked.kill()
    asked.communicate()
    figures(lab.osprey(*words, '--report', lab.path('fleet.json'), who='admin'), {'rotated': 1, 'failed': 1}, 4)
    after = set(dict(lab.smsr_rows('SELECT kvn, wrapped FROM keyset WHERE usage=2')))
    if len(after) != 1 or after & before:
        raise LabError(f'key sets before {before}, after {after}')
    figures(lab.osprey(*words, who='admin'), {'rotated': 1, 'failed': 1}, 4)
    calls = {line['call_id'] for line in map(json.loads, open(fleet + '.progress')) if line['eid'] == eid and 'call_id' in line}
    if set(dict(lab.smsr_rows('SELECT kvn, wrapped FROM keyset WHERE usage=2'))) != after or len(calls) != 1:
        raise LabError(f'what was rotated is rotated again: {calls}')


# ---- what the test knows: every secret, and where it may stand

class Master:
    """The form of wrapped values, by another library."""

    def __init__(self, path):
        self.rows = hashlib.sha256(b'osprey keys of rows' + bytes.fromhex(open(path).read().strip())).digest()

    def derive(self, what, about):
        from cryptography.hazmat.primitives.ciphers import algorithms
        from cryptography.hazmat.primitives.cmac import CMAC
        mac = CMAC(algorithms.AES(self.rows))
        mac.update(bytes([what]) + about)
        return mac.finalize()

    def open(self, about, wrapped):
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        if wrapped[:4] != self.derive(0, b'id')[:4]:
            raise LabError('a secret is under another master key')
        return AESGCM(self.derive(1, about) + self.derive(2, about)).decrypt(wrapped[:12], wrapped[12:], about)


def private_key(path, master):
    head, name, text = open(path).read().split('\n')[:3]
    if not head.startswith('OSPREY-WRAPPED-KEY'):
        raise LabError(f'{path} is not wrapped')
    return master.open(f'private-key/{name}'.encode(), bytes.fromhex(text))[1:]


CHIP, NETWORK, ORDERS = 'cards/*/card.nvm', ('ordered.conf', 'subscribers.conf', 'hlr.db*'), ('profile-*.der', 'bootstrap-*.der')


def known_secrets(lab):
    """{name: (octets, the files that are its place)}"""
    known = {'PIN': (PIN.encode(), ('pin',)), 'KEK of the EIS': (bytes.fromhex(open(lab.path('eum', 'sm-sr.kek')).read().strip()), ('eum/sm-sr.kek',))}
    for n, made in enumerate(lab.profile_secrets):
        known.update({f'{name} of profile {n}': (bytes.fromhex(value), ORDERS + (CHIP,) + (NETWORK if name in ('k', 'opc') else ()))
                      for name, value in made.items()})
    known['K of the first profile'] = (bytes.fromhex(ecosystem.START_K), NETWORK + ORDERS + (CHIP,))
    known['OPc of the first profile'] = (bytes.fromhex(ecosystem.START_OPC), NETWORK + ORDERS + (CHIP,))
    sr, dp = Master(lab.path('sm-sr', 'second.key')), Master(lab.path('sm-dp', 'second.key'))
    for eid, kvn, wrapped in lab.smsr_rows('SELECT eid, kvn, wrapped FROM keyset'):
        plain, n = sr.open(f'keyset/{eid}/{kvn}'.encode(), wrapped), 0
        while plain:
            length, n = plain[0], n + 1
            known[f'OTA key {kvn:02X}/{n}'] = (plain[1:1 + length], (CHIP,))
            plain = plain[1 + length:]
    for iccid, wrapped in lab.smdp_rows('SELECT iccid, keys FROM profile WHERE keys IS NOT NULL'):
        plain = dp.open(f'keys:{iccid}'.encode(), wrapped)[1:]
        known.update({f'SCP03 key {n} of {iccid}': (plain[16 * n:16 * n + 16], (CHIP,)) for n in range(3)})
    for iccid, wrapped in lab.smdp_rows('SELECT iccid, token FROM profile WHERE token IS NOT NULL'):
        known[f'token key of {iccid}'] = (dp.open(f'token:{iccid}'.encode(), wrapped), (CHIP,))
    for iccid, wrapped in lab.smdp_rows('SELECT iccid, package FROM package'):
        number = [p['iccid'] for p in lab.profiles].index(iccid)
        if dp.open(f'package:{iccid}'.encode(), wrapped) != open(lab.path(f'profile-{number}.der'), 'rb').read():
            raise LabError('the package at the SM-DP is not the one that was ordered')
    for path in glob.glob(lab.path('*', 'master.key')) + glob.glob(lab.path('sm-*', 'second.key')):
        folder, name = os.path.relpath(path, lab.out).split('/')
        known[f'{folder}/{name}'] = (bytes.fromhex(open(path).read().strip()), (f'{folder}/{name}',))
        for key in glob.glob(lab.path(folder, '*.key')) if name == 'master.key' else ():
            if open(key).read().startswith('OSPREY-WRAPPED'):
                known[os.path.relpath(key, lab.out)] = (private_key(key, Master(path)), ())
    return known


def forms(value):
    """Raw, hexadecimal, base64 at each of its three places in a group."""
    yield value
    yield value.hex().encode()
    yield value.hex().upper().encode()
    for lead in range(3):
        text = base64.b64encode(bytes(lead) + value)
        yield text[(0, 2, 3)[lead]:len(text) - (0, 3, 2)[-(lead + len(value)) % 3]].rstrip(b'=')


def scan(lab, known):
    """{(secret, file)} for every secret in every file, whether it is its place or not."""
    found = set()
    patterns = {name: list(forms(value)) for name, (value, _) in known.items()}
    for folder, _, files in os.walk(lab.out):
        for file in files:
            path = os.path.join(folder, file)
            content = open(path, 'rb').read()
            found |= {(name, os.path.relpath(path, lab.out)) for name, wanted in patterns.items() if any(p in content for p in wanted)}
    return found


def outside(found, known):
    return sorted((name, file) for name, file in found if not any(fnmatch.fnmatch(file, place) for place in known[name][1]))


def nothing_outside(lab):
    lab.dump()
    known = known_secrets(lab)
    if len({value for value, _ in known.values()}) < len(known) or min(len(value) for value, _ in known.values()) < 8:
        raise LabError('the known secrets are not what they should be')
    found = scan(lab, known)
    wrong = outside(found, known)
    if wrong:
        raise LabError(f'secrets outside their place: {wrong}')
    for name in ('PIN', 'k of profile 0', 'sm-sr/second.key', 'KEK of the EIS'):  # they do stand in their own: the scan sees them
        if not any(n == name for n, _ in found):
            raise LabError(f'{name} is not even found where it belongs')
    if not all(any(n.startswith(kind) for n, _ in found) for kind in ('OTA key', 'SCP03', 'token key')):
        raise LabError('the card does not have the keys that the servers have')
    for n, (name, (value, _)) in enumerate(sorted(known.items())):  # and it finds each of them in each form, elsewhere
        for form in forms(value):
            labs.write(lab.path('logs', 'planted.log'), '')
            with open(lab.path('logs', 'planted.log'), 'wb') as out:
                out.write(b'x' * (n % 7) + form + b'\n')
            if not any(p in open(lab.path('logs', 'planted.log'), 'rb').read() for p in forms(value)):
                raise LabError(f'{name} is not found in the form {form!r}')
    if (name, 'logs/planted.log') not in outside(scan(lab, known), known):
        raise LabError('a planted secret is not found')
    os.unlink(lab.path('logs', 'planted.log'))
    return len(known)


# ---- no core

def abort(process):
    os.kill(process.pid, signal.SIGABRT)
    end = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    process.wait()
    return end.si_code, end.si_status


def no_cores(lab):
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if hard == 0:
        print('cores are forbidden to this test too: it cannot tell whose doing that is')
    running = [(name, p.process) for name, p in lab.programs.items() if p.running()]
    for name, process in running:
        limits = open(f'/proc/{process.pid}/limits').read()
        if 'Max core file size        0                    0' not in limits:
            raise LabError(f'{name} may write cores')
        if abort(process) != (os.CLD_KILLED, signal.SIGABRT):
            raise LabError(f'{name} left a core')
    cores = [file for _, _, files in os.walk(lab.out) for file in files if file.startswith('core')]
    if cores:
        raise LabError(f'cores: {cores}')
    return len(running)


def main():
    ecosystem.needs('osprey', 'osprey-sm-dp', 'osprey-sm-sr', 'osprey-eum')
    for program in ('softhsm2-util', 'pkcs11-tool'):
        if subprocess.run(['sh', '-c', f'command -v {program}'], capture_output=True).returncode or not os.path.exists(DRIVER):
            ecosystem.skip('softhsm2 and opensc are not installed')
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix='osprey-keys-') as out:
        try:
            lab = TokenLab(out, sys.argv[1] if sys.argv[1:] else None)
        except LabError as wrong:
            if 'built without PKCS#11' in str(wrong):
                ecosystem.skip('built without PKCS#11')
            raise
        with lab:
            identity = lab.identity('as-admin', 'operator', ADMIN)
            os.rename(identity[1], os.path.join(out, 'as-admin', 'plain.pem'))
            identity = (identity[0], os.path.join(out, 'as-admin', 'plain.pem'))
            text = open(lab.path('operator.conf')).read()
            labs.write(lab.path('admin.conf'), text.replace(f'oid = {labs.OIDS["operator"]}', f'oid = {ADMIN}').replace(
                'operator/tls.key', 'as-admin/plain.pem').replace('operator/', 'as-admin/'))
            lab.up()
            sr, dp = (Server(lab, short, f'sm-{short}-admin.yaml', {'admin': identity}) for short in ('sr', 'dp'))
            lab.download(0)
            if not card_was_shown(lab, 'sm-dp'):
                raise LabError('the SM-DP did not show its certificate')
            certificates(lab, sr, identity)
            ota_keys(lab, sr)
            rotate(lab, 'sm-sr', sr)
            rotate(lab, 'sm-dp', dp)
            if card_was_shown(lab, 'sm-dp-next'):
                raise LabError('the new certificate was shown too early')
            lab.download(1)
            if not card_was_shown(lab, 'sm-dp-next'):
                raise LabError('the new certificate was not shown')
            for server in ('sm-sr', 'sm-dp'):
                lab.osprey('keys', 'rewrap', '--via', server, who='admin')
                lab.wait(f'all secrets of {server}', lambda: not lab.osprey('keys', 'show', '--via', server, who='admin')[1]['move']['running'], 20)
            count = nothing_outside(lab)
            daemons = no_cores(lab)
            print(json.dumps({'secrets': count, 'daemons_without_core': daemons}))


if __name__ == '__main__':
    sys.exit(main())
