#!/usr/bin/env python3
"""CAT_TP with two SM-SRs on one PostgreSQL: a card's link is where its datagrams come in, the calls for it come to either. A
process that has links is killed in the middle of downloads; they end well over links to the other. Then all links are at one
process, and what the other one begins goes there."""
import os
import re
import sys
import tempfile

import cluster
import ecosystem
from ecosystem import LabError, lab
from test_cat_tp import TIMING, agree, must
from udp_relay import Relay

sys.path.insert(0, os.path.join(ecosystem.HERE, '..', 'support'))
from postgres_server import SKIPPED, Server  # noqa: E402

DEVICES = 2


def log_of(lab_, n):
    return open(lab_.path('logs', f'sm-sr-{n}.log')).read()


def linked(lab_, n):
    """(EID, when) of each link at that process."""
    return re.findall(r'\[(\d{32})\] CAT_TP link$', log_of(lab_, n), re.M)


def carried(lab_, n):
    return len(re.findall(r'over CAT_TP, \d+ octets', log_of(lab_, n)))


def decided(lab_, n):
    return re.findall(r'\[(\d{32})\] script \d+, \d+ octets, goes by CAT_TP', log_of(lab_, n))


def downloads(lab_, ports):
    calls = [lab_.osprey_start('profile', 'download', '--eid', card['eid'], '--iccid', profile['iccid'], '--enable', '--timeout', '100')
             for card, profile in zip(lab_.cards, lab_.profiles)]
    lab_.wait('packets over links at both', lambda: all(carried(lab_, n) >= 3 for n in range(2)), 60, 0.002)
    lab_.programs['sm-sr-1'].kill()
    ports.remove(('127.0.0.1', lab_.port['cat_tp-1']))
    for call in calls:
        must('download', *lab_.osprey_end(call))
    lab_.start_node('sm-sr', 1)
    ports.append(('127.0.0.1', lab_.port['cat_tp-1']))


def switches(lab_, relay):
    relay.to = relay.to[:1]
    began, links = len(decided(lab_, 1)), len(linked(lab_, 1))
    for operation in ('audit', 'disable', 'enable', 'audit'):
        for card, profile in zip(lab_.cards, lab_.profiles):
            words = ['audit', '--eid', card['eid']] if operation == 'audit' else \
                    ['profile', operation, '--eid', card['eid'], '--iccid', profile['iccid']]
            must(operation, *lab_.osprey(*words, '--timeout', '60'))
    if len(linked(lab_, 1)) > links or len(decided(lab_, 1)) - began < 2:
        raise LabError('one process was to have the links, and the other to begin something')
    return len(decided(lab_, 1)) - began


def judge(lab_, elsewhere):
    scripts, links, packets = ([count(lab_, n) for n in range(2)] for count in (lambda *at: len(decided(*at)), lambda *at: len(linked(*at)), carried))
    print(f'two SM-SRs: scripts begun at each {scripts}, links {links}, packets {packets}; one was killed with links open; '
          f'{elsewhere} scripts went over links of the other')
    if not all(links) or not all(scripts):
        raise LabError('the work was not shared')


def run(lab_, relay):
    ports = [('127.0.0.1', lab_.port[f'cat_tp-{n}']) for n in range(2)]
    relay.to = ports
    lab_.up()
    downloads(lab_, ports)
    elsewhere = switches(lab_, relay)
    lab_.wait('quiet', lab_.idle, 60)
    for card in lab_.cards:
        agree(lab_, card['eid'])
    judge(lab_, elsewhere)


def main():
    server = Server()
    if not server.bin:
        print('PostgreSQL is not installed')
        return SKIPPED
    ecosystem.needs(*lab.PLACES)
    relay = Relay()
    server.start(['smsr', 'smdp'])
    with tempfile.TemporaryDirectory(prefix='osprey-nodes-cat-tp-') as folder:
        try:
            with cluster.Cluster(folder, server, https=False, timing=TIMING, smsr={'bearer': 'cat_tp'}, cat_tp=relay.port, devices=DEVICES,
                                 profiles=DEVICES) as lab_:
                for n in range(2):
                    path = lab_.path(f'sm-sr-{n}.conf')
                    lab.write(path, open(path).read().replace('level = info', 'level = debug'))
                run(lab_, relay)
        except LabError:
            for name in ('sm-sr-0', 'sm-sr-1', 'device', 'device-1'):
                print(f'--- {name}\n' + lab.tail(f'{folder}/logs/{name}.log', 40).replace(' | ', '\n'))
            raise
        finally:
            relay.close()
            server.stop()
    return 0


if __name__ == '__main__':
    sys.exit(main())
