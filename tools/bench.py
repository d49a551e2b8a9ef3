#!/usr/bin/env python3
"""What Osprey costs on this machine: JSON lines with name, value, unit and, where there is one, the ratio to a floor measured
in the same run.

  tools/bench.py [--build DIR] [--downloads N] [--devices N] [--only processes|pieces] [--keep DIR]

First the pieces (osprey-bench), then real processes on loopback: SM-SR, SM-DP, SMSC, HLR, a fleet of devices and an operator
that keeps them busy. CPU times are of the process (user and system), from /proc. Nothing here passes or fails but by an
error of the programs; docs/speed.md says what the figures should be."""
import argparse
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bench_counts import Counts  # noqa: E402
from bench_growth import Postgres, Sqlite, growth  # noqa: E402
from lab import CARD_TIMING, Lab, LabError, OIDS, ROOT, SMSR_NUMBER, run, tail  # noqa: E402
sys.path.insert(0, os.path.join(ROOT, 'tests', 'support'))
from postgres_server import Server  # noqa: E402

SERVERS = ('sm-sr', 'sm-dp')
CHANGES_OF_ENABLE = 6  # of the floor: bench/floor.c
RECOVERY_EVERY = 7  # places of the walk: some 300 worlds
FILES, FILE_OCTETS = 78, 96  # what makes the demo's profile as big as an operator's


# -- what a process has used -------------------------------------------------------------------------------------
def cpu_us(pid):
    """User and system time of all its threads."""
    total = 0
    for path in glob.glob(f'/proc/{pid}/task/*/schedstat'):
        with open(path) as file:
            total += int(file.read().split()[0])
    return total / 1000


def rss_kb(pid):
    with open(f'/proc/{pid}/status') as file:
        return int(re.search(r'VmRSS:\s+(\d+)', file.read()).group(1))


def heap_kb(pid):
    """Anonymous memory: what the process has made itself."""
    with open(f'/proc/{pid}/status') as file:
        return int(re.search(r'RssAnon:\s+(\d+)', file.read()).group(1))


# What docs/speed.md has a figure for and this program does not measure yet.
NOT_MEASURED = [
    ('download in one process (P2)', 'SM-DP and SM-SR are two programs'),
    ('two workers against one (P20)', 'an SM-SR is one process'),
]


class Results:
    def __init__(self, quiet=False):
        self.lines, self.missing, self.quiet = {}, [], quiet

    def put(self, name, value, unit, ratio=None, ratio_is=None, gate=None, limit=None):
        """A figure with a gate (docs/speed.md) holds when its ratio, or its value where there is no ratio, is at most the limit."""
        line = {'name': name, 'value': float(f'{value:.6g}'), 'unit': unit}
        if ratio is not None:
            line.update(ratio=round(ratio, 2), ratio_is=ratio_is)
        if gate is not None:
            line.update(gate=gate, limit=limit, holds=(value if ratio is None else ratio) <= limit)
        self.take(line)

    def take(self, line):
        self.lines[line['name']] = line
        if not self.quiet:
            print(json.dumps(line), flush=True)

    def gates(self):
        """The last word: which gates hold."""
        gates = [line for line in self.lines.values() if 'gate' in line]
        broken = [f'{line["gate"]}: {line["name"]}' for line in gates if not line['holds']]
        print(json.dumps({'name': 'gates that hold', 'value': len(gates) - len(broken), 'unit': f'of {len(gates)}',
                          'do_not_hold': broken}), flush=True)
        self.table(gates)

    @staticmethod
    def table(gates):
        """For people."""
        for line in sorted(gates, key=lambda line: (len(line['gate']), line['gate'], line['name'])):
            figure = line.get('ratio', line['value'])
            print(f'{line["gate"]:4} {line["name"][:70]:70} {figure:10.4g}  gate {line["limit"]:<8.4g} {"yes" if line["holds"] else "NO"}',
                  file=sys.stderr)

    def not_measured(self, what, why):
        self.missing.append((what, why))
        print(json.dumps({'name': what, 'not_measured': why}), flush=True)


# -- pieces ------------------------------------------------------------------------------------------------------
def run_pieces(results, build, *arguments):
    """osprey-bench: lines as they come; returns the floors."""
    floors = {}
    program = subprocess.Popen([os.path.join(build, 'bench', 'osprey-bench'), *arguments], stdout=subprocess.PIPE, text=True)
    for text in program.stdout:
        line = json.loads(text)
        if line['name'].startswith('floor: '):
            floors[line['name'][7:]] = line['value']
        results.lines[line['name']] = line
        print(text.rstrip(), flush=True)
    if program.wait():
        raise LabError(f'osprey-bench ends with {program.returncode}')
    return floors


class Reader:
    """vpcd's end of a card: two octets of length, then a command, or one octet of control."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.listener.settimeout(20)

    def accept(self):
        self.socket, _ = self.listener.accept()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile('rb')
        self.socket.sendall(b'\x00\x01\x01')  # power on: no answer

    def command(self, octets):
        self.socket.sendall(len(octets).to_bytes(2, 'big') + octets)
        return self.stream.read(int.from_bytes(self.stream.read(2), 'big'))

    def close(self):
        self.socket.close()
        self.listener.close()


def card_over_vpcd(results, build, image, rounds=10000):
    """The same three commands as in process, one at a time: what the protocol and two sockets cost."""
    commands = [bytes.fromhex(text) for text in ('00A4000C023F00', '00A4000C022FE2', '00B000000A')]
    reader = Reader()
    address = f'127.0.0.1:{reader.listener.getsockname()[1]}'
    card = subprocess.Popen([os.path.join(build, 'euicc', 'osprey-euicc'), 'serve', '--state', image, '--vpcd', address, '--log', 'error'],
                            stderr=subprocess.DEVNULL)
    try:
        reader.accept()
        for text in commands:
            if reader.command(text)[-2:] != b'\x90\x00':
                raise LabError('the card behind vpcd does not answer 9000')
        used, since = cpu_us(card.pid), time.time()
        for _ in range(rounds):
            for text in commands:
                reader.command(text)
        used, wall = cpu_us(card.pid) - used, time.time() - since
    finally:
        card.terminate()
        card.wait(10)
        reader.close()
    results.put('card through vpcd: SELECT MF, SELECT EF_ICCID, READ BINARY', 3 * rounds / wall, 'commands/s, one at a time')
    results.put('card through vpcd: a command', used / (3 * rounds), 'us of CPU of the card\'s process')


# -- profiles ----------------------------------------------------------------------------------------------------
def bcd(digits, swapped):
    digits += 'F' * (len(digits) % 2)
    pairs = [digits[i:i + 2] for i in range(0, len(digits), 2)]
    return bytes.fromhex(''.join(pair[::-1] if swapped else pair for pair in pairs))


def luhn(digits):
    odd = [int(d) for d in digits[-1::-2]]
    even = [int(d) for d in digits[-2::-2]]
    return digits + str(-(sum(sum(divmod(2 * d, 10)) for d in odd) + sum(even)) % 10)


def profile_source(lab):
    """The demo's profile with files in it until it is of the usual size: about 12 kB."""
    with open(os.path.join(ROOT, 'profiles', 'demo-operator.profile')) as file:
        text = file.read()
    files = ''.join(f'file path=7F105F51{0x4F00 + i:04X} size={FILE_OCTETS} arr=2F0602 type=transparent = '
                    + bytes((i * 7 + k * 13) & 0xFF for k in range(FILE_OCTETS)).hex().upper() + '\n' for i in range(FILES))
    path = lab.path('bench.profile')
    mark = '\n[akaParameter]'
    with open(path, 'w') as out:
        out.write(text.replace(mark, f'\n[genericFileManagement]\ndf path=7F105F51 arr=2F0602 pins=01810A\n{files}{mark}', 1))
    return path


class Profiles:
    """Ordered profiles: one package, built once, with ICCID and IMSI of its own for each."""

    ICCID, IMSI = '899997000000500000', '999700000500000'

    def __init__(self, lab, count):
        self.lab, self.used = lab, 0
        os.makedirs(lab.path('packages'), exist_ok=True)
        lab.tool('osprey-profile', 'build', profile_source(lab), '-o', lab.path('first.der'), '--set', f'iccid={self.ICCID}',
                 '--set', f'imsi={self.IMSI}')
        self.orders = [self.make(number) for number in range(count)]

    def make(self, number):
        iccid, imsi = luhn(str(int(self.ICCID) + number)), str(int(self.IMSI) + number)
        with open(self.lab.path('first.der'), 'rb') as file:
            package = file.read()
        first = luhn(self.ICCID)
        for swapped in (False, True):
            package = package.replace(bcd(first, swapped), bcd(iccid, swapped))
        package = package.replace(bcd('9' + self.IMSI, True), bcd('9' + imsi, True))
        path = self.lab.path('packages', f'{number}.der')
        with open(path, 'wb') as out:
            out.write(package)
        return iccid, {'package': f'packages/{number}.der', 'msisdn': str(883000500000 + number)}

    def size(self):
        return os.path.getsize(self.lab.path('first.der'))

    def take(self, count):
        self.used += count
        self.taken = [iccid for iccid, _ in self.orders[self.used - count:self.used]]
        return self.taken


# -- the operator that asks ----------------------------------------------------------------------------------------
class Load:
    def __init__(self, lab):
        self.process = subprocess.Popen([os.path.join(lab.build, 'bench', 'osprey-bench-load'), lab.path('operator.conf')],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=lab.out)
        if self.process.stdout.readline() != 'ready\n':
            raise LabError('osprey-bench-load does not start')

    def run(self, orders, window, rate=0):
        """orders: lines of text; all are answered when it returns. rate: begun in a second, 0: as fast as the window lets them."""
        self.process.stdin.write('\n'.join(orders) + f'\ngo {window} {rate}\n')
        self.process.stdin.flush()
        text = self.process.stdout.readline()
        if not text:
            raise LabError('osprey-bench-load is gone')
        answer = json.loads(text)
        if answer['failed']:
            raise LabError(f'{answer["failed"]} of {answer["done"]} functions failed: {answer["failure"]}')
        return answer

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


class Sum:
    """CPU time of the processes over several batches of one function."""

    def __init__(self, lab, load, store=None):
        """store: what of the database works in processes of its own (bench_growth.py)."""
        self.lab, self.load, self.count, self.wall_ms, self.answers = lab, load, 0, 0, []
        self.cpu, self.store = {}, store

    def batch(self, orders, window):
        before = self.now()
        answer = self.load.run(orders, window)
        time.sleep(0.02)  # acknowledgements of what came last
        for name, value in self.now().items():
            self.cpu[name] = self.cpu.get(name, 0) + value - before[name]
        self.count += answer['done']
        self.wall_ms += answer['wall_ms']
        self.answers.append(answer)
        return answer

    def now(self):
        used = {name: cpu_us(program.process.pid) for name, program in self.lab.programs.items() if program.running()}
        return dict(used, store=self.store.cpu_us() if self.store else 0)

    def each(self, *names):
        return sum(self.cpu.get(name, 0) for name in names) / self.count

    def per_second(self):
        return 1000 * self.count / self.wall_ms

    def p99_ms(self, what='p99_ms'):
        values = sorted(answer[what] for answer in self.answers)
        return values[len(values) * 9 // 10]


class Bench:
    def __init__(self, arguments, results, out, postgres=None):
        self.arguments, self.results, self.floors = arguments, results, {}
        self.lab = Lab(arguments.build, out, trace=False, postgres=postgres)
        self.devices, self.eids = arguments.devices, []
        # Cards, SMSC and HLR are the load, not what is measured: the servers alone have the disk.
        self.memory_dir = tempfile.mkdtemp(prefix='osprey-bench-', dir='/dev/shm' if os.path.isdir('/dev/shm') else None)
        os.mkdir(os.path.join(self.memory_dir, 'cards'))
        os.symlink(os.path.join(self.memory_dir, 'cards'), self.lab.path('cards'))

    # -- set-up ------------------------------------------------------------------------------------------------
    def factory(self):
        lab = self.lab
        lab.make_authorities()
        _, text, _ = lab.tool('osprey-eum', 'make-euicc', '--eum', lab.path('eum'), '--kek', lab.path('eum', 'sm-sr.kek'), '--smsr-oid',
                              OIDS['sm-sr'], '--smsr-sms', SMSR_NUMBER, '--smsr-https', f'127.0.0.1:{lab.port["scp81"]}/gsma/adminagent',
                              '--bootstrap', os.path.join(ROOT, 'profiles', 'bootstrap.profile'), '--mno', OIDS['start'], '--out',
                              lab.path('cards'), '--count', str(self.arguments.cards), '--iccid', '899997000000900000', '--imsi',
                              '999710000000001', '--msisdn', '882000000001', '--subscribers', lab.path('subscribers.conf'),
                              '--profile-type', 'bootstrap', '--timing', CARD_TIMING, '--json')
        self.eids = sorted(json.loads(line)['eid'] for line in text.splitlines() if line.startswith('{'))
        self.profiles = Profiles(lab, self.arguments.downloads + (9 if self.arguments.growth else 3) * self.devices)
        subscribers = self.of_devices(open(lab.path('subscribers.conf')).read())
        lab.configure_network()
        for name in ('smsc', 'hlr'):
            self.edit(f'{name}.conf', f'{name}.db', os.path.join(self.memory_dir, f'{name}.db'))
        with open(lab.path('subscribers.conf'), 'w') as out:
            out.write(subscribers)
        self.configure_smsr()
        lab.configure_smdp({})
        for who in ('operator', 'start'):
            lab.configure_operator(who)
            self.edit(f'{who}.conf', f'inbox = {who}/inbox.db\n', '')

    def of_devices(self, subscribers):
        """The home network serves those that have a device."""
        return ''.join('[' + section for section in subscribers.split('[')[1:self.devices + 1])

    def edit(self, name, old, new):
        with open(self.lab.path(name)) as file:
            text = file.read()
        with open(self.lab.path(name), 'w') as out:
            out.write(text.replace(old, new))

    def configure_smsr(self, **extra):
        """With the pauses of the field: under load nothing is lost, only late."""
        self.lab.configure_smsr(resend_s=20, **extra)
        self.edit('sm-sr.conf', 'resend_max_s = 4', 'resend_max_s = 600')

    def server_starts(self):
        """Empty: nothing in the database, no partner connected."""
        for name in SERVERS:
            program = self.lab.start(name)
            pid = program.process.pid
            self.results.put(f'{name}: start to ready', cpu_us(pid) / 1000, 'ms of CPU', gate='P21', limit=15)
            time.sleep(0.1)
            self.results.put(f'{name}: memory, empty', rss_kb(pid) / 1024, 'MB resident', gate='P21', limit=16)
            path = self.lab.program(f'osprey-{name}')
            stripped = self.lab.path('stripped')
            subprocess.run(['strip', '-o', stripped, path], check=True)
            self.results.put(f'{name}: program', os.path.getsize(stripped) / 1e6, 'MB stripped', gate='P21', limit=1.5)
        self.lab.programs['sm-dp'].stop()
        self.lab.configure_smdp(dict((str(number), options) for number, (_, options) in enumerate(self.profiles.orders)))
        self.lab.start('sm-dp')

    def registration(self):
        pid = self.lab.programs['sm-sr'].process.pid
        before, since = cpu_us(pid), time.time()
        files = [self.lab.path('cards', eid, 'eis.xml') for eid in self.eids]
        self.lab.tool('osprey-eum', 'register', '--eum', self.lab.path('eum'), '--url', self.lab.url('sr'), '--smsr-oid', OIDS['sm-sr'], *files)
        used = (cpu_us(pid) - before) / len(files)
        self.put_ratio('EIS registration', used, 'us of SM-SR CPU', 'registration', 'P4', 1.6)
        self.results.put('EIS registrations', len(files) / (time.time() - since), 'per second')

    def put_ratio(self, name, value, unit, floor, gate, limit):
        if floor in self.floors:
            self.results.put(name, value, unit, value / self.floors[floor], f'ours / floor of {self.floors[floor]:.0f} us in this run', gate,
                             limit)
        else:
            self.results.put(name, value, unit)

    def counts(self):
        """What the devices have carried, from their last words."""
        last = {}
        path = self.lab.path('device-events.jsonl')
        for line in open(path) if os.path.exists(path) else []:
            if line.endswith('}\n'):
                event = json.loads(line)
                last[event['eid']] = event
        return {key: sum(event[key] for event in last.values()) for key in ('sms_mt', 'sms_mo', 'bytes', 'apdus')}

    def logged(self, text):
        return open(self.lab.path('logs', 'sm-sr.log'), errors='replace').read().count(text)

    def first_life(self):
        """One device, then all of them: what a further one costs; until everybody has told the SM-SR that it lives."""
        lab = self.lab
        for name in ('smsc', 'hlr'):
            lab.start(name)
        lab.listen('start')  # the bootstrap profiles' operator is told of every switch
        lab.configure_fleet(1)
        lab.start('device')
        time.sleep(0.5)
        one = heap_kb(lab.programs['device'].process.pid)
        lab.programs['device'].stop()
        lab.configure_fleet(self.devices)
        lab.start('device')
        lab.wait('the first notifications', lambda: self.logged('first network attachment') >= self.devices, 60)
        all_of_them = heap_kb(lab.programs['device'].process.pid)
        self.results.put('device with card: memory', (all_of_them - one) / max(1, self.devices - 1), 'kB of heap each')

    # -- functions ---------------------------------------------------------------------------------------------
    def orders(self, word, iccids):
        return [f'{word} {eid} {iccid}'.rstrip() for eid, iccid in zip(self.eids[:self.devices], iccids)]

    def downloads(self, load):
        lab, results = self.lab, self.results
        window, rounds = self.devices, max(1, self.arguments.downloads // self.devices)
        self.warm_up(load)
        total = Sum(lab, load)
        for number in range(rounds):
            iccids = self.profiles.take(self.devices)
            total.batch(self.orders('download', iccids), window)
            self.enabled = iccids
            if number + 1 < rounds:
                self.remove(load, iccids)
        both = total.each(*SERVERS)
        self.put_ratio(f'download and enable of {self.profiles.size()} octets', both, 'us of SM-SR and SM-DP CPU', 'download + enable', 'P1', 2.0)
        for name in self.lab.programs:
            results.put(f'download and enable: {name}', total.each(name), 'us of CPU')
        results.put(f'downloads with {self.devices} devices', total.per_second(), 'per second')
        results.put('download and enable: p99', total.p99_ms(), 'ms')

    def warm_up(self, load):
        """Connections are made, statements prepared, pages touched: and what one download puts on the air is seen."""
        before = self.counts()
        iccids = self.profiles.take(self.devices)
        load.run(self.orders('download', iccids), self.devices)
        time.sleep(0.1)
        after = self.counts()
        for key, unit in (('bytes', 'octets over HTTPS'), ('sms_mt', 'short messages to the card'), ('sms_mo', 'short messages from the card'),
                          ('apdus', 'commands to the card')):
            self.results.put(f'download and enable: {unit}', (after[key] - before[key]) / self.devices, 'each')
        self.remove(load, iccids)

    def remove(self, load, iccids):
        load.run(self.orders('disable', iccids), self.devices)
        load.run(self.orders('delete', iccids), self.devices)

    def over_sms(self, load):
        """The SM-SR again, with short messages as its only bearer."""
        lab, results = self.lab, self.results
        lab.programs['sm-sr'].stop()
        self.configure_smsr(bearer='sms')
        lab.start('sm-sr')
        time.sleep(1)
        load.run(self.orders('disable', self.enabled), self.devices)
        enable, audit = Sum(lab, load), Sum(lab, load)
        for _ in range(self.arguments.rounds):
            enable.batch(self.orders('enable', self.enabled), self.devices)
            load.run(self.orders('disable', self.enabled), self.devices)
        self.put_ratio('enable over SMS', enable.each('sm-sr'), 'us of SM-SR CPU', 'enable over SMS', 'P3', 2.5)
        results.put('enables over SMS', enable.per_second(), 'per second')
        results.put('enable over SMS: p99', enable.p99_ms(), 'ms')
        for _ in range(self.arguments.rounds):
            audit.batch(self.orders('audit', [''] * self.devices), self.devices)
        self.put_ratio('audit over SMS', audit.each('sm-sr'), 'us of SM-SR CPU', 'audit over SMS', 'P4', 2.5)
        results.put('audits over SMS', audit.per_second(), 'per second')
        self.soap_messages(load)
        rate = max(1, int(audit.per_second() / 2))
        half = load.run(self.orders('audit', [''] * self.devices) * max(1, 3 * rate // self.devices), 20000, rate)
        results.put(f'accepted SOAP request, {rate} audits per second begun: p99', half['accepted_p99_ms'], 'ms', gate='P24', limit=10)

    def soap_messages(self, load):
        """Parse, check, act, answer: ES4.GetEIS, over TLS, beside a bare loop of the XML library on the same request."""
        eis = Sum(self.lab, load)
        for _ in range(self.arguments.rounds):
            eis.batch(self.orders('eis', [''] * self.devices) * 10, self.devices)
        rate = 1e6 / eis.each('sm-sr')
        bare = self.results.lines.get('SOAP message parsed and validated, bare: ES4.GetEIS')
        self.results.put('SOAP messages: ES4.GetEIS parsed, checked, acted on, answered', rate, 'messages a second and core',
                         bare and rate / bare['value'], 'of what the XML library parses and validates alone')

    def memory(self):
        for name in SERVERS + ('smsc', 'hlr'):
            self.results.put(f'{name}: memory after the run', rss_kb(self.lab.programs[name].process.pid) / 1024, 'MB resident')

    def pieces(self):
        card = self.lab.path('cards', self.eids[0])
        package, image = self.lab.path('first.der'), os.path.join(card, 'card.nvm')
        self.floors = run_pieces(self.results, self.lab.build, package, os.path.join(card, 'eis.xml'), image)
        card_over_vpcd(self.results, self.lab.build, image)
        run_pieces(self.results, self.lab.build, 'fleet', package, str(self.arguments.fleet))
        run_pieces(self.results, self.lab.build, 'days', os.path.join(ROOT, 'profiles'))

    def simulator(self):
        """Everything in one process under a virtual clock: fifty cards that get a profile and switch to it."""
        program = os.path.join(self.lab.build, 'sim', 'osprey-sim')
        before = os.times()
        text = run([program, 'run', 'download-lossy-sms', '--profiles', os.path.join(ROOT, 'profiles')])[1]
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        days, calls = re.search(r'([\d.]+) device-days', text), re.search(r'(\d+) calls', text)
        self.results.put('simulator: downloads with an enable', int(calls.group(1)) / used, 'per second of CPU, cards and network included')
        self.results.put('simulator: device-days of that', float(days.group(1)) / used, 'per second of CPU')

    def recovery(self):
        """One fault in each world, at every so manyth place of a whole life: how long until what it struck moves on (simulated seconds)."""
        program = os.path.join(self.lab.build, 'sim', 'osprey-sim')
        text = run([program, 'sweep', 'walk', '--every', str(RECOVERY_EVERY), '--faults', '--profiles', os.path.join(ROOT, 'profiles')])[1]
        table = text[text.index('seconds until'):text.index('while a procedure')]
        for what, count, mean, longest in re.findall(r'^(\S.*?) +(\d+) +([\d.]+) +[\d.]+ +[\d.]+ +([\d.]+)$', table, re.M):
            self.results.put(f'recovery, {what}: mean of {count}', float(mean), 'simulated seconds')
            self.results.put(f'recovery, {what}: longest', float(longest), 'simulated seconds')
        self.results.not_measured('recovery of a database cluster and its servers', 'needs machines of its own: make soak (soak/ha) prints it')

    def counted_download(self, load):
        """Both servers with a library in front of theirs: calls of their own, not those of OpenSSL or SQLite."""
        counts = Counts(self.lab, *SERVERS)
        time.sleep(1)
        for _ in range(2):  # the first one prepares what is prepared once
            self.remove(load, self.enabled)
            self.enabled = self.profiles.take(self.devices)
            each = counts.each(lambda: load.run(self.orders('download', self.enabled), self.devices)['done'])
        for name, text, limit in (('sign', 'signatures made', 1), ('verify', 'signatures verified', 2), ('keygen', 'keys made', 1),
                                  ('derive', 'secrets agreed', 1), ('private_key', 'private keys parsed', 0), ('fetch', 'algorithms fetched', 0)):
            self.results.put(f'download and enable: {text}', each[name], 'each', gate='P8', limit=limit)
        self.results.put('download and enable: own malloc calls', each['malloc'], 'each', gate='P22', limit=10)

    def counted_enable(self, load):
        counts = Counts(self.lab, 'sm-sr')
        time.sleep(1)
        for word in ('enable', 'disable') * 2:
            each = counts.each(lambda word=word: load.run(self.orders(word, self.enabled), self.devices)['done'])
        self.results.put('enable over SMS: own malloc calls', each['malloc'], 'each', gate='P22', limit=10)
        self.results.put(f'enable over SMS: fdatasync, {self.devices} in flight', each['sync'], 'each')
        self.results.put(f'durable change: fdatasync ({CHANGES_OF_ENABLE} changes an enable)', each['sync'] / CHANGES_OF_ENABLE, 'each', gate='P13',
                         limit=0.05)

    def counted(self, load):
        """System calls of the SM-SR, in rounds of their own: strace slows everything down."""
        if os.geteuid() or not shutil.which('strace'):
            self.results.not_measured('enable over SMS: system calls (P23)', 'needs root and strace')
            return
        out = self.lab.path('strace')
        tracer = subprocess.Popen(['strace', '-c', '-f', '-o', out, '-p', str(self.lab.programs['sm-sr'].process.pid)],
                                  stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        count = 0
        for word in ('enable', 'disable') * 2:
            count += load.run(self.orders(word, self.enabled), self.devices)['done']
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        calls = {line.split()[-1]: int(line.split()[3]) for line in open(out) if re.match(r'\s+\d', line) and 'total' not in line}
        self.results.put('enable over SMS: system calls', sum(calls.values()) / count, 'each', gate='P23', limit=20)

    def run(self):
        try:
            self.factory()
            if self.arguments.only != 'processes':
                self.pieces()
            if self.arguments.only == 'pieces':
                return
            self.simulator()
            self.recovery()
            self.server_starts()
            self.registration()
            self.first_life()
            load = Load(self.lab)
            self.downloads(load)
            self.memory()
            self.counted_download(load)
            self.over_sms(load)
            self.counted(load)
            self.counted_enable(load)
            if self.arguments.growth:
                growth(self, load, Sqlite(self.lab), lambda: Sum(self.lab, load))
            else:
                self.results.not_measured('growth from 10^4 to 10^6 eUICCs (P14)', 'takes long: make bench GROWTH=1')
            load.stop()
        finally:
            self.lab.stop_all()
            shutil.rmtree(self.memory_dir, ignore_errors=True)


    def run_growth(self, store):
        """Nothing else: a smaller world on that database."""
        try:
            self.factory()
            self.server_starts()
            self.registration()
            self.first_life()
            load = Load(self.lab)
            self.enabled = self.profiles.take(self.devices)
            load.run(self.orders('download', self.enabled), self.devices)
            load.run(self.orders('disable', self.enabled), self.devices)
            growth(self, load, store, lambda: Sum(self.lab, load, store))
            load.stop()
        finally:
            self.lab.stop_all()
            shutil.rmtree(self.memory_dir, ignore_errors=True)


def growth_on_postgres(arguments, results):
    server = Server()
    if not server.bin:
        results.not_measured('growth from 10^4 to 10^6 eUICCs, PostgreSQL (P14)', 'PostgreSQL is not installed')
        return
    quiet = Results(quiet=True)
    with tempfile.TemporaryDirectory(prefix='osprey-bench-') as out:
        try:
            bench = Bench(arguments, quiet, out, server.start(['smsr', 'smdp'], durable=True))
            store = Postgres(server, cpu_us)
            bench.run_growth(store)
        finally:
            server.stop()
    for line in quiet.lines.values():
        if store.name in line['name']:
            results.take(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'))
    parser.add_argument('--devices', type=int, default=100)
    parser.add_argument('--cards', type=int, default=3000, help='eUICCs made and registered')
    parser.add_argument('--downloads', type=int, default=500)
    parser.add_argument('--fleet', type=int, default=100000, help='simulated devices whose memory is measured')
    parser.add_argument('--rounds', type=int, default=10, help='of enables and audits, one for each device')
    parser.add_argument('--growth', action='store_true', help='also with 10^4, 10^5 and 10^6 eUICCs in the SM-SR, SQLite and PostgreSQL: takes long, and some GB')
    parser.add_argument('--only', choices=['processes', 'pieces'])
    parser.add_argument('--keep', dest='out', help='run here and leave everything behind')
    arguments = parser.parse_args()
    if arguments.growth:
        arguments.downloads = min(arguments.downloads, 300)  # the HLR's file has a ceiling
    keep, arguments.out = arguments.out is not None, arguments.out or tempfile.mkdtemp(prefix='osprey-bench-')
    results, began = Results(), time.time()
    try:
        Bench(arguments, results, arguments.out).run()
        if arguments.growth:
            growth_on_postgres(arguments, results)
    except LabError as error:
        print(f'{error}\nThe SM-SR said last: {tail(os.path.join(arguments.out, "logs", "sm-sr.log"), 3)}', file=sys.stderr)
        return 1
    finally:
        if not keep:
            shutil.rmtree(arguments.out, ignore_errors=True)
    for what, why in NOT_MEASURED:
        results.not_measured(what, why)
    results.gates()
    results.put('this benchmark', time.time() - began, 's')
    return 0


if __name__ == '__main__':
    sys.exit(main())
