#!/usr/bin/env python3
"""An SMSC that is in trouble, and a card that is not there: messages go another way, and commands wait for the card.

The SMSC in trouble is a peer of its own making (it shares no code with what it tests): it binds everybody and refuses
every message as throttled."""
import socket
import struct
import sys
import tempfile
import threading
import time

import ecosystem
from ecosystem import Ecosystem, LabError
from smpp_peer import ANSWER, SUBMIT
from test_poll import replace

THROTTLED = 0x58
BREAKER = 3

ecosystem.needs('osprey-eum', 'osprey-sm-sr', 'osprey-sm-dp', 'osprey-device', 'osprey-smsc')


class Throttler:
    """Accepts connections one after the other; answers everything, submit_sm with ESME_RTHROTTLED."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port, self.refused = self.listener.getsockname()[1], 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            try:
                while self.one(connection.makefile('rwb')):
                    pass
            except (OSError, struct.error):
                pass

    def one(self, stream):
        while True:
            length, command, _, sequence = struct.unpack('>IIII', stream.read(16))
            stream.read(length - 16)
            self.refused += command == SUBMIT
            if not command & ANSWER:
                answer = struct.pack('>IIII', 17, command | ANSWER, THROTTLED if command == SUBMIT else 0, sequence) + b'\0'
                stream.write(answer)
                stream.flush()


def audit(lab, *more):
    return lab.osprey('audit', '--eid', lab.cards[0]['eid'], '--via', 'sm-sr', *more, who='start')


def smsr_log(lab):
    return open(lab.path('logs', 'sm-sr.log')).read()


def a_second_smsc(lab, throttler):
    replace(lab.path('sm-sr.conf'),
            (f'[smsc]\naddress = 127.0.0.1:{lab.port["smsc"]}\n',
             f'[smsc second]\naddress = 127.0.0.1:{lab.port["smsc"]}\nsystem_id = sm-sr\n\n'
             f'[smsc]\naddress = 127.0.0.1:{throttler.port}\nbreaker = {BREAKER}\n'))
    replace(lab.path('smsc.conf'), ('[smsc]\n', '[smsc]\nalert = sm-sr\n'))


def trouble_at_the_first(lab, throttler):
    for number in range(2):
        code, answer, error = audit(lab, '--campaign', 'meters')
        if code or not answer['call_id'].startswith('meters.'):
            raise LabError(f'audit {number}: {answer} {error}')
    if throttler.refused < BREAKER:
        raise LabError(f'the first SMSC was asked {throttler.refused} times')
    if smsr_log(lab).count('(circuit breaker)') != 1:
        raise LabError('the circuit breaker did not open, or not once')
    print(f'the SMSC in trouble was asked {throttler.refused} times, the rest went through the second one', flush=True)


def waits_for_the_card(lab):
    device = lab.cards[0]['device']
    lab.wait('nothing is left to do', lab.idle, 20)
    lab.programs[device].stop()
    replace(lab.path('sm-sr.conf'), (f'oid = {ecosystem.lab.OIDS["start"]}\nkinds = operator\n',
                                     f'oid = {ecosystem.lab.OIDS["start"]}\nkinds = operator\ndelivery = event\n'))
    lab.programs['sm-sr'].stop()
    lab.start('sm-sr')
    sent = smsr_log(lab).count(' by SMS, ')
    asked = lab.osprey_start('audit', '--eid', lab.cards[0]['eid'], '--via', 'sm-sr', '--validity', '30', who='start')
    lab.wait('the command waits', lambda: 'waits for the next network event' in smsr_log(lab), 10)
    time.sleep(3)  # longer than the pause before a repeat
    if smsr_log(lab).count(' by SMS, ') != sent:
        raise LabError('something has left for a card that was not heard of')
    lab.start(device)
    code, answer, error = lab.osprey_end(asked)
    if code:
        raise LabError(f'audit of a card that came back: {answer} {error}')
    print('nothing leaves for a card that is away; when it is back the command goes at once', flush=True)


def main():
    throttler = Throttler()
    with tempfile.TemporaryDirectory(prefix='osprey-delivery-') as folder, Ecosystem(folder, https=False) as lab:
        a_second_smsc(lab, throttler)
        lab.up()
        trouble_at_the_first(lab, throttler)
        waits_for_the_card(lab)
    return 0


if __name__ == '__main__':
    sys.exit(main())
