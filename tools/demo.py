#!/usr/bin/env python3
"""The whole story on this machine: an eUICC from the factory to the network, with real protocols on loopback.

  tools/demo.py [--build DIR] [--out DIR] [--profile FILE.der] [--curve NAME]

Ends with a table of the eUICC as the card sees it beside the EIS, a sequence diagram of the download and OUT/report.json.
Exit status 0 only if everything happened and card and EIS agree."""
import argparse
import glob
import json
import os
import re
import shutil
import signal
import sys
import time
import xml.etree.ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Lab, LabError, ROOT, Subscriber  # noqa: E402
from show import Show  # noqa: E402

BOOTSTRAP = Subscriber('999710000000001', '882000000001', 'milenage', '8BAF473F2F8FD09487CCCBD7097C6862', '8E27B6AF0E692E750F32667A3B14605D')
BLOCKED = Subscriber('999700000000666', '883000000666', 'milenage', '465B5CE8B199B49FAA5F0A2EE238A6BC', 'CD63CB71954A9F4E48A5994E37A02BAF',
                     refused=True)
MSISDN = '883000000001'
XMLNS = re.compile(r'\{.*\}')


class Failed(Exception):
    """A step of the story did not happen as told."""


def names_of(element):
    return XMLNS.sub('', element.tag)


def soap_facts(path):
    """(name of the message, status, subject, reason) of a traced SOAP message."""
    try:
        body = xml.etree.ElementTree.parse(path).getroot()[-1]
    except xml.etree.ElementTree.ParseError:
        return None
    if not len(body):
        return None
    found = {}
    for element in body[0].iter():
        found.setdefault(names_of(element), (element.text or '').strip())
    return names_of(body[0]), found.get('Status', ''), found.get('Subject', ''), found.get('Reason', '')


class Demo:
    def __init__(self, arguments):
        self.arguments, self.show = arguments, Show()
        self.cat_tp = arguments.bearer == 'cat_tp'
        self.lab = Lab(arguments.build, arguments.out, https=not self.cat_tp, postgres=arguments.postgres, cat_tp=0 if self.cat_tp else None)
        self.started = time.time()
        self.report = {'result': 'failed', 'eid': '', 'steps': [], 'card': {'profiles': []}, 'eis': {'profiles': []}, 'attach': [],
                       'transport': {}, 'download_ms': 0}
        self.eid = self.iccid = ''
        self.diagram_from = self.diagram_to = 0

    # -- helpers -----------------------------------------------------------------------------------------------
    def expect(self, what, good, why=''):
        self.show.fact(what if good else f'{what}: {why}', good)
        if not good:
            raise Failed(what)

    def osprey(self, *words, who='operator'):
        code, answer, error = self.lab.osprey(*words, who=who)
        return code, answer, error

    def command(self, what, *words, who='operator', want=0):
        code, answer, error = self.osprey(*words, who=who)
        self.expect(what, code == want, f'exit code {code}: {json.dumps(answer)} {error}')
        return answer

    def attached(self, imsi, since):
        return [e for e in self.lab.events() if e['event'] == 'attach' and e['accepted'] and e['imsi'] == imsi and e['at_ms'] >= since]

    def wait_attach(self, imsi, since, what):
        self.lab.wait(f'attach of IMSI {imsi}', lambda: self.attached(imsi, since), 40)
        self.show.fact(f'{what}: IMSI {imsi} authenticated by the HLR with the card\'s keys')

    def logged(self, program, text, since=0):
        path = self.lab.path('logs', f'{program}.log')
        lines = open(path, errors='replace').read() if os.path.exists(path) else ''
        return lines[since:].count(text)

    def log_size(self, program):
        path = self.lab.path('logs', f'{program}.log')
        return len(open(path, errors='replace').read()) if os.path.exists(path) else 0

    def now_ms(self):
        return int(time.time() * 1000)

    # -- the story ---------------------------------------------------------------------------------------------
    def factory(self):
        self.show.chapter(1, 'Factory')
        lab = self.lab
        lab.make_authorities(self.arguments.curve)
        self.show.fact(f'CI root ({self.arguments.curve}), EUM, SM-SR, SM-DP and operators certified; private keys wrapped')
        bootstrap = lab.build_profile('bootstrap.profile', 'bootstrap.der')
        self.blocked = lab.build_profile('demo-operator.profile', 'blocked.der', iccid='899997000000000666', imsi=BLOCKED.imsi)
        if self.arguments.profile:
            self.package = lab.path('profile.der')
            shutil.copy(self.arguments.profile, self.package)
            check_package(lab, self.arguments.profile)
        else:
            self.package = lab.build_profile('demo-operator.profile', 'profile.der')
        whose = os.path.basename(self.arguments.profile) if self.arguments.profile else 'the demo operator\'s'
        self.show.fact(f'profile packages: bootstrap, {whose}, and one the network will refuse')
        made = lab.make_euicc(bootstrap, BOOTSTRAP.msisdn)[0]
        self.eid = self.report['eid'] = made['eid']
        self.show.fact(f'eUICC {self.eid}: ECASD certified, OTA keys, bootstrap profile {made["iccid"]} enabled; its EIS signed')

    def start_servers(self):
        lab = self.lab
        lab.subscribers = [BOOTSTRAP, BLOCKED]
        lab.configure_network()
        lab.configure_smsr(bearer='cat_tp' if self.cat_tp else 'auto')
        lab.configure_smdp({'ordered': {'package': os.path.basename(self.package), 'msisdn': MSISDN, 'type': 'demo'},
                            'blocked': {'package': os.path.basename(self.blocked), 'msisdn': BLOCKED.msisdn, 'type': 'blocked'}})
        lab.configure_operator('operator')
        lab.configure_operator('start')
        lab.configure_device(self.eid)
        for name in ('smsc', 'hlr', 'sm-sr', 'sm-dp'):
            lab.start(name)
        lab.listen('operator')
        lab.listen('start')
        self.imsi = imsi_of(lab, MSISDN)
        self.show.fact('running: SMSC, HLR, SM-SR, SM-DP, the endpoints of two operators')

    def registration(self):
        self.show.chapter(2, 'Registration')
        self.start_servers()
        code, out, err = self.lab.register(self.eid)
        self.expect('ES1.RegisterEIS: signature, certificate chain and rules checked', code == 0, out + err)

    def first_life(self):
        self.show.chapter(3, 'First life')
        since = self.now_ms()
        self.lab.start('device')
        self.wait_attach(BOOTSTRAP.imsi, since, 'the device powers the card and attaches')
        self.lab.wait('the first notification', lambda: self.logged('sm-sr', 'first network attachment'), 40)
        self.show.fact('the card declares itself to the SM-SR, which confirms it')

    def trace_bytes(self):
        path = self.lab.path('card.apdu')
        return os.path.getsize(path) if os.path.exists(path) else 0

    def download(self, iccid, what):
        total = int(os.path.getsize(self.package) * 2 * 1.6)
        before, since = self.trace_bytes(), self.now_ms()
        job = self.lab.osprey_start('profile', 'download', '--eid', self.eid, '--iccid', iccid, '--via', 'sm-dp')
        while job.poll() is None:
            self.show.bar('download', self.trace_bytes() - before, total)
            time.sleep(0.05)
        code, answer, error = self.lab.osprey_end(job)
        self.show.clear_bar()
        self.expect(what, code == 0, f'exit code {code}: {json.dumps(answer)} {error}')
        return self.now_ms() - since

    def download_story(self):
        self.show.chapter(4, 'Download')
        self.diagram_from = time.time()
        self.report['download_ms'] = self.download(self.iccid, f'ES2.DownloadProfile {self.iccid}: keys agreed, receipt verified, package installed')
        self.diagram_to = time.time()
        self.show.fact(f'in {self.report["download_ms"]} ms, over HTTPS (PSK-TLS) after a short message')

    def enable_story(self):
        self.show.chapter(5, 'Enable')
        since = self.now_ms()
        self.command(f'ES2.EnableProfile {self.iccid}', 'profile', 'enable', '--eid', self.eid, '--iccid', self.iccid, '--via', 'sm-dp')
        self.wait_attach(self.imsi, since, 'REFRESH, and the new profile is on the network')
        self.told('start', 'HandleProfileDisabledNotification', 'the bootstrap profile\'s operator is told that it is disabled')

    def inbox(self, who):
        path = self.lab.path('logs', f'listen-{who}.jsonl')
        return open(path).read() if os.path.exists(path) else ''

    def told(self, who, text, what):
        self.lab.wait(what, lambda: text in self.inbox(who), 20)
        self.show.fact(what)

    def rest_of_life(self):
        self.show.chapter(6, 'The rest of life')
        self.command('ES4.AuditEIS: the eUICC itself was asked', 'audit', '--eid', self.eid, '--via', 'sm-sr')
        since = self.now_ms()
        self.command('ES4.DisableProfile: the fall-back profile takes over', 'profile', 'disable', '--eid', self.eid, '--iccid', self.iccid,
                     '--via', 'sm-sr')
        self.wait_attach(BOOTSTRAP.imsi, since, 'back on the bootstrap profile')
        self.blocked_story()
        self.fallback_story()

    def blocked_story(self):
        iccid, eid = self.blocked_iccid, self.eid
        self.download(iccid, f'a second profile {iccid} is downloaded')
        code, answer, _ = self.osprey('profile', 'enable', '--eid', eid, '--iccid', iccid, '--via', 'sm-dp')
        refused = [e for e in self.lab.events() if e['event'] == 'attach' and not e['accepted'] and e['imsi'] == BLOCKED.imsi]
        self.expect(f'enabling it fails on the air (the HLR refuses IMSI {BLOCKED.imsi}), the card rolls back', bool(refused), 'it was not refused')
        self.expect(f'the operator gets FAILED {answer.get("subject", "")}/{answer.get("reason", "")}', code == 4 and answer.get('subject'),
                    f'exit code {code}: {json.dumps(answer)}')
        self.command('ES2.DeleteProfile: gone from the card', 'profile', 'delete', '--eid', eid, '--iccid', iccid, '--via', 'sm-dp')

    def fallback_story(self):
        since = self.now_ms()
        self.command('the operator\'s profile is enabled again', 'profile', 'enable', '--eid', self.eid, '--iccid', self.iccid, '--via', 'sm-sr')
        self.wait_attach(self.imsi, since, 'on the network')
        mark, since = self.log_size('sm-sr'), self.now_ms()
        device = self.lab.programs['device'].process
        device.send_signal(signal.SIGUSR1)
        self.show.fact('coverage is lost …')
        time.sleep(6.5)
        device.send_signal(signal.SIGUSR2)
        self.wait_attach(BOOTSTRAP.imsi, since, '… the card fell back by itself')
        self.lab.wait('the notification of the fall-back', lambda: self.logged('sm-sr', 'by the fall-back mechanism', mark), 40)
        self.show.fact('the SM-SR learns it by notification and corrects the EIS')
        since = self.now_ms()
        self.command('the operator\'s profile is enabled once more', 'profile', 'enable', '--eid', self.eid, '--iccid', self.iccid, '--via', 'sm-sr')
        self.wait_attach(self.imsi, since, 'on the network')

    # -- the end -----------------------------------------------------------------------------------------------
    def eis_profiles(self):
        profiles = []
        for who in ('start', 'operator'):
            answer = self.command(f'ES4.GetEIS as {who}', 'eis', 'show', '--eid', self.eid, '--via', 'sm-sr', who=who)
            profiles += answer['eis']['profiles'] if 'eis' in answer else answer['profiles']
        return sorted(({'iccid': p['iccid'], 'isdp_aid': p['isdp_aid'], 'state': p['state'], 'fallback': p['fallback']} for p in profiles),
                      key=lambda p: p['isdp_aid'])

    def the_end(self):
        self.show.chapter(7, 'The end')
        self.report['eis']['profiles'] = self.eis_profiles()
        self.lab.stop_all()
        self.report['card']['profiles'] = self.lab.card(self.eid)
        self.finish_report()
        mine = [[p['isdp_aid'][-8:-2], p['iccid'], p['imsi'], p['state'], 'yes' if p['fallback'] else ''] for p in self.report['card']['profiles']]
        theirs = {p['isdp_aid']: [p['iccid'], p['state'], 'yes' if p['fallback'] else ''] for p in self.report['eis']['profiles']}
        self.show.line()
        self.show.table(['ISD-P', 'ICCID', 'IMSI', 'card says', 'fall-back', 'EIS says'],
                        [row + [theirs.get(p['isdp_aid'], ['', 'unknown', ''])[1]] for row, p in zip(mine, self.report['card']['profiles'])])
        same = {p['isdp_aid']: [p['iccid'], p['state'], 'yes' if p['fallback'] else ''] for p in self.report['card']['profiles']} == theirs
        self.show.line()
        self.show.line('  The download as it went over the wire:')
        self.show.sequence(['operator', 'SM-DP', 'SM-SR', 'eUICC'], self.sequence())
        self.show.line()
        self.expect('card and EIS agree', same, f'{self.report["card"]["profiles"]} but {self.report["eis"]["profiles"]}')

    def traces(self):
        """Traced SOAP messages in the order of time: (time, program, direction, name, path)."""
        found = []
        for path in glob.glob(self.lab.path('soap', '*.xml')):
            match = re.match(r'(sm-sr|sm-dp|\w+)-(\d+)-(in|out)-(.*)\.xml', os.path.basename(path))
            if match:
                found.append((os.stat(path).st_mtime, match.group(1), match.group(3), match.group(4), path))
        return sorted(found)

    def sequence(self):
        messages = []
        for at, program, direction, name, _ in self.traces():
            if not self.diagram_from <= at <= self.diagram_to:
                continue
            short = name.replace('Request', '').replace('Response', ' ✓')
            if program == 'sm-dp' and name.startswith('ES2'):
                messages.append((at, *(('operator', 'SM-DP') if direction == 'in' else ('SM-DP', 'operator')), short))
            elif program == 'sm-sr' and name.startswith('ES3'):
                messages.append((at, *(('SM-DP', 'SM-SR') if direction == 'in' else ('SM-SR', 'SM-DP')), short))
        messages += self.card_messages()
        return [m[1:] for m in sorted(messages, key=lambda m: m[0])]

    def card_messages(self):
        """What went to the card and came back, from the SM-SR's log."""
        found = []
        for line in open(self.lab.path('logs', 'sm-sr.log'), errors='replace'):
            at = log_time(line)  # its millisecond; what goes down comes late in it: files have finer times
            if self.diagram_from <= at <= self.diagram_to:
                for word, text, down in CARD_LINES:
                    if '] ' + word in line:
                        size = re.search(r'over HTTPS, (\d+) octets', line)
                        found.append((at + 0.00099 * down, *(('SM-SR', 'eUICC') if down else ('eUICC', 'SM-SR')),
                                      text + (f', {size.group(1)} octets' if size else '')))
                        break
        return found

    def finish_report(self):
        events = self.lab.events()
        self.report['attach'] = [{'imsi': e['imsi'], 'accepted': e['accepted']} for e in events if e['event'] == 'attach']
        last = events[-1] if events else {}
        self.report['transport'] = {'sms_mt': last.get('sms_mt', 0), 'sms_mo': last.get('sms_mo', 0),
                                    'https_sessions': last.get('channels', 0), 'bytes': last.get('bytes', 0)}
        for at, program, direction, name, path in self.traces():
            facts = soap_facts(path)
            if facts and facts[1] and direction == 'out' and program in ('sm-sr', 'sm-dp'):
                interface, _, function = facts[0].partition('-')
                self.report['steps'].append({'at_ms': int((at - self.started) * 1000), 'interface': interface,
                                             'function': function.replace('Response', ''), 'status': facts[1], 'subject': facts[2],
                                             'reason': facts[3]})
        shutil.copy(self.lab.path('cards', self.eid, 'card.nvm'), self.lab.path('card.nvm'))

    def write_report(self):
        with open(self.lab.path('report.json'), 'w') as out:
            json.dump(self.report, out, indent=1)
            out.write('\n')

    def run(self):
        self.write_report()  # the folder is a demo's from here on
        try:
            self.factory()
            self.know_profiles()
            self.registration()
            self.first_life()
            self.download_story()
            self.enable_story()
            self.rest_of_life()
            self.the_end()
            self.report['result'] = 'ok'
        except (LabError, Failed) as error:
            self.report['error'] = str(error)
            self.show.line(f'  {error}')
            self.show.line(f'  The logs are in {self.lab.path("logs")}.')
        finally:
            self.lab.stop_all()
            if self.report['result'] != 'ok':
                self.finish_report_after_failure()
            self.write_report()
        self.show.line()
        if self.report['result'] == 'ok':
            self.show.line(f'  a lab to go on with: {near(self.lab.out)}   by hand, step by step: docs/lab.md')
        self.show.line(f'  report: {near(self.lab.path("report.json"))}   result: {self.report["result"]}   '
                       f'{time.time() - self.started:.1f} s')
        return 0 if self.report['result'] == 'ok' else 1

    def finish_report_after_failure(self):
        try:
            self.finish_report()
        except OSError:
            pass

    def know_profiles(self):
        self.iccid, self.blocked_iccid = iccid_of(self.lab, self.package), iccid_of(self.lab, self.blocked)


# What the SM-SR says in its log about its traffic with the card: (part of the line, words for the diagram, downwards)
CARD_LINES = [('trigger ', 'SMS: come over HTTPS', True), ('script ', 'script', True), ('answer to script', 'answer', False),
              ('PoR to', 'PoR', False), ('notification ', 'notification', False)]


def log_time(line):
    try:
        stamp, _, rest = line.partition('.')
        return time.mktime(time.strptime(stamp, '%Y-%m-%dT%H:%M:%S')) - time.timezone + int(rest[:3]) / 1000
    except ValueError:
        return 0


def near(path):
    """As one would type it from here."""
    relative = os.path.relpath(path)
    return path if relative.startswith('..') else relative


def check_package(lab, path):
    code, text, error = lab.tool('osprey-profile', 'dump', path, check=False)
    if code:
        raise Failed(f'{path} is no profile package (DER): {(error or text).strip().splitlines()[-1]}')


def is_demo(folder):
    """May it be emptied? It is empty, or what an earlier demo left."""
    if not os.path.isdir(folder):
        return False
    if not os.listdir(folder):
        return True
    try:
        with open(os.path.join(folder, 'report.json')) as report:
            return 'steps' in json.load(report)
    except (OSError, ValueError):
        return False


def iccid_of(lab, package):
    _, text, _ = lab.tool('osprey-profile', 'dump', package)
    iccid = re.search(r'iccid\W+(\d{18,20})', text, re.I)
    if not iccid:
        raise Failed(f'{package} has no ICCID')
    return iccid.group(1)


def imsi_of(lab, msisdn):
    """From what the SM-DP says the home network must know of its ordered profiles."""
    imsi = ''
    for line in open(lab.path('ordered.conf')):
        match = re.match(r'\[subscriber (\d+)\]', line)
        imsi = match.group(1) if match else imsi
        if line.split('=')[0].strip() == 'msisdn' and line.split('=')[1].strip() == msisdn:
            return imsi
    raise Failed('the profile has no IMSI, so no network can authenticate it: take another package')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'))
    parser.add_argument('--out', default=os.path.join(ROOT, 'build', 'demo'))
    parser.add_argument('--profile', help='an interoperable profile package in place of our own')
    parser.add_argument('--curve', default='P-256', choices=['P-256', 'brainpoolP256r1'])
    parser.add_argument('--bearer', default='https', choices=['https', 'cat_tp'], help='how the card is reached, beside short messages')
    parser.add_argument('--postgres', help='URL of a PostgreSQL server with empty databases smsr and smdp, in place of SQLite files')
    arguments = parser.parse_args()
    if arguments.profile and not os.path.exists(arguments.profile):
        parser.error(f'{arguments.profile} does not exist')
    if os.path.lexists(arguments.out):
        if not is_demo(arguments.out):
            parser.error(f'{arguments.out} holds something else than a demo: name another folder, or remove it')
        shutil.rmtree(arguments.out)
    os.makedirs(arguments.out, mode=0o700)
    return Demo(arguments).run()


if __name__ == '__main__':
    sys.exit(main())
