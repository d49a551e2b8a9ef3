#!/usr/bin/env python3
"""An operator without an endpoint fetches its answers and notifications (WS-MakeConnection) from SM-SR and SM-DP: with our own
command line, and octet by octet with a peer that shares no code with it. Both sides are killed in between."""
import re
import sys
import tempfile

import ecosystem
import soap_peer
from ecosystem import Ecosystem, LabError, lab as labs

ANONYMOUS = 'http://docs.oasis-open.org/ws-rx/wsmc/200702/anonymous?id='
POLL = '''<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header>
<a:Action>http://docs.oasis-open.org/ws-rx/wsmc/200702/MakeConnection</a:Action>{received}</s:Header><s:Body>
<m:MakeConnection xmlns:m="http://docs.oasis-open.org/ws-rx/wsmc/200702">{body}</m:MakeConnection></s:Body></s:Envelope>'''


def replace(path, *changes):
    text = open(path).read()
    for old, new in changes:
        if old not in text:
            raise LabError(f'{path}: no {old}')
        text = text.replace(old, new)
    open(path, 'w').write(text)


def without_endpoint(lab):
    """The operator is known to both servers by an anonymous URI, and fetches under it."""
    url = lab.url('operator')
    replace(lab.path('sm-sr.conf'), (f'{url}/esim-messaging/3/ES4/ES4MnoService', ANONYMOUS + 'sr-1'))
    replace(lab.path('sm-dp.conf'), (f'{url}/esim-messaging/3/ES2/ES2MnoService', ANONYMOUS + 'dp-1'))
    replace(lab.path('operator.conf'), (f'url = {lab.url("dp")}\n', f'url = {lab.url("dp")}\npoll = dp-1\npoll_s = 1\n'),
            (f'url = {lab.url("sr")}\n', f'url = {lab.url("sr")}\npoll = sr-1\npoll_s = 1\n'))


def listen(lab):
    program = labs.Program('listen-operator', [lab.program('osprey'), 'listen', '--poll', '--json', '--config', lab.path('operator.conf')],
                           lab.path('logs', 'poll.jsonl'))
    lab.programs['listen-operator'] = program
    program.start()
    return program


class Peer:
    """Fetches with one identity; a connection is kept until it is dropped."""

    def __init__(self, lab, server, uri, identity):
        self.port, self.uri, self.identity, self.sock = lab.port[server], uri, identity, None

    def drop(self):
        if self.sock:
            self.sock.close()
        self.sock = None

    def poll(self, received='', body=None):
        self.sock = self.sock or soap_peer.connect(self.port, self.identity)
        text = POLL.format(received=f'<a:RelatesTo>{received}</a:RelatesTo>' if received else '', body=body or f'<m:Address>{self.uri}</m:Address>')
        self.sock.sendall(f'POST /x HTTP/1.1\r\nHost: x\r\nContent-Type: application/soap+xml\r\nContent-Length: {len(text)}\r\n\r\n{text}'.encode())
        status, _, answer = soap_peer.read_answer(self.sock)
        return status, answer


def message_id(text):
    return re.search(r'<wsa:MessageID>([^<]*)<', text)[1]


def must(what, got, want):
    if got != want:
        raise LabError(f'{what}: got {got}, want {want}')


def inbox(lab, name):
    return lab.rows('operator/inbox.db', 'SELECT message_id FROM message WHERE name=?', name)


def ask_three(lab, eid, mine, me):
    """Three calls of an operator that fetches its answers under `mine`."""
    oid = labs.OIDS['operator']
    for n in range(3):
        body = (f'<r:ES4-EnableProfileRequest xmlns:r="http://namespaces.gsma.org/esim-messaging/3"><r:FunctionCallIdentifier>P{n}</r:FunctionCallIdentifier>'
                f'<r:Eid>{eid}</r:Eid><r:Iccid>8999970000000099993</r:Iccid></r:ES4-EnableProfileRequest>')
        soap = (f'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing"><e:Header><wsa:From>'
                f'<wsa:Address>https://op/x?EntityId={oid}</wsa:Address></wsa:From><wsa:To>https://sr/x?EntityId={labs.OIDS["sm-sr"]}</wsa:To><wsa:MessageID>'
                f'//{oid}/P{n}?TransactionId=P{n}</wsa:MessageID><wsa:Action>http://gsma.com/ES4/PlatformManagement/ES4-EnableProfile</wsa:Action><wsa:ReplyTo>'
                f'<wsa:Address>{mine}</wsa:Address></wsa:ReplyTo></e:Header><e:Body>{body}</e:Body></e:Envelope>')
        must('a call', soap_peer.post(lab.port['sr'], soap, me)[0], 202)


def octet_by_octet(lab, eid):
    """Three answers wait; who fetches them how, and who may not."""
    oid, mine = labs.OIDS['operator'], ANONYMOUS + 'uuid-4711'
    me, other = lab.identity('as-operator', 'operator', oid), lab.identity('as-start', 'operator', labs.OIDS['start'])
    ask_three(lab, eid, mine, me)
    stored = lambda: [row[0] for row in lab.smsr_rows("SELECT body FROM outbox WHERE destination LIKE '%uuid-4711' ORDER BY id")]
    lab.wait('three answers', lambda: len(stored()) == 3, 10)
    kept = [message_id(soap.decode()) for soap in stored()]
    peer = Peer(lab, 'sr', mine, me)
    status, first = peer.poll()
    must('the first', (status, message_id(first), 'pending="true"' in first), (200, kept[0], True))
    must('its address', mine in re.search(r'<wsa:To>([^<]*)<', first)[1], True)
    peer.drop()
    must('again after a broken connection', peer.poll()[1], first)
    lab.programs['sm-sr'].kill()
    lab.start('sm-sr')
    peer.drop()
    must('again after a crash of the SM-SR', peer.poll()[1], first)
    second = peer.poll()[1]
    must('the second, on the same connection', message_id(second), kept[1])
    must('who has another name', Peer(lab, 'sr', mine, other).poll()[0], 403)
    must('who is not known', Peer(lab, 'sr', mine, lab.identity('as-nobody', 'operator', '2.999.55')).poll()[0], 403)
    must('an address that is none', peer.poll(body='<m:Address>https://127.0.0.1/</m:Address>')[0], 400)
    must('a selector', peer.poll(body='<m:Selector/>')[0], 400)
    must('two addresses', peer.poll(body=f'<m:Address>{mine}</m:Address><m:Address>{mine}</m:Address>')[0], 400)
    peer.drop()
    status, third = peer.poll(received=kept[1])
    must('the third, after the second was acknowledged by name', (message_id(third), 'pending="false"' in third), (kept[2], True))
    must('nothing more', peer.poll(), (202, ''))
    lab.wait('an empty outbox', lambda: not stored(), 5)
    must('nothing for others', Peer(lab, 'sr', mine, other).poll(), (202, ''))


def kills(lab, eid, iccid, poller):
    """An answer waits while nobody fetches; SM-SR and SM-DP die; the poller dies while it fetches."""
    poller.kill()
    code, answer, err = lab.osprey('profile', 'enable', '--eid', eid, '--iccid', iccid, '--via', 'sm-dp', '--no-wait')
    must('taken', code, 0)
    waiting = lambda: lab.smdp_rows("SELECT body FROM outbox WHERE destination LIKE 'wsmc %dp-1'")
    kept = message_id(lab.wait('the answer in the outbox', waiting, 60)[0][0].decode())
    for name in ('sm-dp', 'sm-sr'):
        lab.programs[name].kill()
        lab.start(name)
    poller = listen(lab)
    lab.wait('the answer', lambda: inbox(lab, 'ES2-EnableProfileResponse'), 20)
    poller.kill()
    poller = listen(lab)
    lab.wait('an empty outbox', lambda: not waiting(), 20)
    must('the answer, once', [row[0] for row in inbox(lab, 'ES2-EnableProfileResponse')], [kept.replace('&amp;', '&')])
    return poller


def main():
    ecosystem.needs('osprey', 'osprey-sm-dp', 'osprey-sm-sr', 'osprey-device')
    with tempfile.TemporaryDirectory(prefix='osprey-poll-') as out, Ecosystem(out, profiles=1) as lab:
        without_endpoint(lab)
        lab.listen = lambda who: listen(lab) if who == 'operator' else Ecosystem.listen(lab, who)
        lab.up()
        eid, iccid, poller = lab.cards[0]['eid'], lab.profiles[0]['iccid'], lab.programs['listen-operator']
        code, answer, err = lab.osprey('profile', 'download', '--eid', eid, '--iccid', iccid, '--via', 'sm-dp')
        must('a download beside a poller', (code, err), (0, ''))
        poller = kills(lab, eid, iccid, poller)
        poller.stop()
        code, answer, err = lab.osprey('audit', '--eid', eid, '--via', 'sm-sr')
        must('an audit that fetches its own answer', (code, err), (0, ''))
        poller = listen(lab)
        start = lab.osprey('eis', 'show', '--eid', eid, '--via', 'sm-sr', who='start')[1]['eis']['profiles'][0]['iccid']
        code, answer, err = lab.osprey('profile', 'enable', '--eid', eid, '--iccid', start, '--via', 'sm-sr', who='start')
        must('another operator takes over', code, 0)
        lab.wait('the notification', lambda: inbox(lab, 'ES4-HandleProfileDisabledNotification'), 20)
        octet_by_octet(lab, eid)
        must('no poller complains', [line for line in open(lab.path('logs', 'poll.jsonl')) if 'dropped' in line], [])


if __name__ == '__main__':
    sys.exit(main())
