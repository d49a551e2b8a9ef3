#!/usr/bin/env python3
"""What partners may do, how much of it, and how they must prove themselves: rights, namespaces, delegation, limits and
WS-Security of [partner NAME], at the running SM-SR and SM-DP, by peers that share no code with them, and by `osprey`."""
import base64
import datetime
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

import ecosystem
import soap_peer
from ecosystem import Ecosystem, LabError, lab as labs
from test_negative_soap import answer_of
from test_poll import replace

GSMA = 'http://namespaces.gsma.org/esim-messaging/'
WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd'
WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd'
NOBODY = '89049032000000000000000000000020'
PAST = '200 FAILED 8.1.1/1.1'  # past the guard: an eUICC that nobody has
NAMES = {'chosen': 'functions = ES4-GetEIS ES4-AuditEIS', 'versions': 'namespaces = 3', 'hub': 'speaks_for = 2.999.60.9 2.999.60.1', 'other': '',
         'quick': 'calls_per_s = 2\nburst = 3', 'few': 'in_flight = 2', 'secret': 'security = username\nuser = op<&>\npassword_file = secret.txt',
         'digest': 'security = digest\nuser = op\npassword_file = secret.txt', 'signer': 'security = x509\nsigner = as-signer/tls.pem',
         'bodies': 'security = x509\nsigner = as-bodies/tls.pem\nsigns_body_only = true'}
OIDS = {name: f'2.999.60.{n + 1}' for n, name in enumerate(NAMES)}
OIDS['other'] = '2.999.60.9'
OIDS['signer'], OIDS['bodies'] = '2.999.60.10', '2.999.60.11'
OIDS['start'] = labs.OIDS['start']  # it has a profile on the eUICC: its audits wait for the card
PASSWORD = 'x <&> "7"'


def eid_of(number):
    text = f'8904903200000000000000000000{number:02d}'
    return text + f'{98 - int(text) * 100 % 97:02d}'


class Caller:
    def __init__(self, lab, names=OIDS):
        self.lab, self.number = lab, 0
        self.identity = {name: lab.identity(f'as-{name}', 'operator', OIDS[name]) for name in names}

    def message(self, name, function='GetEIS', ns='3', eid=None, oid=None, header='', body_id='', call=None):
        self.number += 1
        oid, call = oid or OIDS[name], call or f'G{self.number}'
        suffix = 'Request' if function == 'GetEIS' else ''
        group = 'ProfileManagement' if function in ('GetEIS', 'AuditEIS') else 'PlatformManagement'
        iccid = '<r:Iccid>8999970000000099993</r:Iccid>' if function == 'EnableProfile' else ''
        return (f'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing"><e:Header><wsa:From>'
                f'<wsa:Address>https://op/x?EntityId={oid}</wsa:Address></wsa:From><wsa:To>https://sr/x?EntityId={labs.OIDS["sm-sr"]}</wsa:To><wsa:MessageID>'
                f'//{oid}/{call}?TransactionId=T</wsa:MessageID><wsa:Action>http://gsma.com/ES4/{group}/ES4-{function}{suffix}</wsa:Action><wsa:ReplyTo>'
                f'<wsa:Address>http://docs.oasis-open.org/ws-rx/wsmc/200702/anonymous?id=x</wsa:Address></wsa:ReplyTo>{header}</e:Header><e:Body{body_id}>'
                f'<r:ES4-{function}Request xmlns:r="{GSMA}{ns}"><r:FunctionCallIdentifier>{call}</r:FunctionCallIdentifier><r:ValidityPeriod>60</r:ValidityPeriod>'
                f'<r:Eid>{eid or eid_of(7)}</r:Eid>{iccid}</r:ES4-{function}Request></e:Body></e:Envelope>')

    def say(self, name, want, what, text=None, **options):
        status, _, answer = soap_peer.post(self.lab.port['sr'], text or self.message(name, **options), self.identity[name])
        got = f'{status} {answer_of(answer)}'.strip()
        if got != want:
            raise LabError(f'{what}: got "{got}", want "{want}"\n{answer[:900]}')

    def log(self, words):
        return open(self.lab.path('logs', 'sm-sr.log')).read().count(words)


def rights(c):
    c.say('chosen', PAST, 'a function that was chosen')
    c.say('chosen', '200 FAILED 1.1/1.2', 'one that was not', function='EnableProfile')
    c.say('versions', PAST, 'the version that is agreed')
    c.say('versions', '200 FAILED 1.3.2/3.1', 'another version', ns='4')
    c.say('other', PAST, 'any version', ns='4')
    c.say('hub', PAST, 'in the name of another', oid=OIDS['other'])
    c.say('hub', '200 FAILED 1.1/1.2', 'in the name of one that may not', oid=OIDS['chosen'], function='EnableProfile')
    c.say('other', '200 FAILED 1.1/1.1', 'in a name that was not agreed', oid=OIDS['hub'])


def limits(c):
    began, count, passed = time.time(), 20, 0
    for n in range(count):
        status, _, answer = soap_peer.post(c.lab.port['sr'], c.message('quick'), c.identity['quick'])
        got = f'{status} {answer_of(answer)}'
        if got not in (PAST, '200 FAILED 1.2/3.7') or (n < 3 and got != PAST):
            raise LabError(f'call {n} of a burst: {got}')
        passed += got == PAST
    if passed == count or passed > 3 + 2 * (time.time() - began) + 1:
        raise LabError(f'{passed} calls of {count} passed')
    for n in range(10):
        c.say('other', PAST, 'who has no limit')
    time.sleep(1.5)
    c.say('quick', PAST, 'a call after a pause')
    c.lab.wait('the sum in the log', lambda: c.log(f'{count - passed} were turned away') == 1, 5)
    if c.log('quick calls more often') != 1:
        raise LabError('the log does not tell the limit once')
    eid = c.lab.cards[0]['eid']
    for n in range(2):
        c.say('start', '202', f'call {n} that waits', function='AuditEIS', eid=eid, call=f'few-{n}')
    c.say('start', '200 FAILED 1.2/3.7', 'one more than may wait', function='AuditEIS', eid=eid)
    c.say('start', '202', 'a repeat of one that waits', function='AuditEIS', eid=eid, call='few-0')
    c.say('start', PAST, 'one that need not wait')


def stamp(seconds=0):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%SZ')


def token(password=PASSWORD, user='op', kind='Digest', nonce=None, created=None, must='true'):
    nonce, created = os.urandom(16) if nonce is None else nonce, created or stamp()
    value = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode() if kind == 'Digest' else password
    escape = lambda text: text.replace('&', '&amp;').replace('<', '&lt;')
    more = f'<w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce><u:Created>{created}</u:Created>' if kind == 'Digest' else ''
    return (f'<w:Security xmlns:w="{WSSE}" xmlns:u="{WSU}" e:mustUnderstand="{must}"><w:UsernameToken><w:Username>{escape(user)}</w:Username>'
            f'<w:Password Type="x#Password{kind}">{escape(value)}</w:Password>{more}</w:UsernameToken></w:Security>')


def usernames(c):
    invalid, failed, expired = '400 Fault Sender InvalidSecurity', '400 Fault Sender FailedAuthentication', '400 Fault Sender MessageExpired'
    say = lambda name, want, what, *args, **options: c.say(name, want, what, header=token(*args, **options))
    say('secret', PAST, 'a password', user='op<&>', kind='Text')
    say('secret', PAST, 'a digest', user='op<&>')
    c.say('secret', invalid, 'no token')
    say('secret', failed, 'a wrong password', 'y', user='op<&>', kind='Text')
    say('secret', failed, 'no password', '', user='op<&>', kind='Text')
    say('secret', failed, 'a wrong user', kind='Text')
    say('digest', PAST, 'a digest where it must be')
    say('digest', invalid, 'a password where a digest must be', kind='Text')
    say('digest', failed, 'a digest of another password', 'y')
    say('digest', expired, 'an old token', created=stamp(-301))
    say('digest', expired, 'a token of tomorrow', created=stamp(86400))
    say('digest', invalid, 'no nonce', nonce=b'')
    header = token()
    text = c.message('digest', header=header)
    c.say('digest', PAST, 'a message', text=text)
    c.say('digest', PAST, 'the same octets again', text=text)
    c.say('digest', expired, 'its token with another message', header=header)
    c.say('digest', invalid, 'two headers', header=token() + token())
    c.say('other', '400 Fault MustUnderstand', 'a token that nobody agreed', header=token())
    c.say('other', PAST, 'one that need not be understood', header=token(must='false'))
    if PASSWORD in open(c.lab.path('logs', 'sm-sr.log')).read():
        raise LabError('the password is in the log')


HEADERS = ('From', 'To', 'MessageID', 'Action', 'ReplyTo')
ALL = ('Body', *HEADERS, 'Timestamp')
SPACES = {'e': 'http://www.w3.org/2003/05/soap-envelope', 'wsa': 'http://www.w3.org/2005/08/addressing', 'w': WSSE, 'u': WSU, 'r': f'{GSMA}3'}


def element(text, name):
    """An element of the message, able to stand alone; ET's canonical form of it shows what it uses, as the exclusive one does."""
    found = re.search(rf'<(\w+:{name})[ >].*?</\1>', text)[0]
    tag = re.match(r'<[\w:]+', found)[0]
    return tag + ''.join(f' xmlns:{p}="{u}"' for p, u in SPACES.items() if f'xmlns:{p}=' not in found.split('>')[0]) + found[len(tag):]


def digest_of(text, name):
    return base64.b64encode(hashlib.sha256(ET.canonicalize(element(text, name)).encode()).digest()).decode()


def reference_to(text, name, uri=None):
    c14n, sha = 'http://www.w3.org/2001/10/xml-exc-c14n#', 'http://www.w3.org/2001/04/xmlenc#sha256'
    return (f'<ds:Reference URI="{"#" + name if uri is None else uri}"><ds:Transforms><ds:Transform Algorithm="{c14n}"/></ds:Transforms>'
            f'<ds:DigestMethod Algorithm="{sha}"/><ds:DigestValue>{digest_of(text, name)}</ds:DigestValue></ds:Reference>')


def signed(c, name='signer', key_of=None, certificate_of=None, reference=None, parts=ALL, expires=60, change=lambda text: text, **options):
    """Signs Body, headers and Timestamp as another stack would: ElementTree's canonical form, cryptography's ECDSA."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    ds = 'http://www.w3.org/2000/09/xmldsig#'
    text = c.message(name, body_id=f' xmlns:u="{WSU}" u:Id="Body"', header='@@', **options)
    for part in HEADERS:
        text = text.replace(f'<wsa:{part}>', f'<wsa:{part} xmlns:u="{WSU}" u:Id="{part}">', 1)
    stamped = (f'<u:Timestamp xmlns:u="{WSU}" u:Id="Timestamp"><u:Created>{stamp()}</u:Created><u:Expires>{stamp(expires)}</u:Expires></u:Timestamp>')
    text = change(text.replace('@@', f'{stamped}@@'))
    references = ''.join(reference_to(text, part, reference if part == 'Body' else None) for part in parts)
    info = (f'<ds:SignedInfo xmlns:ds="{ds}"><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod '
            f'Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>{references}</ds:SignedInfo>')
    key = serialization.load_pem_private_key(open(c.identity[key_of or name][1], 'rb').read(), None)
    r, s = utils.decode_dss_signature(key.sign(ET.canonicalize(info).encode(), ec.ECDSA(hashes.SHA256())))
    value = base64.b64encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big')).decode()
    pem = open(c.identity[certificate_of or name][0]).read()
    der = ''.join(pem.split('-----BEGIN CERTIFICATE-----')[1].split('-----END')[0].split())
    return text.replace(f'{stamped}@@', f'<w:Security xmlns:w="{WSSE}" e:mustUnderstand="true">{stamped}<w:BinarySecurityToken ValueType="x#X509v3">'
                        f'{der}</w:BinarySecurityToken><ds:Signature xmlns:ds="{ds}">{info}<ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>'
                        '</w:Security>')


def signatures(c):
    failed = '400 Fault Sender FailedAuthentication'
    good = signed(c)
    body = re.search(r'<e:Body.*</e:Body>', good)[0]
    other = body.replace(eid_of(7), eid_of(8)).replace('u:Id="Body"', 'u:Id="C"')
    c.say('signer', PAST, 'a signed message', text=good)
    c.say('signer', PAST, 'without a reference to the Timestamp', text=signed(c, parts=('Body', *HEADERS)))
    c.say('signer', '400 Fault Sender InvalidSecurity', 'no signature')
    c.say('signer', failed, 'another body', text=good.replace(f'<r:Eid>{eid_of(7)}', f'<r:Eid>{eid_of(8)}'))
    c.say('signer', failed, 'the key of another', text=signed(c, key_of='other'))
    c.say('signer', failed, 'the certificate of another', text=signed(c, certificate_of='other'))
    c.say('signer', failed, 'a signature over everything', text=signed(c, reference=''))
    c.say('signer', failed, 'a signature over something else', text=signed(c, reference='#C'))
    c.say('signer', '400 Fault Sender MessageExpired', 'a Timestamp that is over', text=signed(c, expires=-120))
    c.say('signer', failed, 'the signed body wrapped in the header', text=good.replace(body, other).replace('</e:Header>', f'<x>{body}</x></e:Header>'))
    c.say('signer', failed, 'the same with its identifier', text=good.replace(body, other.replace('u:Id="C"', 'u:Id="Body"'))
          .replace('</e:Header>', f'<x>{body}</x></e:Header>'))
    c.say('signer', '400 Fault Sender', 'two bodies', text=good.replace(body, body + other))
    over = signed(c, expires=-120)
    stamp_of = re.search('<u:Timestamp.*</u:Timestamp>', over)[0]
    fresh = re.sub('<u:Expires>[^<]*', f'<u:Expires>{stamp(60)}', stamp_of)
    c.say('signer', '400 Fault Sender InvalidSecurity', 'the signed Timestamp wrapped, a fresh one in its place',
          text=over.replace(stamp_of, fresh).replace('<w:Security', f'<y:Security xmlns:y="urn:y">{stamp_of}</y:Security><w:Security'))
    signed_headers(c, good, failed)


def signed_headers(c, good, failed):
    """What is acted on is what was signed: each header, where it stands."""
    for name in HEADERS:
        c.say('signer', failed, f'{name} is not signed', text=signed(c, parts=tuple(part for part in ALL if part != name)))
        header = re.search(rf'<wsa:{name} .*?</wsa:{name}>', good)[0]
        changed = header.replace('/x?', '/y?') if 'EntityId' in header else header.replace('id=x', 'id=y') if 'id=x' in header \
            else header.replace('</wsa:', 'x</wsa:', 1)
        c.say('signer', failed, f'{name} is changed', text=good.replace(header, changed))
        c.say('signer', '400 Fault Sender InvalidAddressingHeader', f'two of {name}', text=good.replace(header, header + changed))
        c.say('signer', failed, f'the signed {name} wrapped', text=good.replace(header, changed).replace('</e:Header>', f'<x>{header}</x></e:Header>'))
    c.say('signer', failed, 'two with one identifier', text=signed(c, change=lambda text: text.replace('u:Id="To"', 'u:Id="Body"')
          .replace('</e:Header>', '<x/></e:Header>'), parts=('Body', 'From', 'MessageID', 'Action', 'ReplyTo')))
    c.say('bodies', PAST, 'the Body alone, where that is agreed', text=signed(c, 'bodies', parts=('Body',)))
    c.say('bodies', failed, 'not even that', text=signed(c, 'bodies', parts=HEADERS))
    c.say('bodies', PAST, 'more than was agreed', text=signed(c, 'bodies'))


def our_own(lab):
    """`osprey` to the SM-SR and the SM-DP, and the SM-DP to the SM-SR, with each kind of token."""
    eid = lab.cards[0]['eid']
    agreed = {'text': ('security = text\nuser = us\npassword_file = secret.txt', 'send_security = text\nsend_user = us\nsend_password_file = secret.txt'),
              'digest': ('security = digest\nuser = us\npassword_file = secret.txt', 'send_security = digest\nsend_user = us\nsend_password_file = secret.txt'),
              'x509': ('security = x509\nsigner = {folder}/tls.pem', 'send_security = x509\nsend_timestamp_s = 60')}
    clean = {name: open(lab.path(f'{name}.conf')).read() for name in ('sm-sr', 'sm-dp', 'operator')}

    def agree(file, section, text):
        path = lab.path(f'{file}.conf')
        whole = open(path).read()
        open(path, 'w').write(whole.replace(f'[partner {section}]\n', f'[partner {section}]\n{text}\n'))

    for kind, (receive, send) in agreed.items():
        if kind == 'text' and '--soak' not in sys.argv:
            continue
        for name, text in clean.items():
            open(lab.path(f'{name}.conf'), 'w').write(text)
        agree('sm-sr', 'operator', receive.format(folder='operator'))
        agree('sm-sr', 'sm-dp', receive.format(folder='sm-dp'))
        agree('sm-dp', 'operator', receive.format(folder='operator'))
        for name in ('sm-sr', 'sm-dp'):
            lab.programs[name].stop() if name in lab.programs else None
            if name == 'sm-dp':
                agree('sm-dp', 'sm-sr', send)
            lab.start(name)
        for via in ('sm-sr', 'sm-dp'):
            code, answer, err = lab.osprey('eis', 'show', '--eid', eid, '--via', via, '--timeout', '10')
            if code != 8 or 'InvalidSecurity' not in str(answer):
                raise LabError(f'{kind} via {via} without a token: {code} {answer} {err}')
            agree('operator', via, send)
            code, answer, err = lab.osprey('eis', 'show', '--eid', eid, '--via', via, '--timeout', '10')
            known = (answer.get('subject'), answer.get('reason')) == ('8.6', '1.2')  # the SM-SR: we have no profile there
            if not known and code:
                raise LabError(f'{kind} via {via}: {code} {answer} {err}')


def mistakes(lab):
    """--check says which option of whom is wrong."""
    good = open(lab.path('sm-sr.conf')).read()
    for text, words in (('functions = ES9', 'functions: interfaces'), ('namespaces = 2', 'namespaces: 1, 3 and 4'), ('namespace = 2', 'namespace: 1, 3 or 4'),
                        ('speaks_for = me', 'speaks_for: OIDs'), ('burst = 3', 'burst: counts only'), ('security = magic', 'security: none, username'),
                        ('security = text', 'user: 1 to 80'), ('security = text\nuser = x\npassword_file = none.txt', 'password_file: a readable'),
                        ('security = x509', 'signer: a readable'), ('send_security = username', 'send_security: none, text'),
                        ('send_timestamp_s = 60', 'send_timestamp_s: counts only with'), ('send_security = x509\nsend_timestamp_s = 86401', 'send_timestamp_s: at most'),
                        ('in_flight = 99999999', 'in_flight: at most')):
        open(lab.path('wrong.conf'), 'w').write(good.replace('[partner few]\n', f'[partner few]\n{text}\n').replace('in_flight = 2\n', ''))
        code, out, err = lab.tool('osprey-sm-sr', '--config', lab.path('wrong.conf'), '--check', check=False)
        if code != 1 or f'[partner few] {words}' not in err:
            raise LabError(f'{text}: {code} {err}')
    code, out, err = lab.tool('osprey-sm-dp', '--config', lab.path('sm-dp.conf'), '--check', check=False)
    if code:
        raise LabError(f'a good configuration: {err}')


def main():
    ecosystem.needs('osprey', 'osprey-sm-dp', 'osprey-sm-sr')
    with tempfile.TemporaryDirectory(prefix='osprey-partners-') as out, Ecosystem(out, profiles=0) as lab:
        caller = Caller(lab)
        open(lab.path('secret.txt'), 'w').write(PASSWORD + '\n')
        lab.append('sm-sr.conf', ''.join(f'\n[partner {name}]\noid = {OIDS[name]}\nkinds = operator\n{text}\n' for name, text in NAMES.items()))
        replace(lab.path('sm-sr.conf'), ('[partner start]\n', '[partner start]\nin_flight = 2\n'))
        mistakes(lab)
        lab.start('sm-sr')
        lab.wait('the SM-SR', lambda: lab.register(lab.cards[0]['eid'])[0] == 0, 10)
        rights(caller)
        limits(caller)
        usernames(caller)
        signatures(caller)
        our_own(lab)


if __name__ == '__main__':
    sys.exit(main())
