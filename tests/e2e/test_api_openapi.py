"""Every operation that the HTTP API's OpenAPI file describes: with good input, whose answers are as the file
says, and with bad input."""

import json
import re
import secrets
import urllib.request

import jsonschema
import pytest
from parley_api import ALL, BASE, Api
from parley_files import ask
from parley_stack import DEADLINE

FAR = 9000000000000


@pytest.fixture(scope="module")
def spec(stack):
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.ports['http']}{BASE}/openapi.json",
                                timeout=DEADLINE) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def api(stack):
    return Api(stack)


def operations(spec):
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def body_schema(operation):
    content = operation.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("schema", {"properties": {}, "required": []})


def parameters(operation, place):
    return [one for one in operation["parameters"] if one.get("in") == place]


def checker(spec, schema):
    """Objects may have no more than the schema names: the file is made from the same tables."""
    closed = json.loads(json.dumps(spec))
    for one in closed["components"]["schemas"].values():
        one["additionalProperties"] = False
    return jsonschema.Draft202012Validator({**schema, "components": closed["components"]})


# --- good input


class Scene:
    """Who and what operations are tried on; each attribute is made when it is first asked for."""

    def __init__(self, api, stack):
        self.api, self.stack = api, stack

    def account(self):
        return self.api.account()

    def pair(self):
        anna, ben = self.account(), self.account()
        cid = self.api.expect(201, "POST", "/messages", {"from": anna, "user": ben, "text": "hello"})["cid"]
        return anna, ben, cid

    def group(self, *members):
        owner = self.account()
        return owner, self.api.group(owner, *members)


def good_inputs(scene):
    """operationId -> a function: the path's parameters, the query, the body."""
    api = scene.api

    def of_account(**body):
        return lambda: ({"account": scene.account()}, {}, body or None)

    def of_group(**body):
        return lambda: ({"group": scene.group()[1]}, {}, body or None)

    def of_member(body=None):
        def make():
            member = scene.account()
            return {"group": scene.group(member)[1], "account": member}, {}, body
        return make

    def of_stranger(body=None):
        return lambda: ({"group": scene.group()[1], "account": scene.account()}, {}, body)

    def of_text(in_body, **body):
        def make():
            anna, ben, cid = scene.pair()
            place = {"as": anna, "user": ben}
            return {"cid": cid}, {} if in_body else place, {**place, **body} if in_body else None
        return make

    def of_two(befriends=False, **body):
        def make():
            one, other = scene.account(), scene.account()
            if befriends:
                api.expect(204, "PUT", f"/accounts/{one}/friends/{other}")
                api.expect(204, "PUT", f"/accounts/{other}/friends/{one}")
            return {"account": one, "target": other}, {}, body or None
        return make

    def answering_a_friend():
        one, other = scene.account(), scene.account()
        api.expect(204, "PUT", f"/accounts/{other}/friends/{one}")
        return {"account": one, "asker": other}, {}, {"accept": True}

    def answering_a_join():
        (owner, group), asker = scene.group(), scene.account()
        api.expect(204, "POST", f"/groups/{group}/requests", {"as": asker})
        return {"group": group, "account": asker}, {}, {"accept": False, "as": owner}

    def leaving():
        member = scene.account()
        return {"group": scene.group(member)[1]}, {}, {"as": member}

    def ending_a_login():
        account = scene.account()
        api.expect(201, "POST", f"/accounts/{account}/logins", {})
        login = api.expect(200, "GET", f"/accounts/{account}/logins")["logins"][0]["id"]
        return {"account": account, "login": login}, {}, None

    def reading():
        anna, ben, cid = scene.pair()
        return {}, {"as": anna, "user": ben, "around": cid, "limit": 5}, None

    def showing_a_file():
        anna, ben, _ = scene.pair()
        opened = api.expect(201, "POST", "/files", {"as": anna, "name": "a.txt", "size": 1})
        assert ask(scene.stack, opened["upload"], "PUT", b"a")[0] == 201
        api.expect(201, "POST", "/messages", {"from": anna, "user": ben, "file": opened["id"]})
        return {"file": opened["id"]}, {}, None

    def sending():
        anna, ben, cid = scene.pair()
        return {}, {}, {"from": anna, "user": ben, "text": "more", "reply": cid, "mentions": [ben]}

    def of_hook():
        name = f"hook-{secrets.token_hex(4)}"
        scene.stack.ctl("hook", "add", name, "http://127.0.0.1:9/")
        return {"hook": name}, {}, None

    def seeing():
        anna, ben, _ = scene.pair()
        return {"account": anna}, {"limit": 1}, None

    return {
        "createAccount": lambda: ({}, {}, {"name": "Anna", "password": "secret"}),
        "listAccounts": lambda: ({}, {"after": 1, "limit": 2, "search": "anna"}, None),
        "showAccount": of_account(), "changeAccount": of_account(name="Ben", about="", avatar=""),
        "deleteAccount": lambda: ({"account": scene.account()}, {"blank": "false"}, None),
        "setPassword": of_account(password="secret"), "disableAccount": of_account(),
        "enableAccount": of_account(), "createLogin": of_account(device="shop"), "listLogins": of_account(),
        "endLogin": ending_a_login, "kickAccount": of_account(reason="bye"),
        "listSessions": lambda: ({}, {"limit": 3}, None),
        "createGroup": lambda: ({}, {}, {"owner": scene.account(), "name": "Chess"}),
        "listGroups": lambda: ({}, {"limit": 1, "search": "chess"}, None), "showGroup": of_group(),
        "changeGroup": of_group(name="Go", about="stones", slow_s=3, avatar=""), "dissolveGroup": of_group(), "setRetention": of_group(days=3),
        "listMembers": of_group(), "addMember": of_stranger(), "removeMember": of_member(),
        "setRole": of_member({"role": "administrator"}), "muteMember": of_member({"until_ms": FAR}),
        "banAccount": of_stranger(), "unbanAccount": of_stranger(),
        "leaveGroup": leaving, "showProfile": lambda: ({}, {"as": scene.account(), "user": scene.account()}, None),
        "askToJoin": lambda: ({"group": scene.group()[1]}, {}, {"as": scene.account()}),
        "answerJoin": answering_a_join, "sendMessage": sending, "readMessages": reading,
        "editMessage": of_text(True, text="hi"), "recallMessage": of_text(False),
        "reactToMessage": of_text(True, emoji="+", on=True), "markRead": of_text(True),
        "searchMessages": lambda: ({}, {"as": scene.pair()[0], "text": "hello"}, None),
        "listConversations": seeing,
        "sendSystemMessage": lambda: ({}, {}, {"user": scene.account(), "text": "news"}),
        "listFriends": seeing, "askFriend": of_two(), "endFriendship": of_two(True),
        "answerFriend": answering_a_friend, "blockAccount": of_two(), "unblockAccount": of_two(),
        "openUpload": lambda: ({}, {}, {"as": scene.account(), "name": "a", "size": 1, "sha256": "0" * 64}),
        "showFile": showing_a_file,
        "listAudit": lambda: ({}, {"account": scene.account(), "before": FAR, "limit": 2}, None),
        "listServices": lambda: ({}, {}, None), "listHooks": lambda: ({}, {"limit": 3}, None),
        "removeHook": of_hook, "retryHook": of_hook,
    }


def filled(path, places):
    return re.sub(r"{(\w+)}", lambda match: str(places[match[1]]), path)


def test_each_operation_with_good_input(stack, api, spec):
    inputs = good_inputs(Scene(api, stack))
    assert sorted(inputs) == sorted(operation["operationId"] for _, _, operation in operations(spec))
    for path, method, operation in operations(spec):
        places, query, body = inputs[operation["operationId"]]()
        if body is not None:
            checker(spec, body_schema(operation)).validate(body)
        answer = api(method.upper(), filled(path, places), body, **query)
        status = next(iter(operation["responses"]))
        assert str(answer.status) == status, (operation["operationId"], answer.status, answer.body)
        content = operation["responses"][status].get("content")
        assert bool(content) == bool(answer.body), operation["operationId"]
        if content:
            checker(spec, content["application/json"]["schema"]).validate(answer.json)


# --- bad input


def wrong_values(schema):
    """Values that the schema does not allow."""
    values = [{}, 1.5, -1] + ([] if "oneOf" in schema else [[]])
    if schema.get("type") == "boolean":
        values += [1, "yes"]
    if schema.get("type") == "string":
        values += ["", 7] if "minLength" in schema or not re.search(schema.get("pattern", ""), "") else []
    if "maxLength" in schema:
        values.append("x" * (schema["maxLength"] + 1))
    if "maximum" in schema:
        values += [schema["maximum"] + 1 if schema["maximum"] < 2**53 - 1 else 2**53, schema["minimum"] - 1]
    if "enum" in schema or "pattern" in schema:
        values += ["nothing", "x" * 16]
    return [value for value in values
            if not (schema.get("maxLength") == 64 and schema.get("type") == "string" and value in (7, 1.5))]


def bad_calls(path, method, operation, places, query, body):
    """(what is wrong, path, query, body)"""
    where = filled(path, places)
    yield "an unknown parameter", where, {**query, "nothing": 1}, body
    for one in parameters(operation, "query"):
        if one["required"] and one["name"] in query and one["name"] != "as":
            yield f"no {one['name']}", where, {key: query[key] for key in query if key != one["name"]}, body
        if one["schema"].get("type") in ("integer", "boolean"):
            yield f"a wrong {one['name']}", where, {**query, one["name"]: "-x"}, body
    schema = body_schema(operation)
    if not schema["properties"]:
        return
    yield "an unknown field", where, query, {**(body or {}), "nothing": 1}
    for name in schema["required"]:
        yield f"no {name}", where, query, {key: body[key] for key in body if key != name}
    for name, one in schema["properties"].items():
        for value in wrong_values(one):
            yield f"{name} = {str(value)[:20]}", where, query, {**(body or {}), name: value}


def test_each_operation_with_bad_input(stack, api, spec):
    inputs = good_inputs(Scene(api, stack))
    others = {scope: Api(stack, ",".join(word for word in ALL.split(",") if word != scope)) for scope in ALL.split(",")}
    for path, method, operation in operations(spec):
        name = operation["operationId"]
        places, query, body = inputs[name]()
        where, verb = filled(path, places), method.upper()
        assert api.send(verb, f"{BASE}{where}").status == 401, name
        assert others[operation["tags"][0]](verb, where, body, **query).word == "forbidden", name
        for what, bad, asked, sent in bad_calls(path, method, operation, places, query, body):
            answer = api(verb, bad, sent, **asked)
            assert answer.status == 400, (name, what, answer.status, answer.body)
            assert answer.word == "bad_request", (name, what)
        if body is not None:
            answer = api.send(verb, f"{BASE}{where}", json.dumps(body), Authorization=f"Bearer {api.key}",
                              Content_Type="text/plain")
            assert answer.status == 415, name
        for place in places:
            if place in ("account", "target", "asker", "group"):
                nobody = filled(path, {**places, place: "nobody-at-all"})
                answer = api(verb, nobody, body, **query)
                assert (answer.status, answer.word) == (404, "no_group" if place == "group" else "no_account"), name
