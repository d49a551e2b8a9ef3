#!/usr/bin/env python3
"""Can the off-card cases fail? Servers with one deliberate fault each (lib/base/mutant.h) are given to osprey-conform server: each
fault must be found by the case meant for it, and no case but those it cannot help touching may fail; the servers without a fault
pass. Builds the mutants where the build has none. Names of mutants on the command line: only those."""
import concurrent.futures
import json
import os
import re
import subprocess
import sys

SOURCE = os.environ.get('OSPREY_SOURCE', os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
BUILD = os.environ.get('OSPREY_BUILD', os.path.join(SOURCE, 'build'))
FOLDER = os.path.join(BUILD, 'mutants')
RUNNER = os.path.join(FOLDER, 'conform', 'osprey-conform')
PROGRAMS = ['conform/osprey-conform', 'eum/osprey-eum', 'sm-sr/osprey-sm-sr', 'sm-dp/osprey-sm-dp', 'device/osprey-device',
            'device/smsc/osprey-smsc', 'device/hlr/osprey-hlr']
AT_ONCE = int(os.environ.get('MUTANTS_AT_ONCE', '3'))  # most of the time they wait

IDEAS = 110

# mutant: the case meant for it, then the others that the same fault cannot but touch
MUTANTS = {
    'address_is_anybodys': [64],
    'anybody_starts_a_change': [79],
    'anybodys_profile': [33],
    'any_call_is_a_repeat': [104],
    'authorises_anything': [85],
    'cleans_nothing_up': [35],
    'completes_with_any_pol2': [26],
    'confirms_once_only': [90],
    'deletes_the_fallback': [57],
    'disables_the_fallback': [52],
    'enables_unasked': [27, 36, 47],
    'enables_what_is_enabled': [46, 58],
    'everybody_sees_every_eis': [13],
    'forgets_the_onc': [87],
    'ignores_pol2_on_deletion': [56, 58],
    'ignores_pol2_on_disabling': [41, 29, 53],
    'never_reached_is_expired': [59],
    'no_call_is_a_repeat': [103, 104],
    'no_lock_in_a_change': [75],
    'no_pol2_changes_nothing': [62],
    'one_plma_for_all': [83],
    'plma_in_any_name': [86],
    'pol1_is_a_failure': [36],
    'replies_anywhere': [97],
    'shows_what_is_in_creation': [14],
    'takes_any_entity_id': [93],
    'takes_any_eum_signature': [3, 7],
    'takes_any_number_of_fallbacks': [7],
    'takes_any_smsr_certificate': [73, 133, 135],
    'takes_eis_of_another_eum': [5],
    'takes_expired_ecasd': [6],
    'takes_over_unprepared': [71],
    'takes_revoked_eums': [136, 70],
    'tells_the_caller_too': [38, 39, 51, 54, 58, 80],
}


def build():
    if not os.path.exists(os.path.join(FOLDER, 'build.ninja')):
        subprocess.run(['meson', 'setup', FOLDER, SOURCE, '-Dmutants=true'], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(['ninja', '-C', FOLDER, *PROGRAMS], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit('the mutants do not build:\n' + done.stdout[-3000:])


def names_in_sources():
    names = set()
    for folder in ('sm-sr', 'sm-dp', os.path.join('lib', 'pki')):
        for where, _, files in os.walk(os.path.join(SOURCE, folder)):
            for name in files:
                if name.endswith('.c'):
                    names |= set(re.findall(r'MUTANT\((\w+)\)', open(os.path.join(where, name)).read()))
    return names


def failed_cases(mutant, wanted):
    """What lies behind the ideas of the fact book walks all functions, and with a fault in them may spoil the scene of the others."""
    more = [] if any(number > IDEAS for number in wanted) else ['--ideas']
    done = subprocess.run([RUNNER, 'server', '--target', 'lab', '--json', '--quiet', *more], capture_output=True, text=True, timeout=900,
                          env=dict(os.environ, OSPREY_MUTANT=mutant))
    try:
        cases = json.loads(done.stdout)['cases']
    except ValueError:
        return {0: {'name': 'no verdicts', 'detail': done.stderr.strip()[-300:]}}
    # They may meet any fault, too, so they prove none but the one they are meant for.
    return {case['number']: case for case in cases
            if case['verdict'] == 'fail' and (case['number'] <= IDEAS or case['number'] in wanted)}


def judge(mutant, wanted):
    failed = failed_cases(mutant, wanted)
    if sorted(failed) == sorted(wanted):
        print(f'ok    {mutant or "the servers as they are":34s} {failed[wanted[0]]["name"] if wanted else "nothing to find"}', flush=True)
        return True
    lines = [f'WRONG {mutant or "the servers as they are":34s} failed {sorted(failed)}, expected {sorted(wanted)}']
    lines += [f'      {case["name"]} {case["detail"]}' for case in failed.values()]
    print('\n'.join(lines), flush=True)
    return False


def main():
    if set(MUTANTS) - names_in_sources():
        sys.exit(f'not in the sources: {sorted(set(MUTANTS) - names_in_sources())}')
    build()
    chosen = {name: MUTANTS[name] for name in sys.argv[1:]} or {'': [], **MUTANTS}
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        good = list(pool.map(judge, chosen.keys(), chosen.values()))
    print(f'{len(chosen)} runs')
    sys.exit(0 if all(good) else 1)


main()
