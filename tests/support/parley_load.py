"""A steady load of many people on one stack, in runs of which each has books of its own.

    load = Load(stack)                     registers 200 people in groups of 50, and logs them in
    load.start()                           new books; everybody talks
    load.wait_acknowledged(200)            more than now
    ... kill something, start it again ...
    report = load.finish()                 see there
    load.leave()

Everyone writes to a neighbour, who has another kind of client, and now and then to their group, all
at their own pace, each text unique. A person who loses the connection opens another, all at once as
soon as the gateway takes connections. Unmodified clients do not repeat texts that had no receipt when
the connection broke. Those with `ext` send them again under the same ref, which must not store them
twice, are typing now and then, and edit and react to some of their texts. Some of these confirm what
they receive (301, 302), reconnect by their token, and never receive again texts that they have confirmed.
"""

import asyncio
import collections
import contextlib
import json
import secrets
import time

import parley_books
from parley_client import DIALECTS, Account, Group, compact
from parley_confirm import Confirmations
from parley_deeds import edit, react
from parley_stack import wait_until
from parley_wire import DEADLINE, WIRES, run

PEOPLE = 200
GROUP_SIZE = 50
# (dialect, transport, how it opts in), so that neighbours differ.
PLAIN, EXT, CONFIRM = {}, {"ext": True}, {"ext": True, "confirm": True}
MIX = (
    ("ourchat", "websocket", PLAIN),
    ("youim", "websocket", CONFIRM),
    ("ourchat", "tcp", PLAIN),
    ("youim", "binary", PLAIN),
    ("ourchat", "tcp", CONFIRM),
    ("youim", "tcp", EXT),
)
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
# Seconds between two attempts to log in while the server cannot, and to find the gateway.
LOGIN_PAUSE = 0.3
DOOR_PAUSE = 0.02


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
        self.forget()

    def forget(self):
        """New books; only the connection stays."""
        self.sent = {}  # text -> peer
        self.receipts = {}  # text -> cid, None where the dialect doesn't tell
        self.waiting = collections.OrderedDict()  # text -> peer, nothing is known of it yet
        self.refused = set()  # texts that were, where the client learns of it
        self.reasons = collections.Counter()
        self.heard = set()
        self.lines = [parley_books.Line(False)]
        self.last_round = False

    def groups(self):
        return (self.group.number,)

    def is_in(self):
        return not self._closed and self._logged_in.done() and self._logged_in.result()

    # --- receiving

    def _receive(self, text):
        message = json.loads(text)
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
        self._woken.set()

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
        if confirmed or body["ref"] == TYPING or body["ref"].startswith(CHANGE):
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

    def _on_closed(self, _):
        self._closed = True
        if not self._logged_in.done():
            self._logged_in.set_result(False)
        self._woken.set()

    # --- sending

    async def _connect(self):
        wire, port = WIRES[self.transport]
        await self.load.door()
        self._logged_in = asyncio.get_running_loop().create_future()
        self._wire = wire(self._receive, self._on_closed)
        try:
            await self._wire.open(self.load.stack.host, self.load.stack.ports[port])
        except Exception as error:  # whatever a gateway that has just gone looks like
            raise _Offline from error
        self._closed = False
        self.lines.append(parley_books.Line(self.last_round))
        self._wire.write(compact(self._login()))
        try:
            fine = await asyncio.wait_for(asyncio.shield(self._logged_in), DEADLINE)
        except asyncio.TimeoutError:
            fine = False
        if not fine:
            self._wire.abort()
            await asyncio.sleep(LOGIN_PAUSE)
            raise _Offline
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
        self.sent[text] = self.waiting[text] = peer
        if self.client.ext and self.count % TYPING_TURN == 0:
            self.write(compact(self.client.typing(peer, TYPING)))
        self._send(text)

    async def live(self):
        """Talks whenever the load does, and listens until the load is over."""
        self._woken = asyncio.Event()
        try:
            while not self.load.over:
                with contextlib.suppress(_Offline):
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


class Load:
    """`people` is a multiple of GROUP_SIZE."""

    def __init__(self, stack, people=PEOPLE):
        self.stack = stack
        self.run = 0
        self.talking = self.over = False
        self._door = None
        self.people = self._register(people)
        self.by_number = {person.account.number: person for person in self.people}
        for index, person in enumerate(self.people):
            after, before = self.people[(index + 1) % people], self.people[index - 1]
            person.neighbours = [after.account, before.account]
        self._make_groups(people // GROUP_SIZE)
        self._forget()
        self._tasks = run(self._begin())
        self.wait_in()

    def _register(self, count):
        kinds = [MIX[index % len(MIX)] for index in range(count)]
        registrations = []
        for index, (dialect, _, _) in enumerate(kinds):
            name = f"load-{index}-{secrets.token_hex(4)}"
            by_email = {"email": f"{name}@example.org", "password": secrets.token_hex(32)}
            registrations.append(by_email if dialect == "ourchat" else {"id": name})
        answers = self.stack.ask("auth", "auth.register", registrations)
        people = []
        for index, ((dialect, transport, opts), answer) in enumerate(zip(kinds, answers)):
            registrations[index].pop("id", None)
            account = Account(dialect, answer["account"], answer["id"], **registrations[index])
            people.append(Person(self, index, account, transport, opts))
        return people

    def _make_groups(self, count):
        # Members are taken from all over, so that neighbours are in different groups.
        members = [self.people[number::count] for number in range(count)]
        names = [f"load-{number}-{secrets.token_hex(4)}" for number in range(count)]
        owners = [
            {"account": some[0].account.number, "id": name, "name": name}
            for some, name in zip(members, names)
        ]
        answers = self.stack.ask("group", "group.create", owners)
        joining = []
        for some, name, answer in zip(members, names, answers):
            for person in some:
                person.group = Group(answer["group"], name, name)
                joining.append({"group": answer["group"], "account": person.account.number})
            joining.remove({"group": answer["group"], "account": some[0].account.number})
        self.stack.ask("group", "group.add", joining)

    async def _begin(self):
        return [asyncio.create_task(person.live()) for person in self.people]

    def _forget(self):
        self.run += 1
        self.two_cids = []
        self.receipts = 0
        self.longest_gap = 0.0
        for person in self.people:
            person.forget()
        self._since = self.stack.sql("SELECT COALESCE(MAX(cid), 0) FROM message")[0][0]

    # --- asked by people

    def groups(self):
        return {person.group.number for person in self.people}

    def writer_of(self, text):
        return self.by_number[int(text.split(":", 1)[0])]

    def is_of_this_run(self, text):
        return int(text.split(":", 2)[1]) == self.run

    def count_receipt(self):
        self.receipts += 1
        now = time.monotonic()
        if self.talking:
            self.longest_gap = max(self.longest_gap, now - self._last_receipt)
        self._last_receipt = now

    async def door(self):
        """Returns as soon as the gateway takes connections; only one tries, for all who wait."""
        if self._door is None or self._door.done():
            self._door = asyncio.create_task(self._find_door())
        await asyncio.shield(self._door)

    async def _find_door(self):
        while True:
            try:
                _, writer = await asyncio.open_connection(
                    self.stack.host, self.stack.ports["tcp"]
                )
            except OSError:
                await asyncio.sleep(DOOR_PAUSE)
            else:
                writer.close()
                return

    # --- running

    def start(self):
        self.wait_in("everybody to be connected")
        self._forget()
        self._last_receipt = time.monotonic()
        self.talking = True

    def wait_in(self, what="everybody to be logged in", seconds=DEADLINE):
        wait_until(lambda: all(person.is_in() for person in self.people), what, seconds)

    def wait_acknowledged(self, more, seconds=DEADLINE):
        """Returns when so many more texts have their receipts."""
        goal = self.receipts + more
        wait_until(lambda: self.receipts >= goal, f"{more} more receipts", seconds)

    def wait_everybody(self):
        """Returns when everyone is connected, and has sent something new and may send more."""
        self.wait_in("everybody to be back")
        before = {person: person.count for person in self.people}

        def talking():
            return all(p.count > count and len(p.waiting) < WINDOW for p, count in before.items())

        wait_until(talking, "everybody to be talking again")

    def wait_stored(self, more, seconds=DEADLINE):
        """Returns when the log holds so many more messages."""
        query = "SELECT COUNT(*) FROM message WHERE type = 0"
        goal = self.stack.sql(query)[0][0] + more
        what = f"{more} more texts in the log"
        wait_until(lambda: self.stack.sql(query)[0][0] >= goal, what, seconds, every=0.1)

    def finish(self, seconds=DEADLINE):
        """Nobody talks. Waits until nothing waits for a receipt, all that is stored has arrived
        and is known to have arrived, or the time is over. Then everybody logs in anew, which brings
        the missing texts and nothing else, and sends one last text, which arrives behind them. Returns
        the Report."""
        self.talking = False
        report = parley_books.Report(longest_gap_ms=round(self.longest_gap * 1000))
        with contextlib.suppress(AssertionError):  # the report lists the missing texts better
            self._wait_quiet(seconds)
        for person in self.people:
            person.last_round = True
        run(self._log_in_anew())
        with contextlib.suppress(AssertionError):
            wait_until(
                lambda: all(p.lines[-1].last_round and p.is_in() for p in self.people),
                "everybody to log in anew",
                seconds,
            )
            run(self._say_last())
            self._wait_quiet(seconds)
        parley_books.judge(self, self._stored(), report)
        return report

    async def _log_in_anew(self):
        await asyncio.gather(*(person.hang_up() for person in self.people))

    async def _say_last(self):
        for person in self.people:
            person.say_next()

    def _wait_quiet(self, seconds):
        wait_until(self._settled, "everything to arrive", seconds, every=0.1)
        wait_until(self._all_reached, "cursors to be stored", seconds, every=0.1)

    def _settled(self):
        if any(person.waiting for person in self.people):
            return False
        return all(text in p.heard for text, _, p in parley_books.due(self, self._stored()))

    def _all_reached(self):
        """Whether the database knows that all texts have reached everyone of the load."""
        silent = [p.account.number for p in self.people if p.account.dialect == "youim"]
        return not self.stack.sql(
            "SELECT 1 FROM `cursor` r JOIN conversation c ON c.id = r.conversation"
            " JOIN message m ON m.conversation = c.id AND m.cid > GREATEST(r.received, r.since)"
            " WHERE m.type = 0 AND m.cid > %s AND r.account IN %s"
            " AND NOT (c.kind = 0 AND m.sender = r.account AND r.account IN %s) LIMIT 1",
            self._since,
            list(self.by_number),
            silent,
        )

    def _stored(self):
        rows = self.stack.sql(
            "SELECT body, conversation, cid FROM message WHERE type = 0 AND cid > %s ORDER BY cid",
            self._since,
        )
        texts = ((bytes(body).decode(), conversation, cid) for body, conversation, cid in rows)
        return [row for row in texts if row[0].count(":") == 2]

    def leave(self):
        async def end():
            # A wait that ends at this very moment takes no notice of being cancelled.
            self.over = True
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        run(end())
