#!/usr/bin/env python3
"""Can the simulator's judge fail? Servers and cards with one deliberate fault each (sim/plants.c) run through the scenario meant for
it: every one must be found, by the invariant that is printed. Builds osprey-sim with the faults where the build has none."""
import os
import subprocess
import sys

SOURCE = os.environ.get('OSPREY_SOURCE', os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
FOLDER = os.path.join(os.environ.get('OSPREY_BUILD', os.path.join(SOURCE, 'build')), 'plants')

if not os.path.exists(os.path.join(FOLDER, 'build.ninja')):
    subprocess.run(['meson', 'setup', FOLDER, SOURCE, '-Dmutants=true'], check=True, stdout=subprocess.DEVNULL)
built = subprocess.run(['ninja', '-C', FOLDER, 'sim/osprey-sim'], capture_output=True, text=True)
if built.returncode != 0:
    sys.exit('the simulator with faults does not build:\n' + built.stdout[-3000:])
sys.exit(subprocess.run([os.path.join(FOLDER, 'sim/osprey-sim'), 'plant', 'all', '--profiles', os.path.join(SOURCE, 'profiles')]).returncode)
