#!/usr/bin/env python3
"""A rolling update under load, with real programs of three ages on one database: what this tree was some migrations ago, what it
is, and what it will be when it takes something away.

Two SM-SRs and two SM-DPs are replaced one after the other, drained each; an old one is killed between and starts again on the newer
schema. What is taken away waits until no older program is alive; then older programs are refused. Counted: every call has its
answer, every call was executed once, cards and records agree. Needs this tree's history, and builds two of the three.

  test_upgrade.py [--seconds N] [--keep]"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

import cluster
import ecosystem
from ecosystem import LabError, lab
from test_nodes import DEVICES, download_all

sys.path.insert(0, os.path.join(ecosystem.HERE, '..', 'support'))
from postgres_server import SKIPPED, Server  # noqa: E402

SOURCE = os.environ.get('OSPREY_SOURCE', os.path.join(ecosystem.HERE, '..', '..'))
FIRST_NEW = '"0010_parts"'  # of the SM-SR: the old programs do not know this migration, nor those behind it
SCHEMAS = {'sm-sr': ('smsr', 'SMSR_MIGRATIONS', 'audit'), 'sm-dp': ('smdp', 'SMDP_MIGRATIONS', 'job')}


# ---- programs

def git(*words):
    return subprocess.run(['git', '-C', SOURCE, *words], capture_output=True, check=True).stdout


def history():
    """The last commit of the old programs, or None."""
    try:
        found = git('log', f'-S{FIRST_NEW}', '--format=%H', '--', 'sm-sr/store/schema.c').decode().split()
        return git('rev-parse', f'{found[-1]}^').decode().strip() if found else None
    except (OSError, subprocess.CalledProcessError):
        return None


def unpack(folder, commit):
    os.makedirs(folder)
    subprocess.run(['tar', 'x', '-C', folder], input=git('archive', commit), check=True)
    return folder


def build(folder):
    words = [f'{role}/osprey-{role}' for role in SCHEMAS]
    for command in (['meson', 'setup', 'build'], ['ninja', '-C', 'build', *words]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise LabError(f'{" ".join(command)}: {done.stdout[-600:]}')
    return os.path.join(folder, 'build')


def replace(path, pattern, by):
    text, count = re.subn(pattern, by, open(path).read())
    if count != 1:
        raise LabError(f'{path}: {pattern} stands there {count} times')
    open(path, 'w').write(text)


def make_future(folder):
    """Two more migrations: one adds a column, the other takes it away again."""
    for role, (_, count, table) in SCHEMAS.items():
        store = os.path.join(folder, role, 'store')
        replace(os.path.join(store, 'schema.h'), rf'#define {count} (\d+)u', lambda m: f'#define {count} {int(m[1]) + 2}u')
        replace(os.path.join(store, 'schema.c'), r'(\{ "\d{4}_\w+", \w+ \}) \};',
                rf'\1, {{ "9998_expand", "ALTER TABLE {table} ADD COLUMN drill INTEGER;", false }},'
                rf' {{ "9999_contract", "ALTER TABLE {table} DROP COLUMN drill;", true }} }};')


# ---- the servers

class Ages(cluster.Cluster):
    def of_age(self, role, n, where):
        """That process is of that build from its next start on."""
        name = f'{role}-{n}'
        self.programs[name] = lab.Program(name, [os.path.join(where, role, f'osprey-{role}'), '--config', self.path(f'{name}.conf')],
                                          self.path('logs', f'{name}.out'))

    def renew(self, n, where):
        """Drained, installed, started."""
        for role in SCHEMAS:
            code = self.programs[f'{role}-{n}'].stop()
            if code != 0:
                raise LabError(f'{role}-{n} was drained and ended with {code}')
            self.of_age(role, n, where)
            self.start_node(role, n)

    def refused(self, role, n, where, why):
        """A program of that build does not start in place of another, and says why."""
        kept = self.programs[f'{role}-{n}']
        kept.stop()
        self.of_age(role, n, where)
        try:
            self.start_node(role, n)
        except LabError as e:
            if why not in str(e):
                raise
        else:
            raise LabError(f'{role}-{n} of {where} started: it should not')
        self.programs[f'{role}-{n}'] = kept
        kept.start()

    def versions(self):
        return [int(self.server.ask(database, 'SELECT version FROM osprey_schema')) for database, _, _ in SCHEMAS.values()]

    def known(self):
        """How many migrations each living program knows."""
        return [sorted({int(n) for n in self.server.ask(database, 'SELECT knows FROM osprey_node WHERE alive=1').split()})
                for database, _, _ in SCHEMAS.values()]


class Story:
    def __init__(self, lab_, threads, seconds):
        self.lab, self.threads, self.seconds = lab_, threads, seconds
        self.lines = []

    def works(self, what):
        """For a while: every caller is answered."""
        since = time.time()
        self.lab.wait(f'answers while {what}', lambda: all(t.failure or any(e > since for e in t.ended[-3:]) for t in self.threads), 60)
        time.sleep(max(0, since + self.seconds - time.time()))
        failures = [t.failure for t in self.threads if t.failure]
        if failures:
            raise LabError(f'{what}: {failures}')
        done = sum(e > since for t in self.threads for e in list(t.ended))
        self.lines.append(f'{done} while {what} (schema {self.lab.versions()}, programs {self.lab.known()})')

    def expect(self, what, found, wanted):
        if found != wanted:
            raise LabError(f'{what}: {found}, not {wanted}')

    def expand(self, old, present):
        before = self.lab.versions()
        self.works('all are old')
        self.lab.renew(1, present)
        now = self.lab.versions()
        if not all(b < n for b, n in zip(before, now)):
            raise LabError(f'the schema did not go up: {before}, {now}')
        self.works('one of two is old')
        for role in SCHEMAS:
            self.lab.programs[f'{role}-0'].kill()
            self.lab.start_node(role, 0)
        self.works('an old one was killed and started again')
        self.lab.renew(0, present)
        self.works('none is old')
        return now

    def contract(self, now, old, present, future):
        self.lab.renew(1, future)
        self.expect('what is taken away must wait', self.lab.versions(), [n + 1 for n in now])
        self.works('one of two is of the future')
        self.lab.renew(0, future)
        self.expect('nothing waits any more', self.lab.versions(), [n + 2 for n in now])
        self.works('all are of the future')
        for role in SCHEMAS:
            for where in (old, present):
                self.lab.refused(role, 1, where, 'newer than this program')
        self.works('old ones were refused')


def run(lab_, seconds, old, present, future):
    lab_.up()
    download_all(lab_)
    threads = cluster.callers(lab_, 100000, 0.05)
    story = Story(lab_, threads, seconds)
    try:
        now = story.expand(old, present)
        story.contract(now, old, present, future)
    finally:
        for thread in threads:
            thread.until = 0
    calls, tries = cluster.count(lab_, threads)
    longest = max(t.longest_s for t in threads)
    print('; '.join(story.lines), f'{calls} calls answered and executed once, {tries} tries, longest {longest:.1f} s', sep='\n')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seconds', type=float, default=4)
    parser.add_argument('--keep', action='store_true')
    arguments = parser.parse_args()
    server, commit = Server(), history()
    if not server.bin or not commit:
        print('PostgreSQL is not installed' if commit else 'this tree has no history')
        return SKIPPED
    ecosystem.needs(*lab.PLACES)
    out = tempfile.mkdtemp(prefix='osprey-upgrade-')
    try:
        old = build(unpack(os.path.join(out, 'old'), commit))
        make_future(unpack(os.path.join(out, 'future'), 'HEAD'))
        future = build(os.path.join(out, 'future'))
        server.start([database for database, _, _ in SCHEMAS.values()])
        with Ages(os.path.join(out, 'lab'), server, devices=DEVICES, profiles=DEVICES) as lab_:
            for role in SCHEMAS:
                for n in range(2):
                    lab_.of_age(role, n, old)
            try:
                run(lab_, arguments.seconds, old, ecosystem.BUILD, future)
            except (LabError, TimeoutError):
                ecosystem.show_logs(os.path.join(out, 'lab', 'logs'))
                raise
    finally:
        server.stop()
        if not arguments.keep:
            ecosystem.shutil.rmtree(out, ignore_errors=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
