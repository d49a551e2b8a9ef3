#!/usr/bin/env python3
"""Can the conformance runner fail? Cards with one deliberate fault each (lib/base/mutant.h) are given to it: it must find each by
the case meant for it and pass the others; the card without a fault passes. Builds the mutants where the build has none."""
import json
import os
import re
import subprocess
import sys

SOURCE = os.environ.get('OSPREY_SOURCE', os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
BUILD = os.environ.get('OSPREY_BUILD', os.path.join(SOURCE, 'build'))
FOLDER = os.path.join(BUILD, 'mutants')
RUNNER = os.path.join(FOLDER, 'conform', 'osprey-conform')

# mutant: the case meant for it, then the others that the same fault cannot but touch
MUTANTS = {
    'accepts_a_low_counter': [88],
    'answers_strangers': [87, 86, 103],
    'challenge_used_twice': [18, 17],
    'constant_challenge': [10],
    'delete_ignores_pol1': [61, 63],
    'deletes_the_current_set': [103],
    'deletes_the_fallback_profile': [60],
    'disable_ignores_pol1': [56, 105],
    'enable_ignores_pol1': [50],
    'fallback_asks_pol1': [70],
    'fallback_without_profile': [66],
    'forgets_the_chain': [94],
    'forgets_to_roll_back': [51, 52],
    'goes_on_after_an_error': [92],
    'keeps_old_keys': [21],
    'leaks_memory': [58, 7],
    'new_keys_keep_the_counter': [39, 38, 112],
    'one_try_too_many': [100],
    'pol1_asked_first': [50],
    'pol1_deletes_nothing': [57, 104],
    'promises_any_memory': [4],
    'retry_is_a_new_notification': [81, 83, 52],
    'scp03_skips_the_cryptogram': [109],
    'scp03_skips_the_mac': [46],
    'scp03t_skips_the_mac': [33, 34],
    'scp03t_takes_any_authentication': [31, 32],
    'scp80_skips_the_cc': [87],
    'sequence_counter_stands_still': [39],
    'sequence_stands_still': [80],
    'silent_for_unknown_tar': [90],
    'skips_the_check_value': [113],
    'skips_the_signature_of_3a02': [17],
    'status_without_le_has_data': [118],
    'takes_any_ci': [13],
    'takes_any_confirmation': [83],
    'takes_any_load_file': [3],
    'takes_any_privileges': [6],
    'takes_any_role': [11, 117],
    'takes_any_token': [64],
    'takes_lower_security': [86],
    'tells_the_first_attach_again': [84, 39, 100],
    'trusts_any_certificate': [12],
    'two_fallback_holders': [67],
    'unknown_application_is_the_isdr': [97],
}


def build():
    if not os.path.exists(os.path.join(FOLDER, 'build.ninja')):
        subprocess.run(['meson', 'setup', FOLDER, SOURCE, '-Dmutants=true'], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(['ninja', '-C', FOLDER, 'conform/osprey-conform'], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit('the mutants do not build:\n' + done.stdout[-3000:])


def names_in_sources():
    names = set()
    for folder in ('lib', 'euicc'):
        for where, _, files in os.walk(os.path.join(SOURCE, folder)):
            for name in files:
                if name.endswith('.c'):
                    names |= set(re.findall(r'MUTANT\((\w+)\)', open(os.path.join(where, name)).read()))
    plants = set(re.findall(r'^    { "(\w+)"', open(os.path.join(SOURCE, 'sim/plants.c')).read(), re.M))
    return names - (plants - set(MUTANTS))  # those are the simulator's to find


def failed_cases(mutant):
    done = subprocess.run([RUNNER, 'card', '--target', 'soft', '--json', '--quiet'], capture_output=True, text=True, timeout=300,
                          env=dict(os.environ, OSPREY_MUTANT=mutant))
    try:
        cases = json.loads(done.stdout)['cases']
    except ValueError:
        sys.exit(f'{mutant or "no mutant"}: no verdicts: {done.stderr.strip()}')
    return {case['number']: case for case in cases if case['verdict'] == 'fail'}


def judge(mutant, wanted):
    failed = failed_cases(mutant)
    if sorted(failed) == sorted(wanted):
        killer = failed[wanted[0]]['name'] if wanted else 'nothing to find'
        print(f'ok    {mutant or "the card as it is":34s} {killer}')
        return True
    print(f'WRONG {mutant or "the card as it is":34s} failed {sorted(failed)}, expected {sorted(wanted)}')
    for number in failed:
        print('     ', failed[number]['name'], failed[number]['detail'])
    return False


def main():
    names = names_in_sources()
    if names != set(MUTANTS):
        sys.exit(f'only in the sources: {sorted(names - set(MUTANTS))}, only here: {sorted(set(MUTANTS) - names)}')
    build()
    good = [judge(mutant, wanted) for mutant, wanted in [('', [])] + sorted(MUTANTS.items())]
    print(f'{len(MUTANTS)} mutants')
    sys.exit(0 if all(good) else 1)


main()
