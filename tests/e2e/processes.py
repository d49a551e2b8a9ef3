"""Starting and stopping the programs of the build folder, and ports that are free."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get('OSPREY_BUILD', os.path.join(os.path.dirname(__file__), '..', '..', 'build'))
SKIPPED = 77


def skip(why):
    print(f'skipped: {why}')
    sys.exit(SKIPPED)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def wait_for_port(port, seconds=10):
    end = time.time() + seconds
    while time.time() < end:
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f'nobody listens on port {port}')


def scratch(name):
    return tempfile.TemporaryDirectory(prefix=f'osprey-{name}-')


class Daemon:
    """One program in the foreground with a log of its own."""

    def __init__(self, arguments, log, environment=None):
        self.arguments, self.log, self.environment, self.process = arguments, log, environment, None

    def start(self, port=None):
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(self.arguments, stdout=log, stderr=log, env=self.environment,
                                            start_new_session=True)
        if port:
            try:
                wait_for_port(port)
            except TimeoutError:
                print(open(self.log, errors='replace').read()[-3000:])
                raise
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=10):
        """A clean end; the exit code."""
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
