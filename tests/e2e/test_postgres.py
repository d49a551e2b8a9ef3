#!/usr/bin/env python3
"""The whole story with PostgreSQL in the place of SQLite, without another line of code.

  test_postgres.py [--soak]     and administration and keys, too"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE, BUILD = os.environ['OSPREY_SOURCE'], os.environ['OSPREY_BUILD']
sys.path.insert(0, os.path.join(SOURCE, 'tests', 'support'))
from postgres_server import SKIPPED, Server  # noqa: E402


def check_trail(server, config):
    """The audit trail is a chain in this database, too: changed anywhere, that is found."""
    verify = [os.path.join(BUILD, 'sm-sr', 'osprey-sm-sr'), 'audit-trail', 'verify', '--config', config]
    done = subprocess.run(verify, capture_output=True, text=True)
    assert done.returncode == 0 and 'good' in done.stdout, done
    was = {'requester': "'1.2.3'", 'exec': '1', 'hash': "set_byte(hash, 7, get_byte(hash, 7) # 1)", 'at_ms': 'at_ms + 1', 'n': 'n + 100'}
    for column, value in was.items():
        row = "(SELECT max(n) FROM audit WHERE requester IS NOT NULL)"
        server.sql('smsr', f'CREATE TABLE kept AS SELECT * FROM audit; UPDATE audit SET {column}={value} WHERE n={row}')
        done = subprocess.run(verify, capture_output=True, text=True)
        assert done.returncode == 3, (column, done)
        server.sql('smsr', 'DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; DROP TABLE kept')
    assert subprocess.run(verify, capture_output=True).returncode == 0


def main():
    server = Server()
    if not server.bin:
        print('PostgreSQL is not installed')
        return SKIPPED
    out = tempfile.mkdtemp(prefix='osprey-pg-')
    try:
        url = server.start(['smsr', 'smdp'])
        done = subprocess.run([sys.executable, '-B', os.path.join(SOURCE, 'tools/demo.py'), '--build', BUILD, '--out', os.path.join(out, 'demo'),
                               '--postgres', url], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200)
        report = json.load(open(os.path.join(out, 'demo', 'report.json')))
        assert done.returncode == 0 and report['result'] == 'ok', done.stdout[-2000:]
        assert not [f for f in os.listdir(os.path.join(out, 'demo', 'sm-sr')) if f.endswith('.db')], 'an SQLite file was made'
        check_trail(server, os.path.join(out, 'demo', 'sm-sr.conf'))
        for test in ('admin', 'keys') if '--soak' in sys.argv else ():
            for name in ('smsr', 'smdp'):
                server.sql('postgres', f'DROP DATABASE {name}')
                server.sql('postgres', f'CREATE DATABASE {name}')
            done = subprocess.run([sys.executable, '-B', os.path.join(SOURCE, f'tests/e2e/test_{test}.py'), url], capture_output=True, text=True, timeout=120)
            assert done.returncode in (0, SKIPPED), done.stderr[-2000:]
        print(f'the demo on PostgreSQL: ok, download in {report["download_ms"]} ms')
        return 0
    finally:
        server.stop()
        shutil.rmtree(out, ignore_errors=True)


sys.exit(main())
