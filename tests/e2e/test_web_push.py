"""Web Push: a browser that subscribed is woken, with an encrypted message, until its login ends."""

import json

import pytest
from parley_client import KINDS
from parley_deeds import done
from parley_hooks import Receiver
from parley_stack import Stack, free_port, wait_until
from parley_web_push import Browser, PushService, verify_vapid

QUICK = {"hook_look_ms": 20, "presence_grace_ms": 100, "reach_interval_ms": 50, "cursor_flush_ms": 50,
         "push_delay_ms": 200, "push_again_ms": 3600000, "push_text": "true",
         "web_push_contact": "mailto:operator@example.org", "hook_timeout_ms": 2000}


@pytest.fixture(scope="module")
def woken(database):
    with Stack(database, web_push_private="true", **QUICK) as running:
        yield running


@pytest.fixture
def service():
    made = PushService(free_port())
    yield made
    made.stop()


@pytest.fixture
def person(woken, newcomer):
    return lambda *kind, **options: newcomer(*(kind or KINDS[0]), on=woken, ext=True, **options)


def push(client, **body):
    """The answer to a 345."""
    result, heard = done(client, client.make(345, "q", **body))
    assert result["ok"], result
    answer = next(client.body(m) for m in heard if int(m[client.number_key]) == 346)
    return {name: answer[name] for name in ("key", "on")}


def refused(client, **body):
    result, _ = done(client, client.make(345, "q", **body))
    assert not result["ok"], result
    return result


def away(stack, client):
    stack.wait_received(client.account)
    client.close()

    def gone():
        connected = json.loads(stack.ctl("sessions", "--json").stdout)
        return client.account.number not in [int(one["account"]) for one in connected]

    wait_until(gone, "it to be gone")


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_a_browser_is_woken(woken, person, service, kind):
    anna, ben = person(), person(*kind)
    browser = Browser(service)
    key = push(ben)["key"]
    assert push(ben, **browser.subscription()) == {"key": key, "on": True}
    away(woken, ben)
    anna.say(ben.account, "wake up ☕")
    message = browser.wait_message()
    assert message["type"] == "offline" and message["text"] == "wake up ☕"
    assert message["unread"] == 1 and message["from"]["id"] == anna.account.id
    _, _, headers, body = browser.arrived()[0]
    assert headers["Content-Encoding"] == "aes128gcm" and int(headers["TTL"]) > 0
    claims = verify_vapid(headers, key, f"http://127.0.0.1:{service.port}")
    assert claims["sub"] == "mailto:operator@example.org"
    assert b"wake up" not in body
    assert "web-push" in woken.ctl("hook", "list").stdout


def test_each_browser_of_an_account_is_woken(woken, person, connect, service):
    anna, ben = person(), person()
    browsers = [Browser(service), Browser(service)]
    push(ben, **browsers[0].subscription())
    other = connect(*KINDS[0], on=woken, ext=True)
    other.account = ben.account
    other.log_in(ben.account)
    push(other, **browsers[1].subscription())
    for client in (ben, other):
        woken.wait_received(client.account)
    other.close()
    away(woken, ben)
    anna.say(ben.account, "x" * 60000)
    for browser in browsers:
        assert browser.wait_message()["text"] == "x" * 500


def test_a_subscription_ends_with_its_login(woken, person, connect, service):
    anna, ben = person("youim", "websocket"), person("youim", "websocket")
    browser, other = Browser(service), Browser(service)
    push(ben, **browser.subscription())
    second = connect("youim", "websocket", on=woken, ext=True)
    second.account = ben.account
    second.log_in(ben.account)
    push(second, **other.subscription())
    ben.log_out()
    ben.close()
    away(woken, second)
    anna.say(ben.account, "who is there?")
    other.wait_message()
    wait_until(lambda: woken.sql("SELECT COUNT(*) FROM push_subscription WHERE account = %s",
                                 ben.account.number)[0][0] == 1, "the other to be removed")
    assert browser.arrived() == []


@pytest.mark.parametrize("status", (404, 410))
def test_a_subscription_that_is_gone_is_removed(woken, person, connect, service, status):
    anna, ben = person(), person()
    browser = Browser(service)
    service.statuses[browser.path] = status
    push(ben, **browser.subscription())
    away(woken, ben)
    anna.say(ben.account, "hello?")
    service.wait(lambda _: browser.arrived(), "the message")
    wait_until(lambda: woken.sql("SELECT COUNT(*) FROM push_subscription WHERE account = %s",
                                 ben.account.number)[0][0] == 0, "it to be removed")


def test_a_service_that_fails_is_tried_three_times(woken, person, service):
    anna, ben = person(), person()
    browser = Browser(service)
    service.statuses[browser.path] = 503
    push(ben, **browser.subscription())
    away(woken, ben)
    anna.say(ben.account, "hello?")
    service.wait(lambda _: len(browser.arrived()) == 3, "three attempts")
    # The next one is not held up by it.
    eve, hers = person(), Browser(service)
    push(eve, **hers.subscription())
    away(woken, eve)
    anna.say(eve.account, "and you?")
    hers.wait_message()
    assert len(browser.arrived()) == 3


def test_it_is_switched_off(woken, person, service):
    ben = person()
    browser = Browser(service)
    assert push(ben)["on"] is False
    assert push(ben, **browser.subscription())["on"] is True
    assert push(ben)["on"] is True
    assert push(ben, off=True)["on"] is False
    assert push(ben)["on"] is False


def test_an_endpoint_belongs_to_who_gave_it_last(woken, person, service):
    ben, eve = person(), person()
    browser = Browser(service)
    push(ben, **browser.subscription())
    push(eve, **browser.subscription())
    assert push(ben)["on"] is False and push(eve)["on"] is True


def test_what_is_no_subscription_is_refused(woken, person, service):
    ben = person()
    good = Browser(service).subscription()
    for wrong in ({"endpoint": "ftp://a/"}, {"endpoint": "https://a b/"}, {"endpoint": "https://a\"/"},
                  {"p256dh": "AAAA"}, {"p256dh": "B" + "A" * 86}, {"auth": "AAAA"}, {"auth": "?"}):
        assert refused(ben, **(good | wrong))["error"] == "bad_request"
    for missing in ("p256dh", "auth"):
        assert missing in refused(ben, **{n: v for n, v in good.items() if n != missing})["text"]
    assert push(ben)["on"] is False


def test_addresses_inside_are_not_connected_to(make_stack, newcomer):
    stack = make_stack(**QUICK)
    inside = Receiver(free_port())
    anna = newcomer(*KINDS[0], on=stack, ext=True)
    subscription = Browser(inside).subscription()
    assert refused(anna, **subscription)["error"] == "bad_request"  # http
    hosts = ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254")
    for host in hosts:
        one = newcomer(*KINDS[0], on=stack, ext=True)
        push(one, **(subscription | {"endpoint": f"https://{host}:{inside.port}/"}))
        away(stack, one)
        anna.say(one.account, "hello?")

    def failed():
        return f"parley_web_pushes_failed_total {len(hosts)}\n" in stack.page("hooks", "/metrics")[1]

    wait_until(failed, "the attempts to fail")
    assert inside.requests == [] and inside.recorded == []
    inside.stop()


def test_without_hooks_there_is_none(make_stack, newcomer):
    stack = make_stack(asleep=("hooks", "gateway"), **QUICK)
    stack.services["gateway"].start(hooks_peers="")
    assert "wakes no browsers" in refused(newcomer(*KINDS[0], on=stack, ext=True))["text"]
