"""A link between two services that can be cut: a TCP proxy in front of one of them.

    link = Link(stack, "delivery")
    stack.services["gateway"].start(delivery_peers=link.address)
    link.cut()        breaks every connection, and takes no new one
    link.go_silent()  keeps connections open, takes new ones, and lets nothing through
    link.restore()    lets through the bytes that have been held up, or takes connections again
    link.close()

A sender into a silent link soon has full buffers and gets no error, as if packets vanish.
"""

import asyncio

from parley_wire import run


class _End(asyncio.Protocol):
    """One end of a connection through the link; the other end writes the bytes that it reads."""

    def __init__(self, link, other=None):
        self.link, self.other, self.transport = link, other, None
        self.held = b""  # bytes from before the other end was there, or since the link fell silent

    def connection_made(self, transport):
        self.transport = transport
        self.link.ends.add(self)
        if self.other is None:
            self.link.tasks.add(task := asyncio.ensure_future(self._reach()))
            task.add_done_callback(self.link.tasks.discard)
        else:
            self.other.other = self
            self.flow()
            self.other.flow()

    async def _reach(self):
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: _End(self.link, self), *self.link.target)
        except OSError:
            self.transport.abort()

    def flow(self):
        if not self.transport.is_closing():
            if self.link.silent or self.other is None:
                self.transport.pause_reading()
            else:
                self.other.transport.write(self.held)
                self.held = b""
                self.transport.resume_reading()

    def data_received(self, data):
        self.held += data
        self.flow()

    def eof_received(self):
        return False

    def connection_lost(self, _):
        self.link.ends.discard(self)
        if self.other is not None:
            self.other.transport.close()


class Link:
    def __init__(self, stack, name):
        self.target = stack.host, stack.ports[name]
        self.ends, self.tasks = set(), set()
        self.silent = False
        self._server = None
        self._port = 0
        run(self._listen())
        self.address = f"tcp://{stack.host}:{self._port}"

    async def _listen(self):
        loop = asyncio.get_running_loop()
        host = self.target[0]
        self._server = await loop.create_server(lambda: _End(self), host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _cut(self):
        self._server.close()
        await self._server.wait_closed()
        self._server = None
        for end in list(self.ends):
            end.transport.abort()

    async def _set_silent(self, silent):
        self.silent = silent
        for end in list(self.ends):
            end.flow()

    def cut(self):
        run(self._cut())

    def go_silent(self):
        run(self._set_silent(True))

    def restore(self):
        if self._server is None:
            run(self._listen())
        run(self._set_silent(False))

    def close(self):
        if self._server is not None:
            run(self._cut())
