"""An OurChat client that reads as OurChat's own does: every 100 ms, taking what one
`recv(1024)` returns for one object. Two objects in one read, or a part of one, end it."""

import json
import socket
import threading
import time

LOOK_S = 0.1
READ_BYTES = 1024
# The objects more that a late look may find: the machine is to blame for it, not the server.
PACE_S = 0.15


class SeedClient:
    """Reads in a thread of its own; `heard` has the objects in their order, `fault` the reason of its end."""

    def __init__(self, stack):
        self.heard, self.fault = [], None
        self._socket = socket.create_connection((stack.host, stack.ports["tcp"]))
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look_again_and_again, daemon=True)
        self._thread.start()

    def send(self, *messages):
        self._socket.sendall(b"".join(json.dumps(m).encode() for m in messages))

    def log_in(self, account):
        data = {"account": account.email, "password": account.password}
        self.send({"code": 6, "time": 0, "data": data})

    def texts(self):
        return [m["data"]["msg"] for m in self.heard if m["code"] == 0]

    def close(self):
        self._ending.set()
        self._thread.join()
        self._socket.close()

    def _look_again_and_again(self):
        before = time.monotonic()
        while not self._ending.wait(LOOK_S):
            # Late only if the read itself is: it has no bytes that arrived after its start.
            data = self._read()
            late = time.monotonic() - before > PACE_S
            before = time.monotonic()
            if data is None:
                continue
            while late and not data.endswith(b"\n"):
                data += self._read() or b""
            try:
                self.heard += [json.loads(data)] if not late else self._objects(data)
            except ValueError:
                self.fault = f"{len(data)} bytes in one read are no object: {data[:300]!r}"
                return

    def _read(self):
        self._socket.settimeout(0.001)
        try:
            return self._socket.recv(READ_BYTES) or b"the end"
        except (TimeoutError, BlockingIOError):
            return None
        except OSError as error:
            return str(error).encode()

    @staticmethod
    def _objects(data):
        return [json.loads(line) for line in data.splitlines()]
