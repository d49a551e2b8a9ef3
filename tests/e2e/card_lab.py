"""What the end-to-end tests of the card share: a factory in a folder of its own, and a card made in it."""
import os
import subprocess
import sys

SKIPPED = 77
BUILD = os.environ.get('OSPREY_BUILD', os.path.join(os.path.dirname(__file__), '..', '..', 'build'))
SHARED = os.environ.get('OSPREY_SHARED', '')
EUICC = os.path.join(BUILD, 'euicc', 'osprey-euicc')
EUM = os.path.join(BUILD, 'eum', 'osprey-eum')


def skip(why):
    print(f'skipped: {why}')
    sys.exit(SKIPPED)


def package(name):
    path = os.path.join(SHARED, 'data', 'profiles', name)
    if not os.path.exists(path):
        skip(f'no profile package {name} beside the project')
    return path


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        sys.exit(f'{" ".join(command)}\nexit code {done.returncode}\n{done.stdout}{done.stderr}')
    return done.stdout


def make_card(folder, bootstrap):
    """The image of a new card with this bootstrap package."""
    at = lambda name: os.path.join(folder, name)
    run(EUM, 'ci', 'init', '--out', at('ci'))
    run(EUM, 'issue', 'eum', '--ci', at('ci'), '--out', at('eum'), '--oid', '2.999.10', '--name', 'EUM')
    run(EUM, 'kek', '--out', at('sm-sr.kek'))
    run(EUM, 'make-euicc', '--eum', at('eum'), '--kek', at('sm-sr.kek'), '--smsr-oid', '2.999.2', '--smsr-sms', '491710000001',
        '--bootstrap', bootstrap, '--out', at('cards'))
    return os.path.join(at('cards'), os.listdir(at('cards'))[0], 'card.nvm')


def apdus(image, *commands):
    """Sends commands (hex) in one session, follows 61xx, and returns (data, status word) in hex for each."""
    answers = []
    lines = ''.join(f'{c}\n00C00000{"00"}\n' for c in commands)
    for number, line in enumerate(run(EUICC, 'apdu', '--state', image, text=lines).splitlines()):
        words = line.split('  ')[0].split(' ')
        data, sw = (words[0], words[1]) if len(words) == 2 else ('', words[0])
        if number % 2 == 0:
            answers.append((data, sw))
        elif answers[-1][1].startswith('61'):
            answers[-1] = (data, sw)
    return answers


def expect(what, got, want):
    if got != want:
        sys.exit(f'{what}: got {got}, want {want}')
    print(f'{what}: {want}')
