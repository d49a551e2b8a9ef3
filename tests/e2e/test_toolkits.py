#!/usr/bin/env python3
"""Clients that foreign toolkits make from our own WSDL (gSOAP's in C, zeep in Python) do an operator's work against the
running servers: GetEIS, DownloadProfile, EnableProfile, with the callbacks; the documents come from `?wsdl`."""
import datetime
import http.server
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request

import ecosystem
import soap_peer
from ecosystem import Ecosystem, LabError

HERE = os.path.dirname(os.path.abspath(__file__))
OIDS = ecosystem.lab.OIDS
SERVICE, MNO = '/esim-messaging/3/ES2/ES2SmDpService', '/esim-messaging/3/ES2/ES2MnoService'
NS = '{http://namespaces.gsma.org/esim-messaging/3}'


def fetch(url, identity):
    with urllib.request.urlopen(url, context=soap_peer.context(identity), timeout=20) as answer:
        return answer.read()


def get_wsdls(lab, identity):
    """Every service of both servers, and the operator's own, as the SM-DP describes it."""
    for url, what in ((lab.url('dp') + SERVICE, 'dp.wsdl'), (lab.url('sr') + '/esim-messaging/3/ES4/ES4SmSrService', 'sr.wsdl'),
                      (lab.url('dp') + '/esim-messaging/3/ES3/ES3SmDpService', 'dp-es3.wsdl')):
        with open(lab.path(what), 'wb') as f:
            f.write(fetch(url + '?wsdl', identity))
    try:
        fetch(lab.url('dp') + '/nowhere?wsdl', identity)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
    else:
        raise LabError('a WSDL where no service is')
    lab.tool('osprey-wsdl', lab.path('wsdl'), lab.url('operator'))


# -- gSOAP -------------------------------------------------------------------------------------------------------------
def compile_gsoap(lab):
    """The generated client as a program; its folder."""
    folder = lab.path('gsoap')
    os.makedirs(folder)
    run = lambda *words: subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    run('wsdl2h', '-c', '-o', 'rps.h', lab.path('dp.wsdl'), lab.path('wsdl', 'ES2MnoService.wsdl'))
    with open(os.path.join(folder, 'rps.h')) as f:
        header = f.read()
    with open(os.path.join(folder, 'rps.h'), 'w') as f:
        f.write(header.replace('#import "soap12.h"', '#import "soap12.h"\n#import "wsa5.h"', 1))
    run('soapcpp2', '-c', '-2', '-C', '-L', '-w', '-x', '-I/usr/share/gsoap/import:/usr/share/gsoap', 'rps.h')
    run('cc', '-w', '-O0', '-DWITH_IPV6', '-DWITH_OPENSSL', '-DWITH_GZIP', '-DWITH_DOM', '-I.', '-o', 'client', 'soapC.c', 'soapClient.c',
        os.path.join(HERE, 'gsoap_client.c'), '-lgsoapssl', '-lssl', '-lcrypto', '-lz')
    return folder


def with_gsoap(lab, identity, eid, iccid):
    folder = compile_gsoap(lab)
    pem = os.path.join(folder, 'identity.pem')
    with open(pem, 'w') as f:
        for part in identity:
            f.write(open(part).read())
    done = subprocess.run([os.path.join(folder, 'client'), lab.url('dp') + SERVICE, pem, lab.path('operator', 'ci.pem'), OIDS['operator'],
                           OIDS['sm-dp'], OIDS['sm-sr'], str(lab.port['operator']), eid, iccid], capture_output=True, text=True, timeout=150)
    print(done.stdout, end='')
    if done.returncode:
        raise LabError(f'the gSOAP client ends with {done.returncode}: {done.stdout} {done.stderr}')


# -- zeep --------------------------------------------------------------------------------------------------------------
class Callbacks:
    """The operator's endpoint: what is POSTed is kept, and acknowledged."""

    def __init__(self, port, identity, ca):
        self.got, self.came = [], threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                with outer.came:
                    outer.got.append(body)
                    outer.came.notify_all()
                self.send_response(202)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *_):
                pass
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*identity)
        tls.load_verify_locations(ca)
        tls.verify_mode = ssl.CERT_REQUIRED
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', port), Handler)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, name, seconds=120):
        """The body's element of the first message of that name."""
        from lxml import etree
        with self.came:
            while True:
                for message in self.got:
                    found = etree.fromstring(message).find(f'.//{NS}{name}')
                    if found is not None:
                        return found
                if not self.came.wait(seconds):
                    raise LabError(f'no {name} came')

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def zeep_client(lab, identity, wsdl, plugins):
    import requests
    import urllib3
    import zeep
    urllib3.disable_warnings()
    session = requests.Session()
    session.cert, session.verify, session.trust_env = identity, False, False
    client = zeep.Client(lab.path(wsdl), transport=zeep.Transport(session=session, timeout=60, operation_timeout=60), plugins=plugins)
    return client


def addressing(lab):
    """WS-Addressing as SGP.02 wants it, as a plugin."""
    from lxml import etree
    from zeep import Plugin
    wsa = '{http://www.w3.org/2005/08/addressing}'

    class Header(Plugin):
        count = 0

        def egress(self, envelope, http_headers, operation, binding_options):
            Header.count += 1
            header = envelope.find('{http://www.w3.org/2003/05/soap-envelope}Header')
            if header is None:
                header = etree.Element('{http://www.w3.org/2003/05/soap-envelope}Header')
                envelope.insert(0, header)
            for old in list(header):
                header.remove(old)
            own, to = lab.url('operator') + MNO, binding_options['address']
            for name, value in (('From', f'{own}?EntityId={OIDS["operator"]}'), ('To', f'{to}?EntityId={OIDS["sm-dp"]}'),
                                ('MessageID', f'//{OIDS["operator"]}/zeep-{Header.count}?TransactionId=z{Header.count}'
                                              f'?MessageDate={datetime.datetime.utcnow():%Y-%m-%dT%H:%M:%SZ}'),
                                ('Action', operation.soapaction)):
                element = etree.SubElement(header, wsa + name)
                (etree.SubElement(element, wsa + 'Address') if name == 'From' else element).text = value
            return envelope, http_headers
    return Header()


def status_of(response):
    return response.Status if response.StatusCodeData is None else \
        f'{response.Status} {response.StatusCodeData.Subject}/{response.StatusCodeData.Reason}'


def must(what, is_, wanted='EXECUTED_SUCCESS'):
    print(f'{what}: {is_}')
    if is_ != wanted:
        raise LabError(f'{what}: {is_}, not {wanted}')


def with_zeep(lab, identity, eid, iccid, other):
    """The second profile: downloaded, enabled, its policy rules set."""
    client = zeep_client(lab, identity, 'dp.wsdl', [addressing(lab)])
    smsr = OIDS['sm-sr']
    callbacks = Callbacks(lab.port['operator'], identity, lab.path('operator', 'ci.pem'))
    parse = lambda name: client.get_element(NS + name).parse(callbacks.wait(name), client.wsdl.types)
    try:
        eis = client.service.GetEIS(FunctionCallIdentifier='zeep-1', Eid=eid, **{'Smsr-id': smsr})
        must('zeep GetEIS', status_of(eis.FunctionExecutionStatus))
        if [p['Iccid'] for p in eis.Eis.ProfileInfo] != [other]:
            raise LabError(f'zeep reads another EIS: {eis.Eis.ProfileInfo}')
        client.service.DownloadProfile(FunctionCallIdentifier='zeep-2', Eid=eid, Iccid=iccid, EnableProfile=False, **{'SmSr-id': smsr})
        must('zeep DownloadProfile', status_of(parse('ES2-DownloadProfileResponse').FunctionExecutionStatus))
        client.service.EnableProfile(FunctionCallIdentifier='zeep-3', Eid=eid, Iccid=iccid, **{'SmSr-id': smsr})
        must('zeep EnableProfile', status_of(parse('ES2-EnableProfileResponse').FunctionExecutionStatus))
        rule = {'Subject': 'PROFILE', 'Action': 'DELETE', 'Qualification': 'Not-Allowed'}
        answer = client.service.UpdatePolicyRules(FunctionCallIdentifier='zeep-4', Eid=eid, Iccid=iccid, pol2={'Rule': [rule]}, **{'Smsr-id': smsr})
        must('zeep UpdatePolicyRules', status_of(answer.FunctionExecutionStatus))
        client.service.DeleteProfile(FunctionCallIdentifier='zeep-5', Eid=eid, Iccid=iccid, **{'Smsr-id': smsr})
        must('zeep DeleteProfile', status_of(parse('ES2-DeleteProfileResponse').FunctionExecutionStatus), 'FAILED 8.2.3/3.8')
    finally:
        callbacks.close()


def main():
    ecosystem.needs('osprey', 'osprey-sm-dp', 'osprey-sm-sr', 'osprey-device', 'osprey-wsdl')
    gsoap = shutil.which('wsdl2h') and os.path.exists('/usr/include/stdsoap2.h')
    try:
        import zeep  # noqa: F401
    except ImportError:  # Debian's packages belong to Debian's Python
        zeep = None
        if os.path.realpath(sys.executable) != os.path.realpath('/usr/bin/python3') and os.path.exists('/usr/lib/python3/dist-packages/zeep'):
            os.execv('/usr/bin/python3', ['/usr/bin/python3', '-B'] + sys.argv)
    if not gsoap and not zeep:
        ecosystem.skip('neither gSOAP (gsoap, libgsoap-dev) nor zeep (python3-zeep) is installed')
    with tempfile.TemporaryDirectory(prefix='osprey-toolkits-') as out, Ecosystem(out) as lab:
        lab.up()
        lab.programs['listen-operator'].stop()  # the toolkits take their callbacks themselves
        identity = lab.identity('as-operator', 'operator', OIDS['operator'])
        os.makedirs(lab.path('wsdl'), exist_ok=True)
        get_wsdls(lab, identity)
        eid, first, second = lab.cards[0]['eid'], lab.profiles[0]['iccid'], lab.profiles[1]['iccid']
        if gsoap:
            with_gsoap(lab, identity, eid, first)
        if zeep:
            if not gsoap:
                first, second = second, first
                lab.listen('operator')
                lab.osprey('profile', 'download', '--eid', eid, '--iccid', first)
                lab.programs['listen-operator'].stop()
            with_zeep(lab, identity, eid, second, first)
    print("gSOAP and zeep" if gsoap and zeep else "gSOAP" if gsoap else "zeep", 'work with our WSDL')


if __name__ == '__main__':
    main()
