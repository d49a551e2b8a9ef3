#!/usr/bin/env python3
"""The same seed twice gives the same history over all octets delivered; another seed another one; and all of them end well."""
import os
import subprocess
import sys


def history(program, seed):
    done = subprocess.run([program, 'run', 'download-lossy-sms', '--seed', str(seed), '--profiles',
                           os.path.join(os.environ['OSPREY_SOURCE'], 'profiles')], capture_output=True, text=True, timeout=100)
    print(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr)
    return done.returncode, done.stdout.rsplit('history ', 1)[-1].strip()


first, again, other = (history(sys.argv[1], seed) for seed in (7, 7, 8))
assert first == again, 'the same seed gave two histories'
assert first[1] != other[1], 'two seeds gave one history'
assert first[0] == other[0] == 0, 'a card or the EIS is not as it should be'
assert len(first[1]) == 64
