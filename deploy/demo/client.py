"""A client of parley over TCP, as small as one may be: YouIM's dialect with the extensions, on
Python's standard library alone. docs/protocol.md has the messages."""

import json
import os
import socket


class Refused(Exception):
    """The server's answer to a request: it was not carried out."""


class Client:
    def __init__(self, host, port, user):
        self.user = user
        self.link = socket.create_connection((host, port), 10)
        # A connection that is broken without a word is noticed after about a minute.
        self.link.settimeout(None)
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        self.lines = self.link.makefile("r", encoding="utf-8")
        self.token = ""  # of the login
        self.waiting = []  # messages that arrived while an answer was awaited

    def close(self):
        self.lines.close()
        self.link.close()

    def read(self):
        """The next message; the server ends each with a line break."""
        if self.waiting:
            return self.waiting.pop(0)
        return self._read_line()

    def _read_line(self):
        line = self.lines.readline()
        if not line:
            raise ConnectionError("the server closed the connection")
        return json.loads(line)

    def ask(self, number, body, ref=None):
        """Sends a request and returns once its answer, a 300 with the same `ref`, is here."""
        ref = ref or os.urandom(8).hex()
        if self.token:
            body = {"token": self.token, **body}
        request = {"msgType": number, "ref": ref, "msgBody": body}
        self.link.sendall(json.dumps(request).encode())
        while True:
            message = self._read_line()
            if message.get("msgType") == 300 and message.get("ref") == ref:
                break
            if message.get("msgType") == 2:
                self.token = message.get("token", "")
            else:
                self.waiting.append(message)
        if not message["ok"]:
            raise Refused(message["text"])

    def register(self):
        """Makes the account, without a password, unless there is one of that name."""
        try:
            self.ask(113, {"userId": self.user, "ext": 1})
        except Refused:
            pass

    def log_in(self):
        """From then on new messages arrive, and first of all those not confirmed yet."""
        self.ask(1, {"loginUserId": self.user, "ext": 1, "confirm": True})

    def log_out(self):
        self.ask(9, {"logoutUserId": self.user})
