"""YouIM's own framing as a wire of parley_client: 1 byte msgType, 4 bytes big-endian length, JSON.

It takes and gives the objects of the other transports, so that cases need not know of it. The type
is first in the objects that it gives; where it stood in the body is not seen here.
"""

import json
import struct

from stream_wire import StreamWire

HEAD = struct.Struct(">BI")


def frame(text):
    """The frame of an object as the other transports carry it."""
    message = json.loads(text)
    body = message.get("msgBody")
    data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    return HEAD.pack(int(message["msgType"]), len(data)) + data


class BinaryWire(StreamWire):
    _encode = staticmethod(frame)

    async def _read_all(self, reader):
        while True:
            number, length = HEAD.unpack(await reader.readexactly(HEAD.size))
            body = json.loads(await reader.readexactly(length) or "{}")
            message = {"msgType": number, **body}
            self._receive(json.dumps(message, ensure_ascii=False, separators=(",", ":")))
