"""Files over a gateway's HTTP port, as clients that opted in use them.

    file = upload(anna, PICTURE, "sea.png", "image/png")
    anna.send(showing(anna, ben.account, file, "image"))
    status, data = fetch(stack, file_of(message)["url"])
"""

import secrets
import ssl
import struct
import urllib.error
import urllib.request
import zlib

from parley_client import Group

DEADLINE = 60
KINDS_OF_FILES = {"sticker": 1, "image": 2, "file": 3}


def png(width=2, height=2):
    """A picture of random dots, unlike any before."""

    def chunk(name, data):
        return (struct.pack(">I", len(data)) + name + data
                + struct.pack(">I", zlib.crc32(name + data)))

    rows = b"".join(b"\0" + secrets.token_bytes(3 * width) for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def ask(stack, url, method="GET", data=None, scheme="http", **headers):
    """(status, bytes) of an HTTP request to a path of the server's. `scheme`: https takes any certificate."""
    address = f"{scheme}://127.0.0.1:{stack.ports[scheme]}{url}"
    request = urllib.request.Request(address, data=data, method=method, headers=headers)
    context = ssl._create_unverified_context() if scheme == "https" else None
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE, context=context) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def fetch(stack, url):
    return ask(stack, url)


def begin_upload(client, size, name="sea.png", mime="image/png", **more):
    """The body of a 324."""
    return client.ask(323, 324, name=name, size=size, mime=mime, **more)


def upload(stack, client, data=None, name="sea.png", mime="image/png"):
    """The id of a file whose bytes are all there."""
    data = png() if data is None else data
    opened = begin_upload(client, len(data), name, mime)
    status, answer = ask(stack, opened["url"], "PUT", data)
    assert status in (200, 201, 204), (status, answer)
    return opened["file"]


def showing(client, peer, file, kind="image", caption=None, ref=None):
    """A request that shows a file, in the client's dialect."""
    shown = {"id": file} if client.dialect == "ourchat" else {"id": file, "kind": kind}
    words = {} if caption is None else {"msg": caption}
    if client.dialect == "youim":
        group = isinstance(peer, Group)
        to = {"toGroup" if group else "toUserId": peer.id}
        return client.acting(7 if group else 5, ref, fromUserId=client.account.id, **to, **words,
                             file=shown)
    sender = {"ocid": client.account.number,
              "group_id" if isinstance(peer, Group) else "private_id": peer.number}
    return client.make(KINDS_OF_FILES[kind], ref, sender=sender, file=shown, **words)


def show(stack, file):
    """As a message would that shows the file of that number: only what is shown is served."""
    stack.sql("INSERT IGNORE INTO message (conversation, cid, time_ms, type, sender, body)"
              " VALUES (1, %s, 1, 0, 1, '')", file)
    stack.sql("INSERT IGNORE INTO file_use (conversation, cid, file) VALUES (1, %s, %s)", file, file)


def file_of(client, message):
    """What a message shows of its file; None: it shows none."""
    return client.body(message).get("file")


def address_of(writer, reader, file, kind="file"):
    """Where the reader of a message finds the file that it shows. Nothing else may arrive meanwhile."""
    writer.send(showing(writer, reader.account, file, kind))
    while (shown := file_of(reader, reader.next())) is None:
        pass
    return shown["url"]
