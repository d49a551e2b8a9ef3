#!/usr/bin/env python3
"""The drill: base backup and archive, the servers go on, the databases are lost and taken back to an earlier time. The cards are
ahead then; after `osprey-sm-sr after-restore` and audits the record follows them, and work goes on."""
import os
import subprocess
import sys
import tempfile

import cluster
import ecosystem
from ecosystem import LabError, lab
from test_nodes import download_all

sys.path.insert(0, os.path.join(ecosystem.HERE, '..', 'support'))
from postgres_server import SKIPPED, Server, as_postgres  # noqa: E402

DEVICES = 2
PYTHON = '/usr/bin/python3'  # one that who owns the server's files may run
PITR = os.path.join(lab.ROOT, 'tools', 'pitr.py')


def pitr(*words):
    """As who owns the server's files."""
    subprocess.run(as_postgres(PYTHON, '-B', PITR, *words), check=True, stdout=subprocess.DEVNULL, cwd='/')


class Drilled(Server):
    def archived(self):
        self.backup = os.path.join(self.folder, 'backup')
        subprocess.run(as_postgres('mkdir', self.backup), check=True, cwd='/')
        return (f"archive_mode=on\narchive_timeout=60\nfsync=off\n"
                f"archive_command='{PYTHON} -B {PITR} keep %p {self.backup}'\n")

    def start_archived(self, databases):
        """The server, with the options of a backup, and its databases."""
        url = self.start([])
        options = self.archived()
        self.halt('data')
        with open(os.path.join(self.folder, 'data', 'postgresql.auto.conf'), 'a') as out:
            out.write(options)
        self.run('data')
        for name in databases:
            self.sql('postgres', f'CREATE DATABASE {name}')
        return url

    def halt(self, data, mode='fast'):
        subprocess.run(as_postgres(f'{self.bin}/pg_ctl', '-D', os.path.join(self.folder, data), '-m', mode, '-w', 'stop'), check=True,
                       stdout=subprocess.DEVNULL, cwd='/')

    def run(self, data):
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories='{self.folder}' -c fsync=off"
        subprocess.run(as_postgres(f'{self.bin}/pg_ctl', '-D', os.path.join(self.folder, data), '-l', os.path.join(self.folder, 'log'), '-o',
                                   options, '-w', 'start'), check=True, stdout=subprocess.DEVNULL, cwd='/')


def switch(lab_, operation, n):
    eid, iccid = lab_.cards[n]['eid'], lab_.profiles[n]['iccid']
    code, answer, err = lab_.osprey('profile', operation, '--eid', eid, '--iccid', iccid, '--timeout', '40')
    if code:
        raise LabError(f'{operation}: {answer} {err}')


def stop_servers(lab_):
    for role in cluster.ROLES:
        for n in range(lab_.nodes):
            lab_.programs[f'{role}-{n}'].kill()


def run(lab_, server):
    lab_.up()
    pitr('base', f'{server.url}/postgres', server.backup)
    download_all(lab_)
    lab_.wait('quiet', lab_.idle, 20)
    at = server.ask('postgres', "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00')").strip()
    counters = lab_.smsr_rows('SELECT max(counter) FROM keyset')[0][0]
    switch(lab_, 'enable', 0)  # what the database will not know
    switch(lab_, 'enable', 1)
    switch(lab_, 'disable', 1)
    lab_.wait('quiet', lab_.idle, 20)
    server.ask('postgres', 'SELECT pg_switch_wal()')
    stop_servers(lab_)
    server.halt('data')  # and it is gone
    pitr('restore', server.backup, os.path.join(server.folder, 'restored'), '--to', at)
    server.run('restored')
    lab_.wait('the end of recovery', lambda: server.ask('postgres', 'SELECT pg_is_in_recovery()').strip() == 'f', 20)
    if lab_.smsr_rows('SELECT max(counter) FROM keyset')[0][0] != counters:
        raise LabError('the database is not as it was')
    if lab_.smsr_rows('SELECT count(*) FROM profile WHERE state=2 AND eid=?', lab_.cards[0]['eid']) == []:
        raise LabError('nothing is there')
    lab_.tool('osprey-sm-sr', 'after-restore', '--config', lab_.path('sm-sr-0.conf'))
    for role in cluster.ROLES:
        for n in range(lab_.nodes):
            lab_.start_node(role, n)
    lab_.wait('audits', lambda: not lab_.smsr_rows("SELECT 1 FROM timer WHERE name='restored'") and lab_.idle(), 60)
    for n, card in enumerate(lab_.cards):
        if lab_.card_now(card['eid']) != lab_.eis_now(card['eid']):
            raise LabError(f'card and EIS differ:\n  {lab_.card_now(card["eid"])}\n  {lab_.eis_now(card["eid"])}')
    switch(lab_, 'disable', 0)  # what happened after the backup is known again
    switch(lab_, 'enable', 1)
    print(f'restored to {at}: {DEVICES} eUICCs audited, cards and records agree, and work goes on')


def main():
    server = Drilled()
    if not server.bin or not os.path.exists(PYTHON):
        print(f'PostgreSQL or {PYTHON} is not installed')
        return SKIPPED
    ecosystem.needs(*lab.PLACES)
    out = tempfile.mkdtemp(prefix='osprey-restore-')
    try:
        server.start_archived(['smsr', 'smdp'])
        with cluster.Cluster(out, server, nodes=1, devices=DEVICES, profiles=DEVICES) as lab_:
            try:
                run(lab_, server)
            except (LabError, subprocess.CalledProcessError):
                print(lab.tail(os.path.join(server.folder, 'log'), 20))
                for name in ('sm-sr-0.log', 'sm-dp-0.log'):
                    print(name, lab.tail(os.path.join(out, 'logs', name), 20), sep='\n')
                raise
    finally:
        for data in ('restored', 'data'):
            if server.folder and os.path.exists(os.path.join(server.folder, data, 'postmaster.pid')):
                server.halt(data, 'immediate')
        server.stop()
        ecosystem.shutil.rmtree(out, ignore_errors=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
