"""Plays a case against a server: makes its people, friends and groups, then takes its steps."""

import base64
import json
import random
import secrets

from case import Mismatch, compare, fill_in, learn, of_dialect
from parley_client import DIALECTS, Account, compact
from parley_files import ask as http

# No request of either dialect has these numbers, and they fit into YouIM's framing.
UNKNOWN_NUMBERS = range(230, 256)
# OurChat has no binary framing.
WITHOUT_FRAMING = {"binary": "tcp", "tls_binary": "tls"}
PRESENCE = (107, 108, 109, 110, 207, 208, 209, 210)


class Actor:
    """A person of a case with its connection. Received messages must be taken in order."""

    def __init__(self, play, name, dialect, again=None):
        self.play, self.name, self.dialect, self.again = play, name, dialect, again
        self.client = None
        self._fences = 0
        self._heard = []
        self._before = []  # messages received on connections that are closed
        self._confirms = False  # what it received: it gets none of that again

    def value(self, field):
        return self.play.values[f"${self.name}.{field}"]

    # --- connections

    def connect(self):
        transport = self.play.transport
        if self.dialect == "ourchat":
            transport = WITHOUT_FRAMING.get(transport, transport)
        self.client = DIALECTS[self.dialect](self.play.server, transport)
        self.client.skips = frozenset()
        self.client.arrivals = self.client.copies = True
        # Named in failures, and in an OurChat client's faults.
        self.client.account = Account(self.dialect, self.play.values.get(f"${self.name}.ocid", 0),
                                      self.name)

    def register(self):
        if self.dialect == "ourchat":
            data = {name: self.value(name) for name in ("email", "password", "name")}
            self.client.send(self.client.make(4, **data))
            answer = self.client.expect(5, state=0)
            learn(f"${self.name}.ocid", answer["data"]["ocId"], self.play.values)
        else:
            self.client.send(self.client.make(113, userId=self.value("id")))

    def log_in(self):
        if self.dialect == "ourchat":
            login = {"account": self.value("email"), "password": self.value("password")}
            self.client.send(self.client.make(6, **login))
            self.client.expect(7, state=0)
        else:
            self.client.send(self.client.make(1, loginUserId=self.value("id")))
            answer = self.client.expect(2, resultCode="success")
            self.play.values[f"${self.name}.token"] = answer["token"]

    def leave(self):
        if not self._confirms:
            self._before += self._heard
        self._heard = []
        self.client.close()
        self.client = None

    def upload(self, what):
        """A file of this person's, by a connection of its own that has opted in."""
        client = DIALECTS[self.dialect](self.play.server, "websocket", ext=True)
        try:
            client.account = Account(self.dialect, self.value("ocid"), self.play.values.get(f"${self.name}.id", ""),
                                     self.play.values.get(f"${self.name}.email", ""),
                                     self.play.values.get(f"${self.name}.password", ""))
            client.log_in()
            data = base64.b64decode(what["base64"])
            client.send(client.make(323, name=what["name"], size=len(data), mime=what["mime"]))
            while (message := client.next()).get(client.number_key) != 324:
                pass
            opened = client.body(message)
            status, answer = http(self.play.server, opened["url"], "PUT", data)
            assert status in (200, 201, 204), (status, answer)
            self.play.values[what["as"]] = opened["file"]
        finally:
            client.abort()

    # --- talking

    def say(self, what):
        """A message, a list of messages in one write, or raw text."""
        messages = what if isinstance(what, list) else [what]
        if any(message.get("msgType", message.get("code")) == 301 for message in messages if isinstance(message, dict)):
            self._confirms, self._before = True, []
        self.client.send(*(fill_in(of_dialect(m, self.dialect), self.play.values)
                           for m in messages))

    def act(self, number, **body):
        """A request of its dialect, for the preparation of a case."""
        token = {"token": self.value("token")} if self.dialect == "youim" else {}
        self.client.send(self.client.make(number, **token, **body))

    def _next(self, wanted):
        """The next message, `wanted` or not. Four kinds are passed over where they are not wanted:
        messages that an earlier connection has received, since the server of a client that confirms
        none cannot be sure of what has arrived; news of presence; and, with `ext`, of arrivals at others
        (301), which are sent in their own time, and copies of its own texts to people."""
        while True:
            text = self.client.next_text()
            if not wanted(text):
                if text in self._before:
                    self._before.remove(text)
                    continue
                message = json.loads(text)
                if self._is_presence(message) or message.get(self.client.number_key) == 301:
                    continue
                if message.get("msgType") == 6 and "toUserId" in message:
                    continue
            self._heard.append(text)
            return text

    def _is_presence(self, message):
        if message.get(self.client.number_key) not in PRESENCE:
            return False
        body = self.client.body(message)
        own = self.value("id" if self.dialect == "youim" else "ocid")
        if own in (body.get("friendId"), body.get("userId"), body.get("ocid")):
            self.client.fail(f"{self.name} receives its own presence")
        return True

    def expect(self, number):
        """The next message, for the preparation of a case."""
        def wanted(text):
            return json.loads(text).get(self.client.number_key) == number

        text = self._next(wanted)
        if not wanted(text):
            self.client.fail(f"{self.name} ({self.dialect}): expected {number}, got {text}")
        for other in self.play.actors.values():
            if other.again == self.name:
                other.expect(number)
        return self.client.body(json.loads(text))

    def hear(self, what):
        expected = of_dialect(what, self.dialect)
        if expected == "nothing":
            self.hear_nothing()
            return
        text = self._next(lambda text: self._differs(expected, text, dict(self.play.values)) == "")
        why = self._differs(expected, text, self.play.values)
        if why:
            wanted = compact(expected)
            self.client.fail(f"{self.name} ({self.dialect}): {why}\nwanted {wanted}\ngot    {text}")

    def _differs(self, expected, text, values):
        given = json.loads(text)
        if self.client.transport in WITHOUT_FRAMING:  # where msgType stood is not to be seen
            expected = {"msgType": expected["msgType"], **expected}
        try:
            compare(expected, given, values)
        except Mismatch as mismatch:
            return str(mismatch)
        return ""

    def hear_nothing(self):
        """A fence: the next message is the answer to a request that is sent now."""
        number = UNKNOWN_NUMBERS[self._fences % len(UNKNOWN_NUMBERS)]
        self._fences += 1
        request = {self.client.number_key: number}
        self.client.send(request)
        text = self._next(lambda text: f"{number} is not known" in text)
        if f"{self.client.number_key} {number} is not known" not in text:
            self.client.fail(f"{self.name} ({self.dialect}) should hear nothing, but got {text}")


class Play:
    """One case with a choice of dialects over one transport. `settle` returns when all news of
    presence has been sent, `operator` runs parleyctl."""

    def __init__(self, server, case, dialects, transport, settle, operator=None):
        self.server, self.case, self.transport = server, case, transport
        self.settle, self.operator = settle, operator
        self.values = {}
        self.actors = {name: Actor(self, name, dialect, case.people[name].again)
                       for name, dialect in dialects.items()}
        self._invent_ids("ourchat" not in dialects.values())

    def _invent_ids(self, words):
        """Ids of YouIM are words where all understand them, else numbers, which have the same
        meaning in both dialects."""
        def new_id(name):
            number = random.randrange(2**40, 2**52)
            return f"{name}-{secrets.token_hex(6)}" if words else str(number)

        for name, actor in self.actors.items():
            if actor.dialect == "youim":
                self.values[f"${name}.id"] = chosen = new_id(name)
                self.values[f"${name}.ocid"] = 0 if words else int(chosen)
            else:
                self.values[f"${name}.email"] = f"{name}-{secrets.token_hex(6)}@example.org"
                self.values[f"${name}.password"] = secrets.token_hex(32)
                self.values[f"${name}.name"] = name
        for name in [*self.case.groups, *self.case.new]:
            self.values[f"${name}.id"] = chosen = new_id(name)
            self.values[f"${name}.group_id"] = 0 if words else int(chosen)

    def run(self):
        try:
            self._prepare()
            for who, verb, what in self.case.steps:
                self._take(who, verb, what)
            for actor in self.actors.values():
                if actor.client:
                    actor.hear_nothing()
        finally:
            for actor in self.actors.values():
                if actor.client:
                    actor.client.abort()

    def _take(self, who, verb, what):
        if who == "operator":
            self.operator(*fill_in(what, self.values))
            return
        actor = self.actors[who]
        if verb == "says":
            actor.say(what)
        elif verb == "uploads":
            actor.upload(what)
        elif verb == "hears":
            actor.hear(what)
        elif verb == "leaves":
            self.settle()  # so that the report of going online was sent before
            actor.leave()
        elif verb == "is cut off":
            actor.client.expect_closed()
            actor.leave()
        else:
            actor.connect()
            if verb == "returns":
                actor.log_in()

    # --- the state at the start

    def _prepare(self):
        for name, actor in self.actors.items():
            state = self.case.people[name].state
            actor.connect()
            if actor.again:
                for field in ("id", "ocid", "email", "password"):
                    if f"${actor.again}.{field}" in self.values:
                        self.values[f"${name}.{field}"] = self.values[f"${actor.again}.{field}"]
            elif state != "unregistered":
                actor.register()
            if state in ("", "away"):
                actor.log_in()
            actor.client.account.number = self.values.get(f"${name}.ocid", 0)
        for one, other in self.case.friends:
            self._befriend(self.actors[one], self.actors[other])
        for name, roles in self.case.groups.items():
            self._make_group(name, roles)
        for name, actor in self.actors.items():
            if self.case.people[name].state == "away":
                actor.leave()

    def _befriend(self, one, other):
        if one.dialect == "youim":
            one.act(13, fromUserId=one.value("id"), toUserId=other.value("id"))
        else:
            one.act(9, ocid=one.value("ocid"), add_ocid=other.value("ocid"))
        other.expect(103 if other.dialect == "youim" else 9)
        if other.dialect == "youim":
            other.act(104, fromUserId=other.value("id"), toUserId=one.value("id"),
                      confirmResult=True)
        else:
            other.act(10, add_ocid=other.value("ocid"), ocid=one.value("ocid"))
        one.expect(14 if one.dialect == "youim" else 10)

    def _make_group(self, name, roles):
        owner, group = self.actors[roles["owner"]], f"${name}"
        if owner.dialect == "youim":
            owner.act(114, ownerId=owner.value("id"), groupId=self.values[f"{group}.id"])
            owner.hear_nothing()
        else:
            owner.act(8, group_name=name, ocid=owner.value("ocid"))
            learn(f"{group}.group_id", owner.expect(10)["group_id"], self.values)
        inside = [owner]
        for member in roles.get("members", []) + roles.get("admins", []):
            inside.append(self.actors[member])
            self._join(self.actors[member], owner, group, inside)
        for admin in roles.get("admins", []):
            self._promote(self.actors[admin], owner, group)

    def _join(self, member, owner, group, inside):
        group_id, number = self.values[f"{group}.id"], self.values[f"{group}.group_id"]
        if member.dialect == "youim":
            member.act(3, fromUserId=member.value("id"), groupId=group_id)
        else:
            member.act(9, ocid=member.value("ocid"), group_id=number)
        owner.expect(105 if owner.dialect == "youim" else 9)
        if owner.dialect == "youim":
            owner.act(106, handleAdministratorId=owner.value("id"), groupId=group_id,
                      toUserId=member.value("id"), confirmResult=True)
        else:
            owner.act(10, group_id=number, ocid=member.value("ocid"))
        for actor in inside:
            if actor.dialect == "youim":
                actor.expect(4)
            elif actor is member:
                actor.expect(10)

    def _promote(self, admin, owner, group):
        assert owner.dialect == "youim", f"{self.case.name}: OurChat cannot make administrators"
        owner.act(19, ownerId=owner.value("id"), groupId=self.values[f"{group}.id"],
                  toUserId=admin.value("id"))
        owner.hear_nothing()
        if admin.dialect == "youim":
            admin.expect(20)
