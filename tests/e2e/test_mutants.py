#!/usr/bin/env python3
"""Can the conformance runner fail? Cards with one deliberate fault each (lib/base/mutant.h) are given to it: it must find each by
the case meant for it and pass the others; the card without a fault passes all. Most in the runner's own process, some as a card
in a reader. Builds the mutants where the build has none, beside it and without its optimisation."""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
import time

from conform_cards import Cards

SOURCE = os.environ.get('OSPREY_SOURCE', os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
BUILD = os.environ.get('OSPREY_BUILD', os.path.join(SOURCE, 'build'))
FOLDER = os.path.join(BUILD, 'mutants')

# mutant: the case meant for it, then the others that the same fault cannot but touch
MUTANTS = {
    'accepts_a_low_counter': [88],
    'adds_a_key_twice': [113],
    'agrees_without_a_certificate': [16, 11, 12, 13, 17, 18, 117],
    'alias_is_the_fallback_profile': [105, 50, 56, 61, 104],
    'answers_with_a_random_of_nothing': [19],
    'answers_strangers': [87, 86, 103],
    'asks_for_ever_for_a_confirmation': [52],
    'begins_the_list_again': [72],
    'begins_with_a_body': [96],
    'calls_a_bad_point_a_bad_signature': [115],
    'calls_every_change_a_success': [51, 52, 69, 70],
    'calls_odd_lengths_insecure': [37],
    'challenge_used_twice': [18, 17],
    'ciphers_every_por': [122, 89, 90],
    'confirms_what_nobody_asked': [82],
    'constant_challenge': [10],
    'counts_no_applications': [74, 7],
    'counts_one_command': [91, 92],
    'creates_the_same_again': [2],
    'creates_without_an_octet': [1],
    'delete_ignores_pol1': [61, 63],
    'deletes_the_current_set': [103],
    'deletes_the_enabled': [59, 65],
    'deletes_the_fallback_profile': [60],
    'deletes_what_is_not_there': [62, 63],
    'derives_for_three_keys': [22, 28],
    'disable_ignores_pol1': [56, 105],
    'disables_in_word_only': [53, 57, 104],
    'disables_the_disabled': [55],
    'disables_the_fallback_profile': [54],
    'enable_ignores_pol1': [50],
    'enables_the_enabled': [48, 50],
    'fallback_asks_pol1': [70],
    'fallback_without_profile': [66],
    'forgets_the_access_name': [124],
    'forgets_the_chain': [94],
    'forgets_the_provider': [114, 63],
    'forgets_the_r_mac_without_data': [45, 63, 64, 65, 112, 114],
    'forgets_the_service_centre': [45],
    'forgets_the_stored_connection': [99, 85],
    'forgets_to_roll_back': [51, 52],
    'goes_on_after_9f': [29],
    'goes_on_after_an_error': [92],
    'hangs_on_after_a_failed_handshake': [98],
    'has_every_object': [77],
    'hides_scp81': [76],
    'hides_the_quota': [73],
    'ignores_the_host_id': [25],
    'installs_without_an_octet': [9],
    'joins_in_order_of_arrival': [95],
    'keeps_old_keys': [21],
    'keeps_the_check_value': [44],
    'keeps_the_context_between_messages': [111],
    'keeps_the_old_number': [78],
    'keeps_the_old_smsr_keys': [103],
    'knows_every_profile': [49, 50, 68, 92],
    'knows_the_date': [14],
    'leaks_memory': [58, 7],
    'leaves_out_what_it_does_not_know': [41],
    'master_delete_asks_pol1': [63],
    'measures_no_point': [116, 24],
    'misses_the_beginning_otherwise': [110, 111],
    'misses_the_channel_otherwise': [109, 46, 111],
    'names_have_a_case': [125],
    'names_itself_by_iccid': [101],
    'needs_no_c9': [5],
    'never_falls_back': [69, 70],
    'never_tells_the_first_attach': [84],
    'never_tries_https': [85],
    'new_keys_keep_the_counter': [39, 38, 112],
    'new_set_begins_high': [27, 103],
    'obeys_the_device': [106],
    'one_try_too_many': [100],
    'passes_over_bad_tags': [93, 121],
    'personalises_nobody': [8],
    'pol1_asked_first': [50],
    'pol1_deletes_nothing': [57, 104],
    'por_without_its_header': [89],
    'power_cut_ends_the_switch': [108],
    'promises_any_memory': [4],
    'r_mac_over_another_word': [44, 45, 63, 64, 65, 112, 113, 114],
    'reads_beyond_the_length': [123],
    'reads_no_definite_ae': [120],
    'receipt_forgets_the_random': [20, 23, 25, 27, 103],
    'refuses_number_nought': [126],
    'replaces_keys_in_word_only': [42, 43],
    'retry_is_a_new_notification': [81, 83, 52],
    # every case that loads a profile looks at the answer
    'says_nothing_of_a_success': [40, 35, 36, 42, 45, 47, 50, 51, 52, 53, 55, 56, 57, 58, 59, 60, 61, 63, 64, 65, 67, 69, 70, 78, 80, 81, 82, 83, 85,
                                  104, 105, 107, 108, 114],
    'scp03_skips_the_cryptogram': [109],
    'scp03_skips_the_mac': [46],
    'scp03_survives_a_wrong_mac': [46],
    'scp03t_counts_from_nought': [35],
    'scp03t_skips_the_mac': [33, 34],
    'scp03t_survives_an_error': [33, 37, 43],
    'scp03t_takes_any_authentication': [31, 32],
    'scp80_skips_the_cc': [87],
    'segments_are_1020_at_most': [36],
    'sequence_counter_stands_still': [39],
    'sequence_stands_still': [80],
    'silent_for_unknown_tar': [90],
    'skips_the_check_value': [113],
    'skips_the_signature_of_3a02': [17],
    'spoils_its_certificate': [75],
    'spoils_the_psk': [28],
    'status_without_le_has_data': [118],
    'switches_before_the_reset': [47],
    'takes_a_tag_twice': [127],
    'takes_any_challenge': [30],
    'takes_any_checksum': [102],
    'takes_any_ci': [13],
    'takes_any_confirmation': [83],
    'takes_any_key_type': [26],
    'takes_any_key_version': [29],
    'takes_any_load_file': [3],
    'takes_any_privileges': [6],
    'takes_any_role': [11, 117],
    'takes_any_token': [64],
    'takes_empty_functions': [79],
    'takes_lower_security': [86],
    'takes_whole_blocks_only': [15],
    'tells_more_than_asked': [71],
    'tells_the_first_attach_again': [84, 39, 100],
    'tests_in_an_emergency': [107],
    'trusts_any_certificate': [12],
    'two_fallback_holders': [67],
    'unknown_application_is_the_isdr': [97],
    'waits_for_ever_for_a_network': [51],
    'wants_no_tag_list': [119],
}
# a card in a reader is slower: one of each kind, only the case meant for it (a single leak hides in what the card sets aside for itself)
BY_VPCD = ('accepts_a_low_counter', 'forgets_to_roll_back', 'retry_is_a_new_notification', 'scp03_skips_the_mac', 'takes_any_checksum',
           'two_fallback_holders')


def build():
    if not os.path.exists(os.path.join(FOLDER, 'build.ninja')):
        subprocess.run(['meson', 'setup', FOLDER, SOURCE, '-Dmutants=true', '-Doptimization=0', '-Ddebug=false'], check=True,
                       stdout=subprocess.DEVNULL)
    started = time.monotonic()
    done = subprocess.run(['ninja', '-C', FOLDER, 'conform/osprey-conform', 'euicc/osprey-euicc'], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit('the mutants do not build:\n' + done.stdout[-3000:])
    print(f'built in {time.monotonic() - started:.0f} s')


def names_in_sources():
    names = set()
    for folder in ('lib', 'euicc'):
        for where, _, files in os.walk(os.path.join(SOURCE, folder)):
            for name in files:
                if name.endswith('.c'):
                    names |= set(re.findall(r'MUTANT\((\w+)\)', open(os.path.join(where, name)).read()))
    plants = set(re.findall(r'^    { "(\w+)"', open(os.path.join(SOURCE, 'sim/plants.c')).read(), re.M))
    plants |= set(re.findall(r'^    { &\w+, "(\w+)"', open(os.path.join(SOURCE, 'sim/scenarios/attacks.c')).read(), re.M))
    return names - (plants - set(MUTANTS))  # those are the simulator's to find


def failed(cases):
    return {case['number']: case for case in cases if case['verdict'] == 'fail'}


def judge(mutant, found, wanted):
    if sorted(found) == sorted(wanted):
        killer = found[wanted[0]]['name'] if wanted else 'nothing to find'
        print(f'ok    {mutant or "the card as it is":38s} {killer}')
        return True
    print(f'WRONG {mutant or "the card as it is":38s} failed {sorted(found)}, expected {sorted(wanted)}')
    for number in found:
        print('     ', found[number]['name'], found[number]['detail'])
    return False


def in_process(cards):
    """Every fault against every case."""
    def one(mutant):
        return failed(cards.verdicts(cards.ask('soft', None, OSPREY_MUTANT=mutant)))
    all_of_them = {'': [], **MUTANTS}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        return [judge(mutant, found, all_of_them[mutant]) for mutant, found in zip(all_of_them, threads.map(one, all_of_them))]


def in_a_reader(cards, folder):
    good = []
    for mutant in BY_VPCD:
        case = MUTANTS[mutant][0]
        lab = cards.make(os.path.join(folder, mutant))
        found = failed(cards.by_vpcd(lab, '--case', str(case), OSPREY_MUTANT=mutant))
        good.append(judge(f'vpcd: {mutant}', found, [case]))
    return good


def main():
    names = names_in_sources()
    if names != set(MUTANTS):
        sys.exit(f'only in the sources: {sorted(names - set(MUTANTS))}, only here: {sorted(set(MUTANTS) - names)}')
    build()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Cards(FOLDER) as cards:
        good = in_process(cards) + in_a_reader(cards, folder)
    print(f'{len(MUTANTS)} mutants, {len({cases[0] for cases in MUTANTS.values()})} cases find one; {time.monotonic() - started:.0f} s')
    sys.exit(0 if all(good) else 1)


main()
