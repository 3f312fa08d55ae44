"""A steady load of many people, and the bookkeeping that finds what was lost or out of order.

    load = Load(stack, people=30)          registers everybody; half of them in each dialect
    load.start()
    load.wait_acknowledged(200)            more than now
    ... kill something, start it again ...
    load.stop()                            no new texts; waits until everything has arrived
    print(load.report().table())

Everyone writes to a neighbour and to their groups, all at their own pace, each text unique. Whoever
loses the connection opens another. OurChat people are unmodified clients: their own copy is the
receipt, and what had none when the connection broke is left alone. YouIM people use `ext` and
`ref`: they send again what was not answered, under the same ref, which must not store it twice.
"""

import asyncio
import collections
import contextlib
import dataclasses
import json
import time

from parley_client import DIALECTS, KINDS, Group, compact
from parley_stack import wait_until
from parley_wire import DEADLINE, WIRES, run

# Seconds between two texts of one person, and texts that may wait for their receipts.
PACE = 0.06
WINDOW = 4
GROUPS = 3


class _Offline(Exception):
    """The connection broke, or the login could not be made just now."""


class Person:
    """An account, its present connection, and everything it has sent and got."""

    def __init__(self, load, client):
        self.load, self.client = load, client
        self.account = client.account
        self.peers = []
        self.sent = {}  # text -> peer
        self.receipts = {}  # text -> cid
        self.waiting = collections.OrderedDict()  # text -> peer, without a receipt yet
        self.connections = []  # one list of (conversation, cid, text) for each
        self.refused = {}  # text (or None where that isn't told) -> the last reason
        self.count = 0
        self._woken = asyncio.Event()
        self._wire = None
        self._closed = True
        self._logged_in = None

    def is_in(self):
        return not self._closed and self._logged_in.done() and self._logged_in.result()

    # --- receiving

    def _receive(self, text):
        message = json.loads(text)
        client = self.client
        number, body = message[client.number_key], client.body(message)
        if self._logged_in is not None and number in (2, 7) and not self._logged_in.done():
            fine = body.get("resultCode") == "success" or body.get("state") == 0
            client.token = body.get("token")
            self._logged_in.set_result(fine)
        elif number == 300:
            self._result(body)
        elif number in (6, 8) or (number == 0 and body["cid"] != 0):
            self._text(body)
        elif number in (101, 0):
            self.refused[None] = body["msg"]
        self._woken.set()

    def _text(self, body):
        sender, text = body.get("sender"), body["msg"]
        if sender is None:
            name = body.get("toGroup")
            peer = self.load.groups[name].number if name else 0
        else:
            peer = sender.get("group_id", 0)
        if peer:
            conversation = ("group", peer)
        else:
            # Either side of a pair names it alike; a text begins with who wrote it.
            writer = int(text.split(":")[0])
            conversation = self.load.pair_of(writer, text)
        self.connections[-1].append((conversation, body["cid"], text))
        if text in self.sent and self.client.dialect == "ourchat":
            self._acknowledged(text, body["cid"])

    def _result(self, body):
        if body["ok"]:
            self._acknowledged(body["ref"], body["cid"])
        else:
            # Nobody knows whether it is stored: the same ref again finds out, in a moment.
            self.refused[body["ref"]] = body["error"]
            asyncio.get_running_loop().call_later(PACE, self._send, body["ref"])

    def _acknowledged(self, text, cid):
        before = self.receipts.setdefault(text, cid)
        if before != cid:
            self.load.two_cids.append((text, before, cid))
        self.waiting.pop(text, None)

    def _on_closed(self, _):
        self._closed = True
        if self._logged_in is not None and not self._logged_in.done():
            self._logged_in.set_result(False)
        self._woken.set()

    # --- sending

    async def _connect(self):
        wire, port = WIRES[self.client.transport]
        self._wire = wire(self._receive, self._on_closed)
        self._logged_in = asyncio.get_running_loop().create_future()
        try:
            await self._wire.open(self.load.stack.host, self.load.stack.ports[port])
        except Exception as error:  # whatever a gateway that is not there looks like
            raise _Offline from error
        self._closed = False
        self.connections.append([])
        self._wire.write(compact(self.client.login_request(self.account)))
        if not await asyncio.wait_for(self._logged_in, DEADLINE):
            self._wire.abort()
            raise _Offline
        if self.client.ext:
            for text in list(self.waiting):
                self._send(text)
        else:
            self.waiting.clear()

    def _send(self, text):
        if not self._closed:
            ref = text if self.client.ext else None
            self._wire.write(compact(self.client.saying(self.sent[text], text, ref)))

    def _say_next(self):
        peer = self.peers[self.count % len(self.peers)]
        text = f"{self.account.number}:{self.count}"
        self.count += 1
        self.sent[text] = self.waiting[text] = peer
        self._send(text)

    async def live(self):
        """Talks until the load stops, and stays to listen until it is cancelled."""
        try:
            while True:
                try:
                    await self._connect()
                    await self._talk()
                except _Offline:
                    await asyncio.sleep(0.05)
        finally:
            if self._wire is not None and not self._closed:
                await self._wire.close()

    async def _talk(self):
        next_at = time.monotonic()
        while not self._closed:
            self._woken.clear()
            now = time.monotonic()
            may = self.load.talking and len(self.waiting) < WINDOW
            if may and now >= next_at:
                self._say_next()
                next_at = now + PACE
            elif self.client.ext or len(self.waiting) < WINDOW:
                await self._rest(max(next_at - now, 0.01) if may else 1)
            else:
                await self._rest(1)
                # An unmodified client that was refused, or hears nothing, goes on.
                if time.monotonic() > next_at + 5:
                    self.waiting.clear()
        raise _Offline

    async def _rest(self, seconds):
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except asyncio.TimeoutError:
            pass


@dataclasses.dataclass
class Report:
    people: int = 0
    sent: int = 0
    acknowledged: int = 0
    stored: int = 0
    refused: int = 0
    received: int = 0
    reconnected: int = 0
    repeated: int = 0  # again on a later connection
    doubled: int = 0  # twice on one connection
    lost: int = 0
    out_of_order: int = 0
    stored_twice: int = 0
    reasons: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    faults: list = dataclasses.field(default_factory=list)

    def table(self):
        names = [field.name for field in dataclasses.fields(self) if field.type is int]
        heads = [name.replace("_", " ") for name in names]
        values = [str(getattr(self, name)) for name in names]
        widths = [max(len(head), len(value)) for head, value in zip(heads, values)]
        lines = [
            "  ".join(text.rjust(width) for text, width in zip(row, widths))
            for row in (heads, values)
        ]
        lines += [f"refused {count}: {reason}" for reason, count in self.reasons.items()]
        return "\n".join(lines + self.faults[:20])

    def fault(self, kind, text):
        setattr(self, kind, getattr(self, kind) + 1)
        self.faults.append(f"{kind}: {text}")


class Load:
    def __init__(self, stack, people=24):
        self.stack = stack
        self.talking = False
        self.two_cids = []
        self.groups = {}  # by string id
        self._tasks = []
        self.people = [self._register(index) for index in range(people)]
        self._make_groups()
        self._pairs = {}
        for index, person in enumerate(self.people):
            neighbour = self.people[(index + 1) % people]
            person.peers.insert(0, neighbour.account)
            person.peers.insert(2, neighbour.account)

    def _register(self, index):
        dialect, transport = KINDS[index % len(KINDS)]
        client = DIALECTS[dialect](self.stack, transport, ext=dialect == "youim")
        client.register_new()
        client.close()
        return Person(self, client)

    def _make_groups(self):
        for number in range(GROUPS):
            owner = self.people[number]
            client = type(owner.client)(self.stack, owner.client.transport)
            client.log_in(owner.account)
            group = client.create_group(f"load-{number}-{owner.account.number}")
            client.close()
            self.groups[group.id] = group
            members = [p for i, p in enumerate(self.people) if i % GROUPS in (number, 0)]
            for person in members:
                if person is not owner:
                    self.stack.ctl("group", "add", group.id, person.account.id)
                person.peers.append(group)
            if owner not in members:
                owner.peers.append(group)

    def pair_of(self, writer, text):
        """The conversation of a private text."""
        peer = self.by_number(writer).sent[text]
        return ("pair", *sorted((writer, peer.number)))

    def by_number(self, number):
        if not self._pairs:
            self._pairs = {person.account.number: person for person in self.people}
        return self._pairs[number]

    # --- running

    def start(self):
        """Everybody logs in, then they talk."""

        async def begin():
            self._tasks = [asyncio.create_task(person.live()) for person in self.people]

        run(begin())
        wait_until(lambda: all(person.is_in() for person in self.people), "everybody to log in")
        for person in self.people:
            del person.connections[:-1]  # logins that a busy machine was too slow for
        self.talking = True

    def acknowledged(self):
        return sum(len(person.receipts) for person in self.people)

    def wait_acknowledged(self, more, seconds=DEADLINE):
        """Returns when so many more texts have their receipts."""
        goal = self.acknowledged() + more
        wait_until(lambda: self.acknowledged() >= goal, f"{more} more receipts", seconds)

    def wait_stored(self, count, seconds=DEADLINE):
        """Returns when the log holds so many messages."""
        query = "SELECT COUNT(*) FROM message"
        what = f"{count} messages in the log"
        wait_until(lambda: self.stack.sql(query)[0][0] >= count, what, seconds)

    def stop(self, seconds=DEADLINE):
        """No new texts. Waits until none waits for a receipt and all that is stored has arrived,
        and is known to have arrived, or until the time is over; then everybody leaves."""
        self.talking = False
        with contextlib.suppress(AssertionError):  # the report tells what is missing, and better
            wait_until(self._settled, "everything to arrive", seconds)
            for person in self.people:
                self.stack.wait_received(person.account, seconds)

        async def end():
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        run(end())

    def _settled(self):
        if any(person.waiting for person in self.people if person.client.ext):
            return False
        got = {p.account.number: self._texts_of(p) for p in self.people}
        return all(text in got[to] for text, _, to in self._due())

    @staticmethod
    def _texts_of(person):
        return {text for connection in person.connections for _, _, text in connection}

    # --- judging

    def _stored(self):
        rows = self.stack.sql("SELECT body, cid FROM message WHERE type = 0 ORDER BY cid")
        return [(bytes(body).decode(), cid) for body, cid in rows]

    def _due(self):
        """(text, cid, account) of all that must have arrived: whatever is stored."""
        for text, cid in self._stored():
            writer = self.by_number(int(text.split(":")[0]))
            peer = writer.sent[text]
            if isinstance(peer, Group):
                hearers = [p for p in self.people if peer in p.peers]
            else:
                hearers = [self.by_number(peer.number)]
                if writer.client.dialect == "ourchat":
                    hearers.append(writer)
            for hearer in hearers:
                yield text, cid, hearer.account.number

    def report(self):
        report = Report(people=len(self.people))
        stored = self._stored()
        cid_of = dict(stored)
        report.stored = len(stored)
        for text, count in collections.Counter(text for text, _ in stored).items():
            if count > 1:
                report.fault("stored_twice", text)
        for text, before, after in self.two_cids:
            report.fault("stored_twice", f"{text} has the cids {before} and {after}")
        for person in self.people:
            report.sent += len(person.sent)
            report.acknowledged += len(person.receipts)
            report.refused += len(person.refused)
            report.reasons.update(person.refused.values())
            for text, cid in person.receipts.items():
                if cid_of.get(text) != cid:
                    report.fault("lost", f"{text} was acknowledged as {cid} and is not in the log")
            self._judge_received(person, report)
        got = {person.account.number: self._texts_of(person) for person in self.people}
        for text, cid, to in self._due():
            if text not in got[to]:
                report.fault("lost", f"{text} ({cid}) never reached {self.by_number(to).account}")
        self._judge_senders(stored, report)
        return report

    @staticmethod
    def _judge_received(person, report):
        """Once on a connection, in the order of cid; what is new on a later one comes in order."""
        seen, newest = set(), collections.Counter()
        used = [connection for connection in person.connections if connection]
        report.reconnected += len(person.connections) - 1
        for connection in used:
            here, last = set(), collections.Counter()
            for conversation, cid, text in connection:
                report.received += 1
                if text in here:
                    report.fault("doubled", f"{text} ({cid}) to {person.account}")
                elif cid <= last[conversation]:
                    what = f"{text} ({cid}) after {last[conversation]} to {person.account}"
                    report.fault("out_of_order", what)
                if text in seen and text not in here:
                    report.repeated += 1
                elif text not in seen and cid < newest[conversation]:
                    what = f"{text} ({cid}) for the first time after {newest[conversation]}"
                    report.fault("out_of_order", f"{what} to {person.account}")
                here.add(text)
                last[conversation] = max(last[conversation], cid)
                newest[conversation] = max(newest[conversation], cid)
            seen |= here

    def _judge_senders(self, stored, report):
        """What one person said in one conversation is stored in the order of saying it."""
        last = {}
        for text, cid in stored:
            writer, number = (int(part) for part in text.split(":"))
            person = self.by_number(writer)
            if text in person.refused:
                continue
            key = writer, str(person.sent[text])
            if last.get(key, -1) > number:
                report.fault("out_of_order", f"{text} ({cid}) was stored after {last[key]}")
            last[key] = max(last.get(key, -1), number)
