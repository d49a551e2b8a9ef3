#!/usr/bin/env python3
"""Which statuses each function of SGP.02 has given on the wire, by the traces of labs, beside those that it can give.

  statuses.py FOLDER…            folders with traces (soap/ of a lab): the table, and what was not seen
  statuses.py --check FOLDER…    fails unless all of it was seen
  statuses.py --quick --check FOLDER…   without those for which a run must wait

What a function can give follows the fact book (2.5, 3.5 and 7); what stands under DOOR is given before the function is looked
at, by code that knows no function, and is wanted once for each interface."""
import collections
import glob
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
OK, F = 'EXECUTED_SUCCESS', 'FAILED '
DOOR = {F + '1.2/3.7': 'more calls than agreed', F + '1.3.2/3.1': 'namespace not agreed'}
ALWAYS = [OK, F + '1.1/1.1', F + '1.1/1.2', F + '1.3.1/2.1', F + '1.3.1/2.2', F + '1.6/2.1']
# What the function finds out itself; names of lists, or statuses.
LISTS = {
    'eid': [F + '8.1.1/1.1', F + '8.1.1/2.1'],
    'iccid': [F + '8.2.1/3.9', F + '8.2.1/3.4', F + '8.2.1/1.2'],
    'address': [F + '8.2.1/3.9', F + '8.2.1/3.4', F + '8.2.6/1.2'],
    'relay': [F + '8.7/3.9', F + '1.4/5.1'],
    'expires': ['EXPIRED 1.6/5.3'],
    'pol2': [F + '8.2.3/2.1'],
    'policy': [F + '8.2.3/3.8', F + '8.2.2/3.8'],
    'plma': [F + '8.2.7/2.1', F + '8.2.7/3.9'],
}
SPECIAL = {
    'RegisterEIS': [F + '8.1.1/3.3', F + '8.6/2.1', F + '8.6/6.1', F + '8.5.2/6.3', F + '8.7/3.4', F + '8.5.1/6.1', F + '8.5.1/6.2', F + '8.1.1/2.1'],
    'UpdateEISAdditionalProperties': ['eid', F + '8.1/1.2'],
    'GetEIS': ['eid'],
    'AuditEIS': ['eid', 'expires', F + '8.2/1.2'],
    'DownloadProfile': ['eid', 'expires', F + '1.3.1/2.3', F + '8.2.1/3.9', F + '8.2.1/1.2', F + '8.2.1/3.3', F + '8.2.5/3.9', F + '8.2.5/1.2',
                        F + '8.2.5/3.7', F + '8.1/4.8', F + '8.5.2/6.1', 'EXECUTED_WITHWARNING 8.2.3/3.8'],
    'UpdatePolicyRules': ['eid', 'iccid', 'pol2'],
    'UpdateSubscriptionAddress': ['eid', 'address'],
    'EnableProfile': ['eid', 'iccid', 'policy', 'expires', F + '8.4/4.2', F + '8.2.9/3.8'],
    'DisableProfile': ['eid', 'iccid', 'policy', 'expires', F + '8.1/3.8'],
    'DeleteProfile': ['eid', 'iccid', 'policy', 'expires', F + '8.2.4/3.8'],
    'DeleteISDP': ['eid', 'iccid', 'policy', 'expires', F + '8.2.4/3.8'],
    'CreateISDP': ['eid', 'expires', F + '8.2.1/3.3', F + '8.1/4.8', F + '8.6/1.2'],
    'SendData': ['eid', 'expires', F + '8.3.1/3.9', F + '8.3.1/3.4', F + '8.2.1/1.2', F + '8.3/4.2'],
    'ProfileDownloadCompleted': ['eid', 'iccid', 'pol2'],
    'UpdateConnectivityParameters': ['eid', 'iccid', 'expires', F + '8.3/4.2'],
    'SetFallBackAttribute': ['eid', 'iccid', 'expires', F + '8.2.4/1.2'],
    'SetEmergencyProfileAttribute': ['eid', 'iccid', 'expires', F + '8.2.9/3.8'],
    'SetPLMA': ['plma'], 'GetPLMA': [], 'SetONC': [F + '8.2.8/2.1'], 'GetONC': [],
    'PrepareSMSRChange': [F + '8.1.1/2.1', F + '1.2/3', F + '8.7/3.9'],
    'SMSRChange': ['eid', 'expires', F + '8.1/1.2', F + '8.7/3.9'],
    'CreateAdditionalKeySet': ['eid', F + '8.4/4.2'],
    'HandoverEUICC': [F + '8.1.1/1.1', 'EXECUTED_WITHWARNING 8.1.1/3.3'],
    'AuthenticateSMSR': ['eid', F + '8.5.3/6.1', F + '8.5.3/6.2', F + '8.5.3/6.3'],
}
# A run without the cases that wait does not see these.
SLOW = {'EXPIRED 1.6/5.3', F + '1.4/5.1', F + '8.4/4.2', 'EXECUTED_WITHWARNING 8.1.1/3.3'}
READS = {'ES3-GetEIS', 'ES4-GetEIS', 'ES3-GetPLMA', 'ES4-GetPLMA', 'ES4A-GetPLMA', 'ES3-GetONC', 'ES4A-GetONC'}
# What differs on one interface, and why something cannot be given there.
MORE = {'ES4-GetEIS': [F + '8.6/1.2'], 'ES4A-SetONC': [F + '1.6/3.1']}
NEVER = {
    ('ES1-RegisterEIS', F + '8.1.1/2.1'): 'an EIS with such an EID is invalid as a whole: 8.6/2.1 or 1.3.1/2.1',
    ('ES1-RegisterEIS', F + '8.5.1/6.1'): 'an EUM that may call is a partner, and its certificate was checked; tests/unit/sm-sr/test_calls.c has one that is not',
    ('ES2-SetFallBackAttribute', F + '8.2.4/1.2'): 'ES3 names no operator: an SM-DP may what any of its operators may, and the lab\'s acts for all',
    ('ES3-AuditEIS', F + '8.2/1.2'): 'an SM-DP may list every profile that it manages, others are 8.2.1/3.9',
}


def functions():
    text = open(os.path.join(ROOT, 'lib/es/functions.def')).read()
    return re.findall(r'^ES_FUNCTION\((\w+),\s*\w+,\s*"(\w+)",\s*\w+,\s*(\w+)', text, re.M)


def wanted(interface, name, pattern):
    """Statuses of a function; a notification is wanted as such."""
    if pattern == 'NOTIFY':
        return ['']
    function, list_ = f'{interface}-{name}', list(ALWAYS)
    if function not in READS:
        list_.append(F + '1.6/3.3')
    if interface == 'ES2':
        list_ += LISTS['relay']
    for one in SPECIAL[name] + MORE.get(function, []):
        list_ += LISTS.get(one, [one])
    return [status for status in dict.fromkeys(list_) if (function, status) not in NEVER]


def seen_in(folder):
    """{(function, status)} of a lab's traces."""
    found = set()
    for path in glob.glob(os.path.join(folder, '**', '*.xml'), recursive=True):
        text = open(path, errors='replace').read()
        root = re.search(r'<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(ES\w+-\w+)', text)
        if not root:
            continue
        if root[1].endswith('Notification'):
            found.add((root[1], ''))
        if not root[1].endswith('Response'):
            continue
        value = {name: re.search(rf'<(?:\w+:)?{name}>([^<]+)<', text) for name in ('Status', 'Subject', 'Reason')}
        if value['Status']:
            code = f' {value["Subject"][1]}/{value["Reason"][1]}' if value['Subject'] and value['Reason'] else ''
            found.add((root[1][:-len('Response')], value['Status'][1] + code))
    return found


def report(seen):
    missing, rows = [], 0
    doors = collections.Counter()
    for interface, name, pattern in functions():
        want = wanted(interface, name, pattern)
        left = [status for status in want if (f'{interface}-{name}', status) not in seen]
        rows += len(want)
        missing += [(f'{interface}-{name}', status) for status in left]
        doors.update((interface, status) for status in DOOR if (f'{interface}-{name}', status) in seen)
        others = sorted(status for function, status in seen if function == f'{interface}-{name}' and status not in want)
        print(f'{interface}-{name:44} {len(want) - len(left):3} of {len(want):3}{"   also " + ", ".join(others) if others else ""}')
    for function, status in missing:
        print(f'not seen: {function} {status or "(the notification)"}')
    print(f'{rows - len(missing)} of {rows} statuses seen')
    return missing


def main():
    seen, words = set(), [word for word in sys.argv[1:] if not word.startswith('--')]
    for word in words:
        seen |= seen_in(word)
    missing = [row for row in report(seen) if '--quick' not in sys.argv or row[1] not in SLOW]
    return 1 if missing and '--check' in sys.argv else 0


if __name__ == '__main__':
    sys.exit(main())
