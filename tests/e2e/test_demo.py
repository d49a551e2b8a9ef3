#!/usr/bin/env python3
"""The demo as a newcomer runs it, on a plain pipe: with our own profile, with a GSMA test profile, with the other curve; its
report says what the issue of it promises, every SOAP message it traced is valid, and a broken package fails clearly."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE, BUILD = os.environ['OSPREY_SOURCE'], os.environ['OSPREY_BUILD']
SHARED = os.environ.get('OSPREY_SHARED', os.path.join(SOURCE, '..', 'shared'))
STEPS = ['ES1/RegisterEIS', 'ES3/GetEIS', 'ES3/CreateISDP', 'ES3/SendData', 'ES3/ProfileDownloadCompleted', 'ES2/DownloadProfile',
         'ES3/EnableProfile', 'ES2/EnableProfile', 'ES4/AuditEIS', 'ES4/DisableProfile', 'ES2/DeleteProfile', 'ES4/GetEIS']


def demo(out, *arguments):
    done = subprocess.run([sys.executable, os.path.join(SOURCE, 'tools/demo.py'), '--build', BUILD, '--out', out] + list(arguments),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=150)
    return done.returncode, done.stdout, json.load(open(os.path.join(out, 'report.json')))


def check_report(report, bootstrap_enabled):
    assert report['result'] == 'ok', report
    seen = {f'{s["interface"]}/{s["function"]}' for s in report['steps']}
    assert not [step for step in STEPS if step not in seen], sorted(seen)
    assert any(s['status'] == 'FAILED' and s['subject'] == '8.4' and s['reason'] == '4.2' for s in report['steps']), 'no refused enable'
    card, eis = report['card']['profiles'], report['eis']['profiles']
    assert len(card) == len(eis) == 2
    for mine, theirs in zip(card, eis):
        assert all(mine[k] == theirs[k] for k in ('iccid', 'isdp_aid', 'state', 'fallback')), (mine, theirs)
    assert [p['state'] for p in card].count('Enabled') == 1 and card[0]['fallback'] and card[0]['state'] == 'Disabled'
    assert any(not a['accepted'] for a in report['attach']) and report['attach'][-1] == {'imsi': card[1]['imsi'], 'accepted': True}
    assert all(report['transport'][k] > 0 for k in ('sms_mt', 'sms_mo', 'https_sessions', 'bytes')) and report['download_ms'] > 0


def check_soap(out):
    """Every traced message against the esim-messaging schemas, by libxml2's validator."""
    program = os.path.join(BUILD, 'tests/unit/es/validate-soap')
    count = len(glob.glob(os.path.join(out, 'soap', '*.xml')))
    assert count > 50, count
    if not os.path.isdir(SHARED):
        print('not validated: the schemas are not beside the project')
        return 0
    done = subprocess.run([program, os.path.join(out, 'soap')], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return count


def check_no_secrets(out):
    """Keys that the test itself knows are in no log and no trace of messages."""
    known = [b'8BAF473F2F8FD09487CCCBD7097C6862', b'465B5CE8B199B49FAA5F0A2EE238A6BC', b'CD63CB71954A9F4E48A5994E37A02BAF']
    known += [open(path, 'rb').read().strip() for path in glob.glob(os.path.join(out, '*', 'master.key'))]
    for path in glob.glob(os.path.join(out, 'logs', '*')) + glob.glob(os.path.join(out, 'soap', '*')) + [os.path.join(out, 'report.json')]:
        text = open(path, 'rb').read().upper()
        assert not [k for k in known if k.upper() in text], f'a secret in {path}'


def run(title, *arguments):
    out = tempfile.mkdtemp(prefix='osprey-demo-')
    try:
        code, text, report = demo(out, *arguments)
        assert code == 0, text[-3000:]
        assert '\033' not in text and '\r' not in text, 'colours or bars on a pipe'
        check_report(report, False)
        validated = check_soap(out)
        check_no_secrets(out)
        for name in ('card.apdu', 'card.nvm'):
            assert os.path.getsize(os.path.join(out, name)) > 10000
        print(f'{title}: ok, {validated} SOAP messages valid, download in {report["download_ms"]} ms')
    finally:
        shutil.rmtree(out, ignore_errors=True)


def broken_package():
    out = tempfile.mkdtemp(prefix='osprey-demo-')
    package = os.path.join(out, 'broken.der')
    open(package, 'wb').write(b'\xa0\x03\x80\x01\x02')
    try:
        code, text, report = demo(os.path.join(out, 'demo'), '--profile', package)
        assert code == 1 and report['result'] == 'failed' and 'broken.der is no profile package' in text, text[-800:]
        assert 'Traceback' not in text, text[-800:]
        print('a broken package: refused, in words')
    finally:
        shutil.rmtree(out, ignore_errors=True)


def leaves_others_alone():
    out = tempfile.mkdtemp(prefix='osprey-demo-')
    mine = os.path.join(out, 'mine.txt')
    try:
        for text in ('precious', '{"steps": []}'):
            open(mine, 'w').write(text)
            done = subprocess.run([sys.executable, os.path.join(SOURCE, 'tools/demo.py'), '--build', BUILD, '--out', out],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
            assert done.returncode == 2 and 'something else than a demo' in done.stdout, done.stdout
            assert os.listdir(out) == ['mine.txt']
    finally:
        shutil.rmtree(out, ignore_errors=True)


def main():
    leaves_others_alone()
    run('our own profile')
    gsma = os.path.join(SHARED, 'data/profiles/TS48_V7.0_eSIM_GTP_SAIP2.3_BERTLV_SUCI.der')
    if os.path.exists(gsma):
        run('GSMA TS.48 v7.0', '--profile', gsma)
    else:
        print('not run: the GSMA test profiles are not beside the project')
    run('brainpoolP256r1', '--curve', 'brainpoolP256r1')
    broken_package()


main()
