#!/usr/bin/env python3
"""The off-card cases against a lab of real servers: every numbered idea is one case, none fails, none is skipped; and every
function has succeeded on the wire and given each of its errors (tools/statuses.py prints the table). In `make test` without
the cases that wait for seconds, and what only they see (--soak: with them)."""
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

BUILD = os.environ.get('OSPREY_BUILD', os.path.join(os.path.dirname(__file__), '..', '..', 'build'))
RUNNER = os.path.join(BUILD, 'conform', 'osprey-conform')
STATUSES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'tools', 'statuses.py')
IDEAS = 110  # of the fact book


def run(*arguments, code=0):
    done = subprocess.run([RUNNER, 'server', *arguments], capture_output=True, text=True, timeout=600)
    if done.returncode != code:
        sys.exit(f'{arguments}: exit status {done.returncode}, not {code}: {done.stderr[-1500:]}')
    return done.stdout


def running(folder):
    """Programs that still work in that folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            if os.readlink(f'/proc/{pid}/cwd').startswith(folder):
                found.append(pid)
        except OSError:
            pass
    return found


def check_list():
    names = run('--list').split()
    numbers = [int(name.split('-')[0]) for name in names]
    missing = set(range(1, IDEAS + 1)) - set(numbers)
    if missing or len(set(numbers)) != len(numbers) or len(set(names)) != len(names):
        sys.exit(f'each idea must be one case; missing {sorted(missing)}, {len(names)} names')


def check_report(report, junit):
    wrong = [case for case in report['cases'] if case['verdict'] != 'pass']
    for case in wrong:
        print(case['verdict'], case['name'], case['detail'])
    if wrong or report['failed'] or report['skipped'] or report['passed'] != len(report['cases']):
        sys.exit(f'{len(wrong)} of {len(report["cases"])} cases are not as they must be')
    suite = xml.etree.ElementTree.parse(junit).getroot()
    cases = list(suite.iter('testcase'))
    if len(cases) != len(report['cases']) or list(suite.iter('failure')) + list(suite.iter('skipped')):
        sys.exit('the JUnit report says something else')


def main():
    soak = '--soak' in sys.argv
    check_list()
    if '[server NAME]' not in run('--make-target') and '[server *]' not in run('--make-target'):
        sys.exit('the example of a target has no servers')
    run('--target', '/nowhere/target.ini', code=3)
    run(code=2)
    with tempfile.TemporaryDirectory(prefix='osprey-conform-') as folder:
        junit = os.path.join(folder, 'junit.xml')
        lab = os.path.join(folder, 'lab')
        os.mkdir(lab)
        text = run('--target', 'lab', '--keep', lab, '--json', '--quiet', '--junit', junit, *([] if soak else ['--quick']))
        report = json.loads(text)
        check_report(report, junit)
        if len(report['cases']) < (IDEAS if soak else IDEAS - 20):
            sys.exit(f'only {len(report["cases"])} cases')
        table = subprocess.run([sys.executable, STATUSES, '--check', *([] if soak else ['--quick']), lab], capture_output=True, text=True)
        print(table.stdout)
        if table.returncode:
            sys.exit('a function did not give one of its statuses on the wire')
        if running(lab):
            sys.exit(f'still running: {running(lab)}')
    print(f'{len(report["cases"])} cases')


main()
