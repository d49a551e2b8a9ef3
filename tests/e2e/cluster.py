"""SM-SRs and SM-DPs on one PostgreSQL, behind a TCP balancer: an ecosystem whose servers are several processes."""
import asyncio
import threading
import time

from ecosystem import Ecosystem, LabError, lab

ROLES = {'sm-sr': ('sr', 'scp81'), 'sm-dp': ('dp',)}


class Balancer:
    """Takes connections on some ports and gives each to the next process that takes it."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.next = 0

    def listen(self, host, port, backends):
        """backends: a list of (host, port); it may change."""
        async def start():
            await asyncio.start_server(lambda r, w: self.join(r, w, backends), host, port)
        asyncio.run_coroutine_threadsafe(start(), self.loop).result(10)

    async def join(self, reader, writer, backends):
        for _ in range(len(backends)):
            self.next += 1
            try:
                there = await asyncio.wait_for(asyncio.open_connection(*backends[self.next % len(backends)]), 1)
            except (OSError, asyncio.TimeoutError):
                continue
            await asyncio.gather(self.carry(reader, there[1]), self.carry(there[0], writer))
            return
        writer.close()

    async def carry(self, reader, writer):
        try:
            while octets := await reader.read(65536):
                writer.write(octets)
                await writer.drain()
        except OSError:
            pass
        writer.close()


class Cluster(Ecosystem):
    """nodes: how many of each server. databases: postgresql://… without a name, one for each node."""

    def __init__(self, out, postgres, databases=None, nodes=2, **more):
        super().__init__(out, postgres=databases[0] if databases else postgres.url, trace=False, **more)
        self.server, self.nodes = postgres, nodes
        self.databases = databases or [postgres.url] * nodes
        self.balancer = Balancer()
        for role, names in ROLES.items():
            if role == 'sm-sr' and self.cat_tp is not None:
                names += ('cat_tp',)  # UDP: what stands before the processes is the caller's
            ports = [lab.free_ports(len(names)) for _ in range(nodes)]
            self.port.update({f'{name}-{n}': ports[n][i] for n in range(nodes) for i, name in enumerate(names)})
            for n in range(nodes):
                self.node_config(role, names, n, ports[n])
            for i, name in enumerate(ROLES[role]):
                self.balance(self.port[name], [('127.0.0.1', own[i]) for own in ports])

    def balance(self, port, backends):
        self.balancer.listen('127.0.0.1', port, backends)

    def node_config(self, role, names, n, ports):
        text = open(self.path(f'{role}.conf')).read()
        for name, port in zip(names, ports):
            text = text.replace(f'\nlisten = 127.0.0.1:{self.port[name]}\n', f'\nlisten = 127.0.0.1:{port}\n')
        text = text.replace(f'logs/{role}.log', f'logs/{role}-{n}.log').replace('\ndatabase = ', f'\nnode = {role}-{n}\ndatabase = ', 1)
        lab.write(self.path(f'{role}-{n}.conf'), text.replace(self.databases[0], self.databases[n]))

    def start_node(self, role, n):
        name = f'{role}-{n}'
        if name not in self.programs:
            self.programs[name] = lab.Program(name, [self.program(f'osprey-{role}'), '--config', self.path(f'{name}.conf')],
                                              self.path('logs', f'{name}.out'))
        self.programs[name].start()

    def start_servers(self):
        self.start('smsc')
        for n in range(self.nodes):
            self.start_node('sm-dp', n)
        self.start('hlr')
        for n in range(self.nodes):
            self.start_node('sm-sr', n)

    def rows(self, file, query, *values):
        database = {'sm-sr/sm-sr.db': 'smsr', 'sm-dp/sm-dp.db': 'smdp'}.get(file)
        if not database:
            return super().rows(file, query, *values)
        for value in values:
            query = query.replace('?', f"'{value}'" if isinstance(value, str) else str(value), 1)
        return [tuple(int(c) if c.lstrip('-').isdigit() and len(c) < 19 else c for c in line.split('|'))
                for line in self.server.ask(database, query).splitlines()]


class Caller(threading.Thread):
    """The operator's calls for one eUICC, one after the other. A call without answer is made again, with its identifier."""

    def __init__(self, cluster, eid, iccid, until, pause_s=0):
        super().__init__()
        self.pause_s = pause_s
        self.lab, self.eid, self.iccid, self.until = cluster, eid, iccid, until
        self.answered, self.tries, self.longest_s, self.failure = [], 0, 0, None
        self.longest = ''  # that call: when it began, and what each try got after how long
        self.ended = []

    def run(self):
        try:
            while time.time() < self.until or len(self.answered) % 2:
                self.one('disable' if len(self.answered) % 2 else 'enable')
                time.sleep(self.pause_s)
        except LabError as e:
            self.failure = str(e)

    def one(self, operation):
        call, began = f'{self.eid[-4:]}-{len(self.answered)}', time.time()
        words = ['profile', operation, '--eid', self.eid, '--iccid', self.iccid, '--call-id', call, '--timeout', '30']
        tries = []
        while True:
            self.tries += 1
            asked = time.time()
            code, answer, err = self.lab.osprey(*words)
            tries.append(f'{time.time() - asked:.1f} s: {code} {answer.get("status", "no answer")}')
            if code in (0, 3, 4, 5) and 'status' in answer:
                break
            if time.time() > began + 90:
                raise LabError(f'{operation} {call}: no answer in 90 s: {answer} {err}')
            time.sleep(0.2)
        if answer['status'] != 'EXECUTED_SUCCESS':
            raise LabError(f'{operation} {call}: {answer}')
        if time.time() - began > self.longest_s:
            self.longest_s = time.time() - began
            self.longest = f'{operation} {call} at {time.strftime("%H:%M:%S", time.gmtime(began))}: {", ".join(tries)}'
        self.answered.append(operation)
        self.ended.append(time.time())


def callers(cluster, seconds, pause_s=0):
    """One for each card, started."""
    until = time.time() + seconds
    threads = [Caller(cluster, card['eid'], cluster.profiles[n]['iccid'], until, pause_s) for n, card in enumerate(cluster.cards)]
    for thread in threads:
        thread.start()
    return threads


def left(cluster):
    """What is still to be done or sent."""
    outbox = 'SELECT id, line, kind, ref, destination, due_ms, attempt, leased FROM outbox'
    return {'now_ms': int(time.time() * 1000), 'operations': cluster.smsr_rows('SELECT eid, procedure, step FROM operation'),
            'exchanges': cluster.smsr_rows('SELECT eid, n, purpose, state, tries, next_ms FROM exchange'), 'outbox': cluster.smsr_rows(outbox),
            'jobs': cluster.smdp_rows('SELECT id, eid FROM job'), 'outbox of the SM-DP': cluster.smdp_rows(outbox),
            'nodes': cluster.smsr_rows('SELECT number, name, alive FROM osprey_node')}


def count(cluster, threads):
    """What was asked, answered and executed: (calls, tries). Each call was executed once."""
    for thread in threads:
        thread.join()
    failures = [t.failure for t in threads if t.failure]
    if failures:
        raise LabError('; '.join(failures))
    try:
        cluster.wait('quiet', cluster.idle, 60)
    except LabError as e:
        raise LabError(f'{e}; {left(cluster)}')
    for n, thread in enumerate(threads):
        card, eis = cluster.card_now(thread.eid), cluster.eis_now(thread.eid)
        if card != eis:
            raise LabError(f'card and EIS differ:\n  {card}\n  {eis}')
        switches = executed(cluster, thread.eid)
        if switches != len(thread.answered):
            raise LabError(f'{thread.eid}: {len(thread.answered)} calls were answered, {switches} were executed')
    return sum(len(t.answered) for t in threads), sum(t.tries for t in threads)


def executed(cluster, eid):
    """Successful switches that the audit trail has on record, asked for by somebody."""
    return cluster.smsr_rows("SELECT count(*) FROM audit WHERE eid=? AND requester IS NOT NULL AND exec=0 AND operation IN (512, 768)", eid)[0][0]
