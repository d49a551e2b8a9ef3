#!/usr/bin/env python3
"""Every program explains itself, checks its configuration, says in words what is wrong with it, and ends cleanly on TERM."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ['OSPREY_SOURCE'], 'tools'))
from lab import Lab, write  # noqa: E402

DAEMONS = ['sm-sr', 'sm-dp', 'smsc', 'hlr', 'device']
TOOLS = ['osprey', 'osprey-eum', 'osprey-euicc', 'osprey-profile']


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)


def explains_itself(lab):
    for name in [f'osprey-{d}' for d in DAEMONS] + TOOLS:
        done = run(lab.program(name), '--help')
        assert done.returncode == 0 and len(done.stdout) > 200 and name.split('-')[0] in done.stdout, (name, done.stdout, done.stderr)
        wrong = run(lab.program(name), '--no-such-option')
        assert wrong.returncode == 2 and wrong.stderr, (name, wrong.returncode, wrong.stderr)


def examples_name_every_option(lab):
    for name in DAEMONS:
        text = run(lab.program(f'osprey-{name}'), '--example').stdout
        assert '[' in text and text.count('#') > 4, (name, text)
        path = write(lab.path('example.conf'), text)
        done = run(lab.program(f'osprey-{name}'), '--config', path, '--check')
        assert done.returncode in (0, 1) and 'no such option' not in done.stderr, (name, done.stderr)


def checks_its_configuration(lab):
    for name in DAEMONS:
        program, path = lab.program(f'osprey-{name}'), lab.path(f'{name}.conf')
        good = run(program, '--config', path, '--check')
        assert good.returncode == 0, (name, good.stderr)
        text = open(path).read()
        for change, says in (('\n[nowhere]\nx = 1\n', 'no such section'), ('\nx = 1\n', 'no such option')):
            bad = run(program, '--config', write(lab.path('bad.conf'), text + change), '--check')
            assert bad.returncode == 1 and says in bad.stderr and re.search(r'bad\.conf:\d+', bad.stderr), (name, bad.stderr)
        missing = run(program, '--config', lab.path('not-there.conf'), '--check')
        assert missing.returncode == 1 and 'not-there.conf' in missing.stderr, (name, missing.stderr)


def ends_cleanly(lab):
    for name in ('smsc', 'hlr', 'sm-sr', 'sm-dp', 'device'):
        lab.start(name)
    codes = lab.stop_all()
    assert codes and not any(codes.values()), codes
    return codes


def main():
    out = tempfile.mkdtemp(prefix='osprey-programs-')
    lab = Lab(os.environ['OSPREY_BUILD'], out)
    try:
        lab.make_authorities()
        bootstrap = lab.build_profile('bootstrap.profile', 'bootstrap.der')
        eid = lab.make_euicc(bootstrap, '882000000001')[0]['eid']
        lab.configure_network()
        lab.configure_smsr()
        lab.configure_smdp({})
        lab.configure_device(eid)
        explains_itself(lab)
        examples_name_every_option(lab)
        checks_its_configuration(lab)
        codes = ends_cleanly(lab)
        print(f'{len(DAEMONS) + len(TOOLS)} programs explain themselves, {len(codes)} daemons check and end cleanly')
    finally:
        lab.stop_all()
        shutil.rmtree(out, ignore_errors=True)


main()
