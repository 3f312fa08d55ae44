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

Waits take as long as there is progress, and then say who is missing and why (`wait_gone`).
"""

import asyncio
import contextlib
import secrets
import time
import traceback

import parley_books
from parley_client import Account, Group
from parley_person import Person
from parley_stack import DEADLINE
from parley_wire import run

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
# Seconds between two attempts to find the gateway.
DOOR_PAUSE = 0.02
# People that a failed wait shows.
SHOWN = 20


def wait_gone(left, what, who, every=0.01, seconds=DEADLINE):
    """Returns when `left()`, a tuple of counts, the weightiest first, is all zeroes. It takes as long as
    the machine needs: it fails when `left()` has not become less for so many seconds, and then shows
    `who()`."""
    fewest = None
    while any(now := left()):
        if fewest is None or now < fewest:
            fewest, deadline = now, time.monotonic() + seconds
        if time.monotonic() > deadline:
            missing = [str(one) for one in who()]
            raise AssertionError("\n".join([
                f"for {seconds} s no step towards {what}, {fewest} are left of {len(missing)}:",
                *missing[:SHOWN]]))
        time.sleep(every)


class Load:
    """`people` is a multiple of GROUP_SIZE."""

    def __init__(self, stack, people=PEOPLE):
        self.stack = stack
        self.run = 0
        self.talking = self.over = False
        self._faults = []
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

    @contextlib.contextmanager
    def shows_faults(self, person):
        """What goes wrong within, in this load, ends the test's next wait."""
        try:
            yield
        except Exception:
            self._faults.append(f"{person}\n{traceback.format_exc()}")
            raise

    def _wait(self, left, what, who, every=0.01):
        """See wait_gone."""

        def look():
            assert not self._faults, "\n".join(self._faults)
            return left()

        wait_gone(look, what, who, every)

    def wait_in(self, what="everybody to be logged in"):
        def away():
            return [person for person in self.people if not person.is_in()]

        self._wait(lambda: (len(away()),), what, away)

    def wait_acknowledged(self, more):
        """Returns when so many more texts have their receipts."""
        goal = self.receipts + more
        self._wait(
            lambda: (max(goal - self.receipts, 0),), f"{more} more receipts", lambda: self.people)

    def wait_everybody(self):
        """Returns when everyone was connected, has then sent something new, and could send more."""
        self.wait_in("everybody to be back")
        silent = {person: person.count for person in self.people}

        def left():
            for person in [p for p, count in silent.items() if not p.is_silent(count)]:
                del silent[person]
            return len(silent), sum(len(person.waiting) for person in silent)

        self._wait(left, "everybody to be talking again", lambda: silent)

    def wait_stored(self, more):
        """Returns when the log holds so many more messages."""
        query = "SELECT COUNT(*) FROM message WHERE type = 0"
        goal = self.stack.sql(query)[0][0] + more

        def left():
            return (max(goal - self.stack.sql(query)[0][0], 0),)

        self._wait(left, f"{more} more texts in the log", lambda: self.people, every=0.1)

    def finish(self):
        """Nobody talks. Waits until nothing waits for a receipt, all that is stored has arrived
        and is known to have arrived, or this comes no nearer. Then everybody logs in anew, which brings
        the missing texts and nothing else, and sends one last text, which arrives behind them. Returns
        the Report."""
        self.talking = False
        report = parley_books.Report(longest_gap_ms=round(self.longest_gap * 1000))
        with contextlib.suppress(AssertionError):  # the report lists the missing texts better
            self._wait_quiet()
        for person in self.people:
            person.last_round = True
        run(self._log_in_anew())
        with contextlib.suppress(AssertionError):
            self._wait_anew()
            run(self._say_last())
            self._wait_quiet()
        assert not self._faults, "\n".join(self._faults)
        parley_books.judge(self, self._stored(), report)
        return report

    async def _log_in_anew(self):
        await asyncio.gather(*(person.hang_up() for person in self.people))

    def _wait_anew(self):
        def away():
            return [p for p in self.people if not (p.lines[-1].last_round and p.is_in())]

        self._wait(lambda: (len(away()),), "everybody to log in anew", away)

    async def _say_last(self):
        for person in self.people:
            person.say_next()

    def _wait_quiet(self):
        self._wait(self._unsettled, "everything to arrive", lambda: self.people, every=0.1)
        self._wait(self._unreached, "cursors to be stored", lambda: self.people, every=0.1)

    def _unsettled(self):
        """How many texts wait for receipts, and how many copies have not arrived."""
        if waiting := sum(len(person.waiting) for person in self.people):
            return waiting, 0
        due = parley_books.due(self, self._stored())
        return 0, sum(text not in hearer.heard for text, _, hearer in due)

    def _unreached(self):
        """How many copies there are of which the database does not know that they have arrived."""
        # Those without `ext` get no copy of their own texts to a person.
        silent = [p.account.number for p in self.people if p.account.dialect == "youim" and not p.client.ext]
        return self.stack.sql(
            "SELECT COUNT(*) FROM `cursor` r JOIN conversation c ON c.id = r.conversation"
            " JOIN message m ON m.conversation = c.id AND m.cid > GREATEST(r.received, r.since)"
            " WHERE m.type = 0 AND m.cid > %s AND r.account IN %s"
            " AND NOT (c.kind = 0 AND m.sender = r.account AND r.account IN %s)",
            self._since,
            list(self.by_number),
            silent,
        )[0]

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
