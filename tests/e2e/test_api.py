"""The HTTP API: what an app's backend does with it, and what clients see of that."""

import concurrent.futures
import json
import secrets

import pytest
from parley_api import ALL, BASE, Api, quoted
from parley_files import ask, png
from parley_stack import wait_until


@pytest.fixture(scope="module")
def api(stack):
    return Api(stack)


def see_end(client):
    while client.take() is not None:  # the reason
        pass


# --- accounts


def test_accounts(api):
    made = api.expect(201, "POST", "/accounts", {"name": "Anna", "email": f"{secrets.token_hex(6)}@example.org",
                                                 "password": "secret"})
    assert made["id"] == str(made["number"])
    shown = api.expect(200, "GET", f"/accounts/{made['id']}")
    assert (shown["name"], shown["has_password"], shown["disabled"], shown["deleted"]) == ("Anna", True, False, False)
    identity = f"ä/{secrets.token_hex(6)} ?"
    other = api.expect(201, "POST", "/accounts", {"id": identity})
    assert (other["id"], other["number"] > 0) == (identity, True)
    assert api.expect(200, "GET", f"/accounts/{quoted(identity)}")["name"] == identity
    api.expect(204, "PATCH", f"/accounts/{other['number']}", {"name": "Ben", "about": "here"})
    shown = api.expect(200, "GET", f"/accounts/{other['number']}")
    assert (shown["name"], shown["about"], shown["has_password"]) == ("Ben", "here", False)
    assert api("POST", "/accounts", {"id": identity}).word == "taken"
    api.expect(204, "DELETE", f"/accounts/{other['number']}", blank="true")
    assert api.expect(200, "GET", f"/accounts/{other['number']}")["deleted"]
    assert api("GET", "/accounts/nobody-at-all").word == "no_account"


def test_lists_have_pages(api):
    numbers = sorted(api.expect(201, "POST", "/accounts")["number"] for _ in range(3))
    found, after = [], numbers[0] - 1
    while True:
        page = api.expect(200, "GET", "/accounts", after=after, limit=2)
        found += [account["number"] for account in page["accounts"]]
        assert len(page["accounts"]) <= 2 and page["more"] == ("next" in page)
        if not page["more"]:
            break
        after = page["next"]
        assert after == found[-1]
    assert found == sorted(set(found)) and set(numbers) <= set(found)


def test_lists_are_searched(api):
    word = secrets.token_hex(8)
    anna, ben = api.account(name=f"Anna {word}"), api.account(email=f"{word}@example.org")
    group = api.group(anna)
    api.expect(204, "PATCH", f"/groups/{group}", {"name": f"Club {word}"})

    def found(kind, search, **query):
        page = api.expect(200, "GET", f"/{kind}", search=search, **query)
        assert page["more"] == ("next" in page)
        return {each["id"] for each in page[kind]}

    assert found("accounts", word.upper()) == {anna, ben}
    assert found("accounts", f"a {word}") == {anna}
    assert found("accounts", f"{word}%") == set()
    assert found("groups", f"club {word}") == {group}
    first = api.expect(200, "GET", "/accounts", search=word, limit=1)
    rest = api.expect(200, "GET", "/accounts", search=word, limit=1, after=first["next"])
    assert first["more"] and not rest["more"]
    assert {each["id"] for page in (first, rest) for each in page["accounts"]} == {anna, ben}
    for faulty in ("", "x" * 65, "a\tb"):
        assert api("GET", "/accounts", search=faulty).word == "bad_request"


def test_a_disabled_account_and_its_connections(api, connect, stack):
    anna = connect("youim")
    anna.register_new()
    anna.log_in()
    api.expect(204, "POST", f"/accounts/{quoted(anna.account.id)}/disable")
    see_end(anna)
    assert api("POST", f"/accounts/{quoted(anna.account.id)}/logins").word == "disabled"
    api.expect(204, "POST", f"/accounts/{quoted(anna.account.id)}/enable")
    again = connect("youim")
    again.log_in(anna.account)


def test_a_login_by_a_token(api, connect):
    account = api.account(name="Anna")
    login = api.expect(201, "POST", f"/accounts/{account}/logins", {"device": "shop"})
    client = connect("youim")
    client.send(client.resumption(login["token"]))
    assert client.next()["resultCode"] == "success"
    logins = api.expect(200, "GET", f"/accounts/{account}/logins")["logins"]
    assert [(one["device"], one["transport"]) for one in logins] == [("shop", "websocket")]
    assert login["number"] in [one["number"] for one in
                               api.expect(200, "GET", "/sessions", after=login["number"] - 1, limit=1)["sessions"]]
    api.expect(204, "DELETE", f"/accounts/{account}/logins/{logins[0]['id']}")
    see_end(client)
    assert api.expect(200, "GET", f"/accounts/{account}/logins")["logins"] == []
    api.expect(204, "DELETE", f"/accounts/{account}/logins/{logins[0]['id']}")


# --- groups


def test_groups(api):
    anna, ben, carl = (api.account() for _ in range(3))
    group = api.expect(201, "POST", "/groups", {"owner": anna, "name": "Chess"})
    path = f"/groups/{group['id']}"
    api.expect(204, "PUT", f"{path}/members/{ben}")
    assert api("PUT", f"{path}/members/{ben}").word == "already_member"
    api.expect(204, "PUT", f"{path}/members/{ben}/role", {"role": "administrator"})
    api.expect(204, "PUT", f"{path}/members/{carl}")
    api.expect(204, "PUT", f"{path}/members/{carl}/mute", {"until_ms": 9000000000000, "as": ben})
    members = {one["id"]: one for one in api.expect(200, "GET", f"{path}/members")["members"]}
    assert [members[who]["role"] for who in (anna, ben, carl)] == ["owner", "administrator", "member"]
    assert members[carl]["muted_until_ms"] == 9000000000000
    assert api("POST", "/messages", {"from": carl, "group": group["id"], "text": "hello"}).word == "muted"
    assert api("DELETE", f"{path}/members/{anna}", **{"as": ben}).status == 403
    api.expect(204, "PUT", f"{path}/bans/{carl}")
    assert api("PUT", f"{path}/members/{carl}").word == "banned"
    api.expect(204, "DELETE", f"{path}/bans/{carl}")
    api.expect(204, "PATCH", path, {"name": "Go"})
    shown = api.expect(200, "GET", path)
    assert (shown["name"], shown["members"], shown["owner"], shown["dissolved"]) == ("Go", 2, anna, False)
    api.expect(204, "PUT", f"{path}/retention", {"days": 7})
    api.expect(204, "PUT", f"{path}/members/{ben}/role", {"role": "member"})
    api.expect(204, "POST", f"{path}/requests", {"as": carl})
    api.expect(204, "PUT", f"{path}/requests/{carl}", {"as": anna, "accept": True})
    api.expect(204, "DELETE", f"{path}/members/{carl}")
    api.expect(204, "DELETE", path)
    assert api.expect(200, "GET", path)["dissolved"]
    assert api("GET", "/groups/no-such-group").word == "no_group"


# --- messages


def test_messages(api, newcomer):
    anna = api.account()
    ben = newcomer("youim")
    sent = api.expect(201, "POST", "/messages", {"from": anna, "user": ben.account.id, "text": "hello"}, "first")
    assert ben.next() == {"msg": "hello", "msgType": 6, "fromUserId": anna}
    again = api.expect(201, "POST", "/messages", {"from": anna, "user": ben.account.id, "text": "hello"}, "first")
    assert again == sent
    assert api("POST", "/messages", {"from": anna, "user": ben.account.id, "text": "other"}, "first").word == "ref_used"
    assert api("POST", "/messages", {"from": ben.account.id, "user": anna, "text": "hello"}, "first").word == "ref_used"
    place = {"as": anna, "user": ben.account.id}
    reply = api.expect(201, "POST", "/messages", {"from": anna, "user": ben.account.id, "text": "more",
                                                  "reply": sent["cid"], "mentions": [ben.account.id]})
    page = api.expect(200, "GET", "/messages", limit=1, **place)
    assert page["more"] and [(one["cid"], one["text"], one["reply"], one["mentions"], one["from"], one["type"])
                             for one in page["messages"]] == [
        (reply["cid"], "more", sent["cid"], [ben.account.id], anna, "text")]
    page = api.expect(200, "GET", "/messages", before=reply["cid"], **place)
    assert [one["cid"] for one in page["messages"]] == [sent["cid"]] and not page["more"]
    api.expect(204, "PATCH", f"/messages/{sent['cid']}", {"text": "hi", **place})
    api.expect(204, "PUT", f"/messages/{sent['cid']}/reaction", {"emoji": "👍", "on": True, **place})
    first = api.expect(200, "GET", "/messages", after=sent["cid"] - 1, limit=1, **place)["messages"][0]
    assert (first["text"], first["reactions"]) == ("hi", [{"emoji": "👍", "count": 1, "mine": True}])
    found = api.expect(200, "GET", "/search", text="hi", **place)["messages"]
    assert "text" in api("GET", "/search", text="é", **place).json["detail"]
    assert [one["cid"] for one in found] == [sent["cid"]]
    api.expect(204, "DELETE", f"/messages/{sent['cid']}", **place)
    overview = api.expect(200, "GET", f"/accounts/{anna}/conversations")["conversations"]
    assert [(one["kind"], one["peer"]) for one in overview] == [("pair", ben.account.id)]
    api.expect(204, "PUT", f"/messages/{reply['cid']}/read", place)


def test_many_at_once_to_an_id_that_no_gateway_knows_yet(make_stack):
    stack = make_stack()
    api = Api(stack)
    anna, ben = api.account(), api.account()
    stack.services["gateway"].end()
    stack.services["gateway"].start()

    def send(number):
        body = {"from": anna, "user": ben, "text": f"hello {number}", "mentions": [ben]}
        return Api(stack, key=api.key)("POST", "/messages", body).status

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert list(pool.map(send, range(64))) == 64 * [201]


def test_messages_as_system(api, newcomer):
    ben = newcomer("youim")
    anna = api.account()
    group = api.group(anna, ben.account.id)
    ben.next()
    for to, number in (({"user": ben.account.id}, 101), ({"group": group}, 101), ({"everyone": True}, 100)):
        for _ in range(2):
            api.expect(204, "POST", "/system-messages", {"text": f"news {group}", **to}, f"{group} {sorted(to)}")
        message = ben.next()
        assert (message["msg"], message["fromUserId"]) == (f"news {group}", "SYSTEM"), (message, number)
    ben.fence()


def test_people(api):
    anna, ben = api.account(), api.account()
    api.expect(204, "PUT", f"/accounts/{anna}/friends/{ben}")
    assert [(one["id"], one["relation"]) for one in
            api.expect(200, "GET", f"/accounts/{ben}/friends")["friends"]] == [(anna, "asks")]
    api.expect(204, "PUT", f"/accounts/{ben}/requests/{anna}", {"accept": True})
    assert [(one["id"], one["relation"]) for one in
            api.expect(200, "GET", f"/accounts/{anna}/friends")["friends"]] == [(ben, "friend")]
    api.expect(204, "DELETE", f"/accounts/{anna}/friends/{ben}")
    api.expect(204, "PUT", f"/accounts/{ben}/blocks/{anna}")
    assert api("POST", "/messages", {"from": anna, "user": ben, "text": "hello"}).word == "blocked"
    api.expect(204, "DELETE", f"/accounts/{ben}/blocks/{anna}")
    api.expect(201, "POST", "/messages", {"from": anna, "user": ben, "text": "hello"})


def test_files(api, stack):
    anna, ben = api.account(), api.account()
    picture = png()
    opened = api.expect(201, "POST", "/files", {"as": anna, "name": "sea.png", "size": len(picture),
                                                "mime": "image/png"})
    assert ask(stack, opened["upload"], "PUT", picture)[0] == 201
    api.expect(201, "POST", "/messages", {"from": anna, "user": ben, "file": opened["id"], "file_kind": "image",
                                          "text": "look"})
    shown = api.expect(200, "GET", "/messages", **{"as": ben, "user": anna})["messages"][0]
    assert (shown["text"], shown["file"]["id"], shown["file"]["kind"]) == ("look", opened["id"], "image")
    assert ask(stack, shown["file"]["url"]) == (200, picture)
    assert api.expect(200, "GET", f"/files/{opened['id']}")["name"] == "sea.png"
    assert api("GET", "/files/0123456789abcdef").word == "no_file"
    for wrong in ({"name": "../sea.png"}, {"name": "sea\\.png"}, {"mime": "image"}):
        refused = api("POST", "/files", {"as": anna, "name": "sea.png", "size": 1} | wrong)
        assert (refused.status, refused.json["detail"].split()[0]) == (400, *wrong), refused.body


# --- keys


def test_a_key_needs_the_scope(stack, api):
    only = Api(stack, "files")
    refused = only("GET", "/accounts")
    assert (refused.status, refused.word) == (403, "forbidden")
    assert "accounts" in refused.json["detail"]


def test_a_call_without_a_good_key(stack, api):
    for authorization in (None, "", "Bearer", "Bearer ", "Basic abc", "Bearer wrong", f"Bearer {'x' * 64}",
                          f"Bearer {'x' * 65}", f"Token {api.key}"):
        answer = api.send("GET", f"{BASE}/accounts", Authorization=authorization)
        assert (answer.status, answer.word) == (401, "bad_api_key"), authorization
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert api.send("GET", f"{BASE}/accounts", Authorization=f"bearer  {api.key}").status == 200


def test_a_removed_key_ends_within_seconds(stack):
    api = Api(stack)
    api.expect(200, "GET", "/accounts", limit=1)
    stack.ctl("key", "remove", api.name)
    wait_until(lambda: api("GET", "/accounts", limit=1).status == 401, "the key to end")


def test_a_key_of_other_networks(stack):
    api = Api(stack, ALL, "--addresses=192.0.2.0/24")
    assert api("GET", "/accounts").word == "forbidden"
    Api(stack, ALL, "--addresses=127.0.0.0/8").expect(200, "GET", "/accounts", limit=1)


def test_a_key_makes_so_many_calls_a_minute(stack):
    api = Api(stack, ALL, "--per_minute=3")
    for _ in range(3):
        api.expect(200, "GET", "/accounts", limit=1)
    refused = api("GET", "/accounts", limit=1)
    assert (refused.status, refused.word) == (429, "throttled")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_the_key_of_an_account_acts_as_it_alone(stack, api):
    bot, ben = api.account(), api.account()
    own = Api(stack, "logins,groups,messages,people,files", f"--user={bot}")
    own.expect(201, "POST", "/messages", {"user": ben, "text": "hello"})
    own.expect(201, "POST", "/messages", {"from": bot, "user": ben, "text": "hello"})
    assert own("POST", "/messages", {"from": ben, "user": bot, "text": "hello"}).word == "forbidden"
    assert own("GET", "/messages", **{"as": ben, "user": bot}).word == "forbidden"
    assert len(own.expect(200, "GET", "/messages", user=ben)["messages"]) == 2
    assert own("GET", f"/accounts/{ben}/friends").word == "forbidden"
    own.expect(200, "GET", f"/accounts/{bot}/friends")
    own.expect(201, "POST", f"/accounts/{bot}/logins")
    assert own("POST", f"/accounts/{ben}/logins").word == "forbidden"
    assert own("GET", "/groups").word == "forbidden"
    group = api.group(ben, bot)
    assert own("PATCH", f"/groups/{group}", {"name": "mine"}).word == "not_allowed"
    assert own("DELETE", f"/groups/{group}").word == "not_allowed"
    assert own("PUT", f"/groups/{group}/members/{bot}/mute", {"until_ms": 0}).word in ("not_allowed", "to_oneself")
    group = own.expect(201, "POST", "/groups", {})["id"]
    assert api.expect(200, "GET", f"/groups/{group}")["owner"] == bot


def test_the_audit_names_the_key(stack, api):
    account = api.expect(201, "POST", "/accounts")["number"]
    api.expect(204, "PUT", f"/accounts/{account}/password", {"password": "secret"})
    rows = json.loads(stack.ctl("audit", f"--user={account}", "--json").stdout)
    assert {row["detail"] for row in rows if row["event"] == "api_key"} == {
        f"API key {api.name}: auth.set_password", f"API key {api.name}: session.kick"}
    assert api.key not in json.dumps(rows)
    for service in stack.services.values():
        assert api.key not in service.log.read_text(errors="replace")


# --- HTTP


def test_what_is_no_call(stack, api):
    for path in ("", "/", "/account", "/accounts/", "/accounts//password", "/accounts/a/b/c", "/openapi.json/x",
                 "/" + "a/" * 20):
        answer = api("GET", path)
        assert answer.status == 404, (path, answer.body)
    for method in ("PUT", "DELETE", "PATCH"):
        answer = api(method, "/accounts")
        assert (answer.status, answer.headers["Allow"]) == (405, "POST, GET, HEAD, OPTIONS")
    for method, status in (("OPTIONS", 204), ("POST", 405)):
        answer = api(method, "/openapi.json")
        assert (answer.status, answer.headers["Allow"]) == (status, "GET, HEAD, OPTIONS")
    answer = api("OPTIONS", "/groups/1/members/2")
    assert (answer.status, answer.headers["Allow"], answer.body) == (204, "PUT, DELETE, OPTIONS", b"")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_bodies(stack, api):
    def post(body, kind="application/json", **headers):
        return api.send("POST", f"{BASE}/accounts", body, Authorization=f"Bearer {api.key}", Content_Type=kind,
                        **headers)

    assert post("{}", "application/json; charset=utf-8").status == 201
    for kind in (None, "text/plain", "application/x-www-form-urlencoded", "application/jsonl"):
        assert post("{}", kind).status == 415, kind
    assert post(json.dumps({"name": "x" * 70000})).status == 413
    for body in ("[]", "{", "{} {}", '{"name":1e999}', '{"name":"\\u0000"}', '{"name":"a","name":"b"}', "nothing",
                 "{" * 40 + "}" * 40, '{"nickname":"anna"}', '{"name":""}', '{"name":{"a":1}}', '{"":1}'):
        answer = post(body)
        assert (answer.status, answer.word) == (400, "bad_request"), (body, answer.body)
    assert post(b'{"name":"\xff"}').status == 400
    assert "nickname" in post('{"nickname":"anna"}').json["detail"]
    for ref in ("", "x" * 65, "ä"):
        assert api.send("POST", f"{BASE}/accounts", Authorization=f"Bearer {api.key}",
                        Idempotency_Key=ref.encode()).status == 400, ref
    assert api("GET", "/accounts", limit="many").status == 400
    assert api("GET", "/accounts", limit=0).status == 400
    assert api("GET", "/accounts", colour="red").status == 400
    assert api("GET", "/accounts?limit=1&limit=2").status == 400
    assert api("GET", "/accounts/%zz").status == 400
    assert api("GET", "/accounts/%00").status == 400
    assert api("GET", "/accounts/%ff").status == 400


def test_head(stack, api):
    head = api("HEAD", "/accounts", limit=1)
    assert (head.status, head.body) == (200, b"") and int(head.headers["Content-Length"]) > 0


def test_a_socket_is_kept(api):
    api.expect(200, "GET", "/accounts", limit=1)
    before = api.socket
    for _ in range(20):
        api.expect(201, "POST", "/accounts", {})
        assert api("GET", "/accounts/nobody-at-all").status == 404
    assert api.socket is before


def test_two_sessions_and_one_list(make_stack, connect):
    stack = make_stack(sessions=2)
    api = Api(stack)
    people = [connect("youim", on=stack) for _ in range(12)]
    for person in people:
        person.register_new()
        person.log_in()
    numbers = sorted(person.account.number for person in people)
    found, after = [], 0
    while True:
        page = api.expect(200, "GET", "/sessions", after=after, limit=5)["sessions"]
        if not page:
            break
        assert len(page) <= 5 and all(one["connections"] == 1 for one in page)
        found += [one["number"] for one in page]
        after = found[-1]
    assert found == numbers
    for person in people:
        api.expect(204, "POST", f"/accounts/{quoted(person.account.id)}/kick", {"reason": "bye"})
        see_end(person)
