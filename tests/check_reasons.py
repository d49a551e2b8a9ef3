#!/usr/bin/env python3
"""Every status of lib/model/reason.def is reached by a test: by its name in a unit test, or by its numbers where a test on real
processes, or a case of osprey-conform, expects them. And it is given by code, not only listed."""
import glob
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
# Understood when others give it, never given by us.
ONLY_UNDERSTOOD = {'EID_UNKNOWN_3_9', 'ICCID_TRANSITION'}
# Not reached by a test yet, with the reason. This list only shrinks.
NOT_YET = set()


def texts(*patterns):
    found = ''
    for pattern in patterns:
        for path in glob.glob(os.path.join(ROOT, pattern), recursive=True):
            if os.path.isfile(path):
                found += open(path, errors='replace').read()
    return found


def main():
    rows = re.findall(r'^REASON\((\w+),\s*"([\d.]+)",\s*"([\d.]+)"', open(os.path.join(ROOT, 'lib/model/reason.def')).read(), re.M)
    tests = texts('tests/unit/**/*.c', 'tests/e2e/*.py', 'conform/**/*.c', 'sim/**/*.c')
    code = texts('sm-sr/**/*.[ch]', 'sm-dp/**/*.[ch]', 'lib/**/*.[ch]')
    tested_names, given_names = (set(re.findall(r'\bREASON_(\w+)', text)) for text in (tests, code))
    tested_pairs = set(re.findall(r"\b(\d[\d.]*)/(\d[\d.]*)", tests)) | set(re.findall(r"""['"](\d[\d.]*)['"], ['"](\d[\d.]*)['"]""", tests))
    wrong = 0
    for name, subject, reason in rows:
        tested = name in tested_names or (subject, reason) in tested_pairs
        given = name in ONLY_UNDERSTOOD or name in given_names
        if not given:
            print(f'{name} ({subject}/{reason}): no code gives it')
        if not tested and name not in NOT_YET | ONLY_UNDERSTOOD:
            print(f'{name} ({subject}/{reason}): no test reaches it')
        if tested and name in NOT_YET:
            print(f'{name} ({subject}/{reason}): a test reaches it: strike it from the list')
        wrong += not given or (name not in ONLY_UNDERSTOOD and bool(tested) == (name in NOT_YET))
    print(f'{len(rows)} statuses, {len(NOT_YET)} not reached by a test yet')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
