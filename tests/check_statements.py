#!/usr/bin/env python3
"""Reads the servers' statements: every hot one of the SM-SR names one EID, of the SM-DP one EID or one ICCID, but for the short list
that docs/scale.md gives reasons for. So the schemas shard by EID."""
import glob
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
SHARED = ('lib/engine/*.c', 'lib/role/*.c')
# What is not of one eUICC, and why.
LISTED = {
    'who has it': ['find-by-msisdn', 'find-by-iccid', 'find-by-aid', 'type-of-iccid'],
    'claiming due work': ['timer-claim', 'outbox-claim', 'next-wake-of', 'timer-due', 'outbox-due', 'next-wake', 'outbox-free-leases',
                          'outbox-free-leases-of', 'outbox-look-again', 'outbox-fetch'],
    'the outbox by its number': ['outbox-delete', 'outbox-later', 'outbox-lease', 'outbox-add', 'outbox-tried', 'undelivered-bury'],
    'calls by requester and identifier': ['call-load', 'call-running', 'call-open', 'call-answer', 'call-prune'],
    'parts of short messages by sender': ['part-put', 'part-load', 'part-drop', 'part-prune'],
    'administration': ['euicc-page', 'operation-page', 'figures', 'audit-eids', 'prepared-prune', 'presence-prune', 'undelivered-prune',
                       'undelivered-list', 'outbox-list', 'undelivered-retry', 'undelivered-forget', 'undelivered-counts', 'node-list'],
    'after a restore': ['restored-counters', 'restored-audits', 'restored-sessions', 'restored-nodes', 'restored-alive'],
    'of the SM-DP: free profiles of a type, lists': ['profile-of-type', 'type-known', 'profile-list', 'profile-of-owner', 'seen-prune'],
}
# What an operator set; walks over all secrets; calls of the administration, by their number.
FREE = re.compile(r'^(plma|onc|secret|rewrap|admin-call)-')
KEY = {'sm-sr': r'(eid|line)', 'sm-dp': r'(eid|line|iccid|id|message_id)'}
TABLES = ('plma', 'onc', 'outbox', 'timer', 'call', 'undelivered', 'part', 'rewrap', 'admin_call')


def literals(text):
    return ''.join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))


def statements(pattern):
    """(file, name, all of its text)"""
    for path in sorted(glob.glob(os.path.join(ROOT, pattern))):
        text = re.sub(r'/\*.*?\*/', '', open(path).read(), flags=re.S)
        for found in re.finditer(r'struct statement \w+ = \{\s*"([\w-]+)",(.*?)\};', text, re.S):
            yield os.path.relpath(path, ROOT), found[1], literals(found[2])


def names_one(text, role):
    key = KEY[role]
    first = re.search(rf'INSERT INTO \w+ \({key}\b', text)
    return re.search(rf'\b(\w\.)?{key}=[?$]\d', text) or first


def check(role):
    listed = {name for names in LISTED.values() for name in names}
    seen, wrong = set(), []
    for pattern in (f'{role}/*.c', f'{role}/*/*.c') + SHARED:
        for path, name, text in statements(pattern):
            seen.add(name)
            if name not in listed and not FREE.match(name) and not names_one(text, role):
                wrong.append(f'{path}: {name} names no single {"EID" if role == "sm-sr" else "EID or ICCID"}: {text[:120]}')
    return seen, wrong


def tables():
    """Each table of the SM-SR begins with the EID, but for those that are not about one."""
    text = open(os.path.join(ROOT, 'sm-sr/store/schema.c')).read() + open(os.path.join(ROOT, 'sm-sr/channel/presence.c')).read()
    for name, column in re.findall(r'CREATE TABLE (\w+) \((\w+)', literals(text)):
        if column != 'eid' and name not in TABLES:
            yield f'table {name} of the SM-SR begins with {column}'


def main():
    wrong, seen = list(tables()), set()
    for role in KEY:
        one, faults = check(role)
        seen |= one
        wrong += faults
    wrong += [f'{name} is in the list, and nowhere else' for names in LISTED.values() for name in names if name not in seen]
    for line in wrong:
        print(line)
    print(f'{len(seen)} statements read')
    return 1 if wrong or len(seen) < 100 else 0


if __name__ == '__main__':
    sys.exit(main())
