"""The store s3, against a real server of S3's API: s3rver, from the npm registry. It wants signed requests of a
key that it knows; whether a signature is right test_files_s3_signed.py looks at."""

import hashlib
import os
import subprocess

import pytest
from parley_files import show
from parley_s3 import PIECE, ask, read, server_program, upload
from parley_stack import DEADLINE, Stack, free_port, wait_until

BUCKET = "parley-files"
KEYS = {"s3_access_key": "S3RVER", "s3_secret_key": "S3RVER"}


class Server:
    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "node", server_program(), "--directory", self.folder,
             "--address", "127.0.0.1", "--port", str(self.port), "--silent", "--no-vhost-buckets",
             "--configure-bucket", BUCKET],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers, "s3rver to listen")

    def _answers(self):
        assert self.process.poll() is None, "s3rver ended at its start"
        done = subprocess.run(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{self.port}/"],
                              timeout=DEADLINE)
        return done.returncode == 0

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(DEADLINE)
            self.process = None


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("s3"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def files(database, server):
    """A stack of which files alone runs."""
    settings = {"files_store": "s3", "s3_endpoint": f"http://127.0.0.1:{server.port}",
                "s3_bucket": BUCKET, "s3_timeout_ms": 5000}
    asleep = ("auth", "session", "group", "delivery", "gateway")
    with Stack(database, asleep=asleep, **settings, **KEYS) as running:
        running.sql("INSERT INTO account (number, id, name, created_ms) VALUES (1, 'a', 'a', 0)")
        yield running


def test_a_file_is_put_and_read_in_pieces(files):
    content = os.urandom(3 * PIECE + 12345)
    mine = upload(files, content, sha256=hashlib.sha256(content).digest())
    assert ask(files, "files.finish", **mine)["size"] == len(content)
    show(files, mine["file"])
    found = b"".join(read(files, mine["file"], offset, PIECE)
                     for offset in range(0, len(content), PIECE))
    assert found == content
    assert read(files, mine["file"], 5, 7) == content[5:12]
    assert read(files, mine["file"], len(content) - 3, 100) == content[-3:]
    assert read(files, mine["file"], len(content), 1) == b""


def test_while_the_server_is_away_uploads_wait(files, server):
    mine = upload(files, b"while it is away")
    server.stop()
    try:
        with pytest.raises(AssertionError, match="unavailable"):
            ask(files, "files.finish", **mine)
        assert ask(files, "files.state", **mine) | {"expires_ms": 0} == {
            "size": 16, "offset": 16, "expires_ms": 0}
    finally:
        server.start()
    assert ask(files, "files.finish", **mine)["size"] == 16
    show(files, mine["file"])
    assert read(files, mine["file"], 0, 100) == b"while it is away"
    said = files.services["files"].said()
    assert said.count("event=store_failed") == 1 and KEYS["s3_secret_key"] not in said


def test_rows_and_objects_are_compared(files):
    whole, lost, extra = (upload(files, b"12345") for _ in range(3))
    for mine in (whole, lost, extra):
        ask(files, "files.finish", **mine)
    assert files.ctl("files", "check").returncode == 0
    files.sql("DELETE FROM file WHERE id = %s", extra["file"])
    files.sql("UPDATE file SET size = 6 WHERE id = %s", lost["file"])
    checked = files.ctl("files", "check", ok=False)
    assert checked.returncode == 1
    assert f"{lost['file']:016x}  its bytes are missing" in checked.stdout
    assert f"{extra['file']:016x}  bytes of no file" in checked.stdout
    files.ctl("files", "repair")
    assert files.ctl("files", "check").returncode == 0
    show(files, whole["file"])
    assert read(files, whole["file"], 0, 100) == b"12345"


@pytest.mark.parametrize("missing", ["s3_endpoint", "s3_bucket", "s3_access_key", "s3_secret_key"])
def test_it_does_not_start_without_what_it_needs(files, missing):
    service = files.services["files"]
    service.terminate()
    try:
        service.start(wait=False, **{missing: ""})
        assert service.wait_exit() == 1
        assert f"files_store=s3 needs {missing}" in service.said()
    finally:
        service.start()


def test_a_wrong_key_or_bucket_is_unavailable(files):
    service = files.services["files"]
    for wrong in ({"s3_access_key": "nobody"}, {"s3_bucket": "nowhere"}):
        service.terminate()
        service.start(**wrong)
        mine = upload(files, b"12345")
        with pytest.raises(AssertionError, match="unavailable"):
            ask(files, "files.finish", **mine)
    service.terminate()
    service.start()
    assert ask(files, "files.finish", **mine)["size"] == 5
