#!/usr/bin/env python3
"""A card of ours in a PC/SC reader: pcscd with vpcd, and Debian's tools as the terminal. opensc-tool sends commands, opensc-explorer
lists the applications, finds the files of each directory by trying every identifier, and verifies a PIN; pcsc-tools' scriptor reads
every file of the profile. What they see must be what was in the profile package."""
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
import card_lab as lab
import pcsc_place as place

PACKAGE = 'TS48_V7.0_eSIM_GTP_SAIP2.3_BERTLV_SUCI.der'
ATR = '3b:9f:96:80:3f:c7:82:80:31:e0:73:fe:21:1f:67:53:57:45:55:49:43:43:2b'


def opensc(*arguments):
    done = subprocess.run(['opensc-tool', '-r', '0', *arguments], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def sent(*apdus):
    """Sends commands in one session; the answers as (status word, data) in hex."""
    arguments = [part for apdu in apdus for part in ('-s', apdu)]
    code, text = opensc(*arguments)
    if code != 0:
        sys.exit(f'opensc-tool: {text}')
    answers = []
    for block in re.split(r'(?=Received \(SW1)', text)[1:]:
        sw = ''.join(re.search(r'SW1=0x(..), SW2=0x(..)', block).groups())
        # a line of the dump: up to 16 octets in hex, then the same as text
        lines = (re.match(r'(?:[0-9A-F]{2} ){1,16}', line) for line in block.splitlines()[1:])
        answers.append((sw.upper(), ''.join(match.group(0) for match in lines if match).replace(' ', '')))
    return answers


def expected_files():
    """What must be there after installation, computed from the package by somebody else."""
    return json.load(open(os.path.join(lab.SHARED, 'data', 'profiles', 'expected-fs', PACKAGE.replace('.der', '.json'))))


def children(files, folder):
    """{identifier: size} of the elementary files right below; a link has its target's size, which is not told."""
    found = {}
    for file in files:
        above, _, name = file['path'].rpartition('/')
        if above == folder and file['type'] not in ('DF', 'ADF', 'MF'):
            found[name.upper()] = file['size']
    return found


def explorer(*lines):
    with tempfile.NamedTemporaryFile('w') as script:
        script.write('\n'.join(lines + ('quit', '')))
        script.flush()
        done = subprocess.run(['opensc-explorer', '-r', '0', script.name], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def list_applications():
    dump = explorer('cat 2F00')
    octets = bytes.fromhex(''.join(re.findall(r'^[0-9A-F]{8}: ((?:[0-9A-F]{2} )+)', dump, re.M)).replace(' ', ''))
    found = re.findall(rb'\x61.\x4F(.)(.{5,16}?)\x50\x04(.{4})', octets, re.S)
    lab.expect('applications', [(aid.hex().upper(), label.decode()) for length, aid, label in found if len(aid) == length[0]],
               [('A0000000871002FF49FF0589', 'USIM'), ('A0000000871004FF49FF0589', 'ISIM'),
                ('A0000003431002F310FFFF89020000FF', 'CSIM')])


def walk(files):
    """The tool tries 256 or 4096 identifiers in each directory."""
    places = {'3f00': (['cd 3F00'], '2F00 2FFF'), '3f00/7f10': (['cd 3F00', 'cd 7F10'], '6F00 6FFF')}
    for aid in ('A0000000871002FF49FF0589', 'A0000000871004FF49FF0589'):
        places[f'adf:{aid.lower()}'] = ([f'cd aid:{aid}'], '6F00 6FFF')
    for folder, (way, numbers) in places.items():
        text = explorer(*way, f'find {numbers}')
        found = {name: int(size) for name, size in re.findall(r'\b([0-9A-F]{4})\]?\s+(?:wEF|iEF|DF)\s+(\d+)', text)}
        wanted = children(files, folder)
        lab.expect(f'{folder}: {len(wanted)} files', sorted(found), sorted(wanted))
        lab.expect('their sizes', {n: s for n, s in found.items() if wanted[n] is not None and wanted[n] != s}, {})


def verify_pins():
    """ADM1, and PIN1, which the profile has disabled: enabled, needed, verified, disabled again."""
    pin1 = '30 30 30 30 FF FF FF FF'
    usim, imsi, read = '00 A4 04 0C 07 A0 00 00 00 87 10 02', '00 A4 00 0C 02 6F 07', '00 B0 00 00 09'
    lab.expect('a wrong ADM1', 'Incorrect code, 9 tries left.' in explorer('verify CHV10 "00000000"'), True)
    lab.expect('ADM1', 'Code correct.' in explorer('verify CHV10 "55555555"'), True)
    lab.expect('PIN1 disabled, enabled', [sw for sw, _ in sent(f'00 20 00 01 08 {pin1}', f'00 28 00 01 08 {pin1}')], ['6984', '9000'])
    opensc('--reset')
    lab.expect('EF_IMSI without PIN1', [sw for sw, _ in sent(usim, imsi, read)], ['9000', '9000', '6982'])
    text = explorer('cd aid:A0000000871002FF49FF0589', 'verify CHV1 31:31:31:31:FF:FF:FF:FF', f'verify CHV1 {pin1.replace(" ", ":")}',
                    'cat 6F07')
    lab.expect('EF_IMSI with PIN1', [word in text for word in ('Incorrect code, 2 tries left.', 'Code correct.', '08 09 10 10 10 32 54 76')],
               [True] * 3)
    lab.expect('PIN1 disabled again', [sw for sw, _ in sent(f'00 20 00 01 08 {pin1}', f'00 26 00 01 08 {pin1}', usim, imsi, read)],
               ['9000'] * 5)


def scriptor(lines):
    """The answers of pcsc-tools' script runner: (status word, data)."""
    with tempfile.NamedTemporaryFile('w') as script:
        script.write('\n'.join(lines) + '\n')
        script.flush()
        done = subprocess.run(['scriptor', '-r', 'Virtual PCD 00 00', script.name], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        sys.exit(f'scriptor: {done.stdout}{done.stderr}')
    answers = [''.join(text.split()) for text in re.findall(r'^< ((?:[0-9A-F]{2}\s+)+): ', done.stdout, re.M)]
    return [(answer[-4:], answer[:-4]) for answer in answers]


def spaced(text):
    return ' '.join(re.findall('..', text.upper()))


def commands_of(file):
    """SELECT by path, then all of the content; sizes are those of the package."""
    place, *path = file['path'].split('/')
    select = [f'00 A4 04 0C {len(place[4:]) // 2:02X} {spaced(place[4:])}'] if place.startswith('adf:') else []
    path = ''.join(path)
    select.append(f'00 A4 {9 if select else 8:02X} 0C {len(path) // 2:02X} {spaced(path)}')
    if file['type'] == 'TR':
        size = file['size']
        return select, [f'00 B0 {at >> 8:02X} {at & 255:02X} {min(255, size - at):02X}' for at in range(0, size, 255)]
    return select, [f'00 B2 {n + 1:02X} 04 {file["rec_len"]:02X}' for n in range(file['records'])]


def read_everything(files):
    lines, wanted = ['reset', '00 20 00 0A 08 35 35 35 35 35 35 35 35'], []
    for file in files:
        if file['type'] not in ('TR', 'LF', 'CY') or not file.get('content_sha256'):
            continue
        select, reads = commands_of(file)
        lines += select + reads
        wanted.append((file, len(select), len(reads)))
    answers = scriptor(lines)
    lab.expect('an answer to each command', len(answers), len(lines) - 1)
    closed, at = 0, 1
    for file, selects, reads in wanted:
        lab_answers = answers[at + selects:at + selects + reads]
        if [sw for sw, _ in answers[at:at + selects]] != ['9000'] * selects:
            sys.exit(f'{file["path"]} is not selected: {answers[at:at + selects]}')
        at += selects + reads
        if {sw for sw, _ in lab_answers} == {'6982'}:
            closed += 1
        elif hashlib.sha256(bytes.fromhex(''.join(data for _, data in lab_answers))).hexdigest() != file['content_sha256']:
            sys.exit(f'{file["path"]} has another content: {lab_answers}')
    print(f'{len(wanted)} files read by scriptor, {closed} that not even the administrator may read')


def throughput():
    """Commands per second through the whole of PC/SC, said and not judged: machines differ."""
    count, started = 200, time.monotonic()
    sent(*(['00 A4 00 0C 02 3F 00', '00 A4 00 0C 02 2F E2'] + ['00 B0 00 00 0A'] * count))
    print(f'{count / (time.monotonic() - started):.0f} commands/s through pcscd and vpcd')


def judge():
    lab.expect('ATR', place.wait_for_card(), ATR)
    answers = sent('00 A4 00 0C 02 3F 00', '00 A4 00 0C 02 2F E2', '00 B0 00 00 0A')
    lab.expect('EF_ICCID', answers[-1], ('9000', '98001032547698103214'))
    answers = sent('00 A4 04 0C 07 A0 00 00 00 87 10 02', '00 A4 00 0C 02 6F 07', '00 B0 00 00 09')
    lab.expect('EF_IMSI', answers[-1], ('9000', '080910101032547698'))
    lab.expect('no such application', sent('00 A4 04 00 08 A0 00 00 00 03 00 00 00 00')[-1][0], '6A82')
    list_applications()
    files = expected_files()
    walk(files)
    verify_pins()
    read_everything(files)
    throughput()


def main():
    place.enter('opensc-tool', 'opensc-explorer', 'scriptor')
    with tempfile.TemporaryDirectory() as folder:
        image = lab.make_card(folder, lab.package(PACKAGE))
        log = open(os.path.join(folder, 'log'), 'w')
        started = [place.start_pcscd(log)]
        try:
            started.append(subprocess.Popen([lab.EUICC, 'serve', '--state', image, '--vpcd', place.READERS[0]], stdout=log, stderr=log))
            judge()
            started[1].send_signal(signal.SIGTERM)
            lab.expect('exit code after TERM', started[1].wait(10), 0)
        finally:
            place.stop(started)


main()
