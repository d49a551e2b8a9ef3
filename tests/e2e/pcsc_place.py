"""A place of its own for pcscd: namespaces where nobody else's service, sockets and ports are, with the two readers of vpcd."""
import os
import shutil
import subprocess
import sys
import time

from processes import skip

INSIDE = 'OSPREY_PCSC_INSIDE'
READERS = ('127.0.0.1:35963', '127.0.0.1:35964')
SYSTEM_PATH = '/usr/sbin:/sbin:/usr/bin:/bin'


def enter(*tools):
    """Runs the test's file again inside, where it goes on; skips the test when something is missing."""
    if INSIDE in os.environ:
        prepare()
        return
    for tool in ('pcscd', 'unshare', 'ip', *tools):
        if not shutil.which(tool, path=os.environ.get('PATH', '') + ':' + SYSTEM_PATH):
            skip(f'{tool} is not installed')
    if not os.path.exists('/usr/lib/pcsc/drivers/serial/libifdvpcd.so'):
        skip('vsmartcard-vpcd is not installed')
    if os.geteuid() != 0 or subprocess.run(['unshare', '-m', '-n', 'true'], capture_output=True).returncode != 0:
        skip('namespaces are not allowed here')
    os.environ[INSIDE] = '1'
    os.execvp('unshare', ['unshare', '-m', '-n', sys.executable, '-B'] + sys.argv)


def prepare():
    for command in (['mount', '--make-rprivate', '/'], ['mkdir', '-p', '/run/pcscd'],
                    ['mount', '-t', 'tmpfs', 'none', '/run/pcscd'], ['ip', 'link', 'set', 'lo', 'up']):
        subprocess.run(command, check=True)


def start_pcscd(log):
    return subprocess.Popen([shutil.which('pcscd', path=SYSTEM_PATH), '--foreground'], stdout=log, stderr=log)


def wait_for_card(reader=0, seconds=15):
    """The ATR of the card in that reader."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done = subprocess.run(['opensc-tool', '-r', str(reader), '--atr'], capture_output=True, text=True, timeout=30)
        if done.returncode == 0 and ':' in done.stdout:
            return done.stdout.strip().splitlines()[-1].strip().lower()
        time.sleep(0.1)
    sys.exit(f'no card in reader {reader} after {seconds} s: {done.stdout}{done.stderr}')


def stop(processes):
    for process in reversed(processes):
        if process.poll() is None:
            process.terminate()
            process.wait(10)
