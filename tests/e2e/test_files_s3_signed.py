"""The store s3 against a server that verifies each signature and hash, and lists a thousand keys at once."""

import hashlib
import os

import pytest
from parley_files import show
from parley_s3 import LIST_MOST, VerifyingServer, ask, read, signature, upload
from parley_stack import Stack

SECRET = "a/Secret+with=signs"
MANY = 2 * LIST_MOST + 500
NOTHING = hashlib.sha256(b"").hexdigest()
# AWS' documentation: Signature Calculations for the Authorization Header, its examples of a key that is public.
EXAMPLES = [
    ("/test.txt", {"range": "bytes=0-9"},
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
    ("/?lifecycle", {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    ("/?max-keys=2&prefix=J", {},
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
]


@pytest.mark.parametrize("target, more, right", EXAMPLES)
def test_the_server_knows_a_right_signature(target, more, right):
    headers = {"host": "examplebucket.s3.amazonaws.com", "x-amz-content-sha256": NOTHING,
               "x-amz-date": "20130524T000000Z", **more}
    assert signature("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "GET", target, headers, sorted(headers),
                     ("20130524", "us-east-1", "s3")) == right


@pytest.fixture(scope="module")
def server():
    with VerifyingServer("signed-files", "AKIDEXAMPLE", SECRET, "eu-central-1") as running:
        yield running


@pytest.fixture(scope="module")
def files(database, server):
    """A stack of which files alone runs."""
    asleep = ("auth", "session", "group", "delivery", "hooks", "gateway")
    with Stack(database, asleep=asleep, **server.settings()) as running:
        running.sql("INSERT INTO account (number, id, name, created_ms) VALUES (1, 'a', 'a', 0)")
        yield running


def test_each_request_is_signed_rightly(files, server):
    content = os.urandom(3_000_000)
    mine = upload(files, content, sha256=hashlib.sha256(content).digest())
    assert ask(files, "files.finish", **mine)["size"] == len(content)
    key = f"files/{mine['file']:016x}"
    assert server.objects[key] == content
    show(files, mine["file"])
    assert read(files, mine["file"], 1_000_000, 5) == content[1_000_000:1_000_005]
    assert files.ctl("files", "check").returncode == 0
    server.objects[key] = content[:-1]
    assert files.ctl("files", "check", ok=False).returncode == 1
    files.ctl("files", "repair")
    assert key not in server.objects
    assert server.refused == []


def test_another_secret_is_refused(files, server):
    service = files.services["files"]
    service.terminate()
    service.start(s3_secret_key=SECRET + "x")
    try:
        mine = upload(files, b"12345")
        with pytest.raises(AssertionError, match="unavailable"):
            ask(files, "files.finish", **mine)
        assert set(server.refused) == {"SignatureDoesNotMatch"}
    finally:
        server.refused.clear()
        service.terminate()
        service.start()
    assert ask(files, "files.finish", **mine)["size"] == 5


def test_more_objects_than_one_list_holds(files, server):
    kept = dict(server.objects)
    extra = {f"files/{1000 + number:016x}": b"x" for number in range(MANY)}
    server.objects.update(extra)
    server.lists = 0
    checked = files.ctl("files", "check", ok=False)
    assert checked.stdout.count("bytes of no file") == MANY
    assert server.lists > MANY // LIST_MOST
    files.ctl("files", "repair")
    assert server.objects == kept
    assert server.refused == []
