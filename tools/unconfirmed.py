#!/usr/bin/env python3
"""The servers' part of docs/unconfirmed.md, from lib/model/unconfirmed.def and the numbers in reason.def; the card's part is
written by hand, and compared with the sources.

  unconfirmed.py            writes the servers' part
  unconfirmed.py --check    says when the file says something else (runs as a test)"""
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
PAGE = os.path.join(ROOT, 'docs', 'unconfirmed.md')
CARD_BEGIN, CARD_END = '<!-- card -->\n', '<!-- /card -->\n'
CARD_FOLDERS = ('euicc', 'lib/profile', 'lib/scp', 'lib/gp', 'lib/ota')
BEGIN, END = '<!-- servers: written by tools/unconfirmed.py -->\n', '<!-- /servers -->\n'


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


def rows(macro, fields):
    """A macro's rows: names and numbers as they are, texts without their quotes."""
    field = r'\s*("(?:[^"\\]|\\.)*"|[\w]+)\s*'
    found = re.findall(r'^%s\(%s\)' % (macro, ','.join([field] * fields)), read('lib/model/unconfirmed.def'), re.M)
    return [[f[1:-1].replace('\\"', '"') if f.startswith('"') else f for f in row] for row in found]


def place(text):
    return 'on the card' if text == 'card' else '§' + text


def tables():
    numbers = dict(re.findall(r'^REASON\((\w+),\s*("[\d.]+",\s*"[\d.]+")', read('lib/model/reason.def'), re.M))
    lines = ['| status | numbers | when | fact book |', '|---|---|---|---|']
    for name, where, meaning in rows('UNSURE_CODE', 3):
        pair = '/'.join(re.findall(r'[\d.]+', numbers[name]))
        lines.append(f'| `{name}` | {pair} | {meaning} | {place(where)} |')
    lines += ['', '| decision | value | of `[partner NAME]` | what | fact book |', '|---|---|---|---|---|']
    for name, value, option, where, meaning in rows('UNSURE_CHOICE', 5):
        value = value if value.startswith('0x') or option != 'pol2_strict' else 'yes'
        lines.append(f'| `{name}` | {value} | {"`" + option + "`" if option else ""} | {meaning} | {place(where)} |')
    return '\n'.join(lines) + '\n'


def card_faults(page):
    """Places that are not there, and sources of the card with a [?] that the table does not name."""
    table = page.split(CARD_BEGIN)[1].split(CARD_END)[0]
    places = re.findall(r'`([\w/.-]+\.[ch]):([^`]+)`', table)
    for row in table.strip().split('\n')[2:]:
        if len(row.split('|')) != 5 or '`' not in row.split('|')[3]:
            yield f'no row: {row}'
    for path, token in places:
        if not os.path.exists(os.path.join(ROOT, path)) or token not in read(path):
            yield f'{path} does not have {token}'
    named = {path for path, _ in places}
    for folder in CARD_FOLDERS:
        for where, _, files in os.walk(os.path.join(ROOT, folder)):
            for name in files:
                path = os.path.relpath(os.path.join(where, name), ROOT)
                if name.endswith(('.c', '.h')) and '[?]' in read(path) and path not in named:
                    yield f'{path} has a [?] of which nothing is said'


def main():
    page, said = read(PAGE), tables()
    faults = list(card_faults(page))
    if faults:
        sys.exit('docs/unconfirmed.md, the card:\n  ' + '\n  '.join(faults))
    before, rest = page.split(BEGIN)
    was, after = rest.split(END)
    if '--check' not in sys.argv:
        with open(PAGE, 'w') as out:
            out.write(before + BEGIN + said + END + after)
    elif was != said:
        sys.exit('docs/unconfirmed.md is not as lib/model/unconfirmed.def says: run tools/unconfirmed.py')


if __name__ == '__main__':
    main()
