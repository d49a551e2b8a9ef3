"""osprey-smsc as a process: byte-exact both ways, kill -9 in the middle of traffic loses no message that was answered,
and TERM is a clean end."""
import os
import random

from processes import BUILD, Daemon, free_port, scratch
from smpp_peer import Esme

with scratch('smsc') as folder:
    port = free_port()
    config = os.path.join(folder, 'smsc.ini')
    with open(config, 'w') as f:
        f.write(f'[smsc]\nlisten = 127.0.0.1:{port}\n')
    smsc = Daemon([f'{BUILD}/device/smsc/osprey-smsc', '--config', config], os.path.join(folder, 'smsc.log'))
    dice = random.Random(7)
    answered, sent = set(), 0

    with smsc.start(port):
        sr = Esme(port, 'sm-sr', '1234')
        phone = Esme(port, 'device', '4917012345')
        binary = bytes([2, 0x70, 0, 0, 0x10]) + bytes(range(120, 255))
        sr.submit('1234', '4917012345', binary)
        phone.wait(lambda: phone.inbox)
        got = phone.inbox.pop()
        assert (got['data'], got['pid'], got['dcs'], got['esm'], got['from']) == (binary, 0x7F, 0xF6, 0x40, '1234'), got
        phone.submit('4917012345', '+1234', b'PoR')
        sr.wait(lambda: sr.inbox)
        assert sr.inbox[0]['data'] == b'PoR'
        phone.close()

        for _ in range(4):  # traffic for a phone that is away, and a kill somewhere in it
            numbers = {}
            for _ in range(dice.randrange(20, 120)):
                numbers[sr.submit('1234', '4917012345', b'm%06d' % sent)] = sent
                sent += 1
            for _ in range(dice.randrange(0, len(numbers))):
                sr.one()
            smsc.kill()
            sr.sock.settimeout(2)
            try:
                while sr.one():
                    pass
            except OSError:
                pass
            answered |= {numbers[n] for n, (status, _) in sr.answers.items() if n in numbers and status == 0}
            smsc.start(port)
            sr = Esme(port, 'sm-sr', '1234')

        phone = Esme(port, 'device', '4917012345')
        phone.wait(lambda: len({m['data'] for m in phone.inbox}) >= len(answered))
        phone.drain(1)
        came = [int(m['data'][1:]) for m in phone.inbox]
        assert answered <= set(came), f'lost: {sorted(answered - set(came))[:10]}'
        assert sorted(set(came)) == [n for i, n in enumerate(came) if n not in came[:i]], 'out of order'
        smsc.kill()
        smsc.start(port)
        phone = Esme(port, 'device', '4917012345')
        phone.drain(1)
        assert not phone.inbox, 'what was delivered comes again'
        assert smsc.stop() == 0, 'TERM is not a clean end'
        print(f'{sent} sent, {len(answered)} answered, {len(came)} delivered, over 5 kills')
