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


def free_ports(count):
    """Ports nobody listens on now; all taken at once, so that they differ."""
    sockets = []
    for _ in range(count):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(('127.0.0.1', 0))
        sockets.append(one)
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Program:
    """One running program of the lab."""

    def __init__(self, name, arguments, log, env=None):
        self.name, self.arguments, self.log, self.env = name, arguments, log, env
        self.process = None

    def start(self):
        out = open(self.log, 'ab')
        self.process = subprocess.Popen(self.arguments, stdout=subprocess.PIPE, stderr=out, env=self.env, cwd=os.path.dirname(self.log))
        out.close()
        self.wait_ready()

    def wait_ready(self):
        deadline = time.time() + READY_S
        os.set_blocking(self.process.stdout.fileno(), False)
        seen = b''
        while time.time() < deadline:
            piece = self.process.stdout.read()
            seen += piece or b''
            if b'ready' in seen:
                return
            if self.process.poll() is not None:
                raise LabError(f'{self.name} does not start: {tail(self.log)}')
            time.sleep(0.005)
        raise LabError(f'{self.name} is not ready after {READY_S} s: {tail(self.log)}')

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
        self.process.stdout.close()
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
