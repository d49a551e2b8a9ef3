#!/usr/bin/env python3
"""Every function of lib/es/functions.def with who provides it here, who calls it, and by which command: docs/functions.md.

  functions.py            writes docs/functions.md
  functions.py --check    says what is not as the file says, and which function lacks a side (runs as a test)"""
import glob
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
PROGRAM = {'OPERATOR': 'osprey', 'SMDP': 'osprey-sm-dp', 'SMSR': 'osprey-sm-sr', 'EUM': 'osprey-eum'}
FOLDER = {'OPERATOR': 'operator', 'SMDP': 'sm-dp', 'SMSR': 'sm-sr', 'EUM': 'eum'}
PATTERN = {'SYNC': 'request, response', 'CALLBACK': 'request, callback', 'NOTIFY': 'notification'}
# Where a role takes functions in, and where it sends them; an operator takes every notification into its inbox.
TAKES = {'SMSR': 'sm-sr/es*_server.c', 'SMDP': ['sm-dp/es3_client.c', 'sm-dp/notification.c', 'sm-dp/procedures/*.c']}
SENDS = {'SMSR': ['sm-sr/answer.c', 'sm-sr/tell.c', 'sm-sr/procedures/*.c'], 'SMDP': ['sm-dp/*.c', 'sm-dp/procedures/*.c'], 'EUM': ['eum/*.c'],
         'OPERATOR': ['operator/commands.c']}
HEAD = '''# Functions

Every function of SGP.02 v4.2 off the card, who provides it here, who calls it, and by which command. Written by
`tools/functions.py` from the tables in the code; a test compares.

| § | function | kind | provided by | called by | command |
|---|---|---|---|---|---|
'''


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


def functions():
    row = re.compile(r'^ES_FUNCTION\((\w+),\s*(\w+),\s*"(\w+)",\s*\w+,\s*(\w+),\s*(\w+),\s*(\w+),.*?"([\d.]+)"', re.M)
    return [dict(zip(('interface', 'id', 'name', 'pattern', 'caller', 'provider', 'section'), match)) for match in row.findall(read('lib/es/functions.def'))]


def named_in(patterns):
    """Functions that stand in these sources; TELL(X) of sm-sr/tell.c means its notifications on ES4 and ES3."""
    found = set()
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        for path in glob.glob(os.path.join(ROOT, pattern)):
            text = open(path).read()
            found |= set(re.findall(r'\b(ES\d[A]?_[A-Z0-9_]+)\b', text))
            for name in re.findall(r'\bTELL\((\w+)\)', text):
                found |= {f'ES4_{name}_NOTIFICATION', f'ES3_{name}_NOTIFICATION'}
    return found


def commands():
    """{function: ["profile enable", …]}"""
    text, found = read('operator/commands.c'), {}
    for entry in re.split(r'\n    \{ (?=")', text):
        words = re.match(r'"([\w-]+)", (?:"([\w-]+)"|NULL)', entry)
        for function in re.findall(r'\.via_(?:smdp|smsr) = (\w+)', entry) if words else []:
            found.setdefault(function, []).append(' '.join(word for word in words.groups() if word))
    return found


def rows():
    takes = {role: named_in(sources) for role, sources in TAKES.items()}
    sends = {role: named_in(sources) for role, sources in SENDS.items()}
    verbs = commands()
    for f in functions():
        key = f'{f["interface"]}_{f["id"]}'
        inbox = f['provider'] == 'OPERATOR' and f['pattern'] == 'NOTIFY'
        provided = inbox or key in takes.get(f['provider'], ())
        called = key in sends[f['caller']] and (f['caller'] != 'OPERATOR' or key in verbs)
        command = ', '.join(f'`osprey {verb}`' for verb in verbs.get(key, []))
        if inbox:
            command = '`osprey listen`, `osprey inbox`'
        if f['caller'] == 'EUM':
            command = '`osprey-eum`'
        yield f, provided, called, command


def document():
    lines = [HEAD]
    for f, provided, called, command in rows():
        side = lambda role, there: f'`{PROGRAM[role]}`' if there else '**missing**'
        lines.append(f'| {f["section"]} | {f["interface"]}.{f["name"]} | {PATTERN[f["pattern"]]} | {side(f["provider"], provided)} '
                     f'| {side(f["caller"], called)} | {command} |\n')
    return ''.join(lines)


def main():
    path, text = os.path.join(ROOT, 'docs', 'functions.md'), document()
    if sys.argv[1:] != ['--check']:
        with open(path, 'w') as file:
            file.write(text)
        return 0
    missing = [f'{f["interface"]}.{f["name"]}: {"nobody provides it" if not provided else "nobody calls it"}'
               for f, provided, called, _ in rows() if not (provided and called)]
    for line in missing:
        print(line)
    count = len(functions())
    if count != 85:
        print(f'{count} functions, not 85')
    if not os.path.exists(path) or open(path).read() != text:
        print('docs/functions.md is not what the code says: run tools/functions.py')
        return 1
    return 1 if missing or count != 85 else 0


if __name__ == '__main__':
    sys.exit(main())
