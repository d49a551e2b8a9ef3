#!/usr/bin/env python3
"""A program that knows nothing of us drives the device: gammu, over AT commands on the pseudo terminal; and a few commands by
hand. The subscription is on a card of the factory, the network is the lab's."""
import os
import select
import shutil
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'tools'))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab as labs  # noqa: E402
from card_lab import SKIPPED, expect  # noqa: E402
import smpp_peer  # noqa: E402

BUILD = os.environ.get('OSPREY_BUILD', os.path.join(labs.ROOT, 'build'))
HOME = labs.Subscriber('999710000000001', '882000000001', 'milenage', '8BAF473F2F8FD09487CCCBD7097C6862', '8E27B6AF0E692E750F32667A3B14605D')
PIN, IMEI = '0000', '350000000000006'


class Port:
    """A serial port as a terminal program uses it."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        mode = termios.tcgetattr(self.fd)
        mode[0] = mode[1] = mode[3] = 0
        termios.tcsetattr(self.fd, termios.TCSANOW, mode)

    def read_until(self, ends, seconds=5):
        text, deadline = '', time.time() + seconds
        while time.time() < deadline:
            if select.select([self.fd], [], [], 0.1)[0]:
                text += os.read(self.fd, 4096).decode('ascii')
            if any(end in text for end in ends):
                return text
        sys.exit(f'no answer within {seconds} s: {text!r}')

    def command(self, text, end='\r'):
        """The lines of the answer."""
        os.write(self.fd, (text + end).encode())
        lines = self.read_until(('\r\nOK\r\n', 'ERROR', '\r\n> ')).split('\r\n')
        return [line for line in lines if line and line.strip() != text]

    def close(self):
        os.close(self.fd)


def gammu(lab, *arguments, fails=False):
    code, out, error = labs.run(['gammu', '-c', lab.path('gammurc'), *arguments], check=False, timeout=60)
    if (code != 0) != fails:
        sys.exit(f'gammu {" ".join(arguments)}: exit code {code}\n{out}{error}')
    return out + error


def make_lab(folder):
    lab = labs.Lab(BUILD, folder, https=False)
    lab.make_authorities()
    lab.subscribers = [HOME]
    package = lab.build_profile('bootstrap.profile', 'bootstrap.der', imsi=HOME.imsi)
    eid = lab.make_euicc(package, HOME.msisdn)[0]['eid']
    lab.configure_network()
    path = lab.configure_device(eid)
    with open(path, 'a') as out:
        out.write('\n[at]\npty = modem\n')
    labs.write(path, open(path).read().replace('[lab]\n', '[lab]\npcap = card.pcap\n'))
    labs.write(lab.path('gammurc'), f'[gammu]\ndevice = {lab.path("modem")}\nconnection = at\nuse_locking = no\n')
    for name in ('smsc', 'hlr', 'device'):
        lab.start(name)
    return lab


def by_hand(lab):
    port = Port(lab.path('modem'))
    expect('AT', port.command('AT'), ['OK'])
    expect('CMEE', port.command('AT+CMEE=1'), ['OK'])
    deadline = time.time() + 20
    while port.command('AT+CEREG?')[0] not in ('+CEREG: 0,1', '+CEREG: 0,5'):
        if time.time() > deadline:
            sys.exit('the device does not register')
        time.sleep(0.1)
    expect('CIMI', port.command('AT+CIMI'), [HOME.imsi, 'OK'])
    expect('CNUM', port.command('AT+CNUM'), [f'+CNUM: ,"+{HOME.msisdn}",145', 'OK'])
    expect('CSIM selects the MF', port.command('AT+CSIM=14,"00A4000C023F00"'), ['+CSIM: 4,"9000"', 'OK'])
    expect('CRSM reads EF.IMSI', port.command('AT+CRSM=176,28423,0,0,9'), ['+CRSM: 144,0,"089999170000000010"', 'OK'])
    channel = port.command('AT+CCHO="A0000005591010FFFFFFFF8900000100"')
    expect('CCHO opens the ISD-R', channel, ['+CCHO: 1', 'OK'])
    answer = port.command('AT+CGLA=1,10,"80CA00E000"')[0]
    if not answer.startswith('+CGLA: '):
        sys.exit(f'CGLA: {answer}')
    expect('CCHC', port.command('AT+CCHC=1'), ['OK'])
    expect('no such channel', port.command('AT+CCHC=1'), ['+CME ERROR: 21'])
    expect('no such application', port.command('AT+CCHO="A000000003000000"'), ['+CME ERROR: 22'])
    expect('PIN is switched on', port.command(f'AT+CLCK="SC",1,"{PIN}"'), ['OK'])
    expect('PIN status', port.command('AT+CLCK="SC",2'), ['+CLCK: 1', 'OK'])
    expect('reset', port.command('AT+CFUN=1,1'), ['OK'])
    expect('PIN is asked for', port.command('AT+CPIN?'), ['+CPIN: SIM PIN', 'OK'])
    expect('no IMSI without it', port.command('AT+CIMI'), ['+CME ERROR: 11'])
    expect('a wrong one', port.command('AT+CPIN="9999"'), ['+CME ERROR: 16'])
    port.close()


def with_gammu(lab):
    text = gammu(lab, 'identify')
    for want in ('Osprey', 'osprey-device', IMEI):
        if want not in text:
            sys.exit(f'gammu identify does not say {want}:\n{text}')
    expect('gammu asks for the PIN', 'PIN' in gammu(lab, 'getsecuritystatus'), True)
    gammu(lab, 'entersecuritycode', 'PIN', PIN)
    expect('gammu finds it entered', 'Nothing to enter' in gammu(lab, 'getsecuritystatus'), True)
    lab.wait('attach after the PIN', lambda: len([e for e in lab.events() if e['event'] == 'attach' and e['accepted']]) >= 2, 20)
    text = gammu(lab, 'identify')
    expect('gammu reads the IMSI', HOME.imsi in text, True)
    text = gammu(lab, 'networkinfo')
    expect('gammu sees the network', '00101' in text.replace(' ', '') and 'network' in text, True)
    lab.wait('the SMSC knows the device', lambda: 'bound at the SMSC' in open(lab.path('logs', 'device.log')).read(), 10)
    gammu(lab, 'sendsms', 'TEXT', '+' + HOME.msisdn, '-text', 'Hello from gammu')
    messages_of(lab, 'Hello from gammu')


def messages_of(lab, text):
    deadline = time.time() + 15
    while text not in (found := gammu(lab, 'getallsms')):
        if time.time() > deadline:
            sys.exit(f'{text!r} does not arrive:\n{found}')
        time.sleep(0.3)
    print(f'gammu reads {text!r}')


def with_a_peer(lab):
    """Somebody else at the SMSC, who has text as SMPP carries it: a character an octet."""
    friend = smpp_peer.Esme(lab.port['smsc'], 'friend', '882000000002')
    friend.submit('882000000002', HOME.msisdn, b'Seven76', esm=0, pid=0, dcs=0)
    friend.drain(1)
    messages_of(lab, 'Seven76')
    gammu(lab, 'sendsms', 'TEXT', '+882000000002', '-text', 'Answers')
    friend.wait(lambda: friend.inbox)
    expect('the answer at the peer', (friend.inbox[0]['data'], friend.inbox[0]['from']), (b'Answers', HOME.msisdn))
    friend.close()


def in_text_mode(lab):
    """A terminal program and a person: text in, text out, kept on the card."""
    port = Port(lab.path('modem'))
    expect('text mode', port.command('ATE0;+CMGF=1;+CSCS="IRA"'), ['OK'])
    expect('+CPMS has the card', port.command('AT+CPMS="SM","SM","SM"')[-1], 'OK')
    expect('nothing is left', port.command('AT+CMGD=1,4'), ['OK'])
    expect('+CMGS asks for the text', port.command(f'AT+CMGS="+{HOME.msisdn}"')[-1], '> ')
    expect('sent', port.command('See [you] @ 5_pm', end='\x1a')[-1], 'OK')
    deadline = time.time() + 15
    while 'See [you] @ 5_pm' not in (lines := port.command('AT+CMGL="ALL"')):
        if time.time() > deadline:
            sys.exit(f'the text does not arrive: {lines}')
        time.sleep(0.2)
    expect('from ourselves', lines[0].replace('+8', '8').startswith(f'+CMGL: 1,"REC UNREAD","{HOME.msisdn}",,"'), True)
    expect('it is in EF_SMS', port.command('AT+CRSM=178,28476,1,4,176')[0].startswith('+CRSM: 144,0,"0100'), True)
    port.close()


def captured(lab):
    """What the device wrote down for Wireshark."""
    if not shutil.which('tshark'):
        return
    _, text, _ = labs.run(['tshark', '-r', lab.path('card.pcap')])
    for want in ('TERMINAL PROFILE', 'FETCH', 'TERMINAL RESPONSE', 'AUTHENTICATE', 'VERIFY'):
        if want not in text:
            sys.exit(f'no {want} in the capture:\n{text[-2000:]}')
    print('tshark reads the capture')


def main():
    if not shutil.which('gammu'):
        print('skipped: gammu is not installed')
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory(prefix='osprey-at-') as folder:
        lab = make_lab(folder)
        try:
            by_hand(lab)
            with_gammu(lab)
            with_a_peer(lab)
            in_text_mode(lab)
            expect('the device ends well', lab.programs['device'].stop(), 0)
            captured(lab)
            expect('the port is gone', os.path.lexists(lab.path('modem')), False)
        finally:
            lab.stop_all()


main()
