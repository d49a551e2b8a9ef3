#!/usr/bin/env python3
"""ES6: the operator changes POL1 and connectivity parameters inside its own enabled profile by SMS and over HTTPS, with the profile's
keys, and sees the card's answer; then the card itself refuses what POL1 forbids, until the operator takes the rule away."""
import re
import sys
import tempfile

import ecosystem
from ecosystem import Ecosystem, LabError

NUMBER = '999100100'


def keys_of(lab, name, kic=None):
    text = open(ecosystem.os.path.join(ecosystem.HERE, '..', '..', 'profiles', 'demo-operator.profile')).read()
    value = lambda key: re.search(rf'^{key}\s*=\s*(\w+)', text, re.M)[1]
    path = lab.path(name)
    ecosystem.lab.write(path, f'[profile]\nkvn = {int(value("ota-kvn"), 16)}\nkic = {kic or value("ota-kic")}\nkid = {value("ota-kid")}\n')
    return path


PSK = '404142434445464748494A4B4C4D4E4F'


class Labs(Ecosystem):
    """The profile has a PSK for administration sessions of its operator."""

    def build_profile(self, template, out, **settings):
        if template == 'demo-operator.profile':
            text = open(ecosystem.os.path.join(ecosystem.HERE, '..', '..', 'profiles', template)).read()
            dek = re.search(r'^key kvn=\{ota-kvn\} kid=03.*\n', text, re.M)[0]
            template = ecosystem.lab.write(self.path('psk.profile'), text.replace(dek, f'{dek}key kvn=40 kid=01 type=85 usage=3C value={PSK}\n'))
        return super().build_profile(template, out, **settings)


def sessions(lab, ota, keys):
    """The same scripts in an administration session that a short message invites the card to."""
    code, answer, err = ota('pol1', '--rules', 'delete:not-allowed', '--https')
    must(f'POL1 over HTTPS {err}', (code, answer.get('script_status'), [c['sw'] for c in answer.get('commands', [])]), (0, 'ok', ['9000', '9000']))
    code, answer, err = ota('script', '--script', '80CA006600', '--https')
    must(f'a script over HTTPS {err}', (code, len(answer.get('commands', []))), (0, 1))
    code, answer, err = ota('script', '--script', '80CA006600', '--https', keys=keys)
    must(f'no PSK {err}', (code, 'psk' in str(answer) + err), (1, True))
    wrong = ecosystem.lab.write(lab.path('psk-wrong.keys'), open(lab.path('psk.keys')).read().replace(PSK, '00' * 16))
    ecosystem.lab.write(wrong + '.counter', open(lab.path('psk.keys.counter')).read())
    code, answer, err = ota('pol1', '--rules', 'none', '--https', '--timeout', '3', keys=wrong)
    must(f'a wrong PSK {err}', code, 6)
    ecosystem.lab.write(lab.path('psk.keys.counter'), open(wrong + '.counter').read())
    code, answer, err = ota('pol1', '--rules', 'none', '--https')
    must(f'no POL1 over HTTPS {err}', code, 0)


def doubt(lab, ota, keys):
    """A packet without answer leaves again as it was, in this run and the next; nothing new goes before its answer came."""
    lab.programs['device'].stop()
    code, answer, err = ota('pol1', '--rules', 'delete:not-allowed', '--timeout', '3', keys=keys)
    must(f'nobody answers {answer} {err}', (code, 'left 2 times' in str(answer) + err or 'left 3 times' in str(answer) + err), (6, True))
    code, answer, err = ota('pol1', '--rules', 'none', keys=keys)
    must('nothing new before that', (code, 'not known' in str(answer) + err), (1, True))
    pending, counter = open(keys + '.pending').read(), open(keys + '.counter').read()
    lab.start('device')
    code, answer, err = lab.osprey('ota', 'repeat', '--keys', keys, '--msisdn', lab.profiles[0]['msisdn'], '--timeout', '40')
    must(f'the same again {answer} {err}', (code in (0, 3), answer.get('counter')), (True, int(counter)))
    if pending.split()[0] != counter.strip() or ecosystem.os.path.exists(keys + '.pending'):
        raise LabError('the packet that waits for its answer')
    code, answer, err = lab.osprey('ota', 'repeat', '--keys', keys, '--msisdn', lab.profiles[0]['msisdn'])
    must('nothing waits', code, 1)
    code, answer, err = ota('pol1', '--rules', 'none', keys=keys)
    must(f'a new one {err}', (code, open(keys + '.counter').read()), (0, f'{int(counter) + 1}\n'))


def must(what, got, wanted):
    print(f'{what}: {got}')
    if got != wanted:
        raise LabError(f'{what}: {got}, not {wanted}')


def main():
    ecosystem.needs('osprey', 'osprey-sm-dp', 'osprey-sm-sr', 'osprey-device', 'osprey-smsc')
    with tempfile.TemporaryDirectory(prefix='osprey-ota-') as out, Labs(out, profiles=1) as lab:
        with open(lab.path('operator.conf'), 'a') as f:
            f.write(f'\n[ota]\nsmsc = 127.0.0.1:{lab.port["smsc"]}\nfrom = {NUMBER}\nresend_s = 1\nhttps = 127.0.0.1:{ecosystem.lab.free_ports(1)[0]}\n')
        lab.up()
        eid, profile = lab.cards[0]['eid'], lab.profiles[0]
        keys = keys_of(lab, 'meter.keys')
        def ota(*words, keys=keys):
            time_out = () if '--timeout' in words else ('--timeout', '40')
            return lab.osprey('ota', *words, '--keys', keys, '--msisdn', profile['msisdn'], *time_out)
        profile_do = lambda verb: lab.osprey('profile', verb, '--eid', eid, '--iccid', profile['iccid'], '--via', 'sm-sr')
        code, answer, err = lab.osprey('profile', 'download', '--eid', eid, '--iccid', profile['iccid'], '--enable')
        must('download and enable', (code, answer.get('status')), (0, 'EXECUTED_SUCCESS'))
        code, answer, err = ota('pol1', '--rules', 'disable:not-allowed')
        must(f'POL1 {err}', (code, answer.get('por'), [c['sw'] for c in answer.get('commands', [])]), (0, 0, ['9000', '9000']))
        code, answer, err = profile_do('disable')
        must('disable against POL1', (code, answer.get('subject'), answer.get('reason')), (4, '8.2.2', '3.8'))
        code, answer, err = ota('connectivity', '--centre', '+491710760000', '--apn', 'meters.example')
        must(f'connectivity {err}', (code, [c['sw'] for c in answer.get('commands', [])]), (0, ['9000', '9000']))
        code, answer, err = ota('script', '--script', '80CA006600,80E28800063A0603810140')
        must(f'a script with an error {err}', (code, [c['sw'] for c in answer.get('commands', [])][-1] != '9000'), (4, True))
        code, answer, err = ota('pol1', '--rules', 'none')
        must(f'no POL1 {err}', code, 0)
        doubt(lab, ota, keys)
        psk = ecosystem.lab.write(lab.path('psk.keys'), open(keys).read() + f'psk = {PSK}\npsk_kvn = 64\n')
        ecosystem.lab.write(psk + '.counter', open(keys + '.counter').read())
        sessions(lab, lambda *words, keys=psk: ota(*words, keys=keys), keys)
        code, answer, err = profile_do('disable')
        must('disable', (code, answer.get('status')), (0, 'EXECUTED_SUCCESS'))
        wrong = keys_of(lab, 'wrong.keys', kic='00' * 16)
        code, answer, err = lab.osprey('ota', 'pol1', '--rules', 'none', '--keys', wrong, '--msisdn', profile['msisdn'], '--timeout', '3')
        must('wrong keys', code in (4, 6), True)


if __name__ == '__main__':
    sys.exit(main())
