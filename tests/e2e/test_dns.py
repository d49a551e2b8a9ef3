#!/usr/bin/env python3
"""A card that knows its SM-SR by name: the trigger says a name and a DNS server (dnsmasq), the card asks over a UDP channel of
the device, follows an alias, and opens its HTTPS session. A name that nobody knows leaves the card where it is: what is short
goes by SMS."""
import os
import re
import shutil
import subprocess
import tempfile

import ecosystem
import lab as tools
from ecosystem import Ecosystem, LabError

NAME, ALIAS = 'sr1.osprey.test', 'admin.osprey.test'


def resolver(folder, port):
    """A real DNS server on loopback that knows one host and its alias."""
    return subprocess.Popen(['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', f'--port={port}',
                             '--listen-address=127.0.0.1', '--bind-interfaces', '--no-daemon', '--log-queries', f'--pid-file={folder}/dns.pid',
                             f'--host-record={NAME},127.0.0.1', f'--cname={ALIAS},{NAME}', '--auth-ttl=60', '--local=/osprey.test/'],
                            stdout=subprocess.DEVNULL, stderr=open(f'{folder}/dns.log', 'w'))


def must(what, code, answer, err):
    if code:
        raise LabError(f'{what}: {answer} {err}')


def log_of(lab, name='sm-sr'):
    return open(lab.path('logs', f'{name}.log')).read()


def asked(folder, name):
    return len(re.findall(rf'query\[A\] {re.escape(name)} ', open(f'{folder}/dns.log').read()))


def by_name(lab, folder, card):
    """A download needs a session; before it the card asks for the name."""
    before = asked(folder, ALIAS)
    must('download', *lab.osprey('profile', 'download', '--eid', card['eid'], '--iccid', lab.profiles[0]['iccid']))
    device = log_of(lab, 'device')
    if asked(folder, ALIAS) <= before or not re.search(r'channel \d to 127\.0\.0\.1:\d+, UDP', device):
        raise LabError('the card did not ask the DNS server')
    if not re.search(r'script \d+ over HTTPS', log_of(lab)):
        raise LabError('no script went over HTTPS')


def unknown_name(lab, folder, card):
    """The SM-SR starts again with a name that does not exist."""
    lab.programs['sm-sr'].stop()
    text = open(lab.path('sm-sr.conf')).read().replace(ALIAS, 'nobody.osprey.test').replace('tries = 3', 'tries = 1')
    open(lab.path('sm-sr.conf'), 'w').write(text.replace('bearer = auto', 'bearer = auto\nsms_script_max = 10'))
    lab.start('sm-sr')
    call = lab.osprey_start('profile', 'enable', '--eid', card['eid'], '--iccid', lab.profiles[0]['iccid'], '--timeout', '5')
    lab.wait('the question for a name that nobody knows', lambda: asked(folder, 'nobody.osprey.test'), 20)
    lab.osprey_end(call)
    if 'DNS says nothing of nobody.osprey.test' not in log_of(lab, 'device'):
        raise LabError('the card does not say that the name is unknown')


def main():
    ecosystem.needs('osprey-eum', 'osprey-sm-sr', 'osprey-sm-dp', 'osprey-device', 'osprey-smsc', 'osprey-hlr', 'osprey')
    if not shutil.which('dnsmasq') and not os.path.exists('/usr/sbin/dnsmasq'):
        ecosystem.skip('dnsmasq is not installed (package dnsmasq-base)')
    os.environ['PATH'] += ':/usr/sbin'
    port = tools.free_ports(1, tools.socket.SOCK_DGRAM)[0]
    with tempfile.TemporaryDirectory(prefix='osprey-dns-') as folder:
        server = resolver(folder, port)
        try:
            with Ecosystem(folder, smsr={'advertise': ALIAS, 'dns': f'127.0.0.1:{port}'}) as lab:
                lab.up()
                by_name(lab, folder, lab.cards[0])
                unknown_name(lab, folder, lab.cards[0])
                print(f'dnsmasq was asked {asked(folder, ALIAS)} times for {ALIAS}')
        finally:
            server.terminate()
            server.wait(10)


main()
