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
import test_poll
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


def fetch_anywhere(lab_):
    """Answers that an operator fetches, now at one process, now at the other: each once."""
    mine, me = test_poll.ANONYMOUS + 'nodes', lab_.identity('as-operator', 'operator', lab.OIDS['operator'])
    test_poll.ask_three(lab_, lab_.cards[0]['eid'], mine, me)
    stored = 'SELECT count(*) FROM outbox WHERE destination LIKE \'%anonymous_id_nodes\''
    lab_.wait('three answers', lambda: lab_.smsr_rows(stored) == [(3,)], 10)
    got, last = [], ''
    for n in range(8):
        peer = test_poll.Peer(lab_, f'sr-{n % 2}', mine, me)
        status, answer = peer.poll(received=last)
        peer.drop()
        if status == 200:
            last = test_poll.message_id(answer)
            got.append(last)
    if len(got) != 3 or len(set(got)) != 3:
        raise LabError(f'three answers were to be fetched once each: {got}')
    lab_.wait('no answer left', lambda: lab_.smsr_rows(stored) == [(0,)], 5)


def run(lab_, seconds):
    lab_.up()
    fetch_anywhere(lab_)
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
    print(f'three answers fetched at alternate processes; {DEVICES} downloads in {downloads_s:.1f} s; {calls} switches answered and executed '
          f'once, {tries} tries, longest {longest:.1f} s, '
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
                ecosystem.show_logs(os.path.join(out, 'logs'))
                raise
    finally:
        server.stop()
        if not arguments.keep:
            ecosystem.shutil.rmtree(out, ignore_errors=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
