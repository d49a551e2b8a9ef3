#!/usr/bin/env python3
"""kill -9 at a seeded point in each step of download, enable, disable and delete, for each of SM-SR, SM-DP, SMSC and device.

The operator does what operators do: when a call is not answered it repeats it with the same identifier. Once all is quiet,
card and EIS agree, the call has one answer, and repeating it again brings that answer and changes nothing.

  test_kill.py [--seed N] [--case VICTIM/OPERATION/STEP …] [--keep]     every step once for every victim
  test_kill.py --soak [--seconds N] [--seed N]                          any moment, any victim, until the time is over"""
import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

import ecosystem
from ecosystem import Ecosystem, LabError

QUIET_S = 60
VICTIMS = ('sm-sr', 'sm-dp', 'smsc', 'device')
# A step begins when its marker is seen: the n-th new file in soap/ with such a name, or the n-th such line of card.apdu or of
# a log. A point of it is so many milliseconds later, drawn from the seed.
SWITCH = {
    'relay': ('soap', r'sm-dp-\d+-in-ES2-', 1),
    'ask': ('soap', r'sm-sr-\d+-in-ES3-', 1),
    'refresh': ('apdu', r'< D009810...0104', 1),
    'attach': ('apdu', r'> 00880081', 1),
    'notify': ('apdu', r'> 80C20000..D613', 1),
    'confirm': ('log sm-sr', r'notification \d+: profile change succeeded', 1),
    'answer': ('soap', r'sm-sr-\d+-out-ES3-.*Response', 1),
    'callback': ('soap', r'sm-dp-\d+-out-ES2-', 1),
}
STEPS = {
    'download': {
        'eis': ('soap', r'sm-dp-\d+-out-ES3-GetEISRequest', 1),
        'create': ('soap', r'sm-dp-\d+-out-ES3-CreateISDPRequest', 1),
        'session': ('log device', r'channel 1 to', 1),
        'authenticate': ('soap', r'sm-dp-\d+-out-ES3-SendDataRequest', 1),
        'keys': ('soap', r'sm-dp-\d+-out-ES3-SendDataRequest', 2),
        'open': ('soap', r'sm-dp-\d+-out-ES3-SendDataRequest', 3),
        'send': ('soap', r'sm-dp-\d+-out-ES3-SendDataRequest', 4),
        'complete': ('soap', r'sm-dp-\d+-out-ES3-ProfileDownloadCompletedRequest', 1),
        'callback': ('soap', r'sm-dp-\d+-out-ES2-DownloadProfileResponse', 1),
    },
    'enable': SWITCH,
    'disable': SWITCH,
    'delete': dict(SWITCH, deletion=('log sm-sr', r'is enabled now', 1)),
}
FUNCTION = {'download': 'ES2-DownloadProfile', 'enable': 'ES2-EnableProfile', 'disable': 'ES2-DisableProfile',
            'delete': 'ES2-DeleteProfile'}
BEFORE = {'download': None, 'enable': 'Disabled', 'disable': 'Enabled', 'delete': 'Enabled'}
AFTER = {'download': 'Disabled', 'enable': 'Enabled', 'disable': 'Disabled', 'delete': None}
AFTER_MS = 8  # a step takes about so long


class Watch:
    """Sees markers in what the lab writes down, from now on."""

    def __init__(self, lab):
        self.lab = lab
        self.files = set(self.names())
        self.sizes = {}
        self.sizes = {path: self.size(path) for path in [lab.path('card.apdu')] + [lab.path('logs', f'{w}.log') for w in VICTIMS]}

    def names(self):
        folder = self.lab.path('soap')
        return os.listdir(folder) if os.path.isdir(folder) else []

    def size(self, path):
        return os.path.getsize(path) if os.path.exists(path) else 0

    def count(self, marker):
        where, pattern, _ = marker
        if where == 'soap':
            return sum(1 for name in self.names() if name not in self.files and re.match(pattern, name))
        path = self.lab.path('card.apdu') if where == 'apdu' else self.lab.path('logs', where.split()[1] + '.log')
        begin = self.sizes[path] if self.size(path) >= self.sizes[path] else 0  # begun anew
        if self.size(path) <= begin:
            return 0
        with open(path, 'rb') as f:
            f.seek(begin)
            return len(re.findall(pattern, f.read().decode(errors='replace')))

    def reached(self, marker):
        return self.count(marker) >= marker[2]


class Call:
    """One call of the operator: the same identifier until there is an answer."""

    def __init__(self, lab, eid, operation, iccid, call_id):
        self.lab, self.operation, self.call_id, self.tries, self.result = lab, operation, call_id, 0, None
        self.arguments = [lab.program('osprey'), 'profile', operation, '--eid', eid, '--iccid', iccid, '--call-id', call_id,
                          '--timeout', str(QUIET_S), '--json', '--config', lab.path('operator.conf')]
        self.since = lab.inbox_last()
        self.process = None
        self.go()

    def go(self):
        self.tries += 1
        self.process = subprocess.Popen(self.arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def poll(self):
        """True once there is an answer of the partner."""
        if self.result or self.process.poll() is None:
            return bool(self.result)
        out, err = self.process.communicate()
        lines = [json.loads(line) for line in out.splitlines() if line.startswith('{')]
        if self.process.returncode in (0, 3, 4, 5) and lines and 'status' in lines[-1]:
            self.result = lines[-1]
        elif self.tries > 20:
            raise LabError(f'{self.operation}: no answer: {out} {err}')
        else:
            time.sleep(0.3)
            self.go()
        return bool(self.result)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def said(result):
    return ' '.join(str(result[k]) for k in ('status', 'subject', 'reason', 'message') if k in result)


class Killing:
    def __init__(self, lab, seed, patient=QUIET_S):
        self.lab, self.seed, self.patient = lab, seed, patient
        self.eid, self.iccid = lab.cards[0]['eid'], lab.profiles[0]['iccid']
        self.calls = 0
        self.outcomes = {}
        self.inside = 0

    # -- one answer, one truth -----------------------------------------------------------------------------------
    def agree(self):
        return self.lab.card_now(self.eid) == self.lab.eis_now(self.eid)

    def quiet(self):
        """Waits for the quiet line; then card and EIS must say the same, and go on saying it."""
        deadline = time.time() + self.patient
        while time.time() < deadline:
            if self.lab.idle() and self.agree():
                time.sleep(0.1)
                if self.lab.idle() and self.agree():
                    return
            time.sleep(0.1)
        raise LabError(f'after {self.patient} s: idle {self.lab.idle()}\n  card {self.lab.card_now(self.eid)}\n  EIS  {self.lab.eis_now(self.eid)}')

    def state(self):
        return {iccid: state for iccid, _, state, _ in self.lab.eis_now(self.eid)}.get(self.iccid)

    def bring(self, wanted):
        """The profile into the state a case begins with, nobody being killed."""
        for _ in range(4):
            now = self.state()
            if now == wanted:
                return
            operation = ('download' if now is None else 'delete' if wanted is None or now == 'Created' else
                         'enable' if wanted == 'Enabled' else 'disable')
            self.lab.osprey('profile', operation, '--eid', self.eid, '--iccid', self.iccid, '--timeout', '60')
        raise LabError(f'cannot bring the profile into {wanted}: it is {self.state()}')

    def call(self, operation):
        self.calls += 1
        return Call(self.lab, self.eid, operation, self.iccid, f'{self.seed}-{os.getpid()}-{self.calls}-{operation}')

    def same_answers(self, call):
        """As many as messages asked, at most; all say the same."""
        answers = self.lab.answers(FUNCTION[call.operation], call.since)
        statuses = {re.search(rb'FunctionExecutionStatus>.*?FunctionExecutionStatus>', soap, re.S)[0] for soap in answers}
        if not 1 <= len(answers) <= call.tries or len(statuses) != 1:
            raise LabError(f'{call.call_id}, asked for {call.tries} times, has {len(answers)} answers: {statuses}')

    def one_answer(self, call):
        """One answer, to each message that asked for it, and the same again for the same call."""
        self.same_answers(call)
        before = self.lab.card_now(self.eid)
        call.go()
        first, call.result = call.result, None
        self.lab.wait('the answer again', call.poll, 30)
        if said(first) != said(call.result):
            raise LabError(f'another answer to the repeat: {said(first)}, then {said(call.result)}')
        self.same_answers(call)
        if self.lab.card_now(self.eid) != before:
            raise LabError(f'the repeat of {call.call_id} changed the card')

    def fits(self, call):
        """What was answered is what is so."""
        done = call.result['status'] in ('EXECUTED_SUCCESS', 'EXECUTED_WITHWARNING')
        if done and self.state() != AFTER[call.operation]:
            raise LabError(f'{call.operation} answered {said(call.result)}, but the profile is {self.state()}')
        word = said(call.result)
        self.outcomes[word] = self.outcomes.get(word, 0) + 1

    def finish(self, call):
        try:
            self.lab.wait(f'answer to {call.operation}', call.poll, self.patient + 5)
            self.quiet()
            self.fits(call)
            self.one_answer(call)
        finally:
            call.end()

    # -- a case --------------------------------------------------------------------------------------------------
    def kill(self, victim, dead_s):
        self.lab.programs[victim].kill()
        time.sleep(dead_s)
        self.lab.programs[victim].start()

    def case(self, victim, operation, step):
        """Returns what happened, in a line."""
        rng = random.Random(f'{self.seed}/{victim}/{operation}/{step}')
        after_s, dead_s = rng.uniform(0, AFTER_MS / 1000), rng.uniform(0.05, 0.4)
        marker = STEPS[operation][step]
        self.bring(BEFORE[operation])
        watch, began = Watch(self.lab), time.time()
        call = self.call(operation)
        while not watch.reached(marker):
            if call.poll():
                raise LabError(f'{operation} ended without {step}: {said(call.result)}')
            time.sleep(0.0003)
        time.sleep(after_s)
        self.inside += not call.lab.answers(FUNCTION[operation], call.since)
        self.kill(victim, dead_s)
        self.finish(call)
        return f'{1000 * after_s:.1f} ms into it, dead for {dead_s:.2f} s, {time.time() - began:.1f} s: {said(call.result)}'

    def anywhere(self, rng):
        """A kill or two at any moment of any operation."""
        now = self.state()
        operation = 'download' if now is None else rng.choice(['enable', 'delete'] if now == 'Disabled' else ['disable', 'delete'])
        if now == 'Created':
            operation = 'delete'
        began = time.time()
        call = self.call(operation)
        done = []
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            victim, pause, dead = rng.choice(VICTIMS), 0.25 * rng.random() ** 3, rng.uniform(0.02, 0.5)
            time.sleep(pause)
            self.kill(victim, dead)
            done.append(f'{victim} after {1000 * pause:.0f} ms for {1000 * dead:.0f} ms')
        try:
            self.finish(call)
        except LabError as error:
            raise LabError(f'{operation}, {", ".join(done)}: {error}') from None
        return f'{operation}, {", ".join(done)}: {said(call.result)}, {time.time() - began:.1f} s'


def run_cases(cases, seed, keep, sms):
    """One ecosystem, its cases one after another: (passed, failures)."""
    failures, passed = [], 0
    out = tempfile.mkdtemp(prefix='osprey-kill-')
    print(f'in {out}', flush=True)
    with Ecosystem(out, profiles=1, https=not sms) as lab:
        lab.up()
        killing = Killing(lab, seed)
        for victim, operation, step in cases:
            name = f'{victim}/{operation}/{step}'
            try:
                print(f'{name}: {killing.case(victim, operation, step)}', flush=True)
                passed += 1
            except (LabError, subprocess.TimeoutExpired) as error:
                print(f'FAILED {name} --seed {seed}: {error}', flush=True)
                failures.append(name)
                if len(failures) > 3:
                    break
                for program in lab.programs.values():
                    if not program.running():
                        program.start()
        print(json.dumps({'passed': passed, 'failures': failures, 'outcomes': killing.outcomes, 'inside': killing.inside}), flush=True)
    if not failures and not keep:
        ecosystem.shutil.rmtree(out)
    return failures


def in_parallel(arguments):
    """Each victim has an ecosystem of its own in a process of its own: most of the time is waiting."""
    children = []
    for victim in VICTIMS:
        children.append(subprocess.Popen([sys.executable, '-B', os.path.abspath(__file__), '--seed', str(arguments.seed), '--victim', victim]
                                         + (['--keep'] if arguments.keep else []) + (['--sms'] if arguments.sms else []), stdout=subprocess.PIPE, text=True))
    passed, inside, failures, outcomes = 0, 0, [], {}
    for child in children:
        text, _ = child.communicate()
        print(text, end='', flush=True)
        lines = [line for line in text.splitlines() if line.startswith('{')]
        one = json.loads(lines[-1]) if lines else {'passed': 0, 'failures': ['no result'], 'outcomes': {}, 'inside': 0}
        passed, inside, failures = passed + one['passed'], inside + one['inside'], failures + one['failures']
        for word, count in one['outcomes'].items():
            outcomes[word] = outcomes.get(word, 0) + count
    words = ', '.join(f'{count} {word.strip()}' for word, count in sorted(outcomes.items(), key=lambda o: -o[1]))
    print(f'seed {arguments.seed}: {passed} kills survived ({inside} before the answer), {len(failures)} failed {" ".join(failures)}; answers: {words}')
    return failures


def soak(arguments):
    """By turns with HTTPS and with short messages only."""
    seconds = arguments.seconds or int(os.environ.get('OSPREY_SOAK_SECONDS', '600'))
    rng = random.Random(f'soak/{arguments.seed}')
    count, outcomes, deadline, sms = 0, {}, time.time() + seconds, arguments.sms
    while time.time() < deadline:
        out = tempfile.mkdtemp(prefix='osprey-kill-')
        print(f'in {out}, {"short messages only" if sms else "HTTPS"}', flush=True)
        with Ecosystem(out, profiles=1, https=not sms) as lab:
            lab.up()
            killing = Killing(lab, arguments.seed)
            turn = min(deadline, time.time() + 120)
            while time.time() < turn:
                try:
                    print(f'{count}: {killing.anywhere(rng)}', flush=True)
                except LabError as error:
                    print(f'FAILED {count} --seed {arguments.seed}: {error}\nkept in {out}')
                    return [str(count)]
                count += 1
        for word, times in killing.outcomes.items():
            outcomes[word.strip()] = outcomes.get(word.strip(), 0) + times
        ecosystem.shutil.rmtree(out)
        sms = not sms
    print(f'seed {arguments.seed}: {count} operations survived kills anywhere in {seconds} s; answers: {outcomes}')
    return []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--case', nargs='+', default=[])
    parser.add_argument('--victim', help='only this one')
    parser.add_argument('--keep', action='store_true', help='keep the folder')
    parser.add_argument('--sms', action='store_true', help='short messages as the only bearer')
    parser.add_argument('--soak', action='store_true')
    parser.add_argument('--seconds', type=int, default=0)
    arguments = parser.parse_args()
    ecosystem.needs(*ecosystem.lab.PLACES)
    if arguments.soak:
        return soak(arguments)
    if not arguments.case and not arguments.victim:
        return in_parallel(arguments)
    everything = [(v, o, s) for v in VICTIMS for o in STEPS for s in STEPS[o] if not (arguments.sms and s == 'session')]
    chosen = [c for c in everything if (not arguments.case or '/'.join(c) in arguments.case) and arguments.victim in (None, c[0])]
    return run_cases(chosen, arguments.seed, arguments.keep, arguments.sms)


if __name__ == '__main__':
    sys.exit(1 if main() else 0)
