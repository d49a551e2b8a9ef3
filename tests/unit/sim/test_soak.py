#!/usr/bin/env python3
"""Searches all scenarios for OSPREY_SOAK_SECONDS, from a seed that is another one each time; a failure names its seed."""
import os
import subprocess
import sys
import time

seconds = int(os.environ.get('OSPREY_SOAK_SECONDS', '600'))
first = int(os.environ.get('OSPREY_SOAK_SEED', time.time_ns() // 1000000 % 1000000000))
done = subprocess.run([sys.argv[1], 'search', 'all', '--seeds', f'{first}..{first + 10000000}', '--seconds', str(seconds), '--faults',
                       '--profiles', os.path.join(os.environ['OSPREY_SOURCE'], 'profiles')])
print(f'from seed {first}')
sys.exit(done.returncode)
