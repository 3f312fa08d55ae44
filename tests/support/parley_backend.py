"""A backend of the operator's that auth asks (`auth_url`): it answers well, badly, slowly or not at all."""

import contextlib
import http.server
import json
import threading

SECRET = "the backend's secret"


class Backend:
    """`users`: password -> {id, name}; `tokens` likewise. `answer`, if set, takes the handler and answers in
    place of that. `asked`: the questions so far; `most`: the most that were under way at once."""

    def __init__(self):
        self.users, self.tokens, self.answer = {}, {}, None
        self.asked, self.headers, self.under_way, self.most = [], [], 0, 0
        self.lock, self.released = threading.Lock(), threading.Event()
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with backend.lock:
                    backend.asked.append(question)
                    backend.headers.append(dict(self.headers))
                    backend.under_way += 1
                    backend.most = max(backend.most, backend.under_way)
                try:
                    with contextlib.suppress(OSError):
                        (backend.answer or backend.look_up)(self)
                finally:
                    with backend.lock:
                        backend.under_way -= 1

            def reply(self, status, body=b"", **headers):
                if not isinstance(body, bytes):
                    body = json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/login"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def look_up(self, handler):
        question = self.asked[-1]
        user = self.users.get(question.get("password")) or self.tokens.get(question.get("token"))
        handler.reply(200 if user else 403, user or b"")

    def hang(self, handler):
        """No answer, until the test's end or `release`."""
        self.released.wait(60)
        handler.reply(403)

    def release(self):
        self.answer = None
        self.released.set()
