"""The demo of `make run`: anna and ben, friends, and echo, which answers."""

import http.client
import json
import os
import pathlib
import signal
import sys

import pytest
from parley_copy import Copy
from parley_stack import ROOT

sys.path.insert(0, str(ROOT / "deploy/demo"))
from client import Client, Refused  # noqa: E402  (the path is set first)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    copy = Copy(tmp_path_factory.mktemp("demo"))
    web = copy.folder / "services/web"
    web.mkdir(parents=True)
    (web / "index.html").write_text("the page")
    try:
        yield copy.up(PARLEY_DEMO="on")
    finally:
        copy.down()


@pytest.fixture
def person(demo):
    opened = []

    def log_in(user):
        client = Client("127.0.0.1", demo.base + 1, user)
        opened.append(client)
        client.link.settimeout(60)
        client.log_in()
        return client

    yield log_in
    for client in opened:
        client.close()


def ask(demo, path):
    connection = http.client.HTTPConnection("127.0.0.1", demo.base, timeout=60)
    connection.request("GET", path)
    return connection.getresponse().read()


def answered(client, text):
    """Waits until echo has answered the text; how often it has until then."""
    client.ask(5, {"fromUserId": client.user, "toUserId": "echo", "msg": text})
    while True:
        message = client.read()
        if message.get("fromUserId") == "echo" and message.get("msg") == text:
            return message


def echo_pid(demo):
    return int((demo.folder / "var/run/demo.pid").read_text())


def test_page_and_links(demo):
    again = demo.local("up")
    page = f"http://127.0.0.1:{demo.base}/"
    assert f"page       {page}\n" in again.stdout
    assert f"{page}?as=anna" in again.stdout and f"{page}?as=ben" in again.stdout
    assert ask(demo, "/?as=anna") == b"the page"
    assert json.loads(ask(demo, "/api/info"))["demo"] is True


def test_people_are_friends(demo, person):
    friends = {"anna": ["ben", "echo"], "ben": ["anna", "echo"]}
    for user, others in friends.items():
        client = person(user)
        client.ask(307, {})
        listed = next(m for m in client.waiting if m.get("msgType") == 308)
        assert sorted(friend["user"] for friend in listed["friends"]) == others
        assert listed["requests"] == []


def test_echo_answers_each_text_once(demo, person):
    anna = person("anna")
    texts = ["hello", "你好 👋", "x" * 65000, '{"msgType":6}']
    for text in texts:
        assert answered(anna, text)["msg"] == text
    # Being killed changes nothing: the next one answers, and nothing twice.
    before = echo_pid(demo)
    os.kill(before, signal.SIGKILL)
    assert answered(anna, "are you there?")
    assert echo_pid(demo) != before
    anna.ask(303, {"peer": {"user": "echo"}, "limit": 50})
    page = next(m for m in anna.waiting if m.get("msgType") == 304)
    from_echo = [m["msg"] for m in page["messages"] if m.get("fromUserId") == "echo" and "msg" in m]
    assert from_echo == [*texts, "are you there?"]


def test_another_start_finds_all_there(demo, person):
    echo = echo_pid(demo)
    demo.down()
    assert not pathlib.Path(f"/proc/{echo}").exists()
    demo.up(PARLEY_DEMO="on")
    assert (demo.folder / "var/log/demo.log").read_text() == ""
    assert answered(person("ben"), "back again")


def test_without_open_logins_it_is_off(tmp_path):
    copy = Copy(tmp_path)
    started = copy.local("up", PARLEY_PORT_BASE=str(copy.base), PARLEY_DEMO="on",
                         PARLEY_YOUIM_OPEN_LOGIN="false")
    try:
        assert started.returncode == 0, started.stderr
        assert started.stderr == "parley: the demo is off: it needs youim_open_login\n"
        assert "as=anna" not in started.stdout
        assert json.loads(ask(copy, "/api/info"))["demo"] is False
        with pytest.raises((Refused, OSError)):
            client = Client("127.0.0.1", copy.base + 1, "anna")
            client.log_in()
    finally:
        copy.down()
