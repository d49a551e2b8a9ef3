#!/usr/bin/env python3
"""HUP at the running SM-SR and SM-DP: partners, certificates and revocation lists are read anew, all of it or nothing; kept
connections end with it. The CA and its lists are made by cryptography, not by us."""
import datetime
import os
import signal
import sys
import tempfile

import ecosystem
import soap_peer
from ecosystem import Ecosystem, LabError, lab as labs
from test_negative_soap import answer_of
from test_poll import replace

ASK = '''<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing"><e:Header><wsa:From>
<wsa:Address>https://op/x?EntityId={oid}</wsa:Address></wsa:From><wsa:To>https://x/x?EntityId={to}</wsa:To><wsa:MessageID>//{oid}/R{n}</wsa:MessageID>
<wsa:Action>http://gsma.com/{es}/x/{es}-GetEISRequest</wsa:Action></e:Header><e:Body><r:{es}-GetEISRequest
xmlns:r="http://namespaces.gsma.org/esim-messaging/3"><r:FunctionCallIdentifier>R{n}</r:FunctionCallIdentifier><r:Eid>89001012012341234012345678901224</r:Eid>
{smsr}</r:{es}-GetEISRequest></e:Body></e:Envelope>'''


class Authority:
    """A CA of partners: certificates with an OID, and lists of the revoked ones."""

    def __init__(self, folder):
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        self.x509, self.hashes, self.serialization, self.ec, self.folder = x509, hashes, serialization, ec, folder
        self.key, self.serials = ec.generate_private_key(ec.SECP256R1()), {}
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'Partner CA')])
        self.certificate = self.sign(self.name, self.key, [(x509.BasicConstraints(True, None), True), (x509.KeyUsage(
            False, False, False, False, False, True, True, False, False), True)])
        self.write('partner-ca.pem', self.certificate)

    def sign(self, name, key, extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = self.x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key.public_key())
        builder = builder.serial_number(self.x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=9))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, self.hashes.SHA256())

    def write(self, name, *things):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as out:
            for thing in things:
                out.write(thing.public_bytes(self.serialization.Encoding.PEM))
        return path

    def identity(self, name, oid):
        key = self.ec.generate_private_key(self.ec.SECP256R1())
        subject = self.x509.Name([self.x509.NameAttribute(self.x509.NameOID.COMMON_NAME, name)])
        certificate = self.sign(subject, key, [(self.x509.SubjectAlternativeName([self.x509.RegisteredID(self.x509.ObjectIdentifier(oid))]), False)])
        self.serials[name] = certificate.serial_number
        path = self.write(f'{name}.pem', certificate)
        with open(path.replace('.pem', '.key'), 'wb') as out:
            out.write(key.private_bytes(self.serialization.Encoding.PEM, self.serialization.PrivateFormat.PKCS8, self.serialization.NoEncryption()))
        return path, path.replace('.pem', '.key')

    def revoke(self, *names, days=1):
        """The list; days < 0: one that is over."""
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = self.x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(now - datetime.timedelta(days=5))
        builder = builder.next_update(now + datetime.timedelta(days=days))
        for name in names:
            builder = builder.add_revoked_certificate(self.x509.RevokedCertificateBuilder().serial_number(self.serials[name])
                                                      .revocation_date(now - datetime.timedelta(days=2)).build())
        return self.write('lists.pem', builder.sign(self.key, self.hashes.SHA256()))


class World:
    def __init__(self, lab, ca):
        self.lab, self.number = lab, 0
        self.identity = {name: ca.identity(name, f'2.999.70.{n + 1}') for n, name in enumerate(('one', 'two'))}
        self.oid = {'one': '2.999.70.1', 'two': '2.999.70.2'}

    def say(self, server, name, want, what):
        self.number += 1
        es, to = ('ES4', labs.OIDS['sm-sr']) if server == 'sr' else ('ES2', labs.OIDS['sm-dp'])
        smsr = '<r:Smsr-id>2.999.1.2.3</r:Smsr-id>' if es == 'ES2' else ''
        text = ASK.format(oid=self.oid[name], to=to, n=self.number, es=es, smsr=smsr)
        status, _, answer = soap_peer.post(self.lab.port[server], text, self.identity[name])
        got = f'{status} {answer_of(answer)}' if isinstance(status, int) else str(status).split(':')[0]
        want = want[server] if want is KNOWN else want
        if got != want:
            raise LabError(f'{what} at {server}: got "{got}", want "{want}"')

    def hup(self, name, words='the configuration is read anew'):
        log = self.lab.path('logs', f'{name}.log')
        before = open(log).read().count(words)
        self.lab.programs[name].process.send_signal(signal.SIGHUP)
        self.lab.wait(f'"{words}" of {name}', lambda: open(log).read().count(words) > before, 10)


KNOWN = {'sr': '200 FAILED 8.1.1/1.1', 'dp': '200 FAILED 8.7/3.9'}  # no such eUICC; no such SM-SR
STRANGER, REFUSED = '200 FAILED 1.1/1.1', 'refused'
SERVERS = (('sm-sr', 'sr', 'kinds'), ('sm-dp', 'dp', 'kind'))


def partners(w):
    """A new partner is known after HUP; a wrong file, or what may not change, changes nothing."""
    for name, short, kind in SERVERS:
        path, lab = w.lab.path(f'{name}.conf'), w.lab
        w.say(short, 'one', STRANGER, 'who is not configured')
        lab.append(f'{name}.conf', f'\n[partner one]\noid = {w.oid["one"]}\n{kind} = operator\n')
        w.hup(name)
        w.say(short, 'one', KNOWN, 'a new partner')
        good = open(path).read()
        for text, words in (('\n[partner two]\noid = me\n' + f'{kind} = operator\n', '[partner two] oid: not an OID'),
                            (f'\n[partner two]\noid = {w.oid["two"]}\n{kind} = operator\nburst = 2\n', '[partner two] burst'),
                            ('\n[nonsense]\n', 'nonsense')):
            open(path, 'w').write(good.replace('[partner one]', '[partner gone]').replace(w.oid['one'], '2.999.70.8') + text)
            w.hup(name, 'the old configuration stays')
            if words not in open(lab.path('logs', f'{name}.log')).read():
                raise LabError(f'{name}: the log does not say {words}')
            w.say(short, 'one', KNOWN, 'a partner of the old configuration')
        open(path, 'w').write(good.replace(f':{lab.port[short]}\n', f':{lab.port[short] + 1}\n', 1))
        w.hup(name, 'cannot change while')
        open(path, 'w').write(good + f'\n[partner two]\noid = {w.oid["two"]}\n{kind} = operator\n')
        w.hup(name)
        w.say(short, 'two', KNOWN, 'another new partner')


def lists(w, ca):
    for name, short, kind in SERVERS:
        lab, path = w.lab, w.lab.path(f'{name}.conf')
        ca.revoke('two')
        replace(path, ('trust = both.pem\n', 'trust = both.pem\ncrl = lists.pem\n'))
        kept = soap_peer.connect(lab.port[short], w.identity['two'])
        w.hup(name)
        if kept.recv(1):
            raise LabError('a kept connection lives on')
        w.say(short, 'two', REFUSED, 'who is on the list')
        w.say(short, 'one', KNOWN, 'who is not')
        ca.revoke('one', 'two', days=-1)
        w.hup(name)
        w.say(short, 'one', REFUSED, 'who is on a list that is over')
        ca.revoke(days=-1)
        w.hup(name)
        w.say(short, 'one', KNOWN, 'nobody is on a list that is over')
        replace(path, ('crl = lists.pem\n', 'crl = lists.pem\ncrl_required = true\n'))
        w.hup(name)
        w.say(short, 'one', REFUSED, 'a list that is over, where one is required')
        ca.revoke('two')
        w.hup(name)
        w.say(short, 'one', KNOWN, 'who is not on the list that is required')
        w.say(short, 'two', REFUSED, 'who is on it')
        open(lab.path('lists.pem'), 'w').write('no list')
        w.hup(name, 'the old configuration stays')
        w.say(short, 'one', KNOWN, 'the old list stays')
        w.say(short, 'two', REFUSED, 'and who is on it')
        replace(path, ('crl = lists.pem\ncrl_required', 'crl_required'))
        w.hup(name, 'no file is named')
        replace(path, ('crl_required = true\n', ''))
        w.hup(name)
        w.say(short, 'two', KNOWN, 'no lists any more')


def orders(w):
    """A new [profile NAME] is ordered; the SM-SR's own certificate can be changed."""
    order = w.lab.order(3)
    w.lab.append('sm-dp.conf', f'\n[profile late]\npackage = profile-3.der\nowner = {w.oid["one"]}\nmsisdn = {order["msisdn"]}\n')
    w.hup('sm-dp')
    if w.lab.smdp_rows('SELECT count(*) FROM profile WHERE iccid=?', order['iccid']) != [(1,)]:
        raise LabError('the new profile was not ordered')


def main():
    ecosystem.needs('osprey', 'osprey-sm-dp', 'osprey-sm-sr')
    with tempfile.TemporaryDirectory(prefix='osprey-reload-') as out, Ecosystem(out, profiles=0, devices=0) as lab:
        ca = Authority(out)
        open(lab.path('both.pem'), 'w').write(open(lab.path('sm-sr', 'ci.pem')).read() + open(lab.path('partner-ca.pem')).read())
        for name, _, _ in SERVERS:
            replace(lab.path(f'{name}.conf'), (f'trust = {name}/ci.pem', 'trust = both.pem'))
            lab.start(name)
        w = World(lab, ca)
        partners(w)
        lists(w, ca)
        orders(w)


if __name__ == '__main__':
    sys.exit(main())
