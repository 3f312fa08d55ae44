"""A program that delivery asks before it stores a text (`hook_before`), for tests: it checks each question's
signature, and answers well, badly, slowly or not at all.

    with Filter() as asked:
        stack = make_stack(**asked.options)
        asked.answer = lambda question: {"text": "..."}     an object (200), None (204), or a number: that status
        asked.hold("slow")                                  questions about texts that begin so have no answer yet
        asked.release("slow")
"""

import base64
import contextlib
import http.server
import json
import os
import secrets
import ssl
import threading

from parley_deeds import wait_for_result
from parley_hooks import verify


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Filter:
    """`asked`: (webhook-id, question) of each so far, in the order in which they came; `answered`: the texts, in the
    order of their answers; `raw`, if set, takes the handler and answers in place of `answer`."""

    def __init__(self, certificate=None):
        self.secret = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"
        self.refused, self._held = [], set()
        self._changed = threading.Condition()
        self.reset()
        asked = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                with contextlib.suppress(OSError):
                    asked.take(self)

            def reply(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        scheme, host = ("http", "127.0.0.1") if certificate is None else ("https", "localhost")
        self.url = f"{scheme}://{host}:{self.port}/before"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.path, certificate.key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    @property
    def options(self):
        return {"hook_before": self.url, "hook_before_secret": self.secret}

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.release_all()
        self.server.shutdown()
        self.server.server_close()

    def take(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        try:
            verify(self.secret, handler.headers, body)
        except ValueError as fault:
            self.refused.append(str(fault))
        question = json.loads(body)
        with self._changed:
            self.asked.append((handler.headers["webhook-id"], question))
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._holds(question["text"]))
            self.answered.append(question["text"])
        if self.raw is not None:
            self.raw(handler)
            return
        answer = self.answer(question)
        status = answer if isinstance(answer, int) else 204 if answer is None else 200
        handler.reply(status, json.dumps(answer).encode() if isinstance(answer, dict) else b"")

    def _holds(self, text):
        return any(text.startswith(start) for start in self._held)

    def reset(self):
        """As at first."""
        self.answer, self.raw = lambda question: None, None
        self.asked, self.answered = [], []
        self.release_all()

    def hold(self, start=""):
        with self._changed:
            self._held.add(start)

    def release(self, start=""):
        with self._changed:
            self._held.discard(start)
            self._changed.notify_all()

    def release_all(self):
        with self._changed:
            self._held.clear()
            self._changed.notify_all()

    def wait(self, count, what="questions", seconds=60):
        """Until it was asked so often."""
        with self._changed:
            reached = self._changed.wait_for(lambda: len(self.asked) >= count, seconds)
        assert reached, f"waited {seconds} s for {count} {what}: {self.texts()}"

    def texts(self):
        return [question["text"] for _, question in self.asked]


# Nothing depends on how fast the machine is: no answer comes too late unless a test wants that.
PATIENT = {"hook_before_timeout_ms": 30000, "send_timeout_ms": 60000}


def say(client, peer, text, ref=None):
    """Sends it with a ref; the result."""
    ref = ref or secrets.token_hex(8)
    client.say(peer, text, ref)
    return wait_for_result(client, ref)[0]


def bodies(stack, one):
    """What is stored of the conversations between somebody and others, in order."""
    return [text for (text,) in stack.sql(
        "SELECT CONVERT(m.body USING utf8mb4) FROM message m JOIN conversation k ON k.id = m.conversation"
        " WHERE k.kind = 0 AND %s IN (k.lo, k.hi) AND m.type = 0 ORDER BY m.cid", one.account.number)]
