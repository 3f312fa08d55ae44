"""The operator's API keys: `parleyctl key`."""

import json
import re
import secrets
import time

from parley_api import BASE, Api
from parley_stack import DEADLINE

KEY = re.compile(r"API key (.+), shown this once: (parley_[A-Za-z0-9_-]{43})\n")


def name():
    return f"key-{secrets.token_hex(4)}"


def keys(stack):
    return {row["name"]: row for row in json.loads(stack.ctl("key", "list", "--json").stdout)}


def test_add_list_and_remove(stack):
    shop, bot = name(), name()
    account = stack.ctl("user", "add", f"bot-{shop}").stdout.split()[1]
    made = [KEY.fullmatch(stack.ctl("key", "add", shop, "--scopes=accounts,files").stdout),
            KEY.fullmatch(stack.ctl("key", "add", bot, "--scopes=messages", f"--user=bot-{shop}", "--days=0",
                                    "--per_minute=5", "--addresses=192.0.2.0/24,::1").stdout)]
    assert [match[1] for match in made] == [shop, bot]
    rows = keys(stack)
    assert (rows[shop]["scopes"], rows[shop]["addresses"], rows[shop]["account"]) == ("accounts,files", "", 0)
    assert rows[shop]["expires_ms"] - rows[shop]["created_ms"] == 365 * 86400000
    assert (rows[bot]["addresses"], str(rows[bot]["account"])) == ("192.0.2.0/24,::1", account)
    assert (rows[bot]["per_minute"], rows[bot]["expires_ms"]) == (5, 0)
    assert str(rows[shop]["expires_ms"]) not in stack.ctl("key", "list", "--limit=1000").stdout  # a date, for people
    stack.ctl("key", "remove", shop)
    assert shop not in keys(stack)
    assert "there is no API key" in stack.ctl("key", "remove", shop, ok=False).stderr
    audit = stack.ctl("audit").stdout
    assert f"key add {bot}" in audit and f"key remove {shop}" in audit
    for match in made:
        assert match[2] not in audit and match[2] not in stack.services["auth"].log.read_text(errors="replace")


def test_what_cannot_be_one(stack):
    for options, fault in (((), "--scopes needs words"), (("--scopes=all",), "--scopes needs words"),
                           (("--scopes=files", "--addresses=1.2.3.4,here"), '"here" is no address'),
                           (("--scopes=files", "--user=nobody-at-all"), "nobody-at-all"),
                           (("--scopes=files", "--days=9999"), "days")):
        assert fault in stack.ctl("key", "add", name(), *options, ok=False).stderr
    assert "--user" in stack.ctl("key", "add", name(), "--scopes=system",
                                 f"--user={stack.ctl('user', 'add').stdout.split()[1]}", ok=False).stderr
    taken = name()
    stack.ctl("key", "add", taken, "--scopes=files")
    assert "taken" in stack.ctl("key", "add", taken, "--scopes=files", ok=False).stderr


def test_an_address_with_wrong_keys_waits(make_stack):
    stack = make_stack(login_failures_per_address=3)
    used, unused = Api(stack), Api(stack)
    used.expect(200, "GET", "/accounts", limit=1)
    until = time.monotonic() + DEADLINE
    tried = 0
    while True:
        assert time.monotonic() < until
        refused = used.send("GET", f"{BASE}/accounts", Authorization=f"Bearer parley_{secrets.token_urlsafe(32)}")
        if refused.status == 429:
            break
        assert (refused.status, refused.word) == (401, "bad_api_key")
        tried += 1
    assert tried >= 3
    assert refused.word == "throttled" and int(refused.headers["Retry-After"]) >= 1
    assert refused.json["detail"] == "too many wrong API keys from your address"
    used.expect(200, "GET", "/accounts", limit=1)
    unused.source = "127.0.0.2"
    unused.expect(200, "GET", "/accounts", limit=1)
