"""A UDP network that is not good: between the device and the SM-SR, with losses, doubles and delays drawn from a seed."""
import random
import select
import socket
import threading
import time


class Relay:
    """Takes datagrams on `port` and carries them to `to`; each sender has a socket of its own on the other side. `to` may be several
    places, and may change: each sender has the next of them for as long as that is there."""

    def __init__(self, to=None, loss=0.0, double=0.0, late_s=0.0, seed=1):
        self.to, self.loss, self.double, self.late_s, self.chance = to, loss, double, late_s, random.Random(seed)
        self.front = udp_socket()
        self.port = self.front.getsockname()[1]
        self.ways = {}  # sender → socket towards the server
        self.places, self.turn = {}, 0  # sender → its place
        self.waiting = []
        self.carried = self.lost = 0
        self.ends = False
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def close(self):
        self.ends = True
        self.thread.join()
        for s in [self.front, *self.ways.values()]:
            s.close()

    def carry(self, sock, to, datagram):
        if self.chance.random() < self.loss:
            self.lost += 1
            return
        self.carried += 1
        for _ in range(2 if self.chance.random() < self.double else 1):
            self.waiting.append((time.time() + self.chance.random() * self.late_s, sock, to, datagram))

    def place(self, sender):
        if not isinstance(self.to, list):
            return self.to
        if self.places.get(sender) not in self.to:
            self.turn += 1
            self.places[sender] = self.to[self.turn % len(self.to)]
        return self.places[sender]

    def take(self, sock):
        datagram, sender = sock.recvfrom(2048)
        if sock is self.front:
            way = self.ways.setdefault(sender, None) or udp_socket()
            self.ways[sender] = way
            self.carry(way, self.place(sender), datagram)
        else:
            self.carry(self.front, next(s for s, way in self.ways.items() if way is sock), datagram)

    def deliver(self):
        now = time.time()
        due, self.waiting = [w for w in self.waiting if w[0] <= now], [w for w in self.waiting if w[0] > now]
        for _, sock, to, datagram in due:
            try:
                sock.sendto(datagram, to)
            except OSError:
                pass  # nobody there: lost, as datagrams are

    def work(self):
        while not self.ends:
            ready, _, _ = select.select([self.front, *self.ways.values()], [], [], 0.005 if self.waiting else 0.05)
            for sock in ready:
                try:
                    self.take(sock)
                except OSError:
                    pass
            self.deliver()


def udp_socket():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('127.0.0.1', 0))
    return s
