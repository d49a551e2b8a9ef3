"""An eUICC changes its SM-SR, as the operator asks for it on the command line: two SM-SRs, a real card. First by HTTPS only
(but for what HTTPS needs first), then by SMS with SM-SRs that are killed on the way. In the end the new one manages the card, and the old one knows nothing of it."""
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import ecosystem
import soap_peer
from ecosystem import Ecosystem, lab


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


def refuse_certificates(eco, eid):
    """The new SM-SR shows the card a certificate of the past, then one of a foreign CI: the old one sees it first."""
    good = open(eco.path('sm-sr2.conf')).read()
    eco.tool('osprey-eum', 'ci', 'init', '--out', eco.path('foreign-ci'), '--oid', '2.999.77')
    for folder, ci, reason, dates in (('past', 'ci', '6.3', ('--from', '2020-01-01', '--days', '30')), ('foreign', 'foreign-ci', '6.1', ())):
        os.mkdir(eco.path(folder))
        shutil.copy(eco.path('sm-sr2', 'master.key'), eco.path(folder, 'master.key'))
        eco.tool('osprey-eum', 'issue', 'sm-sr', '--ci', eco.path(ci), '--out', eco.path(folder), '--oid', eco_oid('sm-sr2'), '--name', folder, *dates)
        lab.write(eco.path('sm-sr2.conf'), good.replace('sm-sr2/card.', f'{folder}/card.'))
        eco.programs['sm-sr2'].stop()
        eco.start('sm-sr2')
        check('prepare', prepare(eco, eid), 'EXECUTED_SUCCESS')
        answer = change(eco, eid)
        check(f'change with a {folder} certificate', answer, 'FAILED', reason)
        assert answer[1]['subject'] == '8.5.3', answer
        assert managed(eco, 'sm-sr') == 1 and rows(eco, 'sm-sr2', 'SELECT count(*) FROM euicc') == [(0,)]
    lab.write(eco.path('sm-sr2.conf'), good)
    eco.programs['sm-sr2'].stop()
    eco.start('sm-sr2')


def refuse_eis(eco, eid):
    """Somebody with the old SM-SR's name hands over an EIS that the EUM did not sign, or that names another SM-SR."""
    soap = sorted(name for name in os.listdir(eco.path('soap')) if name.endswith('-in-ES7-HandoverEUICCRequest.xml'))[-1]
    text = open(eco.path('soap', soap)).read()
    identity = eco.identity('as-sr', 'sm-sr', eco_oid('sm-sr'))
    check('prepare', prepare(eco, eid), 'EXECUTED_SUCCESS')
    for number, (what, old, new, status) in enumerate((('a changed platform', r'(PlatformVersion>)\d', r'\g<1>9', '8.6/6.1'),
                                                       ('another SM-SR', r'(Smsr-id>)[\d.]+', r'\g<1>2.999.78', '8.7/'))):
        forged, count = re.subn(old, new, text, count=1)
        forged = re.sub(r'(FunctionCallIdentifier>)[^<]+', rf'\g<1>forged-{number}', forged)
        assert count == 1, what
        answer = soap_peer.post(eco.port['sr2'], forged, identity, '/esim-messaging/3/ES7/ES7SmSrProvider')
        assert answer[0] == 202, answer
        eco.wait(what, lambda: re.search(rf'forged-{number}: FAILED {status}', open(eco.path('logs', 'sm-sr2.log')).read()), 10)
        assert rows(eco, 'sm-sr2', 'SELECT (SELECT count(*) FROM euicc) + (SELECT count(*) FROM document) + (SELECT count(*) FROM profile)') == [(0,)]


def killed(eco, eid):
    """Nothing that is refused changes anything; then the new SM-SR dies right after the commit point, the old one a moment later."""
    refuse_certificates(eco, eid)
    refuse_eis(eco, eid)
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


def batch(eco, *more):
    return ['sm-sr', 'change', '--via', 'sm-sr', '--target', 'sm-sr2', '--eids', eco.path('fleet.txt'), *more]


def counts(answer, **wanted):
    code, said, err = answer
    got = {name: n for name, n in said.items() if n and name in ('not_tried', 'moved', 'warning', 'failed', 'in_doubt', 'ready')}
    assert got == wanted, (code, said, err)
    return code


def fleet(eco, _):
    """Many at once: looked at first, killed on the way, one in doubt because the new SM-SR dies, then brought to an end."""
    eids = [card['eid'] for card in eco.cards]
    stranger = '89001012012341234012345678901224'
    with open(eco.path('fleet.txt'), 'w') as out:
        out.write('# the fleet\n' + '\n'.join(eids[:2] + [f'{stranger}  # not ours', eids[2]]) + '\n')
    for wrong, why in ((eids[0][:-1] + 'x', 'is no EID'), (f'{eids[0]}\n{eids[0]}', 'twice'), ('# none', 'no EID in it')):
        with open(eco.path('wrong.txt'), 'w') as out:
            out.write(wrong + '\n')
        code, said, err = eco.osprey(*[eco.path('wrong.txt') if word.endswith('fleet.txt') else word for word in batch(eco)], who='start')
        assert code == 1 and why in err + json.dumps(said), (code, said, err)
    sp = eco_oid('operator')
    for words in (('plma', 'set', '--sp', sp, '--type', 'bootstrap', '--allow', 'EnableProfile,HandleSMSRChangeNotification'),
                  ('onc', 'set', '--type', 'bootstrap', '--discard', 'HandleProfileDisabledNotification')):
        check(words[0], eco.osprey(*words, '--via', 'sm-sr', who='start'), 'EXECUTED_SUCCESS')
    assert counts(eco.osprey(*batch(eco, '--dry-run'), who='start'), ready=3, failed=1) == 4
    assert managed(eco, 'sm-sr2') == 0 and not os.path.exists(eco.path('fleet.txt.progress')), 'a dry run that is none'
    # killed with calls under way
    asked = eco.osprey_start(*batch(eco, '--validity', '5', '--parallel', '2'), who='start')
    eco.wait('a change under way', lambda: '"change"' in progress(eco), 20, pause=0.002)
    asked.kill()
    asked.communicate()
    # the new SM-SR dies when it has taken one over, and stays away until the old one has given up; slow short messages: in time
    eco.wait('both quiet', lambda: not any(rows(eco, which, 'SELECT 1 FROM operation') for which in ('sm-sr', 'sm-sr2')), 20)
    moved = managed(eco, 'sm-sr2')
    asked = eco.osprey_start(*batch(eco, '--validity', '5', '--report', eco.path('fleet.json')), who='start')
    eco.wait('commit point', lambda: managed(eco, 'sm-sr2') > moved, 30, pause=0.002)
    eco.programs['sm-sr2'].kill()
    code, said, err = eco.osprey_end(asked)
    report = {e['eid']: e['outcome'] for e in json.load(open(eco.path('fleet.json')))['euiccs']}
    assert code == 5 and report[stranger] == 'failed' and 'in_doubt' in report.values(), (code, said, err, report)
    eco.start('sm-sr2')
    command = next(e['command'] for e in json.load(open(eco.path('fleet.json')))['euiccs'] if e['outcome'] == 'in_doubt')
    assert command.startswith('osprey sm-sr change --via sm-sr --eid 8900')
    code, said, err = eco.osprey(*batch(eco, '--validity', '60'), who='start')
    assert code == 4 and said['failed'] == 1 and said['moved'] + said['warning'] == 3, (said, err)
    assert managed(eco, 'sm-sr') == 0 and managed(eco, 'sm-sr2') == 3
    assert rows(eco, 'sm-sr2', 'SELECT mno, type, sp, operations FROM plma') == rows(eco, 'sm-sr', 'SELECT mno, type, sp, operations FROM plma') != []
    assert rows(eco, 'sm-sr2', 'SELECT * FROM onc') == rows(eco, 'sm-sr', 'SELECT * FROM onc') != []
    told = rows_of_inbox(eco, 'operator', 'ES4-HandleSMSRChangeNotification')
    assert told == 3, f'the M2M SP was told of {told} changes'
    code, said, err = eco.osprey('audit', '--via', 'sm-sr2', '--eid', eids[0], who='start')
    assert said.get('status') == 'EXECUTED_SUCCESS', (said, err)


def progress(eco):
    path = eco.path('fleet.txt.progress')
    return open(path).read() if os.path.exists(path) else ''


def rows_of_inbox(eco, who, name):
    return eco.rows(f'{who}/inbox.db', 'SELECT count(*) FROM message WHERE name=?', name)[0][0]


def main():
    ecosystem.needs('osprey-sm-sr', 'osprey-device', 'osprey-smsc', 'osprey')
    for name, run, https in (('whole', whole, True), ('killed', killed, False), ('fleet', fleet, False)):
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory(prefix='osprey-change-') as out:
            with Ecosystem(out, https=https, devices=3 if run is fleet else 1, profiles=1, smsr={'bearer': 'https' if https else 'auto'}) as eco:
                eco.second_smsr()
                if run is fleet:
                    conf = open(eco.path('smsc.conf')).read()
                    lab.write(eco.path('smsc.conf'), conf.replace('[lab]\n', '[lab]\ndelay_permille = 1000\ndelay_max_ms = 400\n'))
                eco.up()
                eco.start('sm-sr2')
                try:
                    run(eco, eco.cards[0]['eid'])
                    check_soap(eco)
                    eco.stop_all()
                    if https:
                        check_trail(eco, eco.cards[0]['eid'])
                    for which in ('sm-sr', 'sm-sr2'):  # whoever was killed when: the audit trails are whole
                        code, said, err = trail(eco, which, 'verify')
                        assert code == (3 if https and which == 'sm-sr2' else 0), (which, said, err)
                except BaseException:
                    for log in ('sm-sr', 'sm-sr2', 'device'):
                        print(log, ecosystem.lab.tail(eco.path('logs', f'{log}.log'), 25).replace(' | ', '\n'))
                    raise
        print(f'{name}: ok')


main()
