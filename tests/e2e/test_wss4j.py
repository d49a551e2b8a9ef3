#!/usr/bin/env python3
"""A partner on Java (Wss4jPeer.java: Apache WSS4J, the JDK's HTTPS) signs its requests to the SM-SR as WSS4J does by itself, and
verifies the requests of the SM-SR and of `osprey`: lists of prefixes, certificates named in each way, and what was changed.
UsernameTokens too."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import ecosystem
from ecosystem import Ecosystem, LabError, lab as labs
from test_negative_soap import answer_of
from test_partners import ALL, HEADERS, NAMES, OIDS, PAST, Caller, eid_of
from test_poll import replace

JARS = ('wss4j', 'xmlsec', 'commons-logging', 'commons-codec', 'slf4j-api', 'slf4j-nop', 'woodstox-core', 'stax2-api')
QUICK = ('-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC')
FAILED = '400 Fault Sender FailedAuthentication'


WITH = lambda more: lambda text: text.replace('<e:Envelope ', f'<e:Envelope {more} ', 1)
STYLES = {'a namespace of everything': WITH('xmlns="http://h.example:8080/a?b=c%20d#e"'), 'a prefix that nobody uses': WITH('xmlns:x="tag:x,2005:y"'),
          'a prefix with two meanings': WITH('xmlns:r="urn:r"'), 'lines and blanks': lambda text: re.sub('(<e:Body|<wsa:|</e:)', r'\n\t \1', text)}


class Java:
    def __init__(self, lab, name):
        self.lab = lab
        path = ':'.join([lab.path()] + [f'/usr/share/java/{jar}.jar' for jar in JARS])
        source = os.path.join(ecosystem.HERE, 'Wss4jPeer.java')
        labs.run(['javac', *(f'-J{option}' for option in QUICK), '-proc:none', '-cp', path, '-d', lab.path(), source])
        labs.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=Java', '-days', '9', '-keyout', lab.path('rsa.key'), '-out',
                 lab.path('rsa.pem')])
        self.store('rsa.p12', 'rsa.pem', 'rsa.key')
        self.store('own.p12', f'as-{name}/tls.pem', f'as-{name}/tls.key')
        command = ['java', *QUICK, '-cp', path, 'Wss4jPeer', lab.path('own.p12'), lab.path(f'as-{name}', 'ci.pem'), lab.path('rsa.p12')]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=open(lab.path('logs', 'java.log'), 'w'))

    def store(self, out, certificate, key):
        labs.run(['openssl', 'pkcs12', '-export', '-name', 'key', '-passout', 'pass:lab', '-in', self.lab.path(certificate), '-inkey',
                      self.lab.path(key), '-out', self.lab.path(out)])

    def ask(self, *words):
        """(whether it went well, what it says)"""
        print(*words, file=self.process.stdin, flush=True)
        how, _, rest = self.process.stdout.readline().strip().partition(' ')
        if how not in ('ok', 'error'):
            raise LabError(f'{" ".join(words)}: the Java partner is gone')
        return how == 'ok', rest

    def must(self, *words):
        good, rest = self.ask(*words)
        if not good:
            raise LabError(f'{" ".join(words)}: {rest}')
        return rest

    def end(self):
        self.process.stdin.close()
        self.process.wait(10)


def read(path):
    return open(path, encoding='utf-8').read()


class Partner:
    def __init__(self, caller, java):
        self.caller, self.lab, self.java, self.file = caller, caller.lab, java, caller.lab.path('message.xml')

    def signed(self, identifier='direct', parts=ALL, change=lambda text: text, name='signer'):
        open(self.file, 'w').write(change(self.caller.message(name)))
        self.java.must('sign', self.file, self.file, identifier, *parts)
        return read(self.file)

    def say(self, want, what, text):
        open(self.file, 'w').write(text)
        answer = self.lab.path('answer.xml')
        status = self.java.must('post', f'{self.lab.url("sr")}/', self.file, answer)
        got = f'{status} {answer_of(read(answer))}'.strip()
        if got != want:
            raise LabError(f'{what}: got "{got}", want "{want}"\n{read(answer)[:900]}')


def theirs(p):
    """What WSS4J signs is taken, and nothing else is."""
    good = p.signed()
    lists = re.findall('PrefixList="([^"]*)"', good)
    if len(lists) != 1 + len(ALL) or len(set(lists)) < 3 or '#sha256' not in good:
        raise LabError(f'not what WSS4J makes: {lists}')
    p.say(PAST, 'a signed message', good)
    for identifier in ('issuer', 'ski', 'x509', 'thumbprint'):
        p.say(PAST, f'a certificate by {identifier}', p.signed(identifier))
    p.say(PAST, 'a signature over its certificate too', p.signed(parts=(*ALL, 'Token')))
    p.say(PAST, 'an inclusive canonical form', p.signed('inclusive:direct'))
    p.caller.say('bodies', PAST, 'an RSA key', text=p.signed('rsa:direct', name='bodies'))
    p.caller.say('bodies', PAST, 'an RSA key, and the Body alone', text=p.signed('rsa:issuer', parts=('Body',), name='bodies'))
    p.caller.say('bodies', FAILED, 'another key than the agreed one', text=p.signed('issuer', name='bodies'))
    for what, change in STYLES.items():
        p.say(PAST, what, p.signed(change=change))
    p.say(FAILED, 'another body', good.replace(eid_of(7), eid_of(8)))
    p.say(FAILED, 'a prefix less', good.replace(f'"{lists[0]}"', f'"{lists[0].split()[0]}"', 1))
    p.say(FAILED, 'another namespace of a prefix that is listed, and not used',
          p.signed(change=STYLES['a prefix that nobody uses']).replace('"tag:x,2005:y"', '"tag:x,2005:z"'))
    p.say(FAILED, 'a header that is not signed', p.signed(parts=('Body', *HEADERS[1:])))


def tokens(p):
    """Names and passwords, text and digest, in both directions."""
    def named(kind, password='secret'):
        open(p.file, 'w').write(p.caller.message('digest'))
        p.java.must('token', p.file, p.file, kind, 'op', password)
        return read(p.file)

    p.caller.say('digest', PAST, 'a digest', text=named('digest'))
    p.caller.say('digest', FAILED, 'a digest of another password', text=named('digest', 'other'))
    p.caller.say('digest', '400 Fault Sender InvalidSecurity', 'a password where a digest must be', text=named('text'))
    agreed = 'send_security = x509\nsend_timestamp_s = 60'
    for kind in ('text', 'digest'):
        now = f'send_security = {kind}\nsend_user = us\nsend_password_file = secret.txt'
        replace(p.lab.path('operator.conf'), (agreed, now))
        agreed = now
        p.lab.osprey('eis', 'show', '--eid', p.lab.cards[0]['eid'], '--via', 'java', '--timeout', '1')
        p.java.must('heard', p.file)
        if p.java.must('verify', p.file, 'secret') != 'us' or f'#Password{kind.title()}' not in read(p.file):
            raise LabError(f'not the {kind} that was agreed')
        if p.java.ask('verify', p.file, 'other')[0]:
            raise LabError(f'any password is right for {kind}')


def ours(p):
    """What the SM-SR and `osprey` sign is right for WSS4J, and covers what we demand of others."""
    eid = p.lab.cards[0]['eid']
    p.lab.osprey('sm-sr', 'change', '--via', 'sm-sr', '--eid', eid, '--target', 'java', '--timeout', '1', who='start')
    check(p, 'HandoverEUICC', False)
    p.lab.osprey('eis', 'show', '--eid', eid, '--via', 'java', '--timeout', '1')
    check(p, 'GetEIS', True)


def check(p, function, stamped):
    p.java.must('heard', p.file)
    text = read(p.file)
    covered = p.java.must('verify', p.file).split()
    if f'{function}Request' not in text or {name for name in ALL if f':{name} ' in text} != set(covered) or len(covered) < 5:
        raise LabError(f'{function}: covered are {covered}')
    if stamped != ('Timestamp' in covered):
        raise LabError(f'{function}: not the Timestamp that was agreed')
    for what, changed in (('the body', text.replace('<rps:FunctionCallIdentifier>', '<rps:FunctionCallIdentifier>x', 1)),
                          ('a header', text.replace('</wsa:To>', 'x</wsa:To>'))):
        open(p.file, 'w').write(changed)
        good, words = p.java.ask('verify', p.file)
        if good or changed == text:
            raise LabError(f'{function}: {what} was changed, and WSS4J says {words}')


def agree(lab, url):
    """What the SM-SR and the operators know of the Java partner: one that signs, one with an RSA key, one with a password."""
    more = {'signer': f'es7_url = {url}/es7\n{NAMES["signer"]}\nsend_security = x509', 'bodies': 'security = x509\nsigner = rsa.pem\nsigns_body_only = true',
            'digest': NAMES['digest']}
    for name, text in more.items():
        lab.append('sm-sr.conf', f'\n[partner {name}]\noid = {OIDS[name]}\nkinds = operator sm-sr\n{text}\n')
    for who in ('operator', 'start'):
        lab.append(f'{who}.conf', f'\n[partner java]\noid = {OIDS["signer"]}\nkind = sm-sr\nurl = {url}\nsend_security = x509\nsend_timestamp_s = 60\n')
    open(lab.path('secret.txt'), 'w').write('secret\n')
    return tuple(more)


def main():
    ecosystem.needs('osprey', 'osprey-sm-sr')
    if not shutil.which('javac') or not os.path.exists(f'/usr/share/java/{JARS[0]}.jar'):
        ecosystem.skip('libwss4j-java or a JDK is not installed')
    with tempfile.TemporaryDirectory(prefix='osprey-wss4j-') as out, Ecosystem(out, profiles=0) as lab:
        port, = labs.free_ports(1)
        names = agree(lab, f'https://127.0.0.1:{port}')
        caller = Caller(lab, names)
        java = Java(lab, 'signer')
        java.must('serve', str(port))
        lab.start('sm-sr')
        lab.wait('the SM-SR', lambda: lab.register(lab.cards[0]['eid'])[0] == 0, 10)
        for direction in (theirs, ours, tokens):
            direction(Partner(caller, java))
        java.end()


if __name__ == '__main__':
    sys.exit(main())
