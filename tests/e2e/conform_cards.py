"""Lab cards for the conformance runner, served as a chip would be, and what the runner says of them."""
import json
import os
import subprocess
import sys
import time

from processes import free_port

BUILD = os.environ.get('OSPREY_BUILD', os.path.join(os.path.dirname(__file__), '..', '..', 'build'))
SPEED = 8  # the cards' clocks: what a lab card does in 4 s takes half a second


class Cards:
    """Programs of one build folder; the cards that it serves until the end of the with block."""

    def __init__(self, build=BUILD):
        self.runner = os.path.join(build, 'conform', 'osprey-conform')
        self.euicc = os.path.join(build, 'euicc', 'osprey-euicc')
        self.served = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.served:
            process.terminate()
            process.wait(10)

    def make(self, folder, curve='P-256', speed=SPEED, times='lab'):
        subprocess.run([self.runner, 'make-card', '--out', folder, '--curve', curve, '--clock-speed', str(speed), '--times', times],
                       check=True)
        return folder

    def serve(self, folder, address, speed=SPEED, **environment):
        self.served.append(subprocess.Popen(
            [self.euicc, 'serve', '--state', f'{folder}/card.nvm', '--vpcd', address, '--clock-speed', str(speed), '--log', 'error'],
            stdout=subprocess.DEVNULL, env=dict(os.environ, **environment)))

    def withdraw(self):
        process = self.served.pop()
        process.terminate()
        process.wait(10)

    def info(self, folder):
        """What osprey-euicc says of the card, line by line."""
        done = subprocess.run([self.euicc, 'info', '--state', f'{folder}/card.nvm'], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    def ask(self, target, folder, *options, **environment):
        """Starts the runner; folder None: a card of its own."""
        keys = ['--keys', f'{folder}/keys.ini'] if folder else []
        return subprocess.Popen([self.runner, 'card', '--target', target, *keys, '--json', '--quiet', *options],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ, **environment))

    def verdicts(self, runner):
        """What a runner that was started says in the end."""
        out, error = runner.communicate(timeout=280)
        if not out:
            sys.exit(f'no verdicts: {error}')
        cases = json.loads(out)['cases']
        if runner.returncode != any(case['verdict'] == 'fail' for case in cases):
            sys.exit(f'exit status {runner.returncode}')
        return cases

    def by_vpcd(self, folder, *options, speed=SPEED, **environment):
        """The verdicts on one card, to which the runner plays the reader."""
        port = free_port()
        runner = self.ask(f'vpcd:{port}', folder, *options)
        time.sleep(0.05)  # it listens by now; a card that comes too early comes again after a second
        self.serve(folder, f'127.0.0.1:{port}', speed, **environment)
        cases = self.verdicts(runner)
        self.withdraw()
        return cases


def judge(what, cases, count):
    """All of them pass, and there are as many as there must be."""
    wrong = [c for c in cases if c['verdict'] != 'pass']
    for case in wrong:
        print(f"{case['verdict']}  {case['name']}  {case['detail']}")
    print(f'{what}: {len(cases)} cases, {len(cases) - len(wrong)} pass')
    if wrong or len(cases) != count:
        sys.exit(f'{what}: {len(wrong)} cases are not as they must be, {len(cases)} of {count} were run')
