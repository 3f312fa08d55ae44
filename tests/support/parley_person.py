"""One person of a load: an account, its present connection, and all that it has sent and got.

    person = Person(load, index, account, transport, opts)
    person.forget()                        new books
    await person.live()                    talks whenever the load does, until the load is over
    str(person)                            what it does, waits for and was last told

It loses its connection and opens another as its client would: see parley_load.py.
"""

import asyncio
import collections
import contextlib
import json
import time

import parley_books
from parley_client import DIALECTS, compact
from parley_confirm import Confirmations
from parley_deeds import edit, react
from parley_wire import DEADLINE, WIRES

# Seconds between two texts of one person; one in so many goes to the group; texts that may wait
# for their receipts; seconds after which an unmodified client stops waiting.
PACE = 1.0
GROUP_TURN = 8
# With `ext` a person is typing before one in so many; the 300s under this ref do not matter.
TYPING_TURN = 4
TYPING = "typing"
# One in so many texts is edited, into the same, and reacted to; under refs that begin so.
CHANGE_TURN = 8
CHANGE = "change "
WINDOW = 4
PATIENCE = 5
# Seconds between two attempts to log in while the server cannot.
LOGIN_PAUSE = 0.3


class _Offline(Exception):
    """The connection broke, or the login could not be made just now."""


class Person:
    """An account, its present connection, and everything it has sent and got in this run."""

    def __init__(self, load, index, account, transport, opts):
        self.load, self.index, self.account, self.transport = load, index, account, transport
        self.client = DIALECTS[account.dialect](load.stack, None, **opts)
        self.client.account = account
        self.token = None
        self.confirmations = Confirmations(self) if self.client.confirm else None
        self.neighbours, self.group = [], None
        self.count = 0
        self.lines = []
        self._wire = self._woken = self._logged_in = None
        self._closed = True
        self._state, self._since = "not begun", time.monotonic()
        self._last, self._last_at = "nothing", time.monotonic()
        self.forget()

    def forget(self):
        """New books; only the connection stays."""
        self.sent = {}  # text -> peer
        self.receipts = {}  # text -> cid, None where the dialect doesn't tell
        self.waiting = collections.OrderedDict()  # text -> when it was said: nothing is known of it
        self.refused = set()  # texts that were, where the client learns of it
        self.reasons = collections.Counter()
        self.heard = set()
        self.lines = [parley_books.Line(False)]
        self.last_round = False

    def groups(self):
        return (self.group.number,)

    def is_in(self):
        return not self._closed and self._logged_in.done() and self._logged_in.result()

    def is_silent(self, count):
        """Whether it has not yet said a text beyond the first `count`, and had room for another then."""
        # There was room before the next.
        return self.count <= count + (len(self.waiting) == WINDOW)

    def __str__(self):
        now = time.monotonic()
        how = self.transport + (" confirms" if self.client.confirm else " ext" if self.client.ext else "")
        says = [f"{self._state} for {now - self._since:.1f} s", f"{len(self.lines)} connections"]
        says += [f"{self.count} texts", f"{len(self.receipts)} receipts"]
        says += [f"{text} waits for {now - at:.1f} s" for text, at in self.waiting.items()]
        if self.confirmations is not None and (asked := self.confirmations.asked()):
            says.append(f"{asked} waits")
        says += [f"{count} times: {why}" for why, count in self.reasons.items()]
        says.append(f"{now - self._last_at:.1f} s ago it got {self._last[:200]}")
        return f"{self.account} over {how}: {', '.join(says)}"

    def _is_now(self, state):
        self._state, self._since = state, time.monotonic()

    # --- receiving

    def _receive(self, text):
        self._last, self._last_at = text, time.monotonic()
        with self.load.shows_faults(self):
            self._take(json.loads(text))
        self._woken.set()

    def _take(self, message):
        client = self.client
        number, body = int(message[client.number_key]), client.body(message)
        if number in (2, 7) and not self._logged_in.done():
            fine = body.get("resultCode") == "success" or body.get("state") == 0
            client.token = self.token = body.get("token") if fine else None
            self._logged_in.set_result(fine)
        elif number == 300:
            self._result(body)
        elif number in (6, 8) or (number == 0 and body["cid"] != 0):
            self._text(body["msg"], body.get("cid"))
        elif number in parley_books.CAME_ONLINE or number in parley_books.WENT:
            self.lines[-1].saw(number, body)
        elif number in (101, 0):
            self.reasons[body["msg"]] += 1

    def _text(self, text, cid):
        self.lines[-1].copies.append((text, cid))
        self.heard.add(text)
        if text in self.sent:
            self._acknowledged(text, cid)
        elif self.load.is_of_this_run(text):
            # Some receive no copy of their texts to a person.
            self.load.writer_of(text).is_known(text)
        if self.confirmations is not None and self.load.is_of_this_run(text):
            writer = self.load.writer_of(text)
            peer = writer.sent[text]
            to_me = peer is self.account
            self.confirmations.heard(writer.account if to_me else peer, text, cid)

    def confirmed(self, text):
        """Nothing up to this text may be sent again."""
        self.lines[-1].copies.append((None, text))

    def _result(self, body):
        confirmed = self.confirmations is not None and self.confirmations.answered(
            body["ref"], body["ok"])
        # Of a text that was known by its copy, the 300 may come in the next run.
        if confirmed or body["ref"] not in self.sent:
            return
        if body["ok"]:
            self._acknowledged(body["ref"], body["cid"])
            self._change(body["ref"], body["cid"])
        else:
            # Nobody knows whether it is stored: the same ref again finds out, in a moment.
            self.refused.add(body["ref"])
            self.reasons[body["error"]] += 1
            asyncio.get_running_loop().call_later(LOGIN_PAUSE, self._send, body["ref"])

    def _change(self, text, cid):
        """The text keeps its content, so that the books are right whoever receives it, and when."""
        peer = self.sent[text]
        if self.count % CHANGE_TURN != 0:
            return
        for request in (edit(self.client, peer, cid, text), react(self.client, peer, cid, ":)")):
            number = request[self.client.number_key]
            self.write(compact(request | {"ref": f"{CHANGE}{number} {text}"}))

    def _acknowledged(self, text, cid):
        if text not in self.receipts:
            self.receipts[text] = cid
            self.load.count_receipt()
        elif self.receipts[text] != cid:
            self.load.two_cids.append((text, self.receipts[text], cid))
        self.waiting.pop(text, None)

    def is_known(self, text):
        if not self.client.ext:
            self.waiting.pop(text, None)
            self._woken.set()

    def _on_closed(self, how):
        self._closed = True
        self._is_now(f"cut ({how})")
        if not self._logged_in.done():
            self._logged_in.set_result(False)
        self._woken.set()

    # --- sending

    async def _connect(self):
        wire, port = WIRES[self.transport]
        self._is_now("at the door")
        await self.load.door()
        self._is_now("connecting")
        self._logged_in = asyncio.get_running_loop().create_future()
        self._wire = wire(self._receive, self._on_closed)
        try:
            await self._wire.open(self.load.stack.host, self.load.stack.ports[port])
        except Exception as error:  # whatever a gateway that has just gone looks like
            raise _Offline from error
        self._closed = False
        self.lines.append(parley_books.Line(self.last_round))
        self._is_now("logging in")
        self._wire.write(compact(self._login()))
        try:
            fine = await asyncio.wait_for(asyncio.shield(self._logged_in), DEADLINE)
        except asyncio.TimeoutError:
            fine = False
        if not fine:
            self._wire.abort()
            self._is_now("refused")
            await asyncio.sleep(LOGIN_PAUSE)
            raise _Offline
        self._is_now("in")
        if self.confirmations is not None:
            self.confirmations.connected()
        if self.client.ext:
            for text in list(self.waiting):
                self._send(text)
        else:
            self.waiting.clear()

    def _login(self):
        if self.confirmations is None or self.token is None:
            return self.client.login_request(self.account)
        return self.client.resumption(self.token)

    def write(self, text):
        self._wire.write(text)

    def _send(self, text):
        if not self._closed and text in self.sent:
            ref = text if self.client.ext else None
            self.write(compact(self.client.saying(self.sent[text], text, ref)))

    def say_next(self):
        to_group = (self.count + self.index) % GROUP_TURN == 0
        peer = self.group if to_group else self.neighbours[self.count % len(self.neighbours)]
        text = f"{self.account.number}:{self.load.run}:{self.count}"
        self.count += 1
        self.sent[text], self.waiting[text] = peer, time.monotonic()
        if self.client.ext and self.count % TYPING_TURN == 0:
            self.write(compact(self.client.typing(peer, TYPING)))
        self._send(text)

    async def live(self):
        """Talks whenever the load does, and listens until the load is over."""
        self._woken = asyncio.Event()
        try:
            while not self.load.over:
                with self.load.shows_faults(self), contextlib.suppress(_Offline):
                    await self._connect()
                    await self._talk()
        finally:
            await self.hang_up()

    async def hang_up(self):
        if self._wire is not None and not self._closed:
            await self._wire.close()

    async def _talk(self):
        # Everyone has a moment of their own within the pace.
        next_at = time.monotonic() + PACE * self.index / len(self.load.people)
        while not (self._closed or self.load.over):
            self._woken.clear()
            now = time.monotonic()
            if self.load.talking and now >= next_at and len(self.waiting) < WINDOW:
                self.say_next()
                next_at = max(next_at + PACE, now)
            elif self.waiting and not self.client.ext and now > next_at + PATIENCE:
                self.waiting.clear()
            else:
                await self._rest(next_at - now if next_at > now else PACE)
        raise _Offline

    async def _rest(self, seconds):
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
