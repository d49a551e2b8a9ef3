"""A lab on loopback: factory, servers, network and device as real processes, each with a configuration of its own.

Used by tools/demo.py, tools/bench.py and the end-to-end tests. Everything lives in one folder; ports are free ones."""
import json
import os
import signal
import socket
import subprocess
import time

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
READY_S = 20


class LabError(Exception):
    """What went wrong, in words for people."""


def free_ports(count, kind=socket.SOCK_STREAM):
    """Ports nobody listens on now, below those the system gives to outgoing connections: a program that is killed and
    started again finds its port free. Each process looks in a place of its own, so that labs do not meet."""
    global next_port
    ports = []
    while len(ports) < count:
        port = FIRST_PORT + next_port % PORTS
        next_port += 1
        with socket.socket(type=kind) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(('127.0.0.1', port))
                ports.append(port)
            except OSError:
                pass  # taken
    return ports


FIRST_PORT, PORTS = 16000, 16000
next_port = os.getpid() * 16


class Program:
    """One running program of the lab; what it prints goes to the file `output`."""

    def __init__(self, name, arguments, output):
        self.name, self.arguments, self.output = name, arguments, output
        self.process = None

    def start(self):
        with open(self.output, 'ab') as out:
            begin = out.tell()
            self.process = subprocess.Popen(self.arguments, stdout=out, stderr=out, cwd=os.path.dirname(self.output))
        deadline = time.time() + READY_S
        while time.time() < deadline:
            with open(self.output, 'rb') as said:
                said.seek(begin)
                text = said.read()
            if b'ready' in text or b'listening' in text:
                return
            if self.process.poll() is not None:
                raise LabError(f'{self.name} does not start: {tail(self.output)}')
            time.sleep(0.005)
        raise LabError(f'{self.name} is not ready after {READY_S} s: {tail(self.output)}')

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, how=signal.SIGTERM, patience_s=10):
        """Ends it by its pid; returns its exit code."""
        if not self.running():
            return self.process.returncode if self.process else None
        self.process.send_signal(how)
        try:
            code = self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        return code

    def kill(self):
        return self.stop(signal.SIGKILL)


def tail(path, lines=6):
    if not os.path.exists(path):
        return 'no log'
    return ' | '.join(open(path, errors='replace').read().splitlines()[-lines:])


def write(path, text, mode=0o600):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), 'w') as out:
        out.write(text)
    return path


def run(arguments, check=True, timeout=120, cwd=None):
    """A program that ends by itself: (exit code, output, error output)."""
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout, cwd=cwd)
    if check and done.returncode:
        raise LabError(f'{" ".join(os.path.basename(a) for a in arguments[:3])} failed ({done.returncode}): '
                       f'{(done.stderr or done.stdout).strip()[-600:]}')
    return done.returncode, done.stdout, done.stderr


OIDS = {'ci': '2.999.1', 'sm-sr': '2.999.2', 'eum': '2.999.3', 'sm-dp': '2.999.4', 'operator': '2.999.10', 'start': '2.999.9',
        'sm-sr2': '2.999.22'}
SMSR_NUMBER, SMSR2_NUMBER = '999710000000', '999710000022'
# A lab is impatient: pauses of seconds where the field has minutes and hours.
CARD_TIMING = 'attach_guard=6,notification_interval=2,notification_tries=4,fallback=5,session_idle=10,refresh_retry=2,poll_interval=5,retry_wait=2'


class Subscriber:
    """What the home network knows of a subscription."""

    def __init__(self, imsi, msisdn, algorithm, k, opc='', refused=False):
        self.imsi, self.msisdn, self.algorithm, self.k, self.opc, self.refused = imsi, msisdn, algorithm, k, opc, refused

    def section(self):
        return (f'[subscriber {self.imsi}]\nalgorithm = {self.algorithm}\nk = {self.k}\n'
                + (f'opc = {self.opc}\n' if self.opc else '')
                + f'msisdn = {self.msisdn}\nrefused = {"yes" if self.refused else "no"}\n')


class Lab:
    def __init__(self, build, out, https=True, number=1, trace=True, postgres=None, cat_tp=None):
        """trace: every SOAP message and debug lines are written down; without, as in the field.
        cat_tp: the SM-SR takes CAT_TP, and cards are told this UDP port (0: its own); None: it does not.
        postgres: URL of a server with empty databases smsr and smdp; None: SQLite files."""
        self.build, self.out, self.https, self.trace = os.path.abspath(build), os.path.abspath(out), https, trace
        self.postgres, self.cat_tp = postgres, cat_tp
        self.programs = {}
        self.subscribers = []
        os.makedirs(self.path('logs'), exist_ok=True)
        names = ['sr', 'scp81', 'dp', 'operator', 'start', 'smsc', 'hlr']
        self.port = dict(zip(names, free_ports(len(names))))
        self.port['cat_tp'] = free_ports(1, socket.SOCK_DGRAM)[0]
        self.number = number

    # -- files and programs ------------------------------------------------------------------------------------
    def path(self, *parts):
        return os.path.join(self.out, *parts)

    def program(self, name):
        for place in PLACES[name]:
            path = os.path.join(self.build, place, name)
            if os.path.exists(path):
                return path
        raise LabError(f'{name} is not built: run make')

    def url(self, who):
        return f'https://127.0.0.1:{self.port[who]}'

    def tool(self, name, *arguments, **options):
        return run([self.program(name)] + list(arguments), **options)

    # -- the factory -------------------------------------------------------------------------------------------
    def make_authorities(self, curve='P-256'):
        self.tool('osprey-eum', 'ci', 'init', '--out', self.path('ci'), '--oid', OIDS['ci'], '--curve', curve)
        for kind, folder, name in (('eum', 'eum', 'Lab EUM'), ('sm-sr', 'sm-sr', 'Lab SM-SR'), ('sm-dp', 'sm-dp', 'Lab SM-DP'),
                                   ('operator', 'operator', 'Lab Operator'), ('operator', 'start', 'Lab Start Operator')):
            self.tool('osprey-eum', 'issue', kind, '--ci', self.path('ci'), '--out', self.path(folder), '--oid', OIDS[folder],
                      '--name', name, *self.issue_options(folder))
        self.tool('osprey-eum', 'kek', '--out', self.path('eum', 'sm-sr.kek'))

    def issue_options(self, folder):
        """What a lab of its own kind wants of that entity's certificates."""
        return ()

    def build_profile(self, template, out, **settings):
        words = [word for name, value in settings.items() for word in ('--set', f'{name.replace("_", "-")}={value}')]
        self.tool('osprey-profile', 'build', os.path.join(ROOT, 'profiles', template), '-o', self.path(out), *words)
        return self.path(out)

    def make_euicc(self, bootstrap, msisdn, timing=CARD_TIMING, serial=1, count=1, smsr_https=None):
        https = smsr_https or f'127.0.0.1:{self.port["scp81"]}/gsma/adminagent'
        _, text, _ = self.tool('osprey-eum', 'make-euicc', '--eum', self.path('eum'), '--kek', self.path('eum', 'sm-sr.kek'),
                               '--smsr-oid', OIDS['sm-sr'], '--smsr-sms', SMSR_NUMBER, '--bootstrap', bootstrap,
                               '--mno', OIDS['start'], '--msisdn', msisdn, '--profile-type', 'bootstrap', '--out', self.path('cards'),
                               '--timing', timing, '--serial', str(serial), '--count', str(count), '--json',
                               *(['--smsr-https', https] if self.https else []),
                               *(['--smsr-cat-tp', f'127.0.0.1:{self.cat_tp_port()}/9000'] if self.cat_tp is not None else []))
        return [json.loads(line) for line in text.splitlines() if line.startswith('{')]

    def register(self, eid):
        return self.tool('osprey-eum', 'register', '--eum', self.path('eum'), '--url', self.url('sr'), '--smsr-oid', OIDS['sm-sr'],
                         self.path('cards', eid, 'eis.xml'), check=False)

    def cat_tp_port(self):
        return self.cat_tp or self.port['cat_tp']

    # -- configurations ----------------------------------------------------------------------------------------
    def lab_section(self):
        return '[lab]\ntrace_dir = .\n\n' if self.trace else ''

    def configure_smsr(self, **extra):
        partner = f'[partner eum]\noid = {OIDS["eum"]}\nkinds = eum\ncertificate = eum/eum.pem\ntransport_key = eum/sm-sr.kek\n\n'
        partner += (f'[partner sm-dp]\noid = {OIDS["sm-dp"]}\nkinds = sm-dp\nes3_url = {self.url("dp")}/esim-messaging/3/ES3/ES3SmDpService\n'
                    f'acts_for = {OIDS["operator"]} {OIDS["start"]}\n\n')
        partner += ''.join(f'[partner {who}]\noid = {OIDS[who]}\nkinds = operator\nes4_url = {self.url(who)}/esim-messaging/3/ES4/ES4MnoService\n\n'
                           for who in ('operator', 'start'))
        scp81 = (f'[scp81]\nlisten = 127.0.0.1:{self.port["scp81"]}\nadvertise = {extra.get("advertise", "127.0.0.1")}:{self.port["scp81"]}\n'
                 + (f'dns = {extra["dns"]}\n' if 'dns' in extra else '') + 'hold_ms = 3000\n\n')
        cat_tp = f'[cat_tp]\nlisten = 127.0.0.1:{self.port["cat_tp"]}\nadvertise = 127.0.0.1:{self.cat_tp_port()}\n\n'
        return write(self.path('sm-sr.conf'), f'''[sm-sr]
oid = {OIDS["sm-sr"]}
url = {self.url("sr")}
listen = 127.0.0.1:{self.port["sr"]}
database = {self.postgres + '/smsr' if self.postgres else 'sm-sr/sm-sr.db'}
master_key = sm-sr/master.key
ci = sm-sr/ci.pem

[tls]
certificate = sm-sr/tls.pem
key = sm-sr/tls.key
trust = sm-sr/ci.pem

[smsc]
address = 127.0.0.1:{self.port["smsc"]}
system_id = sm-sr
from = {SMSR_NUMBER}

{scp81 if self.https else ""}{cat_tp if self.cat_tp is not None else ""}[channel]
bearer = {extra.get("bearer", "auto")}
resend_s = {extra.get("resend_s", 2)}
resend_max_s = 4

{self.lab_section()}{partner}
[log]
file = logs/sm-sr.log
level = {"debug" if self.trace else "info"}
''')

    def second_smsr(self):
        """An SM-SR beside the first, without eUICC, and everybody knows it: after all other configurations."""
        self.port['sr2'], self.port['scp81-2'] = free_ports(2)
        self.tool('osprey-eum', 'issue', 'sm-sr', '--ci', self.path('ci'), '--out', self.path('sm-sr2'), '--oid', OIDS['sm-sr2'],
                  '--name', 'Lab SM-SR 2')
        service = 'esim-messaging/3/ES7/ES7SmSrProvider'
        text = open(self.path('sm-sr.conf')).read()
        for old, new in ((f'oid = {OIDS["sm-sr"]}\n', f'oid = {OIDS["sm-sr2"]}\n'), (f':{self.port["sr"]}\n', f':{self.port["sr2"]}\n'),
                         (f':{self.port["scp81"]}\n', f':{self.port["scp81-2"]}\n'),
                         ('= sm-sr/', '= sm-sr2/'), ('system_id = sm-sr', 'system_id = sm-sr2'), ('logs/sm-sr.log', 'logs/sm-sr2.log'),
                         (f'from = {SMSR_NUMBER}', f'from = {SMSR2_NUMBER}')):
            text = text.replace(old, new)
        write(self.path('sm-sr2.conf'), text.replace('[log]', f'''[card P-256]
certificate = sm-sr2/card.7f21
key = sm-sr2/card.key

[partner sm-sr]
oid = {OIDS["sm-sr"]}
kinds = sm-sr
es7_url = {self.url("sr")}/{service}

[log]'''))
        self.append('sm-sr.conf', f'\n[partner sm-sr2]\noid = {OIDS["sm-sr2"]}\nkinds = sm-sr\nes7_url = {self.url("sr2")}/{service}\n')
        for who in ('operator', 'start'):
            self.append(f'{who}.conf', f'\n[partner sm-sr2]\noid = {OIDS["sm-sr2"]}\nkind = sm-sr\nurl = {self.url("sr2")}\n')
        self.append('sm-dp.conf', f'\n[partner sm-sr2]\noid = {OIDS["sm-sr2"]}\nkind = sm-sr\n'
                    f'url = {self.url("sr2")}/esim-messaging/3/ES3/ES3SmSrService\n')

    def append(self, file, text):
        with open(self.path(file), 'a') as out:
            out.write(text)

    def configure_smdp(self, profiles, **extra):
        """profiles: {name: {option: value}} of [profile NAME] sections."""
        sections = ''.join(f'[profile {name}]\n' + ''.join(f'{k} = {v}\n' for k, v in {'owner': OIDS["operator"], **options}.items()) + '\n'
                           for name, options in profiles.items())
        return write(self.path('sm-dp.conf'), f'''[sm-dp]
oid = {OIDS["sm-dp"]}
url = {self.url("dp")}
listen = 127.0.0.1:{self.port["dp"]}
database = {self.postgres + '/smdp' if self.postgres else 'sm-dp/sm-dp.db'}
master_key = sm-dp/master.key
ci = sm-dp/ci.pem
resend_s = {extra.get("resend_s", 3)}
subscribers = ordered.conf

[tls]
certificate = sm-dp/tls.pem
key = sm-dp/tls.key
trust = sm-dp/ci.pem

{self.lab_section()}[card P-256]
certificate = sm-dp/card.7f21
key = sm-dp/card.key

[eum lab]
certificate = eum/eum.pem

[partner operator]
oid = {OIDS["operator"]}
kind = operator
url = {self.url("operator")}/esim-messaging/3/ES2/ES2MnoService

[partner sm-sr]
oid = {OIDS["sm-sr"]}
kind = sm-sr
url = {self.url("sr")}/esim-messaging/3/ES3/ES3SmSrService

{sections}[log]
file = logs/sm-dp.log
''')

    def configure_operator(self, who='operator'):
        return write(self.path(f'{who}.conf'), f'''[operator]
oid = {OIDS[who]}
name = Lab {who}
via = {"sm-dp" if who == "operator" else "sm-sr"}
sm_sr = sm-sr
listen = 127.0.0.1:{self.port[who]}
inbox = {who}/inbox.db

[tls]
certificate = {who}/tls.pem
key = {who}/tls.key
trust = {who}/ci.pem

{self.lab_section()}[partner sm-dp]
oid = {OIDS["sm-dp"]}
kind = sm-dp
url = {self.url("dp")}

[partner sm-sr]
oid = {OIDS["sm-sr"]}
kind = sm-sr
url = {self.url("sr")}
''')

    def osprey(self, *arguments, who='operator', timeout=150):
        """The operator's command line: (exit code, the last JSON object, error text)."""
        code, out, err = self.tool('osprey', *arguments, '--json', '--config', self.path(f'{who}.conf'), check=False, timeout=timeout)
        lines = [line for line in out.splitlines() if line.startswith('{')]
        return code, json.loads(lines[-1]) if lines else {}, err.strip()

    def osprey_start(self, *arguments, who='operator'):
        """The same, without waiting for its end."""
        return subprocess.Popen([self.program('osprey')] + list(arguments) + ['--json', '--config', self.path(f'{who}.conf')],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def osprey_end(self, process):
        out, err = process.communicate()
        lines = [line for line in out.splitlines() if line.startswith('{')]
        return process.returncode, json.loads(lines[-1]) if lines else {}, err.strip()

    def listen(self, who='operator'):
        """The operator's endpoint, which keeps its inbox."""
        name = f'listen-{who}'
        self.programs[name] = Program(name, [self.program('osprey'), 'listen', '--json', '--config', self.path(f'{who}.conf')],
                                      self.path('logs', f'{name}.jsonl'))
        self.programs[name].start()

    def card(self, eid):
        """What is on the card (the device must be off): [{isdp, state, fallback, iccid, imsi}]."""
        _, text, _ = self.tool('osprey-euicc', 'info', '--state', self.path('cards', eid, 'card.nvm'), '--log', 'error')
        profiles = []
        for line in text.splitlines():
            word = line.split()
            if word and word[0] == 'ISD-P':
                value = dict(zip(word[2:], word[3:]))
                profiles.append({'isdp_aid': word[1], 'state': word[2].capitalize(), 'fallback': 'fall-back' in word,
                                 'iccid': value.get('ICCID', ''), 'imsi': value.get('IMSI', '')})
        return profiles

    def configure_network(self, loss_permille=0, seed=1):
        write(self.path('smsc.conf'), f'[smsc]\nlisten = 127.0.0.1:{self.port["smsc"]}\ndatabase = smsc.db\n\n'
              f'[lab]\nloss_permille = {loss_permille}\nseed = {seed}\n\n[log]\nfile = logs/smsc.log\n')
        write(self.path('hlr.conf'), f'[gsup]\nlisten = 127.0.0.1:{self.port["hlr"]}\n\n[subscribers]\nfile = subscribers.conf\nalso = ordered.conf\n\n'
              '[store]\nfile = hlr.db\n\n[log]\nfile = logs/hlr.log\n')
        self.write_subscribers()

    def write_subscribers(self):
        write(self.path('subscribers.conf'), '\n'.join(s.section() for s in self.subscribers))

    def configure_device(self, eid, name='device'):
        return write(self.path(f'{name}.conf'), f'''[card]
state = cards/{eid}/card.nvm

[modem]
poll_s = 5
attach_retry_s = 2

[network]
hlr = 127.0.0.1:{self.port["hlr"]}
smsc = 127.0.0.1:{self.port["smsc"]}
system_id = {name}

[lab]
apdu_trace = card.apdu
events = {name}-events.jsonl

[log]
file = logs/{name}.log
''')

    def configure_fleet(self, count=0, name='device'):
        """One process with a device for each card of the factory."""
        return write(self.path(f'{name}.conf'), f'''[fleet]
cards = cards
count = {count}

[modem]
poll_s = 5
attach_retry_s = 2

[network]
hlr = 127.0.0.1:{self.port["hlr"]}
smsc = 127.0.0.1:{self.port["smsc"]}
system_id = fleet

[lab]
events = {name}-events.jsonl

[log]
file = logs/{name}.log
''')

    # -- running -----------------------------------------------------------------------------------------------
    def start(self, name, config=None):
        if name not in self.programs:
            program = 'osprey-device' if name.startswith('device') else 'osprey-sm-sr' if name.startswith('sm-sr') else f'osprey-{name}'
            self.programs[name] = Program(program, [self.program(program), '--config', config or self.path(f'{name}.conf')],
                                          self.path('logs', f'{name}.out'))
        self.programs[name].start()
        return self.programs[name]

    def stop_all(self):
        codes = {}
        for name in reversed(list(self.programs)):
            if self.programs[name].running():
                codes[name] = self.programs[name].stop()
        return codes

    def events(self, name='device'):
        path = self.path(f'{name}-events.jsonl')
        lines = open(path).read().splitlines() if os.path.exists(path) else []
        return [json.loads(line) for line in lines if line.endswith('}')]

    def wait(self, what, check, seconds=30, pause=0.05):
        """Waits until check() gives something; returns it."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            found = check()
            if found:
                return found
            time.sleep(pause)
        raise LabError(f'{what}: not within {seconds} s')


PLACES = {
    'osprey-eum': ['eum'], 'osprey-sm-sr': ['sm-sr'], 'osprey-sm-dp': ['sm-dp'], 'osprey-device': ['device'],
    'osprey-smsc': ['device/smsc'], 'osprey-hlr': ['device/hlr'], 'osprey': ['operator'], 'osprey-euicc': ['euicc'],
    'osprey-profile': ['tools/profile'], 'osprey-wsdl': ['tools/wsdl'],
}
