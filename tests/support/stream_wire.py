"""The common part of all connections, and that of those over plain TCP, in whatever form objects
are sent."""

import asyncio
import ssl


def any_certificate():
    """For TLS with a server whose certificate nobody knows: test_tls.py looks at certificates."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Wire:
    """Its subclasses have an asyncio `transport`."""

    tls = None  # or the context of TLS

    def write_bytes(self, data):
        self.transport.write(data)

    def abort(self):
        if not self.transport.is_closing():
            self.transport.abort()


class StreamWire(Wire):
    """`receive` is called with each object as text, `closed` with "eof". Subclasses define how
    objects are read (`_read_all`) and how they are written (`_encode`)."""

    def __init__(self, receive, closed):
        self._receive, self._closed = receive, closed

    async def open(self, host, port, answer_pings=True):
        assert answer_pings, "over TCP the kernel answers"
        reader, self._writer = await asyncio.open_connection(
            host, port, limit=1 << 20, ssl=self.tls)
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
