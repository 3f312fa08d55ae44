"""A receiver of hooks, for tests: an HTTP server that checks each request's signature as docs/hooks.md says, and
keeps its events.

    receiver = Receiver(secret)             listens on a port of its own
    receiver.answer = 503                   what it answers from now on; a function of the request gives others
    receiver.wait(lambda events: len(events) == 3, "three events")
    receiver.stop()

A process of its own, which can be killed, is `python3 parley_hooks.py PORT FILE SECRET`: it appends each event that
it has acknowledged to FILE, as a line of JSON, before it answers.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import ssl
import sys
import threading
import time

TOLERANCE_S = 300


def verify(secret, headers, body, now=None):
    """As a receiver has to: raises ValueError unless the request is from who knows the secret, and is recent."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    identifier, seconds = headers["webhook-id"], headers["webhook-timestamp"]
    if abs((now or time.time()) - int(seconds)) > TOLERANCE_S:
        raise ValueError("the request is too old, or from the future")
    signed = f"{identifier}.{seconds}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    if not any(hmac.compare_digest(f"v1,{expected}", given)
               for given in headers["webhook-signature"].split()):
        raise ValueError("the signature is wrong")


def _handler(receiver):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = receiver.take(self.path, self.headers, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    return Handler


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class Receiver:
    def __init__(self, port, secret=None, certificate=None):
        self.port, self.secret = port, secret
        self.answer, self.headers = 200, {}
        self.events, self.requests, self.refused, self.recorded = [], [], [], []
        self.scheme = "http" if certificate is None else "https"
        self._changed = threading.Condition()
        self._server = Server(("127.0.0.1", port), _handler(self))
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.path, certificate.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    def take(self, path, headers, body):
        with self._changed:
            self._changed.notify_all()
            self.recorded.append(({name.lower(): value for name, value in headers.items()}, body))
            if self.secret is not None:
                try:
                    verify(self.secret, headers, body)
                except ValueError as fault:
                    self.refused.append(str(fault))
                    return 401, {}
            status = self.answer(path, body) if callable(self.answer) else self.answer
            self.requests.append((status, headers["webhook-id"], body, path))
            if status // 100 == 2:
                self.events += json.loads(body)["events"]
            return status, dict(self.headers)

    def wait(self, condition, what, seconds=60):
        with self._changed:
            reached = self._changed.wait_for(lambda: condition(self.events), seconds)
        assert reached, f"waited {seconds} s for {what}: {self.events[-5:]} {self.requests[-3:]}"

    def texts(self):
        return [event["text"] for event in self.events if event["type"] == "message"]

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class _Keeper(Receiver):
    """Writes what it takes to a file before it answers."""

    def __init__(self, port, path, secret):
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        super().__init__(port, secret)

    def take(self, path, headers, body):
        verify(self.secret, headers, body)
        lines = "".join(json.dumps(event) + "\n" for event in json.loads(body)["events"])
        os.write(self._file, lines.encode())
        return 204, {}


if __name__ == "__main__":
    _Keeper(int(sys.argv[1]), sys.argv[2], sys.argv[3])
    threading.Event().wait()
