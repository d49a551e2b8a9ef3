#!/usr/bin/env python3
"""Every program explains itself, checks its configuration, says in words what is wrong with it, and ends cleanly on TERM."""
import os
import re
import shutil
import sqlite3
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


def front_door(lab):
    """What `osprey` says to somebody who does not know it yet."""
    osprey = lab.program('osprey')
    empty = {'PATH': os.environ['PATH'], 'HOME': lab.path('nobody')}
    cases = [(('profile', '--help'), 0, 'osprey profile download'), (('profile',), 2, 'osprey profile download'),
             (('profile', 'frob'), 2, 'profile frob is no command'), (('frob',), 2, 'frob: no such command'),
             (('--config', 'x', 'eis', 'show'), 2, 'options stand behind the command'),
             (('eis', 'show'), 2, '--eid: is needed\n  osprey eis show --eid'), (('partner', 'test'), 2, 'osprey partner test sm-sr'),
             (('eis', 'show', 'x'), 2, 'x: what is that?'), (('partner', 'list'), 1, 'osprey config example'),
             (('status', '8.2.3'), 0, 'POL2_REFUSED'), (('status', 'POL2_REFUSED'), 0, '8.2.3'), (('status', '7'), 2, 'a status is')]
    for words, code, says in cases:
        done = subprocess.run([osprey, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, env=empty,
                              cwd=lab.path('empty'))
        assert done.returncode == code and says in done.stdout, (words, done.returncode, done.stdout)


def newer_database(lab):
    """A database whose schema is of a later program."""
    path = lab.path('newer.db')
    database = sqlite3.connect(path)
    database.execute('PRAGMA user_version=999')
    database.execute('CREATE TABLE later (x)')
    database.close()
    return path


def checks_what_the_configuration_names(lab):
    """What a start would stumble over, the check finds."""
    write(lab.path('no.db'), 'words')
    cases = [('sm-sr', r'^database = .*', 'database = nowhere/x.db', '[sm-sr] database: '),
             ('sm-sr', r'^database = .*', f'database = {newer_database(lab)}', 'its schema is version 999, this program knows only'),
             ('sm-sr', r'^database = .*', 'database = no.db', 'file is not a database'),
             ('sm-sr', r'^database = .*', 'database = postgresql://nobody@127.0.0.1:1/x', '[sm-sr] database: connection: '),
             ('sm-sr', r'^oid = 2.999.2$', 'oid = 2.999.77', 'it is for 2.999.2, but [sm-sr] oid is 2.999.77'),
             ('sm-dp', r'^oid = 2.999.4$', 'oid = 2.999.77', 'it is for 2.999.4, but [sm-dp] oid is 2.999.77'),
             ('sm-dp', r'\Z', '\n[profile x]\nowner = 2.999.10\npackage = nowhere.der\n', '[profile x] package: cannot be read'),
             ('sm-sr', r'^level = .*', 'level = loud', '[log] level: debug, info, warn or error, not loud')]
    for name, option, value, says in cases:
        text, count = re.subn(option, value, open(lab.path(f'{name}.conf')).read(), count=1, flags=re.M)
        assert count, (name, option)
        for words in (['--check'], []):
            done = run(lab.program(f'osprey-{name}'), '--config', write(lab.path('bad.conf'), text), *words)
            assert done.returncode == 1 and says in done.stderr and done.stderr.count('\n') == 1, (name, value, words, done.stderr)


def keys_are_nobody_elses(lab):
    """A master key that others may read is not taken, and what to do about it is said."""
    for role, words in (('sm-sr', ('osprey-sm-sr', '--check', '--config', lab.path('sm-sr.conf'))),
                        ('sm-sr', ('osprey-sm-sr', 'keys', 'id', lab.path('sm-sr/master.key'))),
                        ('operator', ('osprey', 'config', 'check', '--config', lab.path('operator.conf')))):
        key = lab.path(role, 'master.key')
        os.chmod(key, 0o644)
        done = run(lab.program(words[0]), *words[1:])
        os.chmod(key, 0o600)
        assert done.returncode == 1 and 'group or others may read it: chmod 600' in done.stderr, (words, done.stderr)
        assert run(lab.program(words[0]), *words[1:]).returncode == 0, words


def says_who_is_in_the_way(lab):
    """A second one finds the database in use, or the port; the check does not mind."""
    for name in ('smsc', 'hlr', 'sm-sr'):
        program = lab.program(f'osprey-{name}')
        second = run(program, '--config', lab.path(f'{name}.conf'))
        assert second.returncode == 1 and 'another process has it open' in second.stderr and 'PRAGMA' not in second.stderr, second.stderr
        assert run(program, '--config', lab.path(f'{name}.conf'), '--check').returncode == 0, name
    moved = re.sub(r'^database = .*', 'database = second.db', open(lab.path('sm-sr.conf')).read(), flags=re.M)
    third = run(lab.program('osprey-sm-sr'), '--config', write(lab.path('third.conf'), moved))
    assert third.returncode == 1 and third.stderr.startswith('osprey-sm-sr: cannot listen on 127.0.0.1 port '), third.stderr


def ends_cleanly(lab):
    for name in ('smsc', 'hlr', 'sm-sr', 'sm-dp', 'device'):
        lab.start(name)
    says_who_is_in_the_way(lab)
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
        lab.configure_operator('operator')
        explains_itself(lab)
        examples_name_every_option(lab)
        os.mkdir(lab.path('empty'))
        front_door(lab)
        checks_its_configuration(lab)
        checks_what_the_configuration_names(lab)
        keys_are_nobody_elses(lab)
        codes = ends_cleanly(lab)
        print(f'{len(DAEMONS) + len(TOOLS)} programs explain themselves, {len(codes)} daemons check and end cleanly')
    finally:
        lab.stop_all()
        shutil.rmtree(out, ignore_errors=True)


main()
