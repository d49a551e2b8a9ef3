#!/usr/bin/env python3
"""Two SM-SRs and two SM-DPs on one PostgreSQL: one of each is killed under load, and its work goes on elsewhere; then it
comes again, and the other is drained.

Counted: every call has its answer, every call was executed once, cards and records agree.

  test_nodes.py [--seconds N] [--keep]"""
import argparse
import os
import sys
import tempfile
import threading
import time

import cluster
import ecosystem
from ecosystem import LabError, lab

sys.path.insert(0, os.path.join(ecosystem.HERE, '..', 'support'))
from postgres_server import SKIPPED, Server  # noqa: E402

DEVICES = 3


def at_once(work):
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def download_all(lab_):
    failures = []

    def download(card, profile):
        code, answer, err = lab_.osprey('profile', 'download', '--eid', card['eid'], '--iccid', profile['iccid'], '--timeout', '40')
        if code:
            failures.append(f'download: {answer} {err}')
    at_once([lambda c=c, p=p: download(c, p) for c, p in zip(lab_.cards, lab_.profiles)])
    if failures:
        raise LabError('; '.join(failures))


def drain(lab_):
    """What was killed comes again, and the others end cleanly: no call notices."""
    for role in cluster.ROLES:
        lab_.start_node(role, 1)
        began = time.time()
        code = lab_.programs[f'{role}-0'].stop()
        if code != 0 or time.time() - began > 4:
            raise LabError(f'{role}-0 ended with {code} after {time.time() - began:.1f} s')


def run(lab_, seconds):
    lab_.up()
    began = time.time()
    download_all(lab_)
    downloads_s = time.time() - began
    threads = cluster.callers(lab_, seconds)
    time.sleep(seconds * 0.3)
    for role in cluster.ROLES:
        lab_.programs[f'{role}-1'].kill()
    killed = time.time()
    time.sleep(seconds * 0.3)
    drain(lab_)
    calls, tries = cluster.count(lab_, threads)
    after = [sum(end > killed + s for t in threads for end in t.ended) for s in (0, 1)]
    if not after[1]:
        raise LabError(f'nothing went on after the nodes were killed: {after}')
    longest = max(t.longest_s for t in threads)
    print(f'{DEVICES} downloads in {downloads_s:.1f} s; {calls} switches answered and executed once, {tries} tries, longest {longest:.1f} s, '
          f'{after[0]} after one of two SM-SRs and SM-DPs was killed; the others were drained')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seconds', type=float, default=6)
    parser.add_argument('--keep', action='store_true')
    arguments = parser.parse_args()
    server = Server()
    if not server.bin:
        print('PostgreSQL is not installed')
        return SKIPPED
    ecosystem.needs(*lab.PLACES)
    out = tempfile.mkdtemp(prefix='osprey-nodes-')
    server.start(['smsr', 'smdp'])
    try:
        with cluster.Cluster(out, server, devices=DEVICES, profiles=DEVICES) as lab_:
            try:
                run(lab_, arguments.seconds)
            except LabError:
                for name in sorted(os.listdir(os.path.join(out, 'logs'))):
                    print(name, lab.tail(os.path.join(out, 'logs', name), 12), sep='\n')
                raise
    finally:
        server.stop()
        if not arguments.keep:
            ecosystem.shutil.rmtree(out, ignore_errors=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
