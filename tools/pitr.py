#!/usr/bin/env python3
"""Backups of a PostgreSQL server, and its state at any later time: base backups and an archive of the write-ahead log.

  pitr.py keep FILE FOLDER               archive_command = 'pitr.py keep %p FOLDER': takes one file of the log into FOLDER/wal
  pitr.py base URL FOLDER                a base backup into FOLDER/base-TIME, while the server runs
  pitr.py restore FOLDER DATA --to TIME  makes the data folder DATA (which must not exist): the newest base backup before TIME,
                                         set up to read the archive up to TIME when the server is started on it
  TIME: 2026-01-02T03:04:05.678+00:00. docs/scale.md says what else belongs to a restore."""
import argparse
import datetime
import glob
import os
import shutil
import subprocess
import sys

STAMP = '%Y%m%dT%H%M%S%z'


def program(name):
    found = sorted(glob.glob(f'/usr/lib/postgresql/*/bin/{name}'))
    return found[-1] if found else name


def keep(file, folder):
    """The file is there whole and for good before this says so; another one of that name is not overwritten."""
    wal = os.path.join(folder, 'wal')
    there = os.path.join(wal, os.path.basename(file))
    os.makedirs(wal, exist_ok=True)
    if os.path.exists(there):
        if open(there, 'rb').read() == open(file, 'rb').read():
            return
        sys.exit(f'{there} is there already, with another content')
    with open(file, 'rb') as old, open(there + '.part', 'wb') as new:
        shutil.copyfileobj(old, new)
        new.flush()
        os.fsync(new.fileno())
    os.rename(there + '.part', there)
    handle = os.open(wal, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def base(url, folder):
    at = datetime.datetime.now(datetime.timezone.utc)
    place = os.path.join(folder, 'base-' + at.strftime(STAMP))
    subprocess.run([program('pg_basebackup'), '-d', url, '-D', place + '.part', '-X', 'fetch', '-c', 'fast'], check=True)
    os.rename(place + '.part', place)
    print(place)


def time_of(place):
    return datetime.datetime.strptime(os.path.basename(place)[len('base-'):], STAMP)


def restore(folder, data, to):
    """A backup is good for times after its end; it was given its name when it began."""
    target = datetime.datetime.fromisoformat(to)
    places = [p for p in sorted(glob.glob(os.path.join(folder, 'base-*'))) if not p.endswith('.part') and time_of(p) < target]
    if not places:
        sys.exit(f'no base backup before {to} in {folder}')
    shutil.copytree(places[-1], data)
    os.chmod(data, 0o700)
    wal = os.path.abspath(os.path.join(folder, 'wal'))
    with open(os.path.join(data, 'postgresql.auto.conf'), 'a') as out:
        out.write(f"\narchive_mode = off\nrestore_command = 'cp \"{wal}/%f\" \"%p\"'\nrecovery_target_time = '{target.isoformat(sep=' ')}'\n"
                  "recovery_target_action = promote\n")
    open(os.path.join(data, 'recovery.signal'), 'w').close()
    print(f'{data}: {os.path.basename(places[-1])} and the log up to {to}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = parser.add_subparsers(dest='word', required=True)
    for name, arguments in (('keep', ('file', 'folder')), ('base', ('url', 'folder')), ('restore', ('folder', 'data'))):
        one = words.add_parser(name)
        for argument in arguments:
            one.add_argument(argument)
        if name == 'restore':
            one.add_argument('--to', required=True)
    a = parser.parse_args()
    if a.word == 'keep':
        keep(a.file, a.folder)
    elif a.word == 'base':
        base(a.url, a.folder)
    else:
        restore(a.folder, a.data, a.to)


if __name__ == '__main__':
    main()
