"""An eUICC changes its SM-SR, as the operator asks for it on the command line: two SM-SRs, a real card. First by HTTPS only
(but for what HTTPS needs first), then by SMS with SM-SRs that are killed on the way. In the end the new one manages the card, and the old one knows nothing of it."""
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

import ecosystem
from ecosystem import Ecosystem


def check(what, answer, status, reason=''):
    code, said, err = answer
    if said.get('status') != status or said.get('reason', '') != reason:
        sys.exit(f'{what}: {said} {err}, wanted {status} {reason}')


def rows(eco, which, query):
    return eco.rows(f'{which}/{which if which == "sm-sr" else "sm-sr"}.db', query)


def prepare(eco, eid):
    return eco.osprey('sm-sr', 'prepare', '--via', 'sm-sr2', '--eid', eid, '--current', 'sm-sr', who='start')


def change(eco, eid, **more):
    return eco.osprey('sm-sr', 'change', '--via', 'sm-sr', '--eid', eid, '--target', 'sm-sr2', '--validity', '120', who='start', **more)


def managed(eco, which):
    return rows(eco, which, 'SELECT count(*) FROM euicc WHERE coming=0')[0][0]


def check_moved(eco, eid):
    assert managed(eco, 'sm-sr') == 0 and managed(eco, 'sm-sr2') == 1, 'two owners, or none'
    assert rows(eco, 'sm-sr', 'SELECT count(*) FROM keyset')[0][0] == 0, 'the old one still has keys'
    assert rows(eco, 'sm-sr', 'SELECT smsr FROM departed') == [(eco_oid('sm-sr2'),)]
    code, said, err = eco.osprey('audit', '--via', 'sm-sr2', '--eid', eid, who='start')
    assert said.get('status') == 'EXECUTED_SUCCESS', (said, err)
    code, said, err = eco.osprey('eis', 'show', '--via', 'sm-sr2', '--eid', eid, who='start')
    assert said['eis']['profiles'][0]['state'] == 'Enabled', said
    code, said, err = eco.osprey('audit', '--via', 'sm-sr', '--eid', eid, who='start')
    assert said.get('subject') == '8.1.1', said


def check_soap(eco):
    """Every message is valid against the schemas, when they are there (exit 77: they are not). The schema of AuthenticateSMSR
    has an Eis where its own words speak of the EID, which is what we send: those stay out."""
    for name in os.listdir(eco.path('soap')):
        if 'AuthenticateSMSRRequest' in name:
            os.remove(eco.path('soap', name))
    done = subprocess.run([os.path.join(ecosystem.BUILD, 'tests/unit/es/validate-soap'), eco.path('soap')], capture_output=True, text=True)
    if done.returncode not in (0, 77):
        sys.exit(done.stdout[-3000:] + done.stderr[-1000:])


def trail(eco, which, *words):
    return eco.tool('osprey-sm-sr', 'audit-trail', *words, '--config', eco.path(f'{which}.conf'), check=False)


def check_chain(records):
    """The chain once more, with nothing of ours: each hash is over the one before, the number, the record, what was received."""
    before = '0' * 64
    for number, r in enumerate(records, 1):
        assert (r['n'], r['previous']) == (number, before), r
        octets = bytes.fromhex(before) + f'{number} {r["record"]}\n{r.get("received", "")}'.encode()
        before = hashlib.sha256(octets).hexdigest().upper()
        assert r['hash'] == before, r


def check_trail(eco, eid):
    """Both SM-SRs are stopped. Every record of the first one travelled; nothing can be changed without being seen."""
    records = {}
    for which in ('sm-sr', 'sm-sr2'):
        code, said, err = trail(eco, which, 'verify')
        assert code == 0 and 'good' in said, (which, said, err)
        code, said, err = trail(eco, which, 'export', '--eid', eid)
        records[which] = [json.loads(line) for line in said.splitlines()]
        check_chain(records[which])
    received = records['sm-sr2'][0]['received'].splitlines()
    assert received and received == [r['record'] for r in records['sm-sr']][:len(received)], 'the trail did not travel'
    assert {r['operation'] for r in records['sm-sr2']} >= {'0800', '0900', '0500', '0100', '0200', '0002'}
    db = sqlite3.connect(eco.path('sm-sr2', 'sm-sr.db'))
    db.execute("UPDATE audit SET received=CAST(replace(CAST(received AS TEXT), 'FAILED', 'FAILEd') AS BLOB) WHERE n=1")
    db.commit()
    db.close()
    code, said, err = trail(eco, 'sm-sr2', 'verify')
    assert code == 3 and 'record 1' in said, (code, said, err)


def eco_oid(who):
    return ecosystem.lab.OIDS[who]


def whole(eco, eid):
    check('not prepared', change(eco, eid), 'FAILED', '1.1')
    check('prepare', prepare(eco, eid), 'EXECUTED_SUCCESS')
    check('change', change(eco, eid), 'EXECUTED_SUCCESS')
    check_moved(eco, eid)
    assert rows(eco, 'sm-sr2', 'SELECT kvn FROM keyset ORDER BY kvn') == [(2,), (0x41,)], 'a PSK for HTTPS belongs to it'
    code, said, err = eco.osprey('profile', 'download', '--eid', eid, '--iccid', eco.profiles[0]['iccid'], '--sm-sr', 'sm-sr2', '--enable')
    assert said.get('status') == 'EXECUTED_SUCCESS', (said, err)
    log = open(eco.path('logs', 'sm-sr2.log')).read()
    assert 'over HTTPS, ' in log and eco.port['scp81-2'], 'the download went another way'


def killed(eco, eid):
    """The new SM-SR dies right after the commit point, the old one a moment later."""
    check('prepare', prepare(eco, eid), 'EXECUTED_SUCCESS')
    asked = eco.osprey_start('sm-sr', 'change', '--via', 'sm-sr', '--eid', eid, '--target', 'sm-sr2', '--validity', '120', '--timeout', '120',
                             who='start')
    eco.wait('commit point', lambda: managed(eco, 'sm-sr2') == 1, 40, pause=0.002)
    eco.programs['sm-sr2'].kill()
    eco.programs['sm-sr'].kill()
    eco.start('sm-sr')
    eco.start('sm-sr2')
    check('change', eco.osprey_end(asked), 'EXECUTED_SUCCESS')
    check_moved(eco, eid)


def main():
    ecosystem.needs('osprey-sm-sr', 'osprey-device', 'osprey-smsc', 'osprey')
    for name, run, https in (('whole', whole, True), ('killed', killed, False)):
        with tempfile.TemporaryDirectory(prefix='osprey-change-') as out:
            with Ecosystem(out, https=https, profiles=1, smsr={'bearer': 'https' if https else 'auto'}) as eco:
                eco.second_smsr()
                eco.up()
                eco.start('sm-sr2')
                try:
                    run(eco, eco.cards[0]['eid'])
                    check_soap(eco)
                    if https:
                        eco.stop_all()
                        check_trail(eco, eco.cards[0]['eid'])
                except BaseException:
                    for log in ('sm-sr', 'sm-sr2', 'device'):
                        print(log, ecosystem.lab.tail(eco.path('logs', f'{log}.log'), 25).replace(' | ', '\n'))
                    raise
        print(f'{name}: ok')


main()
