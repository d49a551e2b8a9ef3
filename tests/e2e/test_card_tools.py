#!/usr/bin/env python3
"""osprey-euicc as people use it: several cards in several readers, the whole image shown, commands written down as text and as a
capture that Wireshark decodes. The readers are sockets of this test, the judge of the capture is tshark."""
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'tools'))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab as labs  # noqa: E402
from card_lab import EUICC, expect, run  # noqa: E402

BUILD = os.environ.get('OSPREY_BUILD', os.path.join(labs.ROOT, 'build'))
K = '8baf473f2f8fd09487cccbd7097c6862'  # of profiles/bootstrap.profile
ICCIDS = ['8999970000000090010', '8999970000000090028']


def make_cards(folder):
    """Two cards of a factory, each with a subscription of its own: their images."""
    lab = labs.Lab(BUILD, folder, https=False)
    lab.make_authorities()
    images = []
    for n, iccid in enumerate(ICCIDS):
        package = lab.build_profile('bootstrap.profile', f'{n}.der', iccid=iccid[:-1], imsi=f'99971000000000{n + 1}')
        eid = lab.make_euicc(package, '882000000001', serial=n + 1)[0]['eid']
        images.append(lab.path('cards', eid, 'card.nvm'))
    return lab, images


class Reader:
    """vpcd's end of a slot: the card connects to it."""

    def __init__(self, port=0):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(('127.0.0.1', port))
        self.listener.listen(1)
        self.listener.settimeout(15)
        self.address = '127.0.0.1:%d' % self.listener.getsockname()[1]

    def power_on(self):
        self.card, _ = self.listener.accept()
        self.card.settimeout(15)
        self.send(b'\x01')
        self.send(b'\x04')
        return self.receive()

    def send(self, message):
        self.card.sendall(struct.pack('>H', len(message)) + message)

    def octets(self, count):
        got = b''
        while len(got) < count:
            piece = self.card.recv(count - len(got))
            if not piece:
                sys.exit('the card left its reader')
            got += piece
        return got

    def receive(self):
        return self.octets(struct.unpack('>H', self.octets(2))[0])

    def apdu(self, command):
        self.send(bytes.fromhex(command))
        return self.receive().hex().upper()


def iccid_of(reader):
    reader.apdu('00A4000C023F00')
    reader.apdu('00A4000C022FE2')
    answer = reader.apdu('00B000000A')
    expect('status word', answer[-4:], '9000')
    return ''.join(answer[i + 1] + answer[i] for i in range(0, 20, 2)).rstrip('F')


def readers_pair():
    """Two readers on ports that follow each other."""
    for _ in range(20):
        first = Reader()
        try:
            return first, Reader(int(first.address.split(':')[1]) + 1)
        except OSError:
            first.listener.close()
    sys.exit('no two free ports in a row')


def serve(what, arguments, readers, trace):
    process = subprocess.Popen([EUICC, 'serve', *arguments, '--trace', trace, '--log', 'error'], stdout=subprocess.DEVNULL)
    try:
        for reader in readers:
            expect('ATR', reader.power_on()[:1], b'\x3b')
        expect(what, sorted(iccid_of(reader) for reader in readers), ICCIDS)
        expect('each again, side by side', sorted(iccid_of(reader) for reader in reversed(readers)), ICCIDS)
    finally:
        process.send_signal(signal.SIGTERM)
        expect('end', process.wait(10), 0)
    lines = open(trace).read().splitlines()
    expect('both cards are in the trace', {line.split()[0] for line in lines}, {'0', '1'})


def several_slots(lab, images):
    readers = [Reader(), Reader()]
    serve('one reader named for each card', [word for image, reader in zip(images, readers) for word in
                                             ('--state', image, '--vpcd', reader.address)], readers, lab.path('trace-named'))
    readers = readers_pair()
    serve('a folder of cards, readers in a row', ['--cards', lab.path('cards'), '--count', '2', '--vpcd', readers[0].address], readers,
          lab.path('trace-folder'))
    done = subprocess.run([EUICC, 'serve', '--cards', lab.path('cards'), '--count', 'x'], capture_output=True, text=True)
    expect('a count that is none', (done.returncode, '--count' in done.stderr), (2, True))
    done = subprocess.run([EUICC, 'serve', '--state', images[0], '--state', images[0], '--log', 'error'], capture_output=True, text=True)
    expect('one image twice', (done.returncode, images[0] in done.stderr), (1, True))


def whole_image(image):
    text = run(EUICC, 'dump', '--state', image, '--log', 'error')
    for want in ('EID ', 'memory ', 'ISD-P ', 'domain ', 'object ', ' network keys ', ' ECASD ', ' secret'):
        if want not in text:
            sys.exit(f'dump does not show {want!r}:\n{text}')
    expect('no key in a dump', K.upper() in text.upper(), False)
    text = run(EUICC, 'dump', '--state', image, '--secrets', 'yes', '--log', 'error')
    expect('unless asked for', K.upper() in text.upper(), True)
    expect('then nothing is left out', '  secret' in text, False)
    tree = run(EUICC, 'fs', '--state', image, '--log', 'error')
    for want in ('3F00 MF', f'EF.ICCID  transparent 10  rule 2F06/11  989979000000000910F0  = {ICCIDS[0]}', '= 999710000000001',
                 '= "Osprey Start"', '└─ 7FF0 ADF.USIM', '   ├─ 6F07 EF.IMSI'):
        if want not in tree:
            sys.exit(f'fs does not show {want!r}:\n{tree}')


def tshark(path, *fields):
    names = [word for field in fields for word in ('-e', field)]
    done = subprocess.run(['tshark', '-r', path, '-T', 'fields', *names], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        sys.exit(f'tshark: {done.stderr}')
    return [line.split('\t') for line in done.stdout.splitlines()]


def captures(lab, image):
    if not shutil.which('tshark'):
        print('without tshark nobody reads the capture')
        return
    path = lab.path('card.pcap')
    for commands in (['00A40004023F00', '00A4000C022FE2', '00B000000A'], ['00A4040007A0000000871002', '002000010831323334FFFFFFFF']):
        run(EUICC, 'apdu', '--state', image, '--pcap', path, '--log', 'error', *commands)
    rows = tshark(path, '_ws.col.Protocol', 'gsm_sim.apdu.ins', 'gsm_sim.apdu.sw')
    expect('all are decoded', {row[0] for row in rows}, {'GSM SIM'})
    expect('all commands and two ATRs', len(rows), 7)
    expect('instructions', [row[1] for row in rows[1:4] + rows[5:]], ['0xa4', '0xa4', '0xb0', '0xa4', '0x20'])
    expect('status words', [row[2] for row in rows[2:4]], ['0x9000', '0x9000'])


def scripts(image):
    """Lines that check themselves, and what is said to who gives something else than a card."""
    def apdu(text, state=image):
        done = subprocess.run([EUICC, 'apdu', '--state', state, '--log', 'error'], input=text, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr
    code, out, _ = apdu('# the MF, a file that is not there\n00A4000C023F00 = 9000\n00A4000C02DEAD = 6Axx\nreset\n')
    expect('a script that is content', (code, len(out.splitlines())), (0, 3))
    code, out, error = apdu('00A4000C023F00 = 6A82\n00A4000C023F00\n')
    expect('one that is not ends there', (code, len(out.splitlines()), error), (1, 1, 'osprey-euicc: 6A82 is wanted\n'))
    expect('no command', apdu('help\n')[2], 'osprey-euicc: help: neither a command in hexadecimal nor "reset" or "quit"\n')
    other = os.path.join(os.path.dirname(image), 'eis.xml')
    expect('no card', apdu('', other)[2], f'osprey-euicc: {other}: no card image\n')


def main():
    with tempfile.TemporaryDirectory(prefix='osprey-cards-') as folder:
        lab, images = make_cards(folder)
        several_slots(lab, images)
        whole_image(images[0])
        captures(lab, images[0])
        scripts(images[0])


main()
