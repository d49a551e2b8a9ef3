"""What the servers call: counted by a library in front of the others (bench/count.c), read while they run."""
import os
import struct

NAMES = ('malloc', 'sign', 'verify', 'keygen', 'derive', 'private_key', 'fetch', 'sync')  # enum counter


class Counts:
    """Programs of the lab that were started anew with the library in front."""

    def __init__(self, lab, *names):
        self.lab, self.names = lab, names
        for name in names:
            if name in lab.programs and lab.programs[name].running():
                lab.programs[name].stop()
            os.environ['LD_PRELOAD'] = os.path.join(lab.build, 'bench', 'osprey-bench-count.so')
            os.environ['OSPREY_BENCH_COUNTS'] = self.path(name)
            try:
                lab.start(name)
            finally:
                del os.environ['LD_PRELOAD'], os.environ['OSPREY_BENCH_COUNTS']

    def path(self, name):
        return self.lab.path(f'counts-{name}')

    def now(self):
        total = [0] * len(NAMES)
        for name in self.names:
            with open(self.path(name), 'rb') as file:
                values = struct.unpack(f'={len(NAMES)}Q', file.read(8 * len(NAMES)))
            total = [a + b for a, b in zip(total, values)]
        return dict(zip(NAMES, total))

    def each(self, work):
        """work() does something and says how often; what was called for each."""
        before = self.now()
        done = work()
        return {name: (value - before[name]) / done for name, value in self.now().items()}
