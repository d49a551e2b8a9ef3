"""Three PostgreSQL under Patroni and etcd, each on a machine of its own, and HAProxy for whoever uses them."""
import glob
import json
import os
import subprocess
import time
import urllib.request

from machines import Machine

COUNT = 3
NEEDED = ('/usr/bin/patroni', '/usr/bin/etcd', '/usr/sbin/haproxy', '/usr/bin/setpriv', '/usr/lib/python3/dist-packages/etcd/__init__.py')


def missing():
    """What is not installed; empty: nothing."""
    return [path for path in NEEDED if not os.path.exists(path)] + ([] if glob.glob('/usr/lib/postgresql/*/bin') else ['postgresql'])


# By etcd's older interface: with the newer one, Patroni 3.0.2 writes its name over its successor's when it was cut off for longer
# than its lease, and what was committed meanwhile is lost.
PATRONI = '''scope: osprey
name: {name}
restapi: {{listen: '{address}:8008', connect_address: '{address}:8008'}}
etcd: {{hosts: '{etcd}'}}
bootstrap:
  dcs:
    ttl: 10
    loop_wait: 2
    retry_timeout: 3
    synchronous_mode: true
    primary_start_timeout: 0
    master_start_timeout: 0
    postgresql:
      use_pg_rewind: true
      parameters: {{max_connections: 60, wal_keep_size: 256MB, max_wal_size: 256MB, shared_buffers: 64MB, wal_log_hints: 'on'}}
  initdb: [encoding: UTF8, no-locale, auth: trust]
  pg_hba: ['host all all 0.0.0.0/0 trust', 'host replication all 0.0.0.0/0 trust', 'local all all trust']
postgresql:
  listen: '{address}:5432'
  connect_address: '{address}:5432'
  data_dir: {folder}/data
  bin_dir: {bin}
  pgpass: {folder}/pgpass
  authentication:
    superuser: {{username: postgres}}
    replication: {{username: postgres}}
    rewind: {{username: postgres}}
  parameters: {{unix_socket_directories: '{folder}'}}
'''

HAPROXY = '''global
  maxconn 500
defaults
  mode tcp
  timeout connect 2s
  timeout client 30m
  timeout server 30m
  timeout check 2s
listen primary
  bind 127.0.0.1:5000
  option httpchk GET /primary
  http-check expect status 200
  default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
'''


class Patroni:
    def __init__(self, folder):
        self.bin = sorted(glob.glob('/usr/lib/postgresql/*/bin'))[-1]
        self.machines = [Machine(f'db{n}', 10 + n, folder) for n in range(1, COUNT + 1)]
        self.etcd = ','.join(f'{m.address}:2379' for m in self.machines)

    def start(self, machine):
        peers = ','.join(f'{m.name}=http://{m.address}:2380' for m in self.machines)
        old = os.path.exists(os.path.join(machine.folder, 'etcd'))
        machine.start('etcd', '/usr/bin/etcd', '--name', machine.name, '--data-dir', os.path.join(machine.folder, 'etcd'),
                      '--initial-advertise-peer-urls', f'http://{machine.address}:2380', '--listen-peer-urls', f'http://{machine.address}:2380',
                      '--listen-client-urls', f'http://{machine.address}:2379', '--advertise-client-urls', f'http://{machine.address}:2379',
                      '--initial-cluster', peers, '--initial-cluster-state', 'existing' if old else 'new', '--initial-cluster-token', 'osprey',
                      '--heartbeat-interval', '200', '--election-timeout', '2000', '--logger', 'zap', '--enable-v2', postgres=True)
        path = machine.write('patroni.yml', PATRONI.format(name=machine.name, address=machine.address, etcd=self.etcd, bin=self.bin,
                                                            folder=machine.folder))
        machine.start('patroni', '/usr/bin/python3', '/usr/bin/patroni', path, postgres=True)

    def start_all(self):
        for machine in self.machines:
            self.start(machine)

    def role(self, machine):
        """'primary', 'sync_standby', 'replica', or None when it does not answer."""
        try:
            said = json.load(urllib.request.urlopen(f'http://{machine.address}:8008/patroni', timeout=1))
        except urllib.error.HTTPError as e:
            said = json.load(e)
        except OSError:
            return None
        if said.get('state') != 'running':
            return None
        if said.get('role') in ('master', 'primary'):
            return 'primary'
        return 'sync_standby' if said.get('sync_standby') else 'replica'

    def primary(self):
        return next((m for m in self.machines if self.role(m) == 'primary'), None)

    def whole(self):
        """All three run, and one of them has every commit that the primary acknowledged."""
        roles = sorted(str(self.role(m)) for m in self.machines)
        return roles == ['primary', 'replica', 'sync_standby']

    def wait(self, what, check, seconds):
        until = time.time() + seconds
        while time.time() < until:
            found = check()
            if found:
                return found
            time.sleep(0.3)
        raise TimeoutError(f'{what}: not within {seconds} s; {[(m.name, self.role(m)) for m in self.machines]}')

    def proxy(self, machine):
        """HAProxy on that machine: postgresql://postgres@127.0.0.1:5000 there is the primary, wherever it is."""
        servers = ''.join(f'  server {m.name} {m.address}:5432 check port 8008\n' for m in self.machines)
        machine.start('haproxy', '/usr/sbin/haproxy', '-db', '-f', machine.write('haproxy.cfg', HAPROXY + servers))

    def ask(self, database, text):
        primary = self.wait('a primary', self.primary, 60)
        return subprocess.run([f'{self.bin}/psql', '-qAtX', '-v', 'ON_ERROR_STOP=1', '-d',
                               f'postgresql://postgres@{primary.address}/{database}', '-c', text], check=True, capture_output=True, text=True).stdout
