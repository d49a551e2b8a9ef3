#!/usr/bin/env python3
"""`osprey partner test` against running servers: what is wrong, and on which side, for each way in which two parties miss each
other. And `osprey listen` hands on what a real SM-SR says, signed."""
import hashlib
import hmac
import http.server
import json
import os
import sys
import tempfile
import threading

import ecosystem
from ecosystem import Ecosystem, LabError, lab as labs

PARTNERS = {'few': 'functions = ES4-EnableProfile', 'old': 'namespaces = 3', 'wss': 'security = text\nuser = u\npassword_file = secret.txt', 'dpp': ''}
OIDS = {name: f'2.999.60.{n + 1}' for n, name in enumerate(PARTNERS)}
OIDS['nobody'] = '2.999.60.9'


class Tool:
    def __init__(self, lab):
        self.lab, self.base = lab, open(lab.path('operator.conf')).read()

    def test(self, what, code, *words, who='sm-sr', as_who=None, oid=None, changes=(), absent=()):
        """words: each must stand in one line of the report."""
        text = self.base.replace('operator/tls', f'as-{as_who}/tls').replace('operator/ci.pem', 'sm-sr/ci.pem') if as_who else self.base
        text = text.replace(f'oid = {labs.OIDS["operator"]}', f'oid = {oid or OIDS.get(as_who, labs.OIDS["operator"])}', 1)
        for old, new in changes:
            if old not in text:
                raise LabError(f'{what}: no {old}')
            text = text.replace(old, new)
        open(self.lab.path('t.conf'), 'w').write(text)
        got, out, err = self.lab.tool('osprey', 'partner', 'test', who, '--timeout', '5', '--config', self.lab.path('t.conf'), check=False)
        missing = [word for word in words if word not in out + err]
        if got != code or missing or [word for word in absent if word in out]:
            raise LabError(f'{what}: {got}, not {code}; missing {missing}\n{out}{err}')


def reports(tool):
    lab = tool.lab
    tool.test('all is well', 0, 'answered in kind: /3 /1 /4', absent=['WRONG'])
    tool.test('all is well at the SM-DP', 0, 'FAILED 8.7/3.9', who='sm-dp', absent=['WRONG'])
    tool.test('they do not know us', 4, 'do not know our OID 2.999.60.9', '(their side)', as_who='nobody')
    tool.test('our certificate is for another', 4, 'but [operator] oid is 2.999.60.8 (our side)', oid='2.999.60.8')
    tool.test('another role', 4, 'not as an operator', '(their side)', as_who='dpp')
    tool.test('not this function', 4, 'or not for GetEIS (their side)', as_who='few')
    tool.test('one version only', 0, 'answered in kind: /3\n', as_who='old')
    tool.test('they want WS-Security', 4, 'set send_security (our side)', as_who='wss')
    tool.test('with it', 0, 'answered in kind', as_who='wss', absent=['WRONG'],
              changes=[('kind = sm-sr\n', 'kind = sm-sr\nsend_security = text\nsend_user = u\nsend_password_file = secret.txt\n')])
    tool.test('with a wrong password', 4, 'compare send_user', as_who='wss',
              changes=[('kind = sm-sr\n', 'kind = sm-sr\nsend_security = text\nsend_user = v\nsend_password_file = secret.txt\n')])
    tool.test('they are somebody else', 4, 'their certificate is for 2.999.2', '[partner sm-sr] oid is 2.999.77',
              changes=[(f'oid = {labs.OIDS["sm-sr"]}\n', 'oid = 2.999.77\n')])
    tool.test('nobody listens', 7, 'endpoint', 'refused or broken off', changes=[(lab.url('sr'), 'https://127.0.0.1:1')])
    tool.test('they refuse our certificate', 7, 'TLS', '(ours or theirs)', as_who='foreign', oid=labs.OIDS['operator'])
    tool.test('we refuse theirs', 7, "peer's certificate refused", changes=[('trust = operator/ci.pem', 'trust = as-foreign/ci.pem')])
    tool.test('it is an SM-SR', 4, 'check kind and url', changes=[('kind = sm-sr', 'kind = sm-dp')])
    tool.test('nobody of that name', 2, 'no such partner', who='zzz')
    plain = f'127.0.0.1:{Hook().server.server_address[1]}'
    tool.test('a web server', 7, 'what answers there does not speak TLS', changes=[(lab.url('sr'), f'https://{plain}')])
    tool.test('without TLS', 4, 'url begins with http://', changes=[(lab.url('sr'), f'http://{plain}')])
    tool.test('no URL', 1, '[partner sm-sr] url: https://host:port', changes=[(lab.url('sr'), 'sr.example')])


def checks_itself(tool):
    """`osprey config check` finds what every partner would refuse us for."""
    lab = tool.lab
    lab.tool('osprey-eum', 'issue', 'operator', '--ci', lab.path('ci'), '--out', lab.path('as-old-one'), '--oid', labs.OIDS['operator'],
             '--name', 'Old', '--from', '2020-01-01', '--days', '10')
    for old, new, code, says in (('', '', 0, 'the configuration is good'), ('operator/tls', 'as-old-one/tls', 1, 'it is expired'),
                                 (f'oid = {labs.OIDS["operator"]}', 'oid = 2.999.60.8', 1, 'but [operator] oid is 2.999.60.8')):
        open(lab.path('t.conf'), 'w').write(tool.base.replace(old, new, 1) if old != 'operator/tls' else tool.base.replace(old, new))
        got, out, err = lab.tool('osprey', 'config', 'check', '--config', lab.path('t.conf'), check=False)
        if got != code or says not in out + err:
            raise LabError(f'config check: {got} {out}{err}')


class Hook:
    """A web server of somebody's that hears of messages; it fails once."""

    def __init__(self):
        hook = self
        self.heard, self.failed = [], False

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                if hook.failed:
                    hook.heard.append((dict(self.headers), body))
                self.send_response(204 if hook.failed else 503)
                self.end_headers()
                hook.failed = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def handed_on(lab):
    """A real answer of the SM-SR reaches webhook (after one failure) and command, with a signature that holds."""
    hook, eid = Hook(), lab.cards[0]['eid']
    open(lab.path('hook.key'), 'wb').write(b'a secret of us two')
    lab.programs['listen'] = labs.Program('listen', [
        lab.program('osprey'), 'listen', '--count', '1', '--webhook', f'http://127.0.0.1:{hook.server.server_address[1]}/x', '--secret',
        lab.path('hook.key'), '--exec', f'cat > {lab.path("handed.json")}', '--config', lab.path('start.conf')], lab.path('logs', 'listen.out'))
    lab.programs['listen'].start()
    lab.osprey('profile', 'enable', '--eid', eid, '--iccid', '8999970000000099993', '--via', 'sm-sr', '--no-wait', who='start')
    headers, body = lab.wait('the webhook', lambda: hook.heard, 20)[0]
    want = 'sha256=' + hmac.new(b'a secret of us two', body, hashlib.sha256).hexdigest()
    if want not in headers.values():
        raise LabError(f'the signature: {headers}')
    handed = lab.path('handed.json')
    lab.wait('the command', lambda: os.path.exists(handed) and open(handed).read().rstrip().endswith('}'), 10)
    said = json.loads(body)
    if json.loads(open(handed).read()) != said or (said['function'], said['subject'], said['reason']) != ('ES4.EnableProfile', '8.2.1', '3.9'):
        raise LabError(f'what was handed on: {open(handed).read()} {body}')


def main():
    ecosystem.needs('osprey', 'osprey-sm-dp', 'osprey-sm-sr')
    with tempfile.TemporaryDirectory(prefix='osprey-tool-') as out, Ecosystem(out, profiles=0) as lab:
        open(lab.path('secret.txt'), 'w').write('x')
        for name, oid in OIDS.items():
            lab.identity(f'as-{name}', 'operator', oid)
        lab.tool('osprey-eum', 'ci', 'init', '--out', lab.path('ci2'), '--oid', '2.999.1.9', '--curve', 'P-256')
        lab.identity('as-foreign', 'operator', labs.OIDS['operator'], 'ci2')
        lab.append('sm-sr.conf', ''.join(f'\n[partner {name}]\noid = {OIDS[name]}\nkinds = {"sm-dp" if name == "dpp" else "operator"}\n{text}\n'
                                         for name, text in PARTNERS.items()))
        for name in ('sm-dp', 'sm-sr'):
            lab.start(name)
        lab.wait('the SM-SR', lambda: lab.register(lab.cards[0]['eid'])[0] == 0, 10)
        reports(Tool(lab))
        checks_itself(Tool(lab))
        handed_on(lab)


if __name__ == '__main__':
    sys.exit(main())
