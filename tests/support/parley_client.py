"""Clients of both dialects over both transports, as tests use them: one call after the other.

    anna = YouIM(stack, "websocket")
    anna.register_new()
    anna.log_in()
    anna.say(ben.account, "hello")
    ben.hear(anna.account, ben.account, "hello")

Reading happens in one background thread for all clients, so pings are answered and TCP is drained
whatever the test does. Waits end with the message or, after a deadline, with a failure; no sleeps.
`expect` and all built on it take the very next message: an unexpected one fails the test. `fence`
shows that nothing arrived: it sends a request whose answer must arrive first. It does not wait for
catching up or pushes: use `expect_nothing` to show that these bring nothing.
"""

import collections
import ctypes
import dataclasses
import itertools
import json
import secrets
import socket
import struct
import time

from parley_wire import WIRES, Inbox, Loop, run

TRANSPORTS = ("websocket", "tcp")
# Presence arrives at any time, and may be lost.
PRESENCE = frozenset({107, 108, 109, 110, 207, 208, 209, 210})
# Linux's number; Python doesn't name it.
SO_ATTACH_FILTER = 26

_numbers = itertools.count(1)


# --- accounts and groups


@dataclasses.dataclass
class Account:
    dialect: str
    number: int
    id: str
    email: str = ""
    password: str = ""

    def __str__(self):
        return f"{self.dialect} account {self.id} ({self.number})"


@dataclasses.dataclass
class Group:
    number: int
    id: str
    name: str


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Client:
    """One connection (without a transport none: it only makes messages); the common parts of both
    dialects. Subclasses have the forms of messages."""

    number_key = None
    # The login's; OurChat's is sent to clients with `ext`.
    token = None
    # Of the log, as a login with `ext` tells it.
    epoch = None
    # Codes or msgTypes that a test does not care for.
    skips = frozenset()
    # Whether it cares for 301s, which arrive at any time.
    arrivals = False
    # Whether it cares for YouIM's copies of its own texts to people.
    copies = False

    def __init__(
        self, stack, transport="websocket", ext=False, answer_pings=True, confirm=False
    ):
        """`confirm` goes with `ext`: only `received` moves the account's cursors."""
        self.stack, self.transport = stack, transport
        self.ext, self.confirm = ext or confirm, confirm
        self.account = None
        self.device = ""  # its name for itself at a login
        self._inbox = Inbox()
        self._history = collections.deque(maxlen=8)
        if transport is not None:
            wire, port = WIRES[transport]
            self._wire = wire(self._inbox.put, self._inbox.close)
            run(self._wire.open(stack.host, stack.ports[port], answer_pings))

    # --- sending

    def send(self, *messages):
        """Each a dict, or a text that is sent as it is; all in one write."""
        texts = [m if isinstance(m, str) else compact(m) for m in messages]
        self._history.extend(f"-> {text[:300]}" for text in texts)
        Loop.get().call_soon_threadsafe(self._wire.write, *texts)

    def send_bytes(self, data):
        """Raw bytes on the connection: on a WebSocket the caller makes the frames."""
        self._history.append(f"-> {data[:300]!r}")
        Loop.get().call_soon_threadsafe(self._wire.write_bytes, data)

    # --- receiving

    def next_text(self):
        text = self.take()
        if text is None:
            self.fail(f"the connection was closed ({self._inbox.closed})")
        return text

    def take(self):
        """The next text that is not to be skipped; None when the connection is closed."""
        while True:
            try:
                text = self._inbox.take()
            except TimeoutError as error:
                self.fail(str(error))
            if text is None:
                return None
            self._history.append(f"<- {text[:300]}")
            if not self._is_skipped(text):
                return text

    def _is_skipped(self, text):
        if not self.skips and (self.arrivals or "301" not in text) and "toUserId" not in text:
            return False
        message = json.loads(text)
        number = message.get(self.number_key)
        if number == 6 and self.number_key == "msgType" and "toUserId" in message:
            return not self.copies
        return number in self.skips or (number == 301 and not self.arrivals)

    def next(self):
        return json.loads(self.next_text())

    def expect(self, number, **fields):
        """The next message, which has this code or msgType, and these fields."""
        message = self.next()
        if message.get(self.number_key) != number:
            self.fail(f"expected {self.number_key} {number}, got {compact(message)[:300]}")
        body = self.body(message)
        for name, value in fields.items():
            if name not in body or body[name] != value:
                self.fail(f"expected {name} = {value!r}, got {compact(message)[:300]}")
        return message

    def expect_exactly(self, message):
        """The next message: the same fields with the same values in the same order."""
        text = self.next_text()
        if text != compact(message):
            self.fail(f"expected {compact(message)[:300]}, got {text[:300]}")

    def expect_closed(self):
        """The server closes the connection and nothing more arrives; returns how."""
        if self.take() is not None:
            self.fail("expected the end")
        return self._inbox.closed

    def fail(self, why):
        who = self.account or f"a {type(self).__name__} client"
        raise AssertionError("\n".join([f"{who} over {self.transport}: {why}", *self._history]))

    def fence(self):
        """Passes when nothing arrived before the answer to a request that is sent now."""
        number = 5000 + next(_numbers)
        self.send({self.number_key: number})
        self.expect_error(f"{self.number_key} {number} is not known")

    def expect_nothing(self, *others):
        """Passes when nothing arrives before a message that the operator sends to this account now: it
        is stored behind all entries for it, and takes the way of all that is pushed to it. `others`:
        its other connections."""
        text = f"the end {next(_numbers)}"
        body = {"to_account": self.account.number, "text": text}
        self.stack.ask("group", "group.say", [body])
        for client in (self, *others):
            client.expect(101 if client.dialect == "youim" else 0, msg=text)

    # --- the end

    def close(self):
        run(self._wire.close())

    def abort(self):
        """Vanishes without a word."""
        Loop.get().call_soon_threadsafe(self._wire.abort)

    def vanish(self):
        """As if the machine were gone: from now on its kernel drops whatever arrives for this
        connection, unanswered. It must say nothing more."""
        # A filter of one instruction, which lets no byte of any packet through.
        nothing = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
        program = struct.pack("HL", 1, ctypes.addressof(nothing))
        connection = self._wire.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)

    def stop_reading(self):
        """From now on the kernel's buffers fill, here and at the server."""
        self._on_transport("pause_reading")

    def read_on(self):
        self._on_transport("resume_reading")

    def finish_writing(self):
        """The end of this client's sending (TCP); it goes on receiving."""
        self._on_transport("write_eof")

    def _on_transport(self, what):
        Loop.get().call_soon_threadsafe(getattr(self._wire.transport, what))

    # --- the most frequent steps

    def say(self, peer, text, ref=None):
        """A text to an account or group; one to a group needs no more than membership."""
        self.send(self.saying(peer, text, ref))

    def hear(self, sender, peer, text):
        """The next message is this text, with exactly the fields of the protocol; returned."""
        message = self.next()
        expected = self.heard(sender, peer, text, message)
        if compact(message) != compact(expected):
            self.fail(f"expected {compact(expected)[:400]}, got {compact(message)[:400]}")
        return message

    def hear_own(self, peer, text):
        """Takes the sender's own copy of its last text, where its dialect has one."""
        if self.gets_own(peer):
            return self.hear(self.account, peer, text)
        return None

    def tell(self, ref=None):
        return {} if ref is None else {"ref": ref}

    def opting_in(self):
        """The fields that a login has more with `ext`."""
        return (
            ({"ext": 1} if self.ext else {})
            | ({"confirm": True} if self.confirm else {})
            | ({"device": self.device} if self.device else {})
        )

    def resumption(self, token):
        return self.make(317, token=token, **self.opting_in())

    def peer_of(self, peer):
        """How requests from 300 on name a group, an account or (None) SYSTEM."""
        return {"group" if isinstance(peer, Group) else "user": self.id_of(peer)}

    def receipt(self, peer, cid, ref=None, read=False):
        return self.make(302 if read else 301, ref, peer=self.peer_of(peer), cid=cid)

    def ask(self, number, answer, **body):
        """Sends a request that is answered with content, and returns that of `answer`. The 300
        under the same ref arrives behind it."""
        ref = secrets.token_hex(8)
        self.send(self.make(number, ref, **body))
        content = dict(self.body(self.expect(answer)))
        content.pop("msgType", None)
        assert content.pop("ref") == ref
        assert self.expect_result(ref) == {"ok": True}
        return content

    def asking_history(self, peer, ref=None, **more):
        key = "group" if isinstance(peer, Group) else "user"
        return self.make(303, ref, peer={key: self.id_of(peer)}, **more)

    def history(self, peer, **more):
        """The body of a 304."""
        key = "group" if isinstance(peer, Group) else "user"
        return self.ask(303, 304, peer={key: self.id_of(peer)}, **more)

    def conversations(self, **more):
        """The body of a 306."""
        return self.ask(305, 306, **more)

    def resume(self, account, token):
        """Logs in by the token of an earlier login; from here on `ext` is on."""
        self.account, self.ext = account, True
        self.send(self.resumption(token))
        self._expect_login()
        assert self.token == token

    def received(self, peer, cid, ref=None):
        """All up to `cid` has arrived: of a group, of the conversation with an account or, with
        oneself, of one's own notices, or (None) of the operator's messages to all. With a `ref`
        returns the body of its 300."""
        self.send(self.receipt(peer, cid, ref))
        return None if ref is None else self.expect_result(ref)

    def read(self, peer, cid, ref=None):
        """The same: all up to `cid` is read."""
        self.send(self.receipt(peer, cid, ref, read=True))
        return None if ref is None else self.expect_result(ref)

    def typing(self, peer, ref=None):
        return self.make(313, ref, peer=self.peer_of(peer))

    def type_to(self, peer, ref=None):
        self.send(self.typing(peer, ref))
        return None if ref is None else self.expect_result(ref)

    def expect_live(self, number, peer, **fields):
        """The next message is this 301, 302 or 313, with exactly these fields, and when it was."""
        message = self.next()
        body = dict(self.body(message))
        body.pop("msgType", None)
        expected = {"peer": self.peer_of(peer), **fields, "time_ms": body.get("time_ms")}
        if message[self.number_key] != number or body != expected or not body["time_ms"]:
            self.fail(f"expected {number} {expected}, got {compact(message)[:400]}")


class OurChat(Client):
    """`code`, `time`, `data`; ids are integers."""

    dialect = "ourchat"
    number_key = "code"

    @staticmethod
    def body(message):
        return message["data"]

    @staticmethod
    def cid_of(message):
        return message["data"]["cid"]

    def make(self, code, ref=None, **data):
        return {"code": code, "time": int(time.time()), "data": data, **self.tell(ref)}

    def register_new(self, name="somebody"):
        """Registers an account with data of its own and returns it."""
        email = f"person{next(_numbers)}-{secrets.token_hex(4)}@example.org"
        password = secrets.token_hex(32)
        self.send(self.make(4, email=email, password=password, name=name))
        answer = self.expect(5, state=0)
        number = answer["data"]["ocId"]
        self.account = Account("ourchat", number, str(number), email, password)
        return self.account

    @staticmethod
    def id_of(peer):
        return 0 if peer is None else peer.number

    def login_request(self, account):
        more = self.opting_in()
        return self.make(6, account=account.email, password=account.password, **more)

    def log_in(self, account=None):
        self.account = account or self.account
        self.send(self.login_request(self.account))
        self._expect_login()

    def _expect_login(self):
        data = self.expect(7, state=0, ocid=self.account.number)["data"]
        assert list(data) == ["state", "ocid"] + (["token", "epoch"] if self.ext else [])
        self.token, self.epoch = data.get("token"), data.get("epoch")

    def saying(self, peer, text, ref=None):
        key = "group_id" if isinstance(peer, Group) else "private_id"
        sender = {"ocid": self.account.number, key: peer.number}
        return self.make(0, ref, sender=sender, msg=text)

    def heard(self, sender, peer, text, message):
        """The form of a copy of the text; the server's choices are taken from `message`."""
        now = time.time()
        if not isinstance(message.get("time"), int) or abs(message["time"] - now) > 600:
            self.fail(f"`time` is not now in whole seconds: {compact(message)[:300]}")
        given = message.get("data", {})
        if not isinstance(given.get("cid"), int) or given["cid"] <= 0:
            self.fail(f"a stored text has no cid: {compact(message)[:300]}")
        key = "group_id" if isinstance(peer, Group) else "private_id"
        data = {
            "cid": given["cid"],
            "sender": {"ocid": sender.number, key: peer.number},
            "msg": text,
        }
        if self.ext:
            data["time_ms"] = given.get("time_ms")
            if not isinstance(data["time_ms"], int) or data["time_ms"] // 1000 != message["time"]:
                self.fail(f"`time_ms` does not fit: {compact(message)[:300]}")
        return {"code": 0, "time": message["time"], "data": data}

    def gets_own(self, peer):
        return True

    def create_group(self, name):
        self.send(self.make(8, group_name=name, ocid=self.account.number))
        data = self.expect(10)["data"]
        assert list(data) == ["group_id", "group_name", "ocid"]
        assert (data["group_name"], data["ocid"]) == (name, self.account.number)
        return Group(data["group_id"], str(data["group_id"]), name)

    def expect_joined(self, group, account):
        """The notice that somebody was pulled into a group; only that person receives it."""
        if account.number == self.account.number:
            data = self.expect(10)["data"]
            expected = {"group_id": group.number, "group_name": group.name, "ocid": account.number}
            if not self.ext and compact(data) != compact(expected):
                self.fail(f"expected {compact(expected)}, got {compact(data)}")

    def expect_error(self, reason):
        """A system message that says why; `reason` is a part of it."""
        message = self.expect(0, cid=0)
        number = self.account.number if self.account else 0
        sender = {"ocid": 0, "private_id": number}
        if list(message["data"]) != ["cid", "sender", "msg"] or message["data"]["sender"] != sender:
            self.fail(f"not a system message to this account: {compact(message)[:300]}")
        if reason not in message["data"]["msg"]:
            self.fail(f"expected the reason {reason!r}, got {message['data']['msg']!r}")

    def expect_result(self, ref):
        """The 300 of a request with a ref; its body."""
        data = dict(self.expect(300)["data"])
        assert data.pop("ref") == ref
        return data


class YouIM(Client):
    """`msgType`, `msgBody`; ids are strings."""

    dialect = "youim"
    number_key = "msgType"

    @staticmethod
    def body(message):
        return message

    @staticmethod
    def cid_of(message):
        return message["cid"]

    def make(self, number, ref=None, **body):
        return {"msgType": str(number), "msgBody": body, **self.tell(ref)}

    def registration(self, string_id, **more):
        return self.make(113, userId=string_id, **more)

    def register_new(self, name="somebody", **more):
        """Registers an account with an id of its own and returns it."""
        string_id = f"{name}-{next(_numbers)}-{secrets.token_hex(4)}"
        self.send(self.registration(string_id, **more))
        self.fence()
        number = self.stack.account_number(string_id)
        self.account = Account("youim", number, string_id, password=more.get("password", ""))
        return self.account

    def login_request(self, account):
        more = {"password": account.password} if account.password else {}
        return self.make(1, loginUserId=account.id, **more, **self.opting_in())

    @staticmethod
    def id_of(peer):
        return "SYSTEM" if peer is None else peer.id

    def log_in(self, account=None):
        self.account = account or self.account
        self.send(self.login_request(self.account))
        self._expect_login()

    def _expect_login(self):
        answer = self.expect(2, resultCode="success")
        assert list(answer) == ["msgType", "resultCode", "token"] + ["epoch", "user"] * self.ext
        self.token, self.epoch = answer["token"], answer.get("epoch")

    def acting(self, number, ref=None, **body):
        """A request with this login's token."""
        return self.make(number, ref, token=self.token, **body)

    def saying(self, peer, text, ref=None):
        if isinstance(peer, Group):
            return self.acting(7, ref, toGroup=peer.id, msg=text, fromUserId=self.account.id)
        return self.acting(5, ref, toUserId=peer.id, msg=text, fromUserId=self.account.id)

    def heard(self, sender, peer, text, message):
        """The form of a copy of the text; the server's choices are taken from `message`."""
        number = 8 if isinstance(peer, Group) else 6
        copy = {"msg": text, "msgType": number, "fromUserId": sender.id}
        if isinstance(peer, Group):
            copy["toGroup"] = peer.id
        if self.ext:
            copy["cid"], copy["time_ms"] = message.get("cid"), message.get("time_ms")
            if not isinstance(copy["cid"], int) or not isinstance(copy["time_ms"], int):
                self.fail(f"no cid and time_ms: {compact(message)[:300]}")
        return copy

    def gets_own(self, peer):
        return isinstance(peer, Group)

    def create_group(self, string_id):
        self.send(self.acting(114, ownerId=self.account.id, groupId=string_id))
        self.fence()
        return Group(self.stack.group_number(string_id), string_id, string_id)

    def expect_joined(self, group, account):
        """The notice that somebody was pulled into a group; every member receives it."""
        answer = {
            "msgType": 4,
            "confirmResult": True,
            "groupId": group.id,
            "toUserId": account.id,
        }
        message = self.next()
        given = {name: message.get(name) for name in answer} if self.ext else message
        if compact(given) != compact(answer):
            self.fail(f"expected {compact(answer)}, got {compact(message)[:300]}")

    def log_out(self):
        self.send(self.acting(9, logoutUserId=self.account.id))
        self.expect_exactly({"msgType": 10})

    def expect_error(self, reason):
        """A system message that says why; `reason` is a part of it."""
        message = self.expect(101, fromUserId="SYSTEM")
        if list(message) != ["msg", "msgType", "fromUserId"]:
            self.fail(f"not a system message: {compact(message)[:300]}")
        if reason not in message["msg"]:
            self.fail(f"expected the reason {reason!r}, got {message['msg']!r}")

    def expect_result(self, ref):
        """The 300 of a request with a ref; its body."""
        message = self.expect(300)
        assert message.pop("msgType") == 300
        assert message.pop("ref") == ref
        return message


DIALECTS = {"ourchat": OurChat, "youim": YouIM}
# Every kind of client: (dialect, transport).
KINDS = [(dialect, transport) for dialect in DIALECTS for transport in TRANSPORTS]
