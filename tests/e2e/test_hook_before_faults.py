"""What becomes of texts when the program that is asked about them (`hook_before`) gives no answer that can be used."""

import json
import re
import subprocess

import pytest
from parley_api import Api
from parley_before import PATIENT, Filter, bodies, say
from parley_client import DIALECTS
from parley_deeds import wait_for_result
from parley_stack import ROOT, free_port, wait_until
from parley_tls import Certificate


def replies(status, body=b"", **headers):
    return lambda handler: handler.reply(status, body, **headers)


def endless(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    while True:
        handler.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")


def drops(handler):
    handler.close_connection = True


FAULTS = {
    "500": replies(500),
    "403": replies(403),
    "201": replies(201, b"{}"),
    "a redirect": replies(307, b"", Location="http://127.0.0.1:1/"),
    "no JSON": replies(200, b"yes"),
    "a list": replies(200, b"[]"),
    "a text that is none": replies(200, b'{"text":7}'),
    "an empty text": replies(200, b'{"text":""}'),
    "too long a text": replies(200, json.dumps({"text": "x" * 65001}).encode()),
    "no UTF-8": replies(200, b'{"text":"\xff"}'),
    "a NUL": replies(200, b'{"text":"\\u0000"}'),
    "a key twice": replies(200, b'{"refuse":false,"refuse":true}'),
    "a refusal that is none": replies(200, b'{"refuse":"yes"}'),
    "a reason that is none": replies(200, b'{"refuse":true,"reason":1}'),
    "an endless answer": endless,
    "hanging up": drops,
}


@pytest.mark.parametrize("default", ["allow", "refuse"])
def test_answers_that_cannot_be_used(make_stack, newcomer, default):
    with Filter() as asked:
        stack = make_stack(**asked.options, **PATIENT, hook_before_default=default)
        anna, ben = (newcomer(dialect, on=stack, ext=True) for dialect in DIALECTS)
        for name, answer in FAULTS.items():
            asked.raw = answer
            result = say(anna, ben.account, name)
            assert (result["ok"], result.get("error")) == (
                (True, None) if default == "allow" else (False, "not_checked")), name
        assert bodies(stack, anna) == (list(FAULTS) if default == "allow" else [])
        assert stack.metric("delivery", "hook_before_defaulted_total") == len(FAULTS)
        assert stack.metric("delivery", "hook_before_asked_total") == len(FAULTS)
        asked.raw = None
        asked.answer = lambda question: {"text": "x" * 65000}
        assert say(anna, ben.account, "at the limit")["ok"]
        asked.answer = lambda question: {"refuse": True}
        assert say(anna, ben.account, "refused")["error"] == "refused"
        for name, count in (("changed", 1), ("refused", 1), ("defaulted", len(FAULTS))):
            assert stack.metric("delivery", f"hook_before_{name}_total") == count
        assert 'hook_before_seconds_count' in stack.page("delivery", "/metrics")[1]
        # At most a line in ten seconds.
        assert 1 <= stack.services["delivery"].said().count("event=hook_before_fault") < len(FAULTS)


@pytest.mark.parametrize("default", ["allow", "refuse"])
def test_no_answer_in_time(make_stack, newcomer, default):
    with Filter() as asked:
        stack = make_stack(**asked.options, hook_before_timeout_ms=100, hook_before_default=default)
        anna, ben = (newcomer(dialect, on=stack, ext=True) for dialect in DIALECTS)
        api = Api(stack)
        asked.hold()
        result = say(anna, ben.account, "text")
        answer = api("POST", "/messages", {"from": ben.account.id, "user": anna.account.id, "text": "by the API"})
        if default == "allow":
            assert result["ok"] and answer.status == 201
        else:
            assert (result["error"], answer.status, answer.word) == ("not_checked", 503, "not_checked")
        asked.release()


@pytest.mark.parametrize("default", ["allow", "refuse"])
def test_an_address_where_nobody_listens(make_stack, newcomer, default):
    with Filter() as asked:
        options = asked.options | {"hook_before": f"http://127.0.0.1:{free_port()}/"}
        stack = make_stack(**options, **PATIENT, hook_before_default=default)
        anna, ben = (newcomer(dialect, on=stack, ext=True) for dialect in DIALECTS)
        assert say(anna, ben.account, "text")["ok"] == (default == "allow")


def test_too_many_texts(make_stack, newcomer):
    """Those beyond the queue are tried again, and stored when there is room; others wait for a connection."""
    with Filter() as asked:
        stack = make_stack(**asked.options, **PATIENT, hook_before_queue=4, hook_before_connections=2)
        people = [newcomer("youim", on=stack, ext=True) for _ in range(8)]
        asked.hold()
        for one in people:
            one.say(people[0].account if one is not people[0] else people[1].account, one.account.id, "r")
        wait_until(lambda: stack.metric("delivery", 'refused_total{error="overloaded"}') > 0, "a refusal")
        asked.wait(2)
        assert len(asked.asked) == 2
        assert stack.metric("delivery", 'queue_depth{queue="hook_before"}') == 4
        asked.release()
        for one in people:
            assert wait_for_result(one, "r")[0]["ok"]
        assert sorted(asked.texts()) == sorted(one.account.id for one in people)


def test_those_that_wait_for_a_connection_have_a_time_too(make_stack, newcomer):
    with Filter() as asked:
        stack = make_stack(**asked.options, hook_before_connections=1, hook_before_timeout_ms=300)
        people = [newcomer("youim", on=stack, ext=True) for _ in range(4)]
        asked.hold()
        for one in people[1:]:
            one.say(people[0].account, one.account.id, "r")
        for one in people[1:]:
            assert wait_for_result(one, "r")[0]["ok"]
        assert stack.metric("delivery", "hook_before_defaulted_total") == 3
        asked.release()


# --- its address ---


def test_its_certificate_is_verified(make_stack, newcomer, tmp_path):
    certificate = Certificate(tmp_path / "tls")
    with Filter(certificate) as asked:
        for trusted in ({}, {"hook_ca_file": certificate.path}):
            stack = make_stack(**asked.options, **PATIENT, **trusted, hook_before_default="refuse")
            anna, ben = (newcomer(dialect, on=stack, ext=True) for dialect in DIALECTS)
            assert say(anna, ben.account, "text")["ok"] == bool(trusted)
            assert len(asked.asked) == len(trusted)


@pytest.mark.parametrize("options", [
    {"hook_before": "file:///etc/passwd"}, {"hook_before": "http://a b/"}, {"hook_before_secret": ""},
    {"hook_before_secret": "whsec_short"}])
def test_options_that_cannot_be(stack, options):
    delivery = stack.services["delivery"]
    delivery.end()
    delivery.start(wait=False, **{**Filter().options, **options})
    assert delivery.wait_exit() != 0
    assert "event=start_failed" in delivery.said() and "hook_before" in delivery.said()
    delivery.start()


# --- the page ---


def test_the_example_of_the_page(make_stack, newcomer, tmp_path):
    """The program in docs/hooks.md, as it stands there."""
    page = (ROOT / "docs/hooks.md").read_text(encoding="utf-8")
    section = page[page.index("\n## Before sending"):]
    [example] = [block for block in re.findall("```python\n(.*?)```", section, re.S) if "http.server" in block]
    assert len(example.splitlines()) < 30
    script, port = tmp_path / "before.py", free_port()
    script.write_text(example, encoding="utf-8")
    with Filter() as unused:
        secret = unused.secret
    running = subprocess.Popen(["/usr/bin/python3", "-B", script, str(port)], env={"SECRET": secret},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        stack = make_stack(hook_before=f"http://127.0.0.1:{port}/", hook_before_secret=secret,
                           hook_before_default="refuse", **PATIENT)
        anna, ben = (newcomer(dialect, on=stack, ext=True) for dialect in DIALECTS)
        wait_until(lambda: say(anna, ben.account, "hello")["ok"], "the program to listen")
        ben.hear(anna.account, ben.account, "hello")
        assert say(anna, ben.account, "you fool")["ok"]
        ben.hear(anna.account, ben.account, "you ****")
        refused = say(anna, ben.account, "buy at http://example.com/")
        assert (refused["error"], refused["text"]) == ("refused", "no links here")
        wrong = make_stack(hook_before=f"http://127.0.0.1:{port}/", hook_before_default="refuse", **PATIENT,
                           hook_before_secret=unused.secret.replace("whsec_", "whsec_AAAA"))
        anna, ben = (newcomer(dialect, on=wrong, ext=True) for dialect in DIALECTS)
        assert say(anna, ben.account, "hello")["error"] == "not_checked"
    finally:
        running.kill()
        running.wait()
