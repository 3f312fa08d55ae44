"""Who may fetch, show and keep a file: whoever may read the message that shows it may fetch it, and
nobody else; and only the account that uploaded it may show it. Being a sticker opens it to nobody else."""

import hashlib
import secrets
import time

import pytest
from parley_client import KINDS, PRESENCE
from parley_deeds import leave, recall, wait_for_result
from parley_files import ask, begin_upload, fetch, file_of, png, showing, upload
from parley_stack import wait_until

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)
NOTICES = frozenset({0, 1, 2, 3, 4, 6, 8, 10, 12, 14, 20, 112, 118, 120, 301, 302, 315, 321,
                     325})
TUS = {"Tus-Resumable": "1.0.0"}
GONE, FORBIDDEN, EXPIRED = (404,), (403, 404), (410,)


def outcome(client, request):
    ref = secrets.token_hex(8)
    client.send(request | {"ref": ref})
    return wait_for_result(client, ref)[0]


def stored(client, request):
    result = outcome(client, request)
    assert result["ok"], result
    return result["cid"]


def url_in_history(client, peer, cid, key="url"):
    """The address of the file that the message shows to the client; None: it sees none."""
    for message in client.history(peer, around=cid, limit=10)["messages"]:
        if client.cid_of(message) == cid:
            return (file_of(client, message) or {}).get(key)
    return None


class World:
    """anna and ben are in a group, carla is nobody's friend; anna has shown ben a picture, and the
    group another."""

    def __init__(self, stack, newcomer, kind):
        self.stack = stack
        self.anna, self.ben = newcomer("youim", ext=True), newcomer(*kind, ext=True)
        self.carla = newcomer("youim", ext=True)
        for client in (self.anna, self.ben, self.carla):
            client.skips = PRESENCE | NOTICES
        self.club = self.anna.create_group(f"club-{secrets.token_hex(4)}")
        self.picture = png()
        self.file, self.groups = upload(stack, self.anna, self.picture), upload(stack, self.anna)
        self.before = stored(self.anna, showing(self.anna, self.club, self.groups))
        self.move("add")
        self.cid = stored(self.anna, showing(self.anna, self.ben.account, self.file, "image", "sea"))
        self.in_club = stored(self.anna, showing(self.anna, self.club, self.groups))

    def move(self, how):
        self.stack.ctl("group", how, self.club.id, self.ben.account.id)

    def url(self):
        return url_in_history(self.ben, self.anna.account, self.cid)

    def sign(self, file, until, preview=False):
        """An address as the gateways sign it."""
        key = self.stack.sql("SELECT `key` FROM file_key")[0][0]
        kind = "preview" if preview else "file"
        text = f"{kind} {file} {until}".encode()
        signature = hashlib.blake2b(text, key=key, digest_size=16).hexdigest()
        path = f"/preview/{file}" if preview else f"/files/{file}/x"
        return f"{path}?until={until}&key={signature}"


@pytest.fixture
def world(stack, newcomer):
    return World(stack, newcomer, ("youim", "websocket"))


# --- fetching


@kinds
def test_who_reads_the_message_gets_the_file(stack, newcomer, kind):
    world = World(stack, newcomer, kind)
    assert fetch(stack, world.url()) == (200, world.picture)
    for client in (world.anna, world.ben):
        assert fetch(stack, url_in_history(client, world.club, world.in_club))[0] == 200
    listed = world.ben.conversations()["conversations"]
    last = {str(item["peer"]): file_of(world.ben, item["last"]) for item in listed if "last" in item}
    assert all(shown and fetch(stack, shown["url"])[0] == 200 for shown in last.values()), last
    found = world.ben.ask(331, 332, text="sea")["messages"]
    assert [file_of(world.ben, message)["id"] for message in found] == [world.file]
    # What came before ben joined is not shown, and carla reads nothing at all.
    assert url_in_history(world.ben, world.club, world.before) is None
    result = outcome(world.carla, world.carla.make(303, peer={"group": world.club.id}))
    assert result["error"] == "not_member"


def test_addresses_that_were_not_signed(world):
    url = world.url()
    path, _, query = url.partition("?")
    until, key = (part.partition("=")[2] for part in query.split("&"))
    now = int(time.time())
    other = upload(world.stack, world.carla)
    altered = f"{(int(key[0], 16) + 1) % 16:x}{key[1:]}"
    refused = {
        "no signature": path,
        "no key": f"{path}?until={until}",
        "an altered key": f"{path}?until={until}&key={altered}",
        "a short key": f"{path}?until={until}&key={key[:-1]}",
        "a key of zeros": f"{path}?until={until}&key={'0' * 32}",
        "a later time": f"{path}?until={int(until) + 3600}&key={key}",
        "no time": f"{path}?key={key}",
        "another file": f"/files/{other}/x?until={until}&key={key}",
        "the preview by the file's key": f"/preview/{world.file}?until={until}&key={key}",
        "a file's number off by one": f"/files/{int(world.file, 16) + 1:016x}/x?{query}",
        "the file by the preview's key":
            world.sign(world.file, now + 60, preview=True).replace("/preview/", "/files/"),
    }
    got = {name: fetch(world.stack, one)[0] for name, one in refused.items()}
    assert {name: status for name, status in got.items() if status not in FORBIDDEN} == {}
    # The test signs as the gateway does, so what it signs for a time that is over has expired.
    assert fetch(world.stack, world.sign(world.file, now + 60))[0] == 200
    assert fetch(world.stack, world.sign(world.file, now - 1))[0] in EXPIRED
    # The name is nobody's secret.
    assert fetch(world.stack, url.replace("sea.png", "river.png"))[0] == 200


def test_a_recalled_message_takes_its_file_along(world):
    url, kept = world.url(), url_in_history(world.ben, world.club, world.in_club)
    assert outcome(world.anna, recall(world.anna, world.ben.account, world.cid))["ok"]
    assert fetch(world.stack, url)[0] in GONE
    assert world.url() is None
    assert fetch(world.stack, kept)[0] == 200
    # Shown twice, it stays until nothing shows it.
    twice = [stored(world.anna, showing(world.anna, world.ben.account, world.groups))
             for _ in range(2)]
    url = url_in_history(world.ben, world.anna.account, twice[1])
    for cid in (*twice, world.in_club):
        assert fetch(world.stack, url)[0] == 200
        assert outcome(world.anna, recall(
            world.anna, world.club if cid == world.in_club else world.ben.account, cid))["ok"]
    assert fetch(world.stack, url)[0] == 200  # `before`, which ben may not read, shows it still
    assert outcome(world.anna, recall(world.anna, world.club, world.before))["ok"]
    assert fetch(world.stack, url)[0] in GONE


def test_who_has_left_reads_on_what_was_said_before(world):
    assert outcome(world.ben, leave(world.ben, world.club))["ok"]
    assert fetch(world.stack, url_in_history(world.ben, world.club, world.in_club))[0] == 200
    later = upload(world.stack, world.anna)
    cid = stored(world.anna, showing(world.anna, world.club, later))
    assert url_in_history(world.ben, world.club, cid) is None
    assert outcome(world.ben, showing(world.ben, world.club, upload(world.stack, world.ben)))[
        "error"] == "not_member"


def test_who_is_blocked_shows_nothing(world):
    url = world.url()
    assert outcome(world.ben, world.ben.make(321, user=world.ben.id_of(world.anna.account), on=True))["ok"]
    file = upload(world.stack, world.anna)
    result = outcome(world.anna, showing(world.anna, world.ben.account, file))
    assert result["error"] == "blocked"
    assert world.stack.sql("SELECT COUNT(*) FROM file_use WHERE file = %s", int(file, 16)) == ((0,),)
    assert fetch(world.stack, url)[0] == 200  # what ben has may he read


@pytest.mark.parametrize("texts", ("keep", "blank"))
def test_a_deleted_account(world, texts):
    url, avatar = world.url(), upload(world.stack, world.anna)
    assert outcome(world.anna, world.anna.make(325, of="me", avatar=avatar))["ok"]
    shown = world.ben.ask(311, 312, user=world.ben.id_of(world.anna.account))["avatar"]
    assert fetch(world.stack, shown)[0] == 200
    world.anna.skips |= {101}
    world.anna.send(world.anna.make(339, confirm=True, texts=texts))
    world.anna.expect_closed()
    wait_until(lambda: not world.stack.sql("SELECT account FROM ending"), "the end of the account")
    assert fetch(world.stack, url)[0] in ((200,) if texts == "keep" else GONE)
    assert (world.url() is None) == (texts == "blank")
    profile = world.ben.ask(311, 312, user=world.ben.id_of(world.anna.account))
    assert profile["avatar"] == ""
    assert world.stack.sql("SELECT COUNT(*) FROM file_use WHERE file = %s",
                           int(avatar, 16)) == ((0,),)


# --- showing


def not_anyones(world):
    """{name: id} of files that ben may not show, keep or be seen with."""
    data = png()
    unfinished = begin_upload(world.ben, len(data))["file"]
    sticker = upload(world.stack, world.anna)
    assert outcome(world.anna, world.anna.make(341, file=sticker, on=True))["ok"]
    return {
        "one that he received": world.file,
        "one of his group": world.groups,
        "one that anna has not sent": upload(world.stack, world.anna),
        "a stranger's": upload(world.stack, world.carla),
        "his own, not uploaded to its end": unfinished,
        "anna's sticker": sticker,
        "one by a guess": f"{int(world.file, 16) + 1:016x}",
        "the smallest": "0000000000000001",
        "the largest": "f" * 16,
        "the largest number of a row": "7" + "f" * 15,
    }


@kinds
def test_files_that_are_not_ones_own(stack, newcomer, kind):
    world = World(stack, newcomer, kind)
    ben, files = world.ben, not_anyones(world)
    wrong = []
    before = stack.sql("CHECKSUM TABLE message, file_use, sticker, account, conversation")
    for name, file in files.items():
        requests = {
            "to a person": showing(ben, world.anna.account, file),
            "to a person, as a sticker": showing(ben, world.anna.account, file, "sticker"),
            "to the group": showing(ben, world.club, file, "sticker"),
            "as his avatar": ben.make(325, of="me", avatar=file),
            "as a sticker": ben.make(341, file=file, on=True),
        }
        for what, request in requests.items():
            result = outcome(ben, request)
            if result["ok"] or result["error"] != "no_file":
                wrong.append((name, what, result))
    assert wrong == []
    assert stack.sql("CHECKSUM TABLE message, file_use, sticker, account, conversation") == before
    # The same requests with a file of his own.
    own = upload(stack, ben)
    assert outcome(ben, showing(ben, world.anna.account, own))["ok"]
    assert outcome(ben, ben.make(325, of="me", avatar=own))["ok"]
    assert outcome(ben, ben.make(341, file=own, on=True))["ok"]


def test_a_groups_avatar_is_its_administrators(world):
    own, annas = upload(world.stack, world.ben), upload(world.stack, world.anna)
    group = {"group": world.club.id}
    assert outcome(world.ben, world.ben.make(325, of=group, avatar=own))["error"] == "not_allowed"
    assert outcome(world.carla, world.carla.make(325, of=group, avatar=own))["error"] == "not_member"
    assert outcome(world.anna, world.anna.make(325, of=group, avatar=own))["error"] == "no_file"
    text = upload(world.stack, world.anna, b"not a picture", "a.txt", "text/plain")
    for request in (world.anna.make(325, of=group, avatar=text), world.anna.make(341, file=text, on=True)):
        refused = outcome(world.anna, request)
        assert refused["error"] == "no_file" and "is no picture" in refused["text"], refused
    assert outcome(world.anna, world.anna.make(325, of=group, avatar=annas))["ok"]
    url = world.carla.ask(311, 312, group=world.club.id)["avatar"]
    assert fetch(world.stack, url)[0] == 200
    assert outcome(world.anna, world.anna.make(325, of=group, avatar=""))["ok"]
    assert world.carla.ask(311, 312, group=world.club.id)["avatar"] == ""


def test_stickers_are_ones_own(world):
    file = upload(world.stack, world.anna)
    assert outcome(world.anna, world.anna.make(341, file=file, on=True))["ok"]
    assert [item["id"] for item in world.anna.ask(343, 344)["stickers"]] == [file]
    assert world.ben.ask(343, 344)["stickers"] == []
    # Taking away another's does nothing.
    outcome(world.ben, world.ben.make(341, file=file, on=False))
    assert [item["id"] for item in world.anna.ask(343, 344)["stickers"]] == [file]
    assert outcome(world.anna, showing(world.anna, world.ben.account, file, "sticker"))["ok"]


def test_another_ones_upload(world):
    """Its address is a secret: with another token nothing is written."""
    data = png()
    url = begin_upload(world.anna, len(data))["url"]
    altered = url[:-2] + ("A" if url[-2] != "A" else "B") + url[-1]
    assert ask(world.stack, altered, "PUT", data)[0] in FORBIDDEN
    assert ask(world.stack, url, "PUT", data)[0] in (200, 201, 204)


@pytest.mark.parametrize("begun, gone", [("nothing has come", True), ("it is there", True), ("it was shown", False)])
def test_taking_an_upload_back(world, begun, gone):
    data = png()
    opened = begin_upload(world.anna, len(data))
    if begun != "nothing has come":
        assert ask(world.stack, opened["url"], "PUT", data)[0] == 201
    if begun == "it was shown":
        stored(world.anna, showing(world.anna, world.club, opened["file"]))
    altered = opened["url"][:-2] + ("A" if opened["url"][-2] != "A" else "B") + opened["url"][-1]
    assert ask(world.stack, altered, "DELETE", **TUS)[0] == 404
    assert ask(world.stack, opened["url"], "DELETE", **TUS)[0] == (204 if gone else 403)
    rows = world.stack.sql("SELECT COUNT(*) FROM file WHERE id = %s", int(opened["file"], 16))
    assert rows == ((0 if gone else 1,),)
