#!/usr/bin/env python3
"""Starts a PostgreSQL server of our own in a temporary folder, makes databases t0 … t8, nodes, relay and ages, runs programs with
OSPREY_STORE_TEST=postgresql://…, one after the other, and stops the server. Exit 77 when there is no PostgreSQL here."""
import glob
import os
import shutil
import socket
import subprocess
import sys
import tempfile

SKIPPED = 77


def as_postgres(*words):
    prefix = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] if os.getuid() == 0 else []
    return prefix + list(words)


class Server:
    """A server on a free port of loopback, with trust for everybody on this machine: for tests only."""

    def __init__(self):
        found = sorted(glob.glob('/usr/lib/postgresql/*/bin'))
        self.bin = found[-1] if found else None
        self.folder = None

    def start(self, databases, durable=False):
        """durable: with fsync, as in the field."""
        self.durable = durable
        self.folder = tempfile.mkdtemp(prefix='osprey-postgres-')
        os.chmod(self.folder, 0o777)
        data = os.path.join(self.folder, 'data')
        quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL, 'check': True, 'cwd': '/'}
        subprocess.run(as_postgres(f'{self.bin}/initdb', '-D', data, '-A', 'trust', '-U', 'postgres', '--no-locale', '-E', 'UTF8',
                                   '--no-sync'), **quiet)
        self.listen(data, quiet)
        for name in databases:
            self.sql('postgres', f'CREATE DATABASE {name} STRATEGY file_copy')
        self.url = f'postgresql://postgres@127.0.0.1:{self.port}'
        return self.url

    def listen(self, data, quiet):
        """Another process may take the free port first: then another port. Most databases live for a test: no fsync."""
        for last in (False, False, True):
            with socket.socket() as probe:
                probe.bind(('127.0.0.1', 0))
                self.port = probe.getsockname()[1]
            options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories='{self.folder}' -c fsync={'on' if self.durable else 'off'}"
            words = as_postgres(f'{self.bin}/pg_ctl', '-D', data, '-l', os.path.join(self.folder, 'log'), '-o', options, '-w', 'start')
            if subprocess.run(words, **dict(quiet, check=last)).returncode == 0:
                return

    def sql(self, database, text):
        subprocess.run([f'{self.bin}/psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-h', '127.0.0.1', '-p', str(self.port), '-U', 'postgres', '-d', database,
                        '-c', text], check=True, stdout=subprocess.DEVNULL)

    def ask(self, database, text):
        """What psql says: a line for each row, | between columns."""
        return subprocess.run([f'{self.bin}/psql', '-qAtX', '-v', 'ON_ERROR_STOP=1', '-d', f'{self.url}/{database}', '-c', text], check=True,
                              capture_output=True, text=True).stdout

    def processes(self):
        """Of the server: itself and those it has made."""
        with open(os.path.join(self.folder, 'data', 'postmaster.pid')) as file:
            own = file.readline().strip()
        found = [own]
        for path in glob.glob('/proc/[0-9]*/stat'):
            try:
                with open(path) as file:
                    if file.read().rsplit(')', 1)[1].split()[1] == own:
                        found.append(path.split('/')[2])
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    def stop(self):
        if self.folder:
            subprocess.run(as_postgres(f'{self.bin}/pg_ctl', '-D', os.path.join(self.folder, 'data'), '-m', 'immediate', 'stop'),
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd='/')
            shutil.rmtree(self.folder, ignore_errors=True)


def main():
    server = Server()
    if not server.bin:
        print('PostgreSQL is not installed')
        return SKIPPED
    try:
        url = server.start([f't{i}' for i in range(9)] + ['nodes', 'relay', 'ages'])
        codes = [subprocess.run([program], env=dict(os.environ, OSPREY_STORE_TEST=url)).returncode for program in sys.argv[1:]]
        return next((code for code in codes if code), 0)
    finally:
        server.stop()


if __name__ == '__main__':
    sys.exit(main())
