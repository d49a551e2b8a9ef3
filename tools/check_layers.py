#!/usr/bin/env python3
"""Checks every #include "..." of the tree against the layer table of ARCHITECTURE.md (exit 1 with a list of offences).

The table is read from the document itself, between the two markers, so that the rule and the text cannot drift apart."""
import os
import re
import sys

ROOT = os.path.normpath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
ROLES = ['euicc', 'device', 'sm-dp', 'sm-sr', 'operator', 'eum', 'platform', 'sim', 'conform', 'bench']
STARTS_PROGRAMS = ('io', 'daemon', 'engine')


def table():
    text = open(os.path.join(ROOT, 'ARCHITECTURE.md')).read()
    rows = text.split('<!-- layers -->')[1].split('<!-- /layers -->')[0]
    return {name: set(re.findall(r'`([\w-]+)`', may)) for name, may in re.findall(r'^\| `([\w-]+)` \| ([^|]*) \|', rows, re.M)}


def place_of(path):
    parts = os.path.relpath(path, ROOT).split(os.sep)
    return parts[1] if parts[0] == 'lib' else parts[0]


def included(path, name):
    """The file an include of ours means: beside the includer, or from the root."""
    for base in (os.path.dirname(path), ROOT):
        full = os.path.normpath(os.path.join(base, name))
        if os.path.exists(full):
            return full
    return None


def includes(path):
    for number, line in enumerate(open(path, errors='replace'), 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        target = match and included(path, match.group(1))
        if target:
            yield number, match.group(1), target


def allowed(may, here, there, path, target):
    if there == here or there in may:
        return True
    if re.fullmatch(r'main(_\w+)?\.[ch]', os.path.basename(path)) and there in STARTS_PROGRAMS:
        return True
    return here == 'device' and there == 'euicc' and (os.path.basename(target) == 'euicc.h' or '/nvm/' in target)


def main():
    layers, wrong, files = table(), [], 0
    for folder in ['lib'] + ROLES:
        for where, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in (n for n in names if n.endswith(('.c', '.h'))):
                path, files = os.path.join(where, name), files + 1
                here = place_of(path)
                if here not in layers:
                    wrong.append(f'{os.path.relpath(path, ROOT)}: the table of ARCHITECTURE.md has no {here}')
                    continue
                for number, text, target in includes(path):
                    if not allowed(layers[here], here, place_of(target), path, target):
                        wrong.append(f'{os.path.relpath(path, ROOT)}:{number}: {here} may not include {text}')
    print('\n'.join(wrong) if wrong else f'layers: {files} files keep to the table')
    return 1 if wrong or not files else 0


sys.exit(main())
