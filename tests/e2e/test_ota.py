#!/usr/bin/env python3
"""ES6: the operator changes POL1 and connectivity parameters inside its own enabled profile by SMS, with the profile's keys,
and sees the card's answer; then the card itself refuses what POL1 forbids, until the operator takes the rule away."""
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


def must(what, got, wanted):
    print(f'{what}: {got}')
    if got != wanted:
        raise LabError(f'{what}: {got}, not {wanted}')


def main():
    ecosystem.needs('osprey', 'osprey-sm-dp', 'osprey-sm-sr', 'osprey-device', 'osprey-smsc')
    with tempfile.TemporaryDirectory(prefix='osprey-ota-') as out, Ecosystem(out, profiles=1) as lab:
        with open(lab.path('operator.conf'), 'a') as f:
            f.write(f'\n[ota]\nsmsc = 127.0.0.1:{lab.port["smsc"]}\nfrom = {NUMBER}\n')
        lab.up()
        eid, profile = lab.cards[0]['eid'], lab.profiles[0]
        keys = keys_of(lab, 'meter.keys')
        ota = lambda *words, keys=keys: lab.osprey('ota', *words, '--keys', keys, '--msisdn', profile['msisdn'], '--timeout', '40')
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
        code, answer, err = profile_do('disable')
        must('disable', (code, answer.get('status')), (0, 'EXECUTED_SUCCESS'))
        with open(keys + '.counter') as f:
            must('counter', f.read().strip(), '4')
        wrong = keys_of(lab, 'wrong.keys', kic='00' * 16)
        code, answer, err = lab.osprey('ota', 'pol1', '--rules', 'none', '--keys', wrong, '--msisdn', profile['msisdn'], '--timeout', '3')
        must('wrong keys', code in (4, 6), True)


if __name__ == '__main__':
    sys.exit(main())
