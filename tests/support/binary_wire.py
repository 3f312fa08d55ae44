"""YouIM's own framing as a wire of parley_client: 1 byte msgType, 4 bytes big-endian length, JSON.

It takes and gives the objects of the other transports, so that cases need not know of it. The type
comes first in what it gives; where it stood in the body is not to be seen here.
"""

import asyncio
import json
import struct

HEAD = struct.Struct(">BI")


def frame(text):
    """The frame of an object as the other transports carry it."""
    message = json.loads(text)
    body = message.get("msgBody")
    data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    return HEAD.pack(int(message["msgType"]), len(data)) + data


class BinaryWire:
    """`receive` is called with each object as text, `closed` with "eof"."""

    def __init__(self, receive, closed):
        self._receive, self._closed = receive, closed

    async def open(self, host, port, answer_pings=True):
        assert answer_pings, "over TCP the kernel answers"
        reader, self._writer = await asyncio.open_connection(host, port)
        self._reader = asyncio.create_task(self._read(reader))

    async def _read(self, reader):
        try:
            while True:
                number, length = HEAD.unpack(await reader.readexactly(HEAD.size))
                body = json.loads(await reader.readexactly(length) or "{}")
                message = {"msgType": number, **body}
                self._receive(json.dumps(message, ensure_ascii=False, separators=(",", ":")))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writer.close()
            self._closed("eof")

    def write(self, *texts):
        """All frames in one write."""
        self._writer.write(b"".join(map(frame, texts)))

    def write_bytes(self, data):
        self._writer.write(data)

    @property
    def transport(self):
        return self._writer.transport

    async def close(self):
        self._writer.close()
        await self._reader

    def abort(self):
        self.transport.abort()
