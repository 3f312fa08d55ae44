"""The parts of clients' connections: the background thread, the inbox, the two transports."""

import asyncio
import collections
import os
import threading

import websockets
from binary_wire import BinaryWire
from stream_wire import StreamWire, Wire, any_certificate
from websockets.frames import Frame, Opcode

# Seconds that a single wait may take; generous, since sanitizers are slow.
DEADLINE = float(os.environ.get("PARLEY_TEST_DEADLINE", 30))


# --- the background thread


class Loop:
    """The event loop of all clients, in a thread of its own, started when first needed."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="clients", daemon=True).start()

    _only = None
    _making = threading.Lock()

    @classmethod
    def get(cls):
        with cls._making:
            cls._only = cls._only or cls()
        return cls._only.loop


def run(coroutine, seconds=DEADLINE):
    """Runs it on the clients' loop and returns its result."""
    return asyncio.run_coroutine_threadsafe(coroutine, Loop.get()).result(seconds)


class Inbox:
    """The objects that a connection has received: filled by the loop, taken out by the test."""

    def __init__(self):
        self._texts = collections.deque()
        self._changed = threading.Condition()
        self.closed = None  # "eof", or a WebSocket's close code

    def put(self, text):
        with self._changed:
            self._texts.append(text)
            self._changed.notify_all()

    def close(self, how):
        with self._changed:
            self.closed = how
            self._changed.notify_all()

    def take(self, seconds=DEADLINE):
        """The next text; None when the connection is closed and nothing is left."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: self._texts or self.closed, seconds)
            if not arrived:
                raise TimeoutError(f"nothing arrived for {seconds} s")
            return self._texts.popleft() if self._texts else None


# --- the transports


class _MuteProtocol(websockets.WebSocketClientProtocol):
    """A client whose stack does not answer pings, so that nothing counts as received."""

    async def pong(self, data=b""):
        pass


class WebSocketWire(Wire):
    """`receive` is called with each text, `closed` once with the close code."""

    def __init__(self, receive, closed):
        self._receive, self._closed = receive, closed

    async def open(self, host, port, answer_pings=True):
        self._socket = await websockets.connect(
            f"{'wss' if self.tls else 'ws'}://{host}:{port}/",
            ssl=self.tls,
            create_protocol=websockets.WebSocketClientProtocol if answer_pings else _MuteProtocol,
            compression=None,
            ping_interval=None,
            close_timeout=DEADLINE,
            open_timeout=DEADLINE,
            max_size=None,
            max_queue=None,
        )
        self._reader = asyncio.create_task(self._read())

    async def _read(self):
        try:
            async for text in self._socket:
                self._receive(text)
        except websockets.ConnectionClosed:
            pass
        finally:
            self._closed(self._socket.close_code)

    def write(self, *texts):
        """All frames in one write."""
        self.write_bytes(
            b"".join(Frame(Opcode.TEXT, text.encode()).serialize(mask=True) for text in texts)
        )

    @property
    def transport(self):
        return self._socket.transport

    async def close(self):
        await self._socket.close()
        await self._reader


class TcpWire(StreamWire):
    _encode = staticmethod(str.encode)

    async def _read_all(self, reader):
        while line := await reader.readline():
            assert line.endswith(b"\n"), "the last object has no newline behind it"
            self._receive(line.decode()[:-1])


class TlsWebSocketWire(WebSocketWire):
    tls = any_certificate()


class TlsTcpWire(TcpWire):
    tls = any_certificate()


class TlsBinaryWire(BinaryWire):
    tls = any_certificate()


# By name: the wire, and the name of the gateway's port.
WIRES = {
    "websocket": (WebSocketWire, "http"),
    "tcp": (TcpWire, "tcp"),
    "binary": (BinaryWire, "youim"),
    "wss": (TlsWebSocketWire, "https"),
    "tls": (TlsTcpWire, "tls_tcp"),
    "tls_binary": (TlsBinaryWire, "tls_youim"),
}
