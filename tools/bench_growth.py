"""What an audit, a switch and a download cost when the SM-SR knows ten thousand, a hundred thousand and a million eUICCs (P14)."""
import hashlib
import sqlite3
import time

SIZES = (10 ** 4, 10 ** 5, 10 ** 6)
ROUNDS = 5
TABLES = ('euicc', 'profile', 'keyset', 'document', 'property')
WHAT = ('enable over SMS', 'audit over SMS', 'download and enable')
LIMITS = {'SQLite': (2.0, None, 1.25), 'PostgreSQL': (1.4, None, 1.25)}  # of the last size against the first; None: no gate


def scattered(number, digits):
    """A number of so many digits that stands anywhere among the others: keys of a fleet come from many makers."""
    return str(int.from_bytes(hashlib.sha256(str(number).encode()).digest()[:16], 'big'))[-digits:].zfill(digits)


class Sqlite:
    """The SM-SR's file, while it is not running."""

    name = 'SQLite'

    def __init__(self, lab):
        self.path = lab.path('sm-sr', 'sm-sr.db')

    def fill(self, pattern, size):
        """Copies of one eUICC, with an EID, ICCID and MSISDN of their own, until there are so many."""
        database = sqlite3.connect(self.path, isolation_level=None)
        database.execute('PRAGMA synchronous=OFF')
        database.execute('PRAGMA cache_size=-1000000')
        have = database.execute('SELECT count(*) FROM euicc').fetchone()[0]
        rows = []
        for table in TABLES:
            cursor = database.execute(f'SELECT * FROM {table} WHERE eid=?', (pattern,))
            names = [column[0] for column in cursor.description]
            rows += [(table, names, row) for row in cursor.fetchall()]
        database.execute('BEGIN')
        own = {'eid': lambda n: '8900' + scattered(n, 28), 'iccid': lambda n: '89' + scattered(n, 17), 'imsi': lambda n: None,
               'msisdn': lambda n: '88' + scattered(n, 12), 'seen_from': lambda n: '88' + scattered(n, 12)}
        for table, names, row in rows:
            text = f'INSERT INTO {table} ({",".join(names)}) VALUES ({",".join("?" * len(names))})'
            makers = [own.get(name, lambda n, value=value: value) for name, value in zip(names, row)]
            database.executemany(text, ([make(n) for make in makers] for n in range(have, size)))
        database.execute('COMMIT')
        database.close()

    def cpu_us(self):
        return 0  # it works inside of the SM-SR


class Postgres:
    """The same in a server of our own (tests/support/postgres_server.py); its processes' CPU counts with the SM-SR's."""

    name = 'PostgreSQL'

    def __init__(self, server, cpu_us_of):
        self.server, self.cpu_us_of = server, cpu_us_of

    @staticmethod
    def digits(count):
        """As scattered(): of a hash, by the server."""
        part = "lpad((('x' || substr(md5(n::text), {}, 14))::bit(56)::bigint)::text, 17, '0')"
        return f"right({part.format(1)} || {part.format(16)}, {count})"

    def fill(self, pattern, size):
        own = {'eid': f"'8900' || {self.digits(28)}", 'iccid': f"'89' || {self.digits(17)}", 'imsi': 'NULL',
               'msisdn': f"'88' || {self.digits(12)}", 'seen_from': f"'88' || {self.digits(12)}"}
        have = int(self.server.ask('smsr', 'SELECT count(*) FROM euicc'))
        for table in TABLES:
            names = self.server.ask('smsr', f"SELECT string_agg(column_name, ',') FROM information_schema.columns WHERE table_name='{table}'"
                                            " AND table_schema='public'").strip().split(',')
            values = ','.join(own.get(name, name) for name in names)
            self.server.sql('smsr', f"INSERT INTO {table} ({','.join(names)}) SELECT {values} FROM {table}, generate_series({have}, {size - 1}) n"
                                    f" WHERE eid='{pattern}'")
        self.server.sql('smsr', 'VACUUM ANALYZE')

    def cpu_us(self):
        return sum(self.cpu_us_of(pid) for pid in self.server.processes())


def restart(bench, **extra):
    lab = bench.lab
    lab.programs['sm-sr'].stop()
    bench.configure_smsr(**extra)
    lab.start('sm-sr')
    time.sleep(1)


def over_sms(bench, load, enable, audit):
    restart(bench, bearer='sms')
    for number in range(ROUNDS + 1):
        if number:
            enable.batch(bench.orders('enable', bench.enabled), bench.devices)
            audit.batch(bench.orders('audit', [''] * bench.devices), bench.devices)
        else:
            load.run(bench.orders('enable', bench.enabled), bench.devices)
        load.run(bench.orders('disable', bench.enabled), bench.devices)


def downloads(bench, load, total):
    restart(bench)
    load.run(bench.orders('delete', bench.enabled), bench.devices)
    load.run(bench.orders('download', bench.profiles.take(bench.devices)), bench.devices)
    bench.remove(load, bench.profiles.taken)
    bench.enabled = bench.profiles.take(bench.devices)
    total.batch(bench.orders('download', bench.enabled), bench.devices)
    load.run(bench.orders('disable', bench.enabled), bench.devices)


def growth(bench, load, store, make_sum):
    lab, results, cost = bench.lab, bench.results, {}
    for size in SIZES:
        lab.programs['sm-sr'].stop()
        store.fill(bench.eids[-1], size)
        lab.start('sm-sr')
        enable, audit, download = make_sum(), make_sum(), make_sum()
        over_sms(bench, load, enable, audit)
        downloads(bench, load, download)
        cost[size] = enable.each('sm-sr', 'store'), audit.each('sm-sr', 'store'), download.each('sm-sr', 'sm-dp', 'store')
        for what, used in zip(WHAT, cost[size]):
            results.put(f'{what} among {size} eUICCs, {store.name}', used, 'us of CPU')
    for what, few, many, limit in zip(WHAT, cost[SIZES[0]], cost[SIZES[-1]], LIMITS[store.name]):
        results.put(f'{what}: growth from 10^4 to 10^6 eUICCs, {store.name}', many / few, 'times the CPU', gate='P14' if limit else None, limit=limit)
