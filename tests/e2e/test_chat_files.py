"""`parleyctl chat` sends, shows and saves files, plain and over TLS."""

import http.server
import os
import re
import secrets
import subprocess
import threading

import pytest
from parley_chat import Chat
from parley_files import fetch, png
from parley_stack import Stack, programs
from parley_tls import Certificate

CONNECTED = r"^-- connected to "


@pytest.fixture
def pair():
    """pair(stack, *options): two people who write to each other."""
    opened = []

    def open_two(stack, *options):
        names = [f"{name}-{secrets.token_hex(4)}" for name in ("anna", "ben")]
        for name, to in (names, names[::-1]):
            opened.append(Chat(stack, name, "--register", "--to", to, *options))
            opened[-1].expect(CONNECTED)
        return opened[-2:]

    yield open_two
    for one in opened:
        one.__exit__()


def sent(anna, ben, path, caption=""):
    """Sends a file; (its number, its address) as the other one sees it."""
    anna.type(f'/send "{path}" {caption}'.strip())
    shown = ben.expect(rf"\[(\d+)\] {anna.name}: \((?:picture|file) .+, {path.stat().st_size} bytes:"
                       rf" (\S+)\)(.*)")
    assert shown[3].strip() == caption
    return shown[1], shown[2]


def test_a_picture_is_sent_and_saved(stack, pair, tmp_path):
    anna, ben = pair(stack)
    path = tmp_path / "the sea.png"
    path.write_bytes(png(64, 48))
    number, address = sent(anna, ben, path, "as it was today")
    ben.expect(r'\(picture "the sea.png", ')
    anna.expect(rf'{anna.name} -> {ben.name}: \(picture "the sea.png", ')
    begin = f"http://127.0.0.1:{stack.ports['http']}"
    assert address.startswith(begin)
    assert fetch(stack, address.removeprefix(begin)) == (200, path.read_bytes())
    ben.type(f"/save {number} {tmp_path}/saved.png")
    ben.expect(rf"-- saved \[{number}\] as ")
    assert (tmp_path / "saved.png").read_bytes() == path.read_bytes()
    ben.type("/list", "/history 5")
    ben.expect(r'"the sea.png" as it was today')
    ben.expect("end of the page")
    assert ben.leave() == 0 and anna.leave() == 0


def test_files_in_a_script(stack, tmp_path):
    """The program waits at the end of its input until all files are there, in order."""
    paths = [tmp_path / f"part-{number}.bin" for number in range(3)]
    for path in paths:
        path.write_bytes(secrets.token_bytes(3 << 20))
    anna, ben = (f"{name}-{secrets.token_hex(4)}" for name in ("anna", "ben"))
    with Chat(stack, ben, "--register") as reader:
        reader.expect(CONNECTED)
        done = subprocess.run(
            [programs() / "parleyctl", "chat", "--as", anna, "--register", "--to", ben],
            env=stack.environment, input="".join(f"/send {path}\n" for path in paths), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        assert done.returncode == 0, done.stderr
        reader.expect("part-2.bin")
        shown = [re.search(r"part-\d", line)[0] for line in reader.lines(r"\(file part-")]
        assert shown == ["part-0", "part-1", "part-2"]
        number = reader.expect(r"\[(\d+)\] .*part-1")[1]
        reader.type(f"/to {anna}", f"/save {number} {tmp_path}/1")
        reader.expect("-- saved ")
    assert (tmp_path / "1").read_bytes() == paths[1].read_bytes()


def test_what_is_refused(stack, pair, tmp_path):
    anna, ben = pair(stack)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "there").write_bytes(b"mine")
    os.mkfifo(tmp_path / "pipe")  # nobody writes into it
    anna.type(*(f"/send {tmp_path}/{name}" for name in ("empty", "none", "", "pipe")))
    for reason in ("it is empty", "No such file or directory", "it is no file", "it is no file"):
        anna.expect(rf"^!! /send: .*: {reason}$")
    anna.type("only words")
    number = ben.expect(rf"\[(\d+)\] {anna.name}: only words")[1]
    ben.type(f"/save {number} {tmp_path}/there", f"/save {number} {tmp_path}/new")
    ben.expect(r"^!! /save: .*/there: File exists$")
    ben.expect(r"^!! /save: .*/new: that message shows no file$")
    assert (tmp_path / "there").read_bytes() == b"mine" and not (tmp_path / "new").exists()
    large = tmp_path / "large.iso"
    with large.open("wb") as file:
        file.truncate(2 << 30)
    anna.type(f"/send {large}")
    anna.expect(r"^!! /send: the file is larger than files may be here")
    assert anna.leave() == 1 and ben.leave() == 1


class Flaky(http.server.BaseHTTPRequestHandler):
    """Refuses uploads as a server that is away does, but for the third."""

    tries = []

    def do_PUT(self):  # noqa: N802
        self.tries.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(201 if len(self.tries) == 3 else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_an_upload_is_tried_again(stack, pair, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(b"some notes")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Flaky) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        anna, _ = pair(stack, "--http", f"http://127.0.0.1:{server.server_port}")
        anna.type(f"/send {path}")
        anna.expect(r"-- the file is tried again in 1 s: the server answered 503")
        anna.expect(r"-- the file is tried again in 2 s")
        # It went elsewhere, so this server has no such file.
        anna.expect(r"^!! not sent: file \S+ does not exist, is not uploaded to its end")
        server.shutdown()
    assert Flaky.tries == [b"some notes"] * 3


def test_over_tls(database, pair, tmp_path):
    certificate = Certificate(tmp_path / "certificate")
    path = tmp_path / "sea.png"
    path.write_bytes(png(64, 48))
    with Stack(database, reach_interval_ms=50, cursor_flush_ms=50, **certificate.settings()) as stack:
        anna, ben = pair(stack, "--cacert", str(certificate.path))
        number, address = sent(anna, ben, path)
        assert address.startswith(f"https://localhost:{stack.ports['https']}/files/")
        ben.type(f"/save {number} {tmp_path}/saved.png")
        ben.expect(r"-- saved ")
        assert (tmp_path / "saved.png").read_bytes() == path.read_bytes()
        assert ben.leave() == 0 and anna.leave() == 0
