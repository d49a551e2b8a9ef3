#!/usr/bin/env python3
"""osprey-conform server against servers that it did not start: a file written by hand names them, two operators, one eUICC and two
ordered profiles. What the file has not is skipped; what it has passes."""
import json
import os
import subprocess
import sys
import tempfile

import ecosystem
from ecosystem import BUILD, Ecosystem, lab

FILE = '''# As a partner who tests these servers would write it down.
[server sm-sr]
oid = {oids[sm-sr]}
url = https://127.0.0.1:{port[sr]}

[server sm-dp]
oid = {oids[sm-dp]}
url = https://127.0.0.1:{port[dp]}

[trust]
ci = ci/ci.pem

[role op1]
oid = {oids[operator]}
certificate = op1/tls.pem
key = op1/tls.key
listen = 127.0.0.1:{port[operator]}

[role start]
oid = {oids[start]}
certificate = op-start/tls.pem
key = op-start/tls.key
listen = 127.0.0.1:{port[start]}

[euicc first]
eid = {eid}
iccid = {factory}
imsi = {imsi}
msisdn = {msisdn}

[profile meter]
iccid = {meters[0][iccid]}
type = Osprey Demo
imsi = {meters[0][imsi]}
msisdn = {meters[0][msisdn]}

[profile meter2]
iccid = {meters[1][iccid]}
type = Osprey Demo
imsi = {meters[1][imsi]}
msisdn = {meters[1][msisdn]}
'''
PASSES = 25  # at least so many cases find all they need in it


class Labs(Ecosystem):
    def listen(self, who='operator'):
        """The runner has the operators' endpoints."""


def main():
    ecosystem.needs('osprey-sm-sr', 'osprey-sm-dp', 'osprey-device', 'osprey-smsc')
    with tempfile.TemporaryDirectory(prefix='osprey-file-') as out, Labs(out) as eco:
        for folder, who in (('op1', 'operator'), ('op-start', 'start')):
            eco.identity(folder, 'operator', lab.OIDS[who])
        eco.up()
        eid = eco.cards[0]['eid']
        factory = eco.smsr_rows('SELECT iccid FROM profile WHERE eid=?', eid)[0][0]
        text = FILE.format(oids=lab.OIDS, port=eco.port, eid=eid, factory=factory, imsi=ecosystem.START_IMSI,
                           msisdn=ecosystem.START_MSISDN, meters=eco.profiles)
        path = lab.write(eco.path('partners.ini'), text)
        done = subprocess.run([os.path.join(BUILD, 'conform', 'osprey-conform'), 'server', '--target', path, '--json', '--quiet', '--quick'],
                              capture_output=True, text=True, timeout=200)
        if not done.stdout:
            sys.exit(f'exit status {done.returncode}: {done.stderr[-800:]}')
        report = json.loads(done.stdout)
        for case in report['cases']:
            if case['verdict'] != 'pass':
                print(case['verdict'], case['name'], case['detail'])
        print(f'{report["passed"]} passed, {report["skipped"]} skipped for what the file has not, {report["failed"]} failed')
        if report['failed'] or report['passed'] < PASSES or any(not case['detail'] for case in report['cases'] if case['verdict'] == 'skip'):
            sys.exit('cases failed, too few could be run, or one was skipped without a reason')


main()
