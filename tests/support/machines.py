"""Machines on one network: namespaces with an address each, and what runs in them. Only inside own_world()."""
import os
import signal
import subprocess
import sys
import time

NETWORK = '10.77.0'
OUTSIDE = f'{NETWORK}.1'


def own_world():
    """Runs this program once more, with a network, mounts and processes of its own: all that it starts ends with it."""
    if os.environ.get('OSPREY_OWN_WORLD'):
        be_init()
        subprocess.run('mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && ip link set lo up && ip link add br0 type bridge'
                       f' && ip address add {OUTSIDE}/24 dev br0 && ip link set br0 up', shell=True, check=True)
        return
    words = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', sys.executable, '-B'] + sys.argv
    sys.exit(subprocess.run(words, env=dict(os.environ, OSPREY_OWN_WORLD='1')).returncode)


def be_init():
    """The first process of a world buries those whose parents are gone; the program goes on in the second."""
    program = os.fork()
    while program:
        pid, status = os.wait()
        if pid == program:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


class Machine:
    def __init__(self, name, number, folder):
        self.name, self.address, self.folder = name, f'{NETWORK}.{number}', os.path.join(folder, name)
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o777)
        self.cable = f'v{number}'
        for words in (f'ip netns add {name}', f'ip link add {self.cable} type veth peer name eth0 netns {name}',
                      f'ip link set {self.cable} master br0 up', f'ip -n {name} address add {self.address}/24 dev eth0',
                      f'ip -n {name} link set eth0 up', f'ip -n {name} link set lo up'):
            subprocess.run(words.split(), check=True)

    def words(self, *words):
        return ['ip', 'netns', 'exec', self.name, *words]

    def start(self, name, *words, postgres=False):
        prefix = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] if postgres else []
        with open(os.path.join(self.folder, f'{name}.log'), 'ab') as log:
            environment = dict(os.environ, HOME=self.folder, PATH='/usr/sbin:/usr/bin:/sbin:/bin', PYTHONDONTWRITEBYTECODE='1')
            return subprocess.Popen(self.words(*prefix, *words), stdout=log, stderr=log, cwd=self.folder, env=environment)

    def crash(self):
        """Every process on it, at once."""
        for _ in range(20):
            pids = subprocess.run(['ip', 'netns', 'pids', self.name], capture_output=True, text=True).stdout.split()
            for pid in pids:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if not pids:
                return
            time.sleep(0.05)

    def cut_off(self):
        subprocess.run(['ip', 'link', 'set', self.cable, 'down'], check=True)

    def connect(self):
        subprocess.run(['ip', 'link', 'set', self.cable, 'up'], check=True)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, 'w') as out:
            out.write(text)
        os.chmod(path, 0o644)
        return path
