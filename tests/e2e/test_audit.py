"""What the audit has of each change: no password, no text that somebody was sent, and the name of whom it concerns."""

import json
import secrets

import pytest
from parley_api import Api


@pytest.fixture(scope="module")
def api(stack):
    return Api(stack)


def details(stack):
    return [row["detail"] for row in json.loads(stack.ctl("audit", "--json", "--limit=1000").stdout)]


def logs(stack):
    return "".join(service.log.read_text(errors="replace") for service in stack.services.values())


def new_hook(stack, url):
    name = f"hook-{secrets.token_hex(4)}"
    stack.ctl("hook", "add", name, url)
    return name


def test_the_password_of_a_hook_is_nowhere(stack, api):
    secret = secrets.token_hex(8)
    name = new_hook(stack, f"http://anna:{secret}@127.0.0.1:9/told?a=b")
    shown = "http://***@127.0.0.1:9/told?a=b"
    assert f"hook add {name} {shown}" in details(stack)
    assert json.loads(stack.ctl("hook", "show", name, "--json").stdout)[0]["url"] == shown
    assert shown in stack.ctl("hook", "list").stdout
    hooks = api.expect(200, "GET", "/hooks")["hooks"]
    assert [hook["url"] for hook in hooks if hook["name"] == name] == [shown]
    told = stack.ctl("hook", "list", "--json").stdout + stack.ctl("audit", "--json").stdout + json.dumps(hooks)
    assert secret not in told + logs(stack)
    stack.ctl("hook", "remove", name)


def test_what_somebody_was_sent_is_not_in_it_but_who_was(stack, api):
    account = api.account()
    group = api.group(account)
    text = f"for you alone: {secrets.token_hex(8)}"
    for to in (f"--user={account}", f"--group={group}", "--all"):
        stack.ctl("say", to, text)
        assert f"say {to}" in details(stack)
    assert text not in "".join(details(stack)) + logs(stack)


def test_a_long_command_is_cut(stack):
    name = new_hook(stack, f"http://127.0.0.1:9/{'x' * 400}")
    (found,) = [detail for detail in details(stack) if detail.startswith(f"hook add {name}")]
    assert len(found) == 255 and found.endswith("xxx")
    stack.ctl("hook", "remove", name)


def test_what_an_api_key_did_names_its_subject(stack, api):
    owner, member = api.account(), api.account()
    numbers = {one: stack.account_number(one) for one in (owner, member)}
    group = api.group(owner, member)
    hook = new_hook(stack, "http://127.0.0.1:9/")
    api.expect(204, "PUT", f"/groups/{group}/bans/{member}")
    api.expect(204, "POST", "/system-messages", {"user": owner, "text": "news"})
    api.expect(204, "POST", "/system-messages", {"group": group, "text": "news"})
    api.expect(204, "POST", f"/hooks/{hook}/retry")
    api.expect(204, "DELETE", f"/hooks/{hook}")
    rows = json.loads(stack.ctl("audit", "--json", "--limit=1000").stdout)
    did = [(row["subject"], row["detail"].removeprefix(f"API key {api.name}: "))
           for row in reversed(rows) if row["event"] == "api_key"]
    group = stack.group_number(group)
    for row in ((0, f"auth.add {owner}"), (group, f"group.add account {numbers[member]}"),
                (group, f"group.ban account {numbers[member]}"), (numbers[owner], "group.say"), (group, "group.say"),
                (0, f"hooks.retry {hook}"), (0, f"hooks.remove {hook}")):
        assert row in did, row
