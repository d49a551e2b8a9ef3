"""What a switch and a download cost when the SM-SR knows ten thousand and a million eUICCs (P14)."""
import hashlib
import sqlite3
import time

SIZES = (10 ** 4, 10 ** 6)
ROUNDS = 5
TABLES = ('euicc', 'profile', 'keyset', 'document', 'property')


def scattered(number, digits):
    """A number of so many digits that stands anywhere among the others: keys of a fleet come from many makers."""
    return str(int.from_bytes(hashlib.sha256(str(number).encode()).digest()[:16], 'big'))[-digits:].zfill(digits)


def fill(path, pattern, size):
    """Copies of one eUICC, with an EID, ICCID and MSISDN of their own, until there are so many."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute('PRAGMA synchronous=OFF')
    database.execute('PRAGMA cache_size=-1000000')
    have = database.execute('SELECT count(*) FROM euicc').fetchone()[0]
    rows = []
    for table in TABLES:
        cursor = database.execute(f'SELECT * FROM {table} WHERE eid=?', (pattern,))
        names = [column[0] for column in cursor.description]
        rows += [(table, names, row) for row in cursor.fetchall()]
    database.execute('BEGIN')
    for table, names, row in rows:
        text = f'INSERT INTO {table} ({",".join(names)}) VALUES ({",".join("?" * len(names))})'
        own = {'eid': lambda n: '8900' + scattered(n, 28), 'iccid': lambda n: '89' + scattered(n, 17), 'imsi': lambda n: None,
               'msisdn': lambda n: '88' + scattered(n, 12), 'seen_from': lambda n: '88' + scattered(n, 12)}
        makers = [own.get(name, lambda n, value=value: value) for name, value in zip(names, row)]
        database.executemany(text, ([make(n) for make in makers] for n in range(have, size)))
    database.execute('COMMIT')
    database.close()


def restart(bench, **extra):
    lab = bench.lab
    lab.programs['sm-sr'].stop()
    bench.configure_smsr(**extra)
    lab.start('sm-sr')
    time.sleep(1)


def enables(bench, load, total):
    restart(bench, bearer='sms')
    for number in range(ROUNDS + 1):
        if number:
            total.batch(bench.orders('enable', bench.enabled), bench.devices)
        else:
            load.run(bench.orders('enable', bench.enabled), bench.devices)
        load.run(bench.orders('disable', bench.enabled), bench.devices)
    return total.each('sm-sr')


def downloads(bench, load, total):
    restart(bench)
    load.run(bench.orders('delete', bench.enabled), bench.devices)
    load.run(bench.orders('download', bench.profiles.take(bench.devices)), bench.devices)
    bench.remove(load, bench.profiles.taken)
    bench.enabled = bench.profiles.take(bench.devices)
    total.batch(bench.orders('download', bench.enabled), bench.devices)
    load.run(bench.orders('disable', bench.enabled), bench.devices)
    return total.each('sm-sr', 'sm-dp')


def growth(bench, load, make_sum):
    lab, results = bench.lab, bench.results
    cost = {}
    for size in SIZES:
        lab.programs['sm-sr'].stop()
        fill(lab.path('sm-sr', 'sm-sr.db'), bench.eids[-1], size)
        lab.start('sm-sr')
        cost[size] = enables(bench, load, make_sum()), downloads(bench, load, make_sum())
        for what, used in zip(('enable over SMS', 'download and enable'), cost[size]):
            results.put(f'{what} among {size} eUICCs', used, 'us of CPU')
    few, many = (cost[size] for size in SIZES)
    results.put('enable over SMS: growth from 10^4 to 10^6 eUICCs', many[0] / few[0], 'times the CPU (SQLite)', gate='P14', limit=2.0)
    results.put('download and enable: growth from 10^4 to 10^6 eUICCs', many[1] / few[1], 'times the CPU (SQLite)', gate='P14', limit=1.25)
