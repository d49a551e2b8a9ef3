"""Kannel, a real ESME, against osprey-smsc: what its HTTP interface sends must arrive as a secured message for a USIM
(PID 7F, DCS F6, header untouched), and what a phone sends must reach it."""
import os
import shutil
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlparse

from processes import BUILD, Daemon, free_port, scratch, skip, wait_for_port
from smpp_peer import Esme

bearerbox = shutil.which('bearerbox') or '/usr/sbin/bearerbox'
smsbox = shutil.which('smsbox') or '/usr/sbin/smsbox'
if not os.path.exists(bearerbox) or not os.path.exists(smsbox):
    skip('kannel is not installed')

received = []


class Service(BaseHTTPRequestHandler):
    def do_GET(self):
        received.append(parse_qs(urlparse(self.path).query, encoding='latin-1'))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


CONFIG = '''
group = core
admin-port = {admin}
admin-password = x
admin-interface = 127.0.0.1
smsbox-port = {box}
smsbox-interface = 127.0.0.1
log-file = {folder}/bearerbox.kannel.log
log-level = 0

group = smsc
smsc = smpp
host = 127.0.0.1
port = {smsc}
transceiver-mode = true
smsc-username = kannel
smsc-password = secret
system-type = ""
address-range = 1234
source-addr-ton = 3
source-addr-npi = 1
dest-addr-ton = 1
dest-addr-npi = 1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
sendsms-port = {http}
sendsms-interface = 127.0.0.1
global-sender = 1234
log-file = {folder}/smsbox.kannel.log

group = sendsms-user
username = u
password = p
max-messages = 5

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "http://127.0.0.1:{service}/?from=%p&to=%P&text=%b"
'''

with scratch('kannel') as folder:
    service = HTTPServer(('127.0.0.1', 0), Service)
    Thread(target=service.serve_forever, daemon=True).start()
    ports = {name: free_port() for name in ('smsc', 'admin', 'box', 'http')}
    with open(f'{folder}/smsc.ini', 'w') as f:
        f.write(f'[smsc]\nlisten = 127.0.0.1:{ports["smsc"]}\n[account kannel]\npassword = secret\n[account device]\n')
    with open(f'{folder}/kannel.conf', 'w') as f:
        f.write(CONFIG.format(folder=folder, service=service.server_port, **ports))
    smsc = Daemon([f'{BUILD}/device/smsc/osprey-smsc', '--config', f'{folder}/smsc.ini'], f'{folder}/smsc.log')
    bear = Daemon([bearerbox, f'{folder}/kannel.conf'], f'{folder}/bearerbox.log')
    box = Daemon([smsbox, f'{folder}/kannel.conf'], f'{folder}/smsbox.log')
    with smsc.start(ports['smsc']), bear.start(ports['box']), box.start(ports['http']):
        phone = Esme(ports['smsc'], 'device', '4917012345')
        assert phone.bind_status == 0
        text = '%00%15%16%01%12%12%00%00%01' + '%AA' * 16
        url = (f'http://127.0.0.1:{ports["http"]}/cgi-bin/sendsms?username=u&password=p&to=4917012345&udh=%02%70%00'
               f'&coding=1&pid=127&mclass=2&alt-dcs=1&text={text}')
        answer = urllib.request.urlopen(url, timeout=10).read()
        phone.wait(lambda: phone.inbox)
        got = phone.inbox.pop()
        expected = bytes.fromhex('027000' + '001516011212000001' + 'AA' * 16)
        assert got['data'] == expected, got['data'].hex()
        assert (got['pid'], got['dcs'], got['esm'] & 0x40) == (0x7F, 0xF6, 0x40), got
        assert got['from'] == '1234', got

        phone.submit('4917012345', '1234', bytes.fromhex('E1054D0101'), esm=0, pid=0, dcs=4)
        end = time.time() + 10
        while not received and time.time() < end:
            time.sleep(0.05)
        assert received, 'Kannel did not hand the message of the phone on'
        assert received[0]['from'][0].endswith('4917012345'), received
        assert received[0]['text'][0].encode('latin-1') == bytes.fromhex('E1054D0101'), received

        # The SMSC goes away and comes back: Kannel binds again by itself, and what waits is sent.
        smsc.kill()
        smsc.start(ports['smsc'])
        urllib.request.urlopen(url, timeout=10).read()
        phone = Esme(ports['smsc'], 'device', '4917012345')
        phone.sock.settimeout(40)
        phone.wait(lambda: phone.inbox)
        assert phone.inbox[0]['data'] == expected
        print(f'both ways, and again after a kill ({answer.decode().strip()})')
        box.stop()
        bear.kill()
