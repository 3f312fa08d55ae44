"""The HTTP API's document: docs/openapi.json, and what a gateway serves, are OpenAPI 3.1 after the official schema,
which finds what is broken."""

import json
import re
import urllib.request

import pytest
from parley_api import ALL, BASE
from parley_openapi import faults
from parley_stack import DEADLINE, ROOT

METHODS = ("get", "post", "put", "patch", "delete")


def written():
    return json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))


def test_the_page_is_openapi():
    assert faults(written()) == []


def test_what_a_gateway_serves_is_openapi(stack):
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.ports['http']}{BASE}/openapi.json",
                                timeout=DEADLINE) as answer:
        assert answer.headers["Content-Type"] == "application/json"
        served = json.load(answer)
    assert faults(served) == [] and served == written()


def put(*path_and_value):
    """A change of a document: puts a value at the end of a path."""
    *path, last, value = path_and_value

    def change(document):
        for name in path:
            document = document[name]
        document[last] = value
    return change


def take(*path):
    def change(document):
        for name in path[:-1]:
            document = document[name]
        del document[path[-1]]
    return change


ACCOUNTS = ("paths", "/accounts")
LISTING = (*ACCOUNTS, "get")
MAKING = (*ACCOUNTS, "post")
BROKEN = {
    "another release": put("openapi", "3.0.3"),
    "no title": take("info", "title"),
    "no paths and no components": lambda document: (document.pop("paths"), document.pop("components")),
    "an unknown field": put("nothing", 1),
    "a path without a slash": put("paths", "accounts", {}),
    "an unknown field of an operation": put(*LISTING, "nothing", 1),
    "a summary that is no text": put(*LISTING, "description", 7),
    "a parameter in a wrong place": put(*LISTING, "parameters", 0, "in", "body"),
    "a parameter without a schema": take(*LISTING, "parameters", 0, "schema"),
    "a path's parameter that is not required":
        put("paths", "/accounts/{account}", "get", "parameters", 0, "required", False),
    "a status that is none": put(*LISTING, "responses", "900", {"description": "odd"}),
    "a response without a description": take(*LISTING, "responses", "200", "description"),
    "a body without content": take(*MAKING, "requestBody", "content"),
    "security that is no list": put(*LISTING, "security", {"apiKey": []}),
    "a scheme of an unknown kind": put("components", "securitySchemes", "apiKey", "type", "magic"),
    "a schema that is no object": put("components", "schemas", "Account", 7),
    "a schema of no type": put("components", "schemas", "Account", "type", "strin"),
    "a property of no type": put("components", "schemas", "Account", "properties", "id", "type", ["text"]),
    "a parameter's schema of no type": put(*LISTING, "parameters", 0, "schema", "type", "number?"),
    "a bound that is no number":
        put(*MAKING, "requestBody", "content", "application/json", "schema", "properties", "email", "maxLength", "long"),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_document_is_found(change):
    document = written()
    change(document)
    assert faults(document)


# --- what a schema can't say


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_names_are_those_that_it_has():
    document = written()
    operations = [(path, method, operation) for path, methods in document["paths"].items()
                  for method, operation in methods.items()]
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(names) == len(set(names)) > 40
    for path, method, operation in operations:
        assert method in METHODS
        keys = [(one.get("in"), one.get("name")) for one in operation["parameters"]]
        assert len(keys) == len(set(keys))
        assert {name for place, name in keys if place == "path"} == set(re.findall(r"{(\w+)}", path)), path
        assert "default" in operation["responses"] and len(operation["responses"]) == 2
        assert operation["security"] == [{"apiKey": operation["tags"]}]
        assert operation["tags"][0] in ALL.split(",")
    for schema in document["components"]["schemas"].values():
        assert set(schema["required"]) <= set(schema["properties"])
    for reference in references(document):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found
