#!/usr/bin/env python3
"""What SOAP partners may not do, at the door of the running SM-SR, SM-DP and operator: the exact answer, and nothing changes.

Proven elsewhere, not repeated here:
  every cut of a message, every ceiling            tests/unit/es/test_message.c (every_cut_is_refused, ceilings_hold)
  registration: forged, foreign, twice, expired    tests/e2e/test_registration.py
  time-outs and slow senders of HTTP               tests/unit/io/test_http.c"""
import re
import sys
import tempfile

import ecosystem
import soap_peer
from ecosystem import Ecosystem, LabError

ENABLE = '''<?xml version="1.0" encoding="UTF-8"?>
<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing"><env:Header>
<wsa:From><wsa:Address>{back}/x?EntityId={oid}</wsa:Address></wsa:From><wsa:To>https://127.0.0.1/x?EntityId={to}</wsa:To>
<wsa:MessageID>//{oid}/M{n}?TransactionId=T{n}</wsa:MessageID><wsa:Action>http://gsma.com/{es}/PlatformManagement/{es}-EnableProfile</wsa:Action>
<wsa:ReplyTo><wsa:Address>{reply}/x</wsa:Address></wsa:ReplyTo></env:Header><env:Body>
<rps:{es}-EnableProfileRequest xmlns:rps="http://namespaces.gsma.org/esim-messaging/3"><rps:FunctionCallIdentifier>C{n}</rps:FunctionCallIdentifier>
<rps:ValidityPeriod>60</rps:ValidityPeriod><rps:Eid>{eid}</rps:Eid>{smsr}<rps:Iccid>{iccid}</rps:Iccid></rps:{es}-EnableProfileRequest></env:Body></env:Envelope>'''
MIB = 1 << 20


def answer_of(text):
    """What a SOAP answer says, in words: 'FAILED 1.1/1.2' or 'Fault Sender ActionNotSupported'."""
    find = lambda name: (re.search(rf'<\w+:{name}>([^<]*)<', text) or ['', ''])[1]
    if 'Fault>' in text:
        return ' '.join(['Fault'] + [value.split(':')[1] for value in re.findall(r'<env:Value[^>]*>([^<]*)<', text)])
    return f'{find("Status")} {find("Subject")}/{find("Reason")}' if 'Response' in text else text[:60]


class Door:
    """One server, asked by whoever is named; every case must leave everything as it was."""

    def __init__(self, lab):
        self.lab, self.count, self.number = lab, 0, 0
        self.eid, self.iccid = lab.cards[0]['eid'], lab.profiles[0]['iccid']
        self.good = {'operator': lab.identity('as-operator', 'operator', lab_oid('operator')), 'sm-dp': lab.identity('as-dp', 'sm-dp', lab_oid('sm-dp')),
                     'sm-sr': lab.identity('as-sr', 'sm-sr', lab_oid('sm-sr'))}
        self.before = lab.snapshot()

    def message(self, **changes):
        self.number += 1
        es = changes.get('es', 'ES4')
        values = dict(back=self.lab.url('operator'), reply=self.lab.url('operator'), oid=lab_oid('operator'), to=lab_oid('sm-sr'), es=es, n=self.number,
                      eid=self.eid, iccid=self.iccid, smsr=f'<rps:SmsrId>{lab_oid("sm-sr")}</rps:SmsrId>' if es == 'ES2' else '')
        return ENABLE.format(**dict(values, **changes))

    def say(self, what, server, body, want, identity='operator', **options):
        """want: 'status answer'. identity: a name of self.good, a pair of files, or None."""
        identity = self.good.get(identity, identity)
        status, headers, text = soap_peer.post(self.lab.port[server], body, identity, **options)
        got = f'{status} {answer_of(text)}'.strip() if isinstance(status, int) else str(status).split(':')[0]
        if got != want:
            raise LabError(f'{what} at {server}: got "{got}", want "{want}"\n{text[:600]}')
        if headers.get('content-type', '').startswith('application/soap') and '<' not in text:
            raise LabError(f'{what} at {server}: SOAP without a message')
        self.count += 1

    def unchanged(self, what):
        self.lab.must_be_as_before(self.before, what)


def lab_oid(who):
    return ecosystem.lab.OIDS[who]


def broken_messages(door, server, **as_whom):
    """What is no message, or not a whole one."""
    m = lambda **changes: door.message(**dict(as_whom, **changes))
    whole = m()
    cut = lambda share: whole[:int(len(whole) * share)]
    door.say('a truncated header', server, cut(0.2), '400 Fault Sender')
    door.say('a truncated body', server, cut(0.9), '400 Fault Sender')
    door.say('nothing', server, '', '400 Fault Sender')
    door.say('no XML', server, 'GET / HTTP/1.1', '400 Fault Sender')
    door.say('zero octets', server, b'\0' * 100, '400 Fault Sender')
    door.say('not UTF-8', server, m().replace('<rps:Eid>', '<rps:Eid>\xff').encode('latin-1'), '400 Fault Sender')
    door.say('a DOCTYPE', server, m().replace('?>\n', '?>\n<!DOCTYPE a>\n', 1), '400 Fault Sender')
    door.say('entities', server, m().replace('?>\n', '?>\n<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>\n', 1).replace('<rps:Eid>', '<rps:Eid>&b;'),
             '400 Fault Sender')
    door.say('a file as entity', server, m().replace('?>\n', '?>\n<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>\n', 1), '400 Fault Sender')
    door.say('SOAP 1.1', server, m().replace('http://www.w3.org/2003/05/soap-envelope', 'http://schemas.xmlsoap.org/soap/envelope/'), '400 Fault VersionMismatch')
    door.say('an unknown function', server, m().replace('EnableProfileRequest', 'EnableEverythingRequest'), '400 Fault Sender ActionNotSupported')
    door.say('no From', server, re.sub(r'<wsa:From>.*?</wsa:From>', '', m()), '400 Fault Sender MessageAddressingHeaderRequired')
    door.say('too much', server, m().replace('</env:Body>', '<!--' + 'x' * (5 * MIB) + '--></env:Body>'), '413 Content Too Large')
    door.say('far too much, announced', server, 'x', '413 Content Too Large', length=1 << 40)
    door.say('no ICCID', server, re.sub(r'<rps:Iccid>.*?</rps:Iccid>', '', m()), '200 FAILED 1.3.1/2.2')
    door.say('a short EID', server, m(eid=door.eid[:-1]), '200 FAILED 8.1.1/2.1')
    door.say('an EID with wrong check digits', server, m(eid=door.eid[:-1] + str((int(door.eid[-1]) + 1) % 10)), '200 FAILED 8.1.1/2.1')
    door.say('an element twice', server, m().replace('<rps:Iccid>', f'<rps:Eid>{door.eid}</rps:Eid><rps:Iccid>'), '200 FAILED 1.3.1/2.1')
    door.say('a deep nest', server, m().replace('<rps:Eid>', '<a>' * 30000 + '</a>' * 30000 + '<rps:Eid>'), '200 FAILED 1.3.1/2.1')
    door.unchanged(f'a broken message at {server}')


def strangers(door, server, es, to):
    """Who may not come in, or not do this."""
    lab = door.lab
    m = lambda **changes: door.message(**dict({'es': es, 'to': to}, **changes))
    door.say('no certificate', server, m(), 'refused', identity=None)
    door.say('a certificate of another CI', server, m(), 'refused', identity=door.foreign)
    door.say('an expired certificate', server, m(), 'refused', identity=door.expired)
    door.say('a certificate that is not valid yet', server, m(), 'refused', identity=door.unborn)
    door.say('somebody nobody knows', server, m(oid='2.999.55'), '200 FAILED 1.1/1.1', identity=door.unknown)
    door.say('a known one with the word of another', server, m(oid=lab_oid('start')), '200 FAILED 1.1/1.1')
    door.say('one with a name nobody has', server, m(oid='2.999.77'), '200 FAILED 1.1/1.1')
    door.say('an answer to a host of others', server, m(reply='https://127.0.0.1:1'), '200 FAILED 1.1/1.2')
    door.unchanged(f'a stranger at {server}')


def wrong_roles(door):
    lab = door.lab
    door.say('an SM-DP at ES4', 'sr', door.message(oid=lab_oid('sm-dp'), reply=lab.url('dp')), '200 FAILED 1.1/1.2', identity='sm-dp')
    door.say('an operator at ES3', 'sr', door.message(es='ES3'), '200 FAILED 1.1/1.2')
    door.say('an SM-SR at ES2', 'dp', door.message(es='ES2', to=lab_oid('sm-dp'), oid=lab_oid('sm-sr'), reply=lab.url('sr')), '200 FAILED 1.1/1.2', identity='sm-sr')
    door.say('ES4 at the SM-DP', 'dp', door.message(to=lab_oid('sm-dp')), '200 FAILED 1.1/1.2')
    door.unchanged('a wrong role')


def at_the_operator(door):
    """It takes callbacks and notifications of its partners only."""
    known = len(door.lab.rows('operator/inbox.db', 'SELECT number FROM message'))
    door.say('no certificate', 'operator', door.message(), 'refused', identity=None)
    door.say('another operator', 'operator', door.message(), '403')
    door.say('a partner who asks', 'operator', door.message(oid=lab_oid('sm-sr')), '400 Fault Sender ActionNotSupported', identity='sm-sr')
    door.say('a DOCTYPE', 'operator', door.message(oid=lab_oid('sm-sr')).replace('?>\n', '?>\n<!DOCTYPE a>\n', 1), '400 Fault Sender', identity='sm-sr')
    door.say('a cut', 'operator', door.message(oid=lab_oid('sm-sr'))[:600], '400 Fault Sender', identity='sm-sr')
    if len(door.lab.rows('operator/inbox.db', 'SELECT number FROM message')) != known:
        raise LabError('the operator kept what it refused')


def the_same_call(door):
    """One identifier, one call: another content is refused; the same call again is carried out once, each message answered."""
    first = door.message(iccid='8999970000000099993')
    door.say('a call', 'sr', first, '202')
    door.say('its identifier with another content', 'sr', first.replace('8999970000000099993', door.iccid), '200 FAILED 1.6/3.3')
    door.say('the call again', 'sr', first.replace('/M', '/N'), '202')
    door.lab.wait('both answers', lambda: len(door.lab.answers('ES4-EnableProfile', 0)) == 2, 10)
    door.lab.wait('all is sent', door.lab.idle, 10)
    if len(door.lab.answers('ES4-EnableProfile', 0)) != 2:
        raise LabError('two messages, but not two answers')
    door.unchanged('a refused call')


def still_serving(lab):
    """After all that: a good call is served by each."""
    eid, iccid = lab.cards[0]['eid'], lab.profiles[0]['iccid']
    for arguments in (['enable'], ['disable', '--via', 'sm-sr']):
        code, answer, err = lab.osprey('profile', arguments[0], '--eid', eid, '--iccid', iccid, '--timeout', '30', *arguments[1:])
        if code:
            raise LabError(f'a good call is not served any more: {answer} {err}')


def run(lab):
    lab.up()
    code, answer, err = lab.osprey('profile', 'download', '--eid', lab.cards[0]['eid'], '--iccid', lab.profiles[0]['iccid'], '--timeout', '30')
    if code:
        raise LabError(f'download: {answer} {err}')
    lab.wait('quiet', lab.idle, 10)
    lab.tool('osprey-eum', 'ci', 'init', '--out', lab.path('ci-of-others'), '--oid', lab_oid('ci'))
    door = Door(lab)
    door.foreign = lab.identity('foreign', 'operator', lab_oid('operator'), 'ci-of-others')
    door.expired = lab.identity('expired', 'operator', lab_oid('operator'), 'ci', '--from', '2020-01-01', '--days', '30')
    door.unborn = lab.identity('unborn', 'operator', lab_oid('operator'), 'ci', '--from', '2090-01-01', '--days', '30')
    door.unknown = lab.identity('unknown', 'operator', '2.999.55')
    broken_messages(door, 'sr')
    broken_messages(door, 'dp', es='ES2', to=lab_oid('sm-dp'))
    strangers(door, 'sr', 'ES4', lab_oid('sm-sr'))
    strangers(door, 'dp', 'ES2', lab_oid('sm-dp'))
    wrong_roles(door)
    at_the_operator(door)
    the_same_call(door)
    still_serving(lab)
    return door.count


def main():
    ecosystem.needs(*ecosystem.lab.PLACES)
    with tempfile.TemporaryDirectory(prefix='osprey-soap-') as out, Ecosystem(out, profiles=1) as lab:
        count = run(lab)
    print(f'{count} messages refused as they must be, nothing changed, and good calls are served after them')


if __name__ == '__main__':
    sys.exit(main())
