"""A small SMPP 3.4 ESME of its own making: shares no code with what it tests."""
import socket
import struct

BIND, SUBMIT, DELIVER, UNBIND, ENQUIRE, ANSWER = 9, 4, 5, 6, 0x15, 0x80000000


def text(value):
    return value.encode() + b'\0'


def take_text(body, at):
    end = body.index(b'\0', at)
    return body[at:end].decode(), end + 1


def message_of(body):
    _, at = take_text(body, 0)
    from_ton, from_npi = body[at:at + 2]
    sender, at = take_text(body, at + 2)
    to_ton, to_npi = body[at:at + 2]
    receiver, at = take_text(body, at + 2)
    esm, pid, _ = body[at:at + 3]
    _, at = take_text(body, at + 3)
    _, at = take_text(body, at)
    _, _, dcs, _, length = body[at:at + 5]
    return {'from': sender, 'to': receiver, 'esm': esm, 'pid': pid, 'dcs': dcs, 'data': body[at + 5:at + 5 + length],
            'ton': (from_ton, from_npi, to_ton, to_npi)}


class Esme:
    """Binds as a transceiver for `number`; answers link checks; keeps messages in .inbox."""

    def __init__(self, port, system_id, number, password='', timeout=10, accept=True):
        self.sock = socket.create_connection(('127.0.0.1', port), timeout)
        self.sequence, self.pending, self.inbox, self.answers, self.accept = 0, b'', [], {}, accept
        body = text(system_id) + text(password) + text('') + b'\x34\x01\x01' + text(number)
        sequence = self.send(BIND, body)
        self.wait(lambda: sequence in self.answers)
        self.bind_status = self.answers[sequence][0]

    def send(self, command, body=b'', status=0, sequence=None):
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        self.sock.sendall(struct.pack('>IIII', 16 + len(body), command, status, sequence) + body)
        return sequence

    def submit(self, sender, to, data, esm=0x40, pid=0x7F, dcs=0xF6, validity='', registered=0):
        body = (text('') + b'\x01\x01' + text(sender) + b'\x01\x01' + text(to) + bytes([esm, pid, 0]) + text('') +
                text(validity) + bytes([registered, 0, dcs, 0, len(data)]) + data)
        return self.send(SUBMIT, body)

    def one(self):
        """Takes one PDU; False at the end of the connection."""
        while len(self.pending) < 4 or len(self.pending) < struct.unpack('>I', self.pending[:4])[0]:
            more = self.sock.recv(65536)
            if not more:
                return False
            self.pending += more
        length, command, status, sequence = struct.unpack('>IIII', self.pending[:16])
        body, self.pending = self.pending[16:length], self.pending[length:]
        if command & ANSWER:
            self.answers[sequence] = (status, body)
        elif command == DELIVER:
            if self.accept:
                self.inbox.append(message_of(body))
                self.send(DELIVER | ANSWER, b'\0', sequence=sequence)
            else:
                self.send(DELIVER | ANSWER, b'\0', status=0x64, sequence=sequence)
        elif command in (ENQUIRE, UNBIND):
            self.send(command | ANSWER, sequence=sequence)
        return True

    def wait(self, done):
        while not done():
            if not self.one():
                raise ConnectionError('the SMSC closed')

    def drain(self, seconds):
        """What comes until it is quiet for so long."""
        self.sock.settimeout(seconds)
        try:
            while self.one():
                pass
        except TimeoutError:
            pass
        self.sock.settimeout(10)

    def close(self):
        self.sock.close()
