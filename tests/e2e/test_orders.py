#!/usr/bin/env python3
"""A profile is ordered at the running SM-DP with `osprey order add`, downloaded by its type, and seen in the list; the home
network's file has it too."""
import sys
import tempfile

import ecosystem
from ecosystem import Ecosystem, LabError


def main():
    ecosystem.needs('osprey', 'osprey-sm-dp', 'osprey-sm-sr', 'osprey-device')
    with tempfile.TemporaryDirectory(prefix='osprey-orders-') as out, Ecosystem(out, profiles=1) as lab:
        lab.up()
        eid, new = lab.cards[0]['eid'], lab.order(7)
        package = lab.path('profile-7.der')
        code, answer, err = lab.osprey('order', 'add', '--package', package, '--type', 'Meters', '--msisdn', new['msisdn'])
        if code or answer['iccid'] != new['iccid']:
            raise LabError(f'the order: {code} {answer} {err}')
        code, answer, err = lab.osprey('order', 'add', '--package', package)
        if code != 4:
            raise LabError(f'the same order twice: {code} {answer} {err}')
        code, answer, err = lab.osprey('order', 'list', who='start', timeout=20)
        if code != 7:
            raise LabError(f'who is no operator of this SM-DP sees its orders: {code} {answer} {err}')
        if new['imsi'] not in open(lab.path('ordered.conf')).read():
            raise LabError('the home network is not told of the new subscription')
        code, answer, err = lab.osprey('profile', 'download', '--eid', eid, '--type', 'Meters', '--via', 'sm-dp')
        if code or answer.get('iccid') != new['iccid']:
            raise LabError(f'download by type: {code} {answer} {err}')
        code, answer, err = lab.osprey('profile', 'download', '--eid', eid, '--type', 'Meters', '--via', 'sm-dp')
        if (answer.get('subject'), answer.get('reason')) != ('8.2.5', '3.7'):
            raise LabError(f'a type that is used up: {answer} {err}')
        _, text, _ = lab.tool('osprey', 'order', 'list', '--config', lab.path('operator.conf'))
        line = [line for line in text.splitlines() if line.startswith(new['iccid'])]
        if len(line) != 1 or 'installed' not in line[0] or eid not in line[0]:
            raise LabError(f'the list: {text}')
        print(text, end='')


if __name__ == '__main__':
    sys.exit(main())
