"""The HTTP API, as an app's backend uses it.

    api = Api(stack, "accounts,groups")            makes a key with these scopes
    answer = api("POST", "/accounts", {"id": "anna"})
    assert (answer.status, answer.json["id"]) == (201, "anna")
    api.expect(204, "DELETE", "/accounts/anna")
"""

import http.client
import json
import secrets
import select
import urllib.parse

DEADLINE = 60
BASE = "/api/v1"
ALL = "accounts,logins,groups,messages,system,people,sessions,files,audit,status,hooks"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def word(self):
        """The stable word of a problem."""
        assert self.headers["Content-Type"] == "application/problem+json", self.body
        assert self.json["status"] == self.status
        assert self.json["type"] == f"urn:parley:error:{self.json['error']}"
        return self.json["error"]


class Api:
    """One API key, and a socket that is kept; `source`: the address that it comes from."""

    source = "127.0.0.1"

    def __init__(self, stack, scopes=ALL, *options, key=None):
        self.stack, self.name = stack, f"key-{secrets.token_hex(6)}"
        self.key = key or stack.ctl("key", "add", self.name, f"--scopes={scopes}", *options).stdout.split()[-1]
        self.socket = None

    def send(self, method, path, body=None, **headers):
        """One request as it is; `path` is all of it."""
        if self.socket and (self.socket.sock is None or select.select([self.socket.sock], [], [], 0)[0]):
            self.socket.close()  # it was idle for so long that the gateway has closed it
            self.socket = None
        self.socket = self.socket or http.client.HTTPConnection("127.0.0.1", self.stack.ports["http"],
                                                                timeout=DEADLINE, source_address=(self.source, 0))
        try:
            self.socket.request(method, path, body, {name.replace("_", "-"): value
                                                     for name, value in headers.items() if value is not None})
            answer = Answer(self.socket.getresponse())
        except (http.client.HTTPException, OSError):
            self.socket.close()
            self.socket = None
            raise
        if answer.headers["Connection"] == "close":
            self.socket.close()
            self.socket = None
        return answer

    def __call__(self, method, path, body=None, ref=None, **query):
        if query:
            path += "?" + urllib.parse.urlencode(query)
        headers = {"Authorization": f"Bearer {self.key}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if ref:
            headers["Idempotency-Key"] = ref
        return self.send(method, BASE + path, None if body is None else json.dumps(body), **headers)

    def expect(self, status, method, path, body=None, ref=None, **query):
        answer = self(method, path, body, ref, **query)
        assert answer.status == status, (method, path, body, answer.status, answer.body)
        return answer.json if answer.body else None

    def account(self, **fields):
        """The id of a new account."""
        fields.setdefault("id", f"a-{secrets.token_hex(6)}")
        return self.expect(201, "POST", "/accounts", fields)["id"]

    def group(self, owner, *members):
        group = self.expect(201, "POST", "/groups", {"owner": owner, "id": f"g-{secrets.token_hex(6)}"})["id"]
        for member in members:
            self.expect(204, "PUT", f"/groups/{group}/members/{member}")
        return group


def quoted(text):
    return urllib.parse.quote(text, safe="")
