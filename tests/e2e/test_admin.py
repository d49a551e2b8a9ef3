#!/usr/bin/env python3
"""The administration of SM-SR and SM-DP: what the code answers and what docs/sm-….yaml describes are the same, both ways; who may
see what; `osprey` on top of it: procedures and their steps, messages that were given up, many orders at once; metrics.

  test_admin.py [POSTGRESQL-URL]     with databases smsr and smdp there; else with SQLite"""
import http.server
import json
import os
import re
import ssl
import sys
import tempfile
import threading

import ecosystem
import soap_peer
from ecosystem import Ecosystem, LabError, lab as labs
from test_poll import replace

ADMIN = '2.999.80.1'
UNKNOWN_ICCID = '8999970000000099993'


class Description:
    """An OpenAPI file: which statuses a route may answer, and what is in each answer."""

    def __init__(self, name):
        import yaml
        self.api = yaml.safe_load(open(os.path.join(os.environ['OSPREY_SOURCE'], 'docs', name)))
        self.asked = set()

    def follow(self, node):
        while '$ref' in node:
            at = self.api
            for part in node['$ref'].split('/')[1:]:
                at = at[part]
            node = at
        return node

    def routes(self):
        return {(method.upper(), path.lstrip('/')) for path, methods in self.api['paths'].items() for method in methods}

    def path_of(self, target):
        for path in self.api['paths']:
            if re.fullmatch(re.sub(r'\{\w+\}', '[^/]+', path), '/' + target.split('?')[0]):
                return path
        return None

    def check(self, method, target, status, answer):
        path = self.path_of(target)
        if not path or method.lower() not in self.api['paths'][path]:
            return  # 404 and 405 belong to no route
        self.asked.add((method, path.lstrip('/')))
        responses = self.api['paths'][path][method.lower()]['responses']
        if str(status) not in responses:
            raise LabError(f'{method} {target}: {status} is not described')
        schema = self.follow(responses[str(status)])['content']['application/json']['schema']
        self.value(f'{method} {target}', self.follow(schema), answer)

    def value(self, what, schema, value):
        types = {'object': dict, 'array': list, 'string': str, 'integer': int, 'number': (int, float), 'boolean': bool}
        if not isinstance(value, types[schema['type']]) or (schema['type'] == 'integer' and isinstance(value, bool)):
            raise LabError(f'{what}: {value!r} is no {schema["type"]}')
        if 'enum' in schema and value not in schema['enum']:
            raise LabError(f'{what}: {value!r} is none of {schema["enum"]}')
        if schema['type'] == 'array':
            for item in value:
                self.value(what, self.follow(schema['items']), item)
        if schema['type'] == 'object':
            wrong = set(value) - set(schema['properties']) | set(schema.get('required', [])) - set(value)
            if wrong:
                raise LabError(f'{what}: {sorted(wrong)} described and not there, or there and not described')
            for name, member in value.items():
                self.value(f'{what} {name}', self.follow(schema['properties'][name]), member)


class Server:
    def __init__(self, lab, short, description, identities):
        self.lab, self.short, self.description, self.identities = lab, short, Description(description), identities

    def ask(self, who, method, target, want, body=None, prefix='/admin/v1/'):
        text = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body or b''
        with soap_peer.connect(self.lab.port[self.short], self.identities[who]) as sock:
            sock.sendall(f'{method} {prefix}{target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(text)}\r\n\r\n'.encode() + text)
            status, headers, answer = soap_peer.read_answer(sock)
        if status != want:
            raise LabError(f'{who}: {method} {target}: {status} {answer[:300]}, want {want}')
        if prefix == '/metrics' and status == 200:
            return answer
        value = json.loads(answer)
        self.description.check(method, target, status, value)
        return value

    def same_routes(self):
        routes = {(route['method'], route['path']) for route in self.ask('admin', 'GET', '', 200)['routes']} | {('GET', '')}
        if routes != self.description.routes():
            raise LabError(f'{self.short}: only in code or only described: {sorted(routes ^ self.description.routes())}')

    def all_asked(self):
        left = self.description.routes() - self.description.asked
        if left:
            raise LabError(f'{self.short}: never asked here: {sorted(left)}')


class Refusing:
    """The operator's endpoint as it is when its path is wrong: 404 to everything."""

    def __init__(self, port, identity):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*identity)
        refusing = self
        self.heard = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers['Content-Length']))
                refusing.heard += 1
                self.send_error(404)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', port), Handler)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def refusals(server):
    server.ask('nobody', 'GET', '', 403)
    server.ask('operator', 'GET', 'outbox', 403)
    server.ask('operator', 'GET', 'partners', 403)
    server.ask('operator', 'DELETE', 'undelivered/1', 403)
    server.ask('operator', 'GET', '', 403, prefix='/metrics')
    server.ask('admin', 'GET', 'nothing', 404)
    server.ask('admin', 'PUT', 'outbox', 405)
    server.ask('admin', 'GET', 'outbox?after=x', 400)
    server.ask('admin', 'POST', 'undelivered/x/retry', 400)
    server.ask('admin', 'DELETE', 'undelivered/999', 404)
    server.ask('admin', 'POST', 'undelivered/999/retry', 404)
    server.ask('admin', 'GET', 'partners', 200)
    server.ask('admin', 'GET', 'outbox', 200)


def metric(server, name):
    return int(re.search(rf'^{name} (\d+)$', server.ask('admin', 'GET', '', 200, prefix='/metrics'), re.M)[1])


def osprey(lab, *arguments, who):
    code, out, err = lab.tool('osprey', *arguments, '--config', lab.path(f'{who}.conf'), check=False)
    if code:
        raise LabError(f'osprey {" ".join(arguments)}: {code} {out} {err}')
    return out


def procedures(lab, sr, eid):
    """An audit waits for a card that is off: its owner sees it, with its steps; another operator does not."""
    code, answer, err = lab.osprey('audit', '--eid', eid, '--via', 'sm-sr', '--no-wait', '--validity', '600', who='start')
    lab.wait('the audit', lambda: sr.ask('admin', 'GET', 'procedures', 200)['procedures'], 10)
    row = sr.ask('start', 'GET', f'procedures/{eid}', 200)['procedures'][0]
    if row['procedure'] != 'audit' or row['step'] not in row['steps'] or row['function'] != 'ES4-AuditEIS' or not row['commands']:
        raise LabError(f'the audit: {row}')
    if sr.ask('operator', 'GET', f'procedures/{eid}', 200)['procedures'] or sr.ask('operator', 'GET', 'procedures', 200)['procedures']:
        raise LabError('an operator sees the procedures of another')
    if sr.ask('admin', 'GET', f'procedures?after={eid}.{row["number"]}', 200)['procedures']:
        raise LabError('a page begins in the middle')
    sr.ask('admin', 'GET', 'procedures?after=x', 400)
    if [e['eid'] for e in sr.ask('start', 'GET', 'euiccs', 200)['euiccs']] != [eid] or sr.ask('operator', 'GET', 'euiccs', 200)['euiccs']:
        raise LabError('who sees which eUICC')
    if sr.ask('admin', 'GET', f'euiccs?after={eid}', 200)['euiccs']:
        raise LabError('a page behind the last one')
    if '[' + row['step'] + ']' not in osprey(lab, 'procedure', 'show', '--eid', eid, '--via', 'sm-sr', who='start'):
        raise LabError('osprey procedure show')
    for words in (('procedure', 'list'), ('euicc', 'list')):
        if eid not in osprey(lab, *words, '--via', 'sm-sr', who='start'):
            raise LabError(f'osprey {words}')


def given_up(lab, sr, eid):
    """An answer that the operator's server refuses is kept, over a crash, and sent once more on demand."""
    wrong = Refusing(lab.port['start'], sr.identities['start'])
    ask = lambda: lab.osprey('profile', 'enable', '--eid', eid, '--iccid', UNKNOWN_ICCID, '--via', 'sm-sr', '--no-wait', who='start')
    for n in range(2):
        ask()
        lab.wait('the refusal', lambda: len(sr.ask('admin', 'GET', 'undelivered', 200)['messages']) == n + 1, 10)
    wrong.close()
    lab.programs['sm-sr'].kill()
    lab.start('sm-sr')
    lab.wait('the SM-SR', lambda: lab.register(eid)[1] is not None, 10)
    first, second = sr.ask('admin', 'GET', 'undelivered', 200)['messages']
    if not first['message'].startswith('ES4-EnableProfile/response/') or sr.ask('admin', 'GET', f'undelivered?after={first["id"]}', 200)['messages'] != [second]:
        raise LabError(f'what was given up: {first} {second}')
    if metric(sr, 'smsr_undelivered_messages') != 2:
        raise LabError('the figure of messages that were given up')
    lab.listen('start')
    osprey(lab, 'undelivered', 'retry', str(first['id']), '--via', 'sm-sr', who='admin')
    inbox = lambda: lab.rows('start/inbox.db', "SELECT message_id FROM message WHERE name='ES4-EnableProfileResponse'")
    lab.wait('the answer', inbox, 10)
    osprey(lab, 'undelivered', 'forget', str(second['id']), '--via', 'sm-sr', who='admin')
    lab.wait('an empty outbox', lambda: 'EnableProfile' not in osprey(lab, 'outbox', 'list', '--via', 'sm-sr', who='admin'), 10)
    if 'EnableProfile' in osprey(lab, 'undelivered', 'list', '--via', 'sm-sr', who='admin') or len(inbox()) != 1:
        raise LabError('what was sent or forgotten is still there')
    if metric(sr, 'smsr_undelivered_messages') or metric(sr, 'smsr_euiccs') != 1 or not metric(sr, 'smsr_commits_total'):
        raise LabError('the figures')


def orders(lab, dp):
    """Many at once: what will not do does not hold up the others."""
    new = [lab.order(n) for n in (4, 5)]
    open(lab.path('broken.der'), 'wb').write(b'nothing')
    open(lab.path('orders.txt'), 'w').write('# a list\nprofile-4.der type=Meters msisdn=4917001 rules=delete:not-allowed\nbroken.der\n\n'
                                            'profile-5.der type=Meters\nprofile-4.der\n')
    out = lab.tool('osprey', 'order', 'add', '--file', lab.path('orders.txt'), '--config', lab.path('operator.conf'), check=False)
    if out[0] != 4 or '2 ordered, 2 refused, of 4' not in out[1] or 'refused   broken.der' not in out[1]:
        raise LabError(f'many orders: {out}')
    rows = {row['iccid']: row for row in dp.ask('operator', 'GET', 'profiles', 200)['profiles']}
    if rows[new[0]['iccid']]['pol2'] != 'delete:not-allowed' or rows[new[1]['iccid']]['type'] != 'Meters':
        raise LabError(f'the profiles: {rows}')
    if len(dp.ask('admin', 'GET', f'profiles?owner={labs.OIDS["operator"]}', 200)['profiles']) != len(rows):
        raise LabError('an administrator sees the profiles of an operator')
    dp.ask('operator', 'GET', 'profiles?owner=2.999.1', 400)
    open(lab.path('wrong.txt'), 'w').write('profile-4.der colour=red\n')
    code, out, err = lab.tool('osprey', 'order', 'add', '--file', lab.path('wrong.txt'), '--config', lab.path('operator.conf'), check=False)
    if code != 2 or 'line 1' not in err:
        raise LabError(f'a wrong line: {code} {out} {err}')
    for body in (b'', [], {}, {'orders': []}, {'orders': [{}], 'more': 1}, {'orders': [{}] * 257}):
        dp.ask('operator', 'POST', 'orders', 400, body)
    answer = dp.ask('operator', 'POST', 'orders', 200, {'orders': [{}, 7, {'package': '00'}]})
    if [result['status'] for result in answer['results']] != [422, 400, 422] or answer['taken']:
        raise LabError(f'wrong orders: {answer}')
    dp.ask('operator', 'POST', 'profiles', 422, {'package': 'A0'})
    dp.ask('operator', 'POST', 'profiles', 422, {'package': 'A0', 'connectivity': 'A'})
    dp.ask('admin', 'POST', 'profiles', 403, {'package': 'A0'})
    dp.ask('admin', 'GET', 'undelivered', 200)


def later(lab, sr, dp, eid):
    """What takes its time: accepted, asked for again, refused. (test_master_delete.py does it for good.)"""
    token = {'iccid': UNKNOWN_ICCID, 'isdp_aid': 'A0000005591010FFFFFFFF8900001100', 'sin': '01', 'sdin': '02', 'provider': '03',
             'token_id': '04', 'token': '00' * 16, 'call_id': 'late-1'}
    target = f'euiccs/{eid}/master-delete'
    if sr.ask('admin', 'POST', target, 202, token) != {'call_id': 'late-1'} or sr.ask('admin', 'POST', target, 202, token) != {'call_id': 'late-1'}:
        raise LabError('the identifier of a call')
    lab.wait('the call', lambda: sr.ask('admin', 'GET', 'calls/late-1', 200)['state'] in ('running', 'done'), 10)
    sr.ask('start', 'GET', 'calls/late-1', 404)
    sr.ask('admin', 'POST', target, 409, dict(token, sin='05'))
    sr.ask('operator', 'POST', target, 403, token)
    for wrong in ({'colour': 'red'}, {'token': '00'}, {'call_id': 'a b'}, {'validity_s': 0}, {'iccid': 'x'}, {'isdp_aid': '00'}):
        sr.ask('admin', 'POST', target, 422, dict(token, **wrong))
    sr.ask('admin', 'POST', target, 422, b'nothing')
    sr.ask('admin', 'POST', 'euiccs/12/rotate-keys', 400)
    sr.ask('admin', 'POST', 'euiccs/12/master-delete', 400, token)
    free = dp.ask('operator', 'GET', 'profiles', 200)['profiles'][0]['iccid']
    for verb in ('personalize', 'delete-token'):
        dp.ask('operator', 'POST', f'profiles/{free}/{verb}', 409, {'token': True})
        dp.ask('operator', 'POST', f'profiles/{UNKNOWN_ICCID}/{verb}', 404, {'token': True})
        dp.ask('operator', 'POST', f'profiles/12/{verb}', 400, {'token': True})
    dp.ask('operator', 'GET', 'calls/none', 404)


def audit_trail(sr, eid):
    trail = sr.ask('admin', 'GET', f'audit-trail/{eid}', 200)['records']
    checked = sr.ask('admin', 'GET', f'audit-trail/{eid}/verify', 200)
    if [r['n'] for r in trail] != list(range(1, len(trail) + 1)) or not trail or checked != {'good': True, 'records': len(trail), 'findings': ''}:
        raise LabError(f'audit trail: {trail} {checked}')
    if sr.ask('admin', 'GET', f'audit-trail/{eid}?after={len(trail)}', 200)['records']:
        raise LabError('records behind the last one')
    sr.ask('admin', 'GET', 'audit-trail/12', 400)
    sr.ask('operator', 'GET', f'audit-trail/{eid}', 403)


def keys(server):
    """One master key, and nothing to move; a walk that is asked for finds nothing to do."""
    answer = server.ask('admin', 'GET', 'keys', 200)
    if answer['move']['to'] != answer['master_key'] or answer['move']['moved']:
        raise LabError(f'keys: {answer}')
    server.ask('admin', 'POST', 'keys/rewrap', 202)
    server.lab.wait('the walk', lambda: not server.ask('admin', 'GET', 'keys', 200)['move']['running'], 10)


def ends(lab, server, name):
    """The processes on the database, and a clean end."""
    seen = server.ask('admin', 'GET', 'nodes', 200)
    if [n['asked'] for n in seen['nodes']] != [True] * seen['shared']:
        raise LabError(f'nodes: {seen}')
    server.ask('operator', 'POST', 'drain', 403)
    server.ask('admin', 'POST', 'drain', 202)
    lab.wait(f'the end of {name}', lambda: not lab.programs[name].running(), 10)
    if lab.programs[name].process.returncode != 0:
        raise LabError(f'{name} ended with {lab.programs[name].process.returncode}')


def main():
    ecosystem.needs('osprey', 'osprey-sm-dp', 'osprey-sm-sr')
    with tempfile.TemporaryDirectory(prefix='osprey-admin-') as out, Ecosystem(out, profiles=1, postgres=sys.argv[1] if sys.argv[1:] else None) as lab:
        identities = {'admin': lab.identity('as-admin', 'operator', ADMIN), 'nobody': lab.identity('as-nobody', 'operator', '2.999.80.9')}
        for who in ('operator', 'start'):
            identities[who] = lab.identity(f'as-{who}', 'operator', labs.OIDS[who])
        lab.append('sm-sr.conf', f'\n[partner admin]\noid = {ADMIN}\nkinds = admin\n')
        lab.append('sm-dp.conf', f'\n[partner admin]\noid = {ADMIN}\nkind = admin\n')
        text = open(lab.path('operator.conf')).read()
        open(lab.path('admin.conf'), 'w').write(text.replace(f'oid = {labs.OIDS["operator"]}', f'oid = {ADMIN}').replace('operator/', 'as-admin/'))
        for name in ('sm-dp', 'sm-sr'):
            lab.start(name)
        eid = lab.cards[0]['eid']
        lab.wait('the SM-SR', lambda: lab.register(eid)[0] == 0, 10)
        sr, dp = Server(lab, 'sr', 'sm-sr-admin.yaml', identities), Server(lab, 'dp', 'sm-dp-admin.yaml', identities)
        for server in (sr, dp):
            server.same_routes()
            refusals(server)
        procedures(lab, sr, eid)
        given_up(lab, sr, eid)
        audit_trail(sr, eid)
        orders(lab, dp)
        later(lab, sr, dp, eid)
        for server, name in ((sr, 'sm-sr'), (dp, 'sm-dp')):
            keys(server)
            ends(lab, server, name)
            server.all_asked()


if __name__ == '__main__':
    sys.exit(main())
