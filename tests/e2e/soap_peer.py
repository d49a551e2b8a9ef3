"""A SOAP peer of its own making: posts octets over TLS and says what came back. Shares no code with what it tests."""
import http.server
import socket
import ssl
import threading


def context(identity=None, ca=None, version=None):
    """identity: (certificate, key) or None: a client without certificate."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    if ca:
        tls.load_verify_locations(ca)
        tls.verify_mode = ssl.CERT_REQUIRED
    if identity:
        tls.load_cert_chain(*identity)
    if version:
        tls.minimum_version = tls.maximum_version = version
    return tls


def read_answer(sock):
    """(status, headers in small letters, body), or (None, {}, what was there)."""
    data = b''
    while b'\r\n\r\n' not in data:
        more = sock.recv(65536)
        if not more:
            return None, {}, data
        data += more
    head, _, body = data.partition(b'\r\n\r\n')
    lines = head.decode().split('\r\n')
    headers = dict((line.split(':', 1)[0].lower(), line.split(':', 1)[1].strip()) for line in lines[1:])
    while len(body) < int(headers.get('content-length', 0)):
        more = sock.recv(65536)
        if not more:
            break
        body += more
    return int(lines[0].split()[1]), headers, body.decode(errors='replace')


def connect(port, identity, timeout=20, **options):
    sock = socket.create_connection(('127.0.0.1', port), timeout)
    return context(identity, **options).wrap_socket(sock)


def post(port, body, identity, path='/', content_type='application/soap+xml; charset=utf-8', length=None, timeout=20, close=False):
    """One request on a connection of its own. length: what Content-Length says, when it lies. The status, or the words of
    the fault: 'refused: …' when TLS does not let us in, 'closed' when the connection ends without an answer."""
    body = body.encode() if isinstance(body, str) else body
    try:
        with connect(port, identity, timeout) as sock:
            sock.sendall(f'POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n'
                         f'Content-Length: {len(body) if length is None else length}\r\n\r\n'.encode())
            try:
                sock.sendall(body)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                pass  # it has heard enough: see what it says
            if close:
                return 'closed', {}, ''
            status, headers, text = read_answer(sock)
            return (status, headers, text) if status else ('closed', {}, text)
    except ssl.SSLError as error:
        return f'refused: {error.reason}', {}, ''
    except ConnectionError as error:
        return f'refused: {error.strerror}', {}, ''


class Between:
    """Stands between two servers: takes what A posts, hands it to B as A would, after `change` has seen it."""

    def __init__(self, port, target, as_server, as_client, change):
        self.target, self.client, self.change, self.passed = target, as_client, change, 0
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*as_server)
        between = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                text = self.rfile.read(int(self.headers['Content-Length'])).decode()
                between.passed += 1
                status, headers, body = post(between.target, between.change(text), between.client, self.path, self.headers['Content-Type'])
                self.send_response(status if isinstance(status, int) else 502)
                self.send_header('Content-Type', headers.get('content-type', 'text/plain'))
                self.send_header('Content-Length', str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', port), Handler)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
