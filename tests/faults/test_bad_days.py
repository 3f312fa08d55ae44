"""MariaDB runs but is of no use: it is read-only, full, locked, out of something, or was restored from
a backup. If that passes within `send_timeout_ms`, no request is refused; if it lasts longer, requests
are refused clearly, and not stored later."""

import contextlib
import itertools
import shutil
import subprocess
import threading
import time

import pytest
from crowd import QUICK
from parley_client import Account, YouIM
from parley_deeds import ask_friend
from parley_stack import DEADLINE, Database, Stack, wait_until

# A gateway tries so long; the default is 30 s.
PATIENCE_SECONDS = 8
# Faults that are to be waited out.
SHORT_SECONDS = 3
FRIENDS = 8
# The lines that a service logs when its database goes, and when it is back.
TURNS = ("database_away", "database_back")
# A conversation that nobody has.
FILLER = 1 << 50
_numbers = itertools.count(1)


def stack_on(database, **more):
    time_limits = {"send_timeout_ms": 1000 * PATIENCE_SECONDS, "request_timeout_ms": 2000}
    return Stack(database, **QUICK, **time_limits, **more)


@pytest.fixture(scope="module")
def database():
    with Database() as own:
        yield own


@pytest.fixture(scope="module")
def stack(database):
    with stack_on(database) as running:
        yield running


class Talker:
    """A client that writes to some others, and to new ones when asked to."""

    def __init__(self, stack):
        self.stack = stack
        self.client = YouIM(stack, ext=True)
        self.client.register_new()
        self.client.log_in()
        self.friends = [self.new_friend() for _ in range(FRIENDS)]
        self.texts, self.results, self.result_at = {}, {}, {}
        self.say_all()
        assert self.failed() == {}

    def new_friend(self):
        name = f"friend-{next(_numbers)}"
        self.stack.ask("auth", "auth.register", [{"id": name}])
        return name

    def say(self, friend):
        ref = str(next(_numbers))
        self.texts[ref] = f"text {ref}"
        self.client.say(Account("youim", 0, friend), self.texts[ref], ref=ref)

    def say_all(self):
        for friend in self.friends:
            self.say(friend)

    def ask(self, request):
        """Something else than a text."""
        ref = str(next(_numbers))
        self.texts[ref] = None
        self.client.send(request | {"ref": ref})

    def ask_for_group(self):
        me = self.client.account.id
        self.ask(self.client.acting(114, ownerId=me, groupId=f"club-{next(_numbers)}"))

    def hear(self):
        """Takes the result of one request."""
        message = self.client.next()
        if message["msgType"] == 300:
            self.results[message["ref"]] = message
            self.result_at[message["ref"]] = time.monotonic()

    def cids(self):
        """The cids of all texts."""
        while self.texts.keys() - self.results.keys():
            self.hear()
        return {m["cid"] for m in self.results.values() if "cid" in m}

    def failed(self):
        """The results of all refused texts: {ref: word}. Each stored text is in the log once, a refused
        one never."""
        self.cids()
        for ref, text in self.texts.items():
            if text is not None:
                expected = 1 if self.results[ref]["ok"] else 0
                found = self.stack.stored(text)
                assert found == expected, f"{self.results[ref]}: stored {found} times"
        failed = {r: m["error"] for r, m in self.results.items() if not m["ok"]}
        self.texts, self.results = {}, {}
        return failed

    def close(self):
        self.client.close()


@pytest.fixture
def talker(stack):
    """All is well before and after each test."""
    one = Talker(stack)
    yield one
    one.close()
    wait_until(lambda: stack.ctl("status", ok=False).returncode == 0, "all to be ready")
    for service in stack.services.values():
        assert service.running(), service.name


def pass_time(seconds, doing=lambda: None, every=0.25):
    """The fault lasts so long; meanwhile something is done now and then."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        doing()
        time.sleep(min(every, max(0, until - time.monotonic())))


def lines(service, event):
    return [line for line in service.said().splitlines() if f"event={event}" in line.split()]


@contextlib.contextmanager
def set_global(database, name, value):
    before = database.administer(f"SELECT @@global.{name}")[0][0]
    database.administer(f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        database.administer(f"SET GLOBAL {name} = {before}")


def kill_connections(cursor, stack):
    """Those of the services. One that ends by itself meanwhile is as good."""
    cursor.execute(
        f"SELECT id FROM information_schema.processlist WHERE db = '{stack.database_name}'"
    )
    for (number,) in cursor.fetchall():
        with contextlib.suppress(Exception):
            cursor.execute(f"KILL {number}")


def test_read_only(database, stack, talker):
    services = [stack.services[name] for name in ("auth", "group", "delivery")]
    before = {(s.name, event): len(lines(s, event)) for s in services for event in TURNS}

    def said(service, event):
        return lines(service, event)[before[service.name, event] :]

    with set_global(database, "read_only", 1):
        for service in services:
            status, text = wait_until(
                lambda service=service: (page := stack.page(service.name, "/readyz"))[0] == 503
                and page,
                f"{service.name} to see that its server is read-only",
            )
            assert "read-only" in text, text
        pass_time(SHORT_SECONDS, talker.say_all, every=1)
    assert talker.failed() == {}
    for service in services:
        wait_until(
            lambda service=service: stack.page(service.name, "/readyz")[0] == 200,
            f"{service.name} to be ready again",
        )
        # One line a service, however many connections it has.
        away, back = (said(service, event) for event in TURNS)
        assert len(away) == 1 and "read-only" in away[0], (service.name, away)
        assert len(back) == 1, (service.name, back)


def test_connections_are_killed_over_and_over(database, stack, talker):
    with contextlib.closing(database.administrator()) as administrator:
        cursor = administrator.cursor()

        def say_and_kill():
            talker.say(talker.friends[0])
            kill_connections(cursor, stack)

        pass_time(SHORT_SECONDS, say_and_kill)
    assert talker.failed() == {}


def test_connections_are_used_up(database, stack, talker):
    with contextlib.ExitStack() as ends:
        # The server keeps one connection for its administrator; this is it.
        cursor = ends.enter_context(contextlib.closing(database.administrator())).cursor()
        cursor.execute("SELECT @@global.max_connections")
        before = cursor.fetchone()[0]
        ends.callback(lambda: cursor.execute(f"SET GLOBAL max_connections = {before}"))
        cursor.execute("SET GLOBAL max_connections = 10")
        others = ends.enter_context(contextlib.ExitStack())

        def services_are_kept_out():
            """Takes their connections, and all that become free."""
            kill_connections(cursor, stack)
            with pytest.raises(Exception, match="ny connections"):
                while True:
                    others.callback(database.connection().close)
            cursor.execute(
                "SELECT COUNT(*) FROM information_schema.processlist"
                f" WHERE db = '{stack.database_name}'"
            )
            return cursor.fetchone()[0] == 0

        wait_until(services_are_kept_out, "the services to be without a connection")
        talker.say_all()
        pass_time(SHORT_SECONDS)
        assert talker.results == {}
    assert talker.failed() == {}


def test_no_statement_can_be_prepared(database, stack, talker):
    """Not even requests of a kind that is new to the service are refused."""
    someone = talker.new_friend()
    newcomer, returning, resumed = (YouIM(stack, ext=True) for _ in range(3))
    again = YouIM(stack, ext=True)
    again.register_new()
    again.log_in()
    again.close()
    with set_global(database, "max_prepared_stmt_count", 0):
        with contextlib.closing(database.administrator()) as administrator:
            kill_connections(administrator.cursor(), stack)
        talker.say(someone)
        talker.ask(ask_friend(talker.client, Account("youim", 0, someone)))
        talker.ask_for_group()
        name = f"newcomer-{next(_numbers)}"
        newcomer.send(newcomer.registration(name, ext=1) | {"ref": "r"})
        returning.send(returning.login_request(Account("youim", 0, someone)))
        resumed.send(resumed.resumption(again.token))
        pass_time(SHORT_SECONDS)
    assert talker.failed() == {}
    result = newcomer.next()
    assert (result["msgType"], result["ok"]) == (300, True), result
    for client in (returning, resumed):
        client.expect(2, resultCode="success")
        client.close()
    newcomer.close()
    assert lines(stack.services["delivery"], "database_short")


@contextlib.contextmanager
def read_lock(database):
    holder = database.administrator()
    holder.cursor().execute("FLUSH TABLES WITH READ LOCK")
    try:
        yield
    finally:
        holder.close()


def test_a_short_global_read_lock_refuses_nothing(database, stack, talker):
    with read_lock(database):
        talker.say_all()
        pass_time(SHORT_SECONDS, talker.say_all, every=1.5)
    assert talker.failed() == {}


def test_texts_refused_in_a_long_global_read_lock_are_not_stored(database, stack, talker):
    groups = "SELECT COUNT(*) FROM conversation WHERE kind = 1"
    # A person's request is begun when all earlier ones have ended.
    with contextlib.closing(Talker(stack)) as founder:
        with read_lock(database):
            talker.say_all()
            founder.ask_for_group()
            before = stack.sql(groups)
            talker.cids()
            founder.cids()
        released = time.monotonic()
        talker.say(talker.friends[0])
        ref = max(talker.texts, key=int)
        failed = talker.failed() | founder.failed()
    # A client that stood still for long may have missed an answer: then it is not known.
    assert len(failed) == FRIENDS + 1 and set(failed.values()) <= {"unavailable", "unknown_outcome"}
    assert list(failed.values()).count("unavailable") >= FRIENDS // 2, failed
    assert talker.result_at[ref] - released < DEADLINE
    assert stack.sql(groups) == before


def test_an_alter_behind_a_long_reader(database, stack, talker):
    table = f"{stack.database_name}.message"
    reader, altering = database.administrator(), database.administrator()
    reader.cursor().execute("BEGIN")
    reader.cursor().execute(f"SELECT COUNT(*) FROM {table}")
    thread = threading.Thread(
        target=altering.cursor().execute, args=(f"ALTER TABLE {table} COMMENT 'altered', FORCE",)
    )
    thread.start()
    try:
        waits = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE '%metadata lock%'"
        wait_until(lambda: database.administer(waits)[0][0], "the ALTER to wait")
        talker.say_all()
        pass_time(SHORT_SECONDS)
    finally:
        reader.close()
        thread.join(DEADLINE)
        altering.close()
    assert talker.failed() == {}


def test_a_disk_is_full(database, stack, talker):
    """The server may make no file larger than the log's is already: to it that is the same."""
    file = database.folder / "var/db" / stack.database_name / "message.ibd"
    database.administer("SET GLOBAL innodb_log_file_size = 17825792")
    # Behind all other files of the server, which may be written as before.
    rows = itertools.count(1)
    while file.stat().st_size < 24 << 20:
        values = ", ".join(f"({FILLER}, {next(rows)}, 1, 0, 1, REPEAT('x', 60000))" for _ in range(50))
        stack.sql(
            "INSERT INTO message (conversation, cid, time_ms, type, sender, body) VALUES " + values
        )
    limit = ["prlimit", "--pid", str(database.pid())]
    subprocess.run([*limit, f"--fsize={file.stat().st_size}:"], check=True)
    try:
        # Until there is no room left in the file.
        with pytest.raises(Exception, match="is full"):
            for row in itertools.count(10**9, 10):
                values = ", ".join(f"({FILLER}, {row + i}, 1, 0, 1, REPEAT('x', 300))" for i in range(10))
                stack.sql(
                    "INSERT INTO message (conversation, cid, time_ms, type, sender, body)"
                    f" VALUES {values}"
                )
        for _ in range(4):
            talker.say_all()
        pass_time(SHORT_SECONDS)
        assert lines(stack.services["delivery"], "database_short")
    finally:
        subprocess.run([*limit, "--fsize=unlimited:"], check=True)
        stack.sql(f"DELETE FROM message WHERE conversation = {FILLER}")
    assert talker.failed() == {}


def test_the_new_primary_is_found_behind_a_name(tmp_path):
    """The old one stays up, read-only, with all connections to it."""
    name = tmp_path / "db.sock"
    with Database() as old, contextlib.ExitStack() as ends:
        name.symlink_to(old.settings["PARLEY_DB_SOCKET"])
        with stack_on(old, db_socket=name) as stack:
            new = Database()
            talker = ends.enter_context(contextlib.closing(Talker(stack)))
            old.stop()
            shutil.copytree(old.folder / "var", new.folder / "var", dirs_exist_ok=True)
            ends.enter_context(new)
            old.start()
            talker.say_all()
            assert talker.failed() == {}
            old.administer("SET GLOBAL read_only = 1")
            name.unlink()
            name.symlink_to(new.settings["PARLEY_DB_SOCKET"])
            stack.database = new
            talker.say_all()
            assert talker.failed() == {}


def test_no_cid_is_given_twice_after_a_restore():
    """It is noticed by deliveries that run on beneath it, and then announced."""
    with Database() as database, stack_on(database) as stack, contextlib.ExitStack() as ends:
        talker = ends.enter_context(contextlib.closing(Talker(stack)))
        database.stop()
        data, backup = database.folder / "var/db", database.folder / "backup"
        shutil.copytree(data, backup)
        database.start()
        seen = set()
        for _ in range(3):
            talker.say_all()
            seen |= talker.cids()
            assert talker.failed() == {}
        before = talker.client.epoch
        database.stop()
        shutil.rmtree(data)
        backup.rename(data)
        database.start()
        # Nobody has set that: nothing is stored under the sequence's next numbers.
        talker.say_all()
        wait_until(lambda: lines(stack.services["delivery"], "entries_restored"), "it to be noticed")
        said = stack.ctl("restored").stdout
        assert "epoch" in said, said
        given = talker.cids()
        assert talker.failed() == {}
        assert len(given) == FRIENDS and not given & seen
        again = ends.enter_context(contextlib.closing(YouIM(stack, ext=True)))
        again.log_in(talker.client.account)
        assert again.epoch != before and 0 < again.epoch < 2**53
        resumed = ends.enter_context(contextlib.closing(YouIM(stack)))
        resumed.resume(again.account, again.token)
        assert resumed.epoch == again.epoch


def test_a_log_ahead_of_its_sequence_is_not_served(database):
    with stack_on(database) as stack, contextlib.closing(Talker(stack)):
        stack.services["delivery"].end()
        database.administer(f"ALTER SEQUENCE {stack.database_name}.cid_block RESTART 128")
        stack.services["delivery"].start(wait=False)
        assert stack.services["delivery"].wait_exit() == 1
        said = stack.services["delivery"].said()
        assert "parleyctl restored" in said and "event=start_failed" in said, said
        stack.services["delivery"].end()
        stack.ctl("restored")
        stack.services["delivery"].start()


def test_services_start_before_their_database():
    with Database() as database, stack_on(database) as stack:
        for name in ("auth", "group", "delivery"):
            stack.services[name].end()
        database.stop()
        for name in ("auth", "group", "delivery"):
            stack.services[name].start(wait=False)
            wait_until(lambda name=name: lines(stack.services[name], "waiting"), f"{name} to wait")
            status, text = stack.page(name, "/readyz")
            assert status == 503 and "no database" in text, text
        database.start()
        for name in ("auth", "group", "delivery"):
            stack.services[name].wait_ready()
        Talker(stack).close()
