#!/usr/bin/env python3
"""osmo-hlr in the place of osprey-hlr: the device attaches with the bootstrap profile's keys, and the sequence numbers are
synchronised when the card is ahead of the network."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get('OSPREY_SOURCE', '.'), 'tools'))
from lab import Lab, LabError, write  # noqa: E402

SKIPPED = 77
K, OPC, IMSI, MSISDN = '8BAF473F2F8FD09487CCCBD7097C6862', '8E27B6AF0E692E750F32667A3B14605D', '999710000000001', '882000000001'


def read_prompt(conn):
    seen = b''
    while not seen.rstrip().endswith((b'>', b'#')):
        piece = conn.recv(4096)
        if not piece:
            break
        seen += piece
    return seen.decode(errors='replace')


def vty(port, lines):
    """Says each line when the prompt is there; returns all that was answered."""
    with socket.create_connection(('127.0.0.1', port)) as conn:
        conn.settimeout(5)
        seen = read_prompt(conn)
        for line in ['enable'] + lines:
            conn.sendall(line.encode() + b'\r\n')
            seen += read_prompt(conn)
    return seen


def start_osmo(lab):
    vty_port = 4258
    write(lab.path('osmo-hlr.cfg'), f'line vty\n bind 127.0.0.1\nhlr\n gsup\n  bind ip 127.0.0.1\n'
          f' database {lab.path("osmo-hlr.db")}\n')
    process = subprocess.Popen(['osmo-hlr', '-c', lab.path('osmo-hlr.cfg'), '-l', lab.path('osmo-hlr.db')],
                               stdout=open(lab.path('logs', 'osmo-hlr.log'), 'w'), stderr=subprocess.STDOUT, cwd=lab.out)
    def ready():
        try:
            socket.create_connection(('127.0.0.1', vty_port), 0.2).close()
            return True
        except OSError:
            return False
    lab.wait('osmo-hlr', ready, 10)
    return process, vty_port


def accepted(lab, count):
    return len([e for e in lab.events() if e['event'] == 'attach' and e['accepted']]) >= count


def main():
    if not shutil.which('osmo-hlr'):
        print('osmo-hlr is not installed')
        return SKIPPED
    if not os.environ.get('OSPREY_OWN_NETWORK'): # its ports are fixed: a network of our own
        inside = ['sh', '-c', 'ip link set lo up && exec "$0" "$@"', sys.executable, os.path.abspath(__file__)]
        if subprocess.run(['unshare', '-n', 'true'], stderr=subprocess.DEVNULL).returncode:
            print('no network namespace can be made (not root)')
            return SKIPPED
        return subprocess.run(['unshare', '-n'] + inside, env=dict(os.environ, OSPREY_OWN_NETWORK='1')).returncode
    out = tempfile.mkdtemp(prefix='osprey-osmo-')
    lab = Lab(os.environ['OSPREY_BUILD'], out, https=False)
    lab.port['hlr'] = 4222  # osmo-hlr has no option for its GSUP port
    osmo = None
    try:
        lab.make_authorities()
        bootstrap = lab.build_profile('bootstrap.profile', 'bootstrap.der', imsi=IMSI, k=K, opc=OPC)
        eid = lab.make_euicc(bootstrap, MSISDN)[0]['eid']
        lab.configure_network()
        lab.configure_device(eid)
        osmo, port = start_osmo(lab)
        answer = vty(port, [f'subscriber imsi {IMSI} create', f'subscriber imsi {IMSI} update aud3g milenage k {K} opc {OPC}',
                            f'subscriber imsi {IMSI} update msisdn {MSISDN}'])
        assert 'Created subscriber' in answer, answer
        lab.start('smsc')
        lab.start('device')
        lab.wait('attach at osmo-hlr', lambda: accepted(lab, 1), 15)
        lab.programs['device'].stop()
        # the network forgets where it was: the card answers with AUTS and osmo-hlr follows
        vty(port, [f'subscriber imsi {IMSI} update aud3g milenage k {K} opc {OPC}'])
        lab.start('device')
        lab.wait('attach after resynchronisation', lambda: accepted(lab, 2), 15)
        assert 'DC0E' in open(lab.path('card.apdu')).read(), 'the card was expected to ask for synchronisation'
        assert f'as {MSISDN}' in open(lab.path('logs', 'device.log')).read(), 'the MSISDN comes from osmo-hlr'
        print('osmo-hlr: attached, resynchronised, MSISDN taken over')
        return 0
    except (LabError, AssertionError) as error:
        print(f'{error}')
        return 1
    finally:
        lab.stop_all()
        if osmo:
            osmo.terminate()
            osmo.wait()
        os.environ.get("KEEP") or shutil.rmtree(out, ignore_errors=True)


sys.exit(main())
