#!/usr/bin/env python3
"""Two machines with an SM-SR and an SM-DP each, three with PostgreSQL under Patroni and etcd, on a network of namespaces.

Under load the primary dies, the next one is cut off, then one of the two servers' machines, and an SM-SR is killed. Counted: every
call has its answer, each was executed once, cards and records agree, and service comes back by itself. Needs root.

  test_ha.py [--folder FOLDER] [--keep]"""
import argparse
import os
import re
import socket
import ssl
import sys
import tempfile
import threading
import time

import cluster
import ecosystem
from ecosystem import LabError, lab
from test_nodes import download_all

sys.path.insert(0, os.path.join(ecosystem.HERE, '..', 'support'))
import machines  # noqa: E402
import ha_database  # noqa: E402

DEVICES, NODES = 4, 2
# Cards that wait for their confirmation longer than a database needs to come back: otherwise they go back, as they should.
TIMING = 'attach_guard=60,notification_interval=2,notification_tries=60,fallback=300,session_idle=60,refresh_retry=2,poll_interval=5,retry_wait=2'
CALM_S = 6  # between one fault's end and the next


class HaCluster(cluster.Cluster):
    """The servers run on machines of their own; what stands for the world outside them stays where it is."""

    def __init__(self, out, database):
        self.places = [machines.Machine(f'app{n}', 21 + n, out) for n in range(NODES)]
        for place in self.places:
            database.proxy(place)
        database.wait('a database for the servers', lambda: database.primary(), 60)
        super().__init__(out, database, databases=['postgresql://postgres@127.0.0.1:5000'] * NODES, nodes=NODES, devices=DEVICES,
                         profiles=DEVICES, timing=TIMING)
        for name in os.listdir(out):
            if name.endswith('.conf'):
                self.to_network(name)
        for role in cluster.ROLES:
            for n, place in enumerate(self.places):
                name = f'{role}-{n}'
                self.programs[name] = lab.Program(name, place.words(self.program(f'osprey-{role}'), '--config', self.path(f'{name}.conf')),
                                                  self.path('logs', f'{name}.out'))

    def to_network(self, name):
        text = open(self.path(name)).read().replace('@127.0.0.1:5000', '@LOCAL')
        place = re.fullmatch(r'sm-..-(\d)\.conf', name)
        if place:
            text = re.sub(r'\nlisten = 127\.0\.0\.1', f'\nlisten = {self.places[int(place[1])].address}', text)
        lab.write(self.path(name), text.replace('127.0.0.1', machines.OUTSIDE).replace('@LOCAL', '@127.0.0.1:5000'))

    def balance(self, port, backends):
        self.balancer.listen('0.0.0.0', port, [(self.places[n].address, own) for n, (_, own) in enumerate(backends)])

    def configure_device(self, eid, name='device'):
        path = super().configure_device(eid, name)
        self.to_network(os.path.basename(path))
        return path

    def url(self, who):
        return f'https://{machines.OUTSIDE}:{self.port[who]}'


class Visitor(threading.Thread):
    """Shakes hands with a server now and then, to see how long its loop stands still at most."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.longest_s, self.count, self.ends = address, 0, 0, False
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    def run(self):
        while not self.ends:
            time.sleep(0.1)
            try:
                with socket.create_connection(self.address, 1) as connection:
                    began = time.time()
                    self.context.wrap_socket(connection).close()
                    self.longest_s = max(self.longest_s, time.time() - began)
                    self.count += 1
            except OSError:
                pass  # it is killed, once


class Story:
    """Faults, one after the other, and how long nothing was answered after each."""

    def __init__(self, lab_, database, threads):
        self.lab, self.database, self.threads = lab_, database, threads
        self.gaps = []

    def ended(self):
        return sorted(end for t in self.threads for end in list(t.ended))

    def serves_again(self, since, what, seconds=90):
        """Every caller has got an answer to what it asked after the fault."""
        def all_served():
            failure = next((t.failure for t in self.threads if t.failure), None)
            if failure:
                raise LabError(f'{what}: {failure}')
            return all(any(end > since for end in list(t.ended)[-3:]) for t in self.threads)
        self.lab.wait(f'service after "{what}"', all_served, seconds)
        ends = [since] + [end for end in self.ended() if end > since]
        self.gaps.append((what, max(b - a for a, b in zip(ends, ends[1:])), time.strftime('%H:%M:%S', time.gmtime(since))))

    def primary_dies(self):
        old = self.database.primary()
        since = time.time()
        old.crash()
        self.serves_again(since + 0.5, 'the primary dies')
        self.database.wait('another primary', lambda: self.database.primary() not in (None, old), 60)
        self.database.start(old)
        self.database.wait('three databases', self.database.whole, 120)

    def primary_is_cut_off(self):
        old = self.database.primary()
        since = time.time()
        old.cut_off()
        self.serves_again(since + 0.5, 'the primary is cut off')
        time.sleep(max(0, since + 15 - time.time()))
        old.connect()
        self.database.wait('three databases', self.database.whole, 120)

    def server_is_cut_off(self):
        place = self.lab.places[1]
        since = time.time()
        place.cut_off()
        self.serves_again(since + 0.5, 'a servers\' machine is cut off')
        time.sleep(max(0, since + 15 - time.time()))
        place.connect()

    def server_is_killed(self):
        since = time.time()
        self.lab.programs['sm-sr-0'].kill()
        self.serves_again(since + 0.5, 'an SM-SR is killed')
        self.lab.programs['sm-sr-0'].start()

    def run(self):
        for fault in (self.primary_dies, self.primary_is_cut_off, self.server_is_cut_off, self.server_is_killed):
            time.sleep(CALM_S)
            fault()
        time.sleep(CALM_S)


def exits(lab_):
    """Programs that ended by themselves."""
    return [name for name, p in lab_.programs.items() if not p.running()]


def once(folder, keep):
    out = tempfile.mkdtemp(prefix='osprey-ha-', dir=folder)
    os.chmod(out, 0o755)
    began = time.time()
    database = ha_database.Patroni(out)
    database.start_all()
    database.wait('three databases', database.whole, 120)
    for name in ('smsr', 'smdp'):
        database.ask('postgres', f'CREATE DATABASE {name}')
    with HaCluster(out, database) as lab_:
        try:
            lab_.up()
            download_all(lab_)
            threads = cluster.callers(lab_, 100000, 0.1)
            visitors = [Visitor((lab_.places[0].address, lab_.port[f'{name}-0'])) for name in ('sr', 'dp')]
            for visitor in visitors:
                visitor.start()
            story = Story(lab_, database, threads)
            try:
                story.run()
            finally:
                for thread in threads:
                    thread.until = 0
                for visitor in visitors:
                    visitor.ends = True
            calls, tries = cluster.count(lab_, threads)
            if exits(lab_):
                raise LabError(f'ended by themselves: {exits(lab_)}')
        except (LabError, TimeoutError):
            ecosystem.show_logs(os.path.join(out, 'logs'))
            raise
    for machine in database.machines + lab_.places:
        machine.crash()
    longest = max(threads, key=lambda t: t.longest_s)
    gaps = ', '.join(f'{what} ({at}): {gap:.1f} s' for what, gap, at in story.gaps)
    print(f'{calls} calls answered, {calls} executed, 0 lost, 0 twice, {tries - calls} made again; longest silence when {gaps}; '
          f'longest call {longest.longest_s:.1f} s ({longest.longest}); {sum(v.count for v in visitors)} handshakes with the servers of one '
          f'machine, the longest {max(v.longest_s for v in visitors):.1f} s; {time.time() - began:.0f} s', flush=True)
    if not keep:
        ecosystem.shutil.rmtree(out, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--folder', default=None)
    parser.add_argument('--keep', action='store_true')
    arguments = parser.parse_args()
    if os.getuid() != 0 or ha_database.missing():
        ecosystem.skip(f'needs root, and {ha_database.missing()}')
    ecosystem.needs(*lab.PLACES)
    machines.own_world()
    once(arguments.folder, arguments.keep)
    return 0


if __name__ == '__main__':
    sys.exit(main())
