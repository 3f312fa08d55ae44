"""What all connections have in common, and what those over plain TCP do, in whatever form objects
are sent."""

import asyncio


class Wire:
    """Its subclasses have an asyncio `transport`."""

    def write_bytes(self, data):
        self.transport.write(data)

    def abort(self):
        self.transport.abort()


class StreamWire(Wire):
    """`receive` is called with each object as text, `closed` with "eof". Who inherits says how
    objects are read (`_read_all`) and what they are as bytes (`_encode`)."""

    def __init__(self, receive, closed):
        self._receive, self._closed = receive, closed

    async def open(self, host, port, answer_pings=True):
        assert answer_pings, "over TCP the kernel answers"
        reader, self._writer = await asyncio.open_connection(host, port, limit=1 << 20)
        self._reader = asyncio.create_task(self._read(reader))

    async def _read(self, reader):
        try:
            await self._read_all(reader)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writer.close()
            self._closed("eof")

    def write(self, *texts):
        """All of them right behind each other, in one write."""
        self.write_bytes(b"".join(map(self._encode, texts)))

    @property
    def transport(self):
        return self._writer.transport

    async def close(self):
        self._writer.close()
        await self._reader
