"""A private parley for tests: MariaDB, the six services, parleyctl; nothing shared with others.

    with Database() as database, Stack(database) as stack:
        stack.services["delivery"].kill()
        stack.services["delivery"].start()
        stack.ctl("group", "add", "ccc", "123")

Ports are free ones, data and logs live in a folder of their own, settings go by the environment.
Programs are those in PARLEY_BIN (default build/bin). Every wait has a deadline, and every process is
ended by its pid, also when this process is killed: services die with it, the database follows.
"""

import contextlib
import itertools
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import msgpack
import pymysql
import zmq

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Seconds that one step (a start, a stop, a command) may take.
DEADLINE = 60
# The order of starting; stopping goes the other way round.
SERVICES = ("auth", "session", "group", "delivery", "files", "hooks", "gateway")
# The second three open where there is a certificate.
CLIENT_PORTS = ("http", "tcp", "youim", "https", "tls_tcp", "tls_youim")
# Those that are told nothing of the database.
WITHOUT_DATABASE = ("gateway", "session")
# Accounts of tests are worthless, so hashing their passwords may be cheap.
CHEAP_PASSWORDS = {"password_ops": 1, "password_memory_kib": 8}
# Clients of tests read as fast as objects arrive; the ones that don't have a file of their own.
NO_PAUSES = {"ourchat_tcp_pace_ms": 0}
# Tests do within seconds, from one address, more than people do within minutes.
NO_LIMITS = dict.fromkeys(
    (
        "connections_per_address",
        "registrations_per_address",
        "texts_per_minute",
        "groups_per_minute",
        "invitations_per_minute",
        "history_per_minute",
        "searches_per_minute",
        "uploads_per_minute",
        "requests_per_minute",
    ),
    0,
)
# Commands of parleyctl that may be given twice.
HARMLESS = ("status", "metrics", "sessions", "kick")
FOUND_BY_SANITIZERS = ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer")

_database_numbers = itertools.count(1)
_blocks = []  # sockets that hold blocks of ports
_ports = []  # of the last block, not given yet


def programs():
    """The folder of the programs under test."""
    return (ROOT / os.environ.get("PARLEY_BIN", "build/bin")).resolve()


def bare_environment():
    """Ours without any setting of parley: the caller's settings must not leak into tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}


# Ports below the kernel's range for outgoing connections, so that none takes one while a service is
# being restarted. Test programs run side by side: each has blocks of ports to itself, those in C
# (service_process.c) as well.
FIRST_PORT, BLOCKS, BLOCK_PORTS = 20000, 240, 50


def _take_block():
    """The ports of a block that no other test program has. The kernel gives a socket of the block's
    name to one process at a time, and takes it back when that ends."""
    first = random.randrange(BLOCKS)
    for block in ((first + i) % BLOCKS for i in range(BLOCKS)):
        name = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            name.bind(f"\0parley-test-ports-{block}")
        except OSError:
            name.close()
            continue
        _blocks.append(name)
        base = FIRST_PORT + block * BLOCK_PORTS
        return list(range(base, base + BLOCK_PORTS))
    raise RuntimeError("all ports for tests are taken")


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count):
    """The first of a row of so many free ports, at most BLOCK_PORTS. None is given twice."""
    while True:
        if len(_ports) < count:
            _ports[:] = _take_block()
        row, _ports[:] = _ports[:count], _ports[count:]
        if all(map(_is_free, row)):
            return row[0]


def free_port():
    return free_ports(1)


def wait_until(condition, what, seconds=DEADLINE, every=0.01):
    """Returns the condition's first true value; fails after the deadline. `every`: seconds between
    two looks, for conditions that cost something."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(every)
    return value


class Database:
    """A private MariaDB, started by deploy/local; it ends when its pipe to us does. Its data stay
    until the end, so it can be killed, stopped and started again in between."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="parley-test-"))
        self._process = None
        self.settings = {}

    def __enter__(self):
        self.start()
        return self

    def start(self):
        """Returns when it answers."""
        tell = "env | grep ^PARLEY_DB_; echo started; cat"
        self._process = subprocess.Popen(
            [ROOT / "deploy/local", "with-db", "sh", "-c", tell],
            env=bare_environment() | {"PARLEY_VAR": str(self.folder / "var")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Python ignores SIGXFSZ. So does the server then: a test lets its files be full.
            restore_signals=False,
        )
        for line in self._process.stdout:
            name, _, value = line.strip().partition("=")
            if name == "started":
                return
            self.settings[name] = value
        self.__exit__(None, None, None)
        raise RuntimeError("the private MariaDB did not start")

    def __exit__(self, *_):
        if self._process is not None:
            with contextlib.suppress(OSError):
                self.resume()
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self):
        """An orderly end."""
        self._process.stdin.close()
        self._process.wait(DEADLINE)
        self._process.stdout.close()
        self._process = None

    def kill(self):
        os.kill(self.pid(), signal.SIGKILL)
        # It has no server to end any more, and ends itself.
        self.stop()

    def pause(self):
        os.kill(self.pid(), signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid(), signal.SIGCONT)

    def pid(self):
        return int((self.folder / "var/run/mariadbd.pid").read_text())

    def connection(self):
        """One as services have it, to be closed by the caller."""
        return pymysql.connect(
            unix_socket=self.settings["PARLEY_DB_SOCKET"],
            user=self.settings["PARLEY_DB_USER"],
            password=self.settings["PARLEY_DB_PASSWORD"],
        )

    def administrator(self):
        """A connection of the server's own administrator, to be closed by the caller."""
        return pymysql.connect(
            unix_socket=self.settings["PARLEY_DB_SOCKET"],
            user=pwd.getpwuid(os.geteuid()).pw_name,
            autocommit=True,
        )

    def administer(self, *statements):
        """The rows of the last statement."""
        with self.administrator() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()

    def new_name(self):
        """Makes an empty database and returns its name."""
        name = f"{self.settings['PARLEY_DB_NAME']}_{next(_database_numbers)}"
        self.rows(None, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def rows(self, name, query, *arguments):
        """The rows of one statement, which is committed, as tuples."""
        connection = pymysql.connect(
            unix_socket=self.settings["PARLEY_DB_SOCKET"],
            user=self.settings["PARLEY_DB_USER"],
            password=self.settings["PARLEY_DB_PASSWORD"],
            database=name,
            autocommit=True,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(query, arguments or None)
            return cursor.fetchall()


class Service:
    """One instance of a service as a child process; its output is in `log`, over all starts."""

    def __init__(self, name, program, environment, folder):
        self.name = name
        self.program = program
        self.environment = environment
        self.log = folder / f"{name}.log"
        self.log.touch()
        self.process = None
        self._log_start = 0

    def start(self, *arguments, wait=True, **settings):
        """Starts it, with options of its own (`ping_interval_ms=500`) for this time, and waits until
        it is ready."""
        extra = {f"PARLEY_{name.upper()}": str(value) for name, value in settings.items()}
        self._log_start = self.log.stat().st_size
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", self.program, *arguments],
                env=self.environment | extra,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if wait:
            self.wait_ready()

    def wait_ready(self):
        def ready():
            assert self.running(), f"{self.name} ended at its start:\n{self.said()[-2000:]}"
            return "event=ready" in self.said()

        wait_until(ready, f"{self.name} to be ready")

    def said(self):
        """Its output since it was last started."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait_exit(self):
        """The exit status of a process that ends by itself; -N for signal N."""
        return self.process.wait(DEADLINE)

    def kill(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process = None

    def terminate(self):
        """Ends it in order and returns its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(DEADLINE)
        finally:
            self.process = None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        """Whatever state it is in, it is gone then. Its status, None when it was not running."""
        if self.process is None:
            return None
        self.resume()
        self.process.terminate()
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(DEADLINE)
        finally:
            self.process = None


class Stack:
    """A database of its own on the given server, and the services over it.

    `deliveries`, `sessions`: how many instances everyone knows of; those beyond the first are
    called delivery2, session2 and so on. `asleep`: names of instances that are not started at first.
    `settings`: options for all services.
    """

    host = "127.0.0.1"
    # Those that run now, for whoever looks after them.
    running = []
    # Where its programs are, if not with all others'.
    bin = None
    limits = NO_LIMITS
    # Its links are encrypted, as they are by default.
    curve = True

    def __init__(self, database, deliveries=1, sessions=1, asleep=(), **settings):
        self.database = database
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stack-", dir=database.folder))
        self.database_name = database.new_name()
        self.asleep = asleep
        self.ports = {name: free_port() for name in (*SERVICES, *CLIENT_PORTS)}
        instances = {name: [name] for name in SERVICES}
        instances["delivery"] += [f"delivery{n}" for n in range(2, deliveries + 1)]
        instances["session"] += [f"session{n}" for n in range(2, sessions + 1)]
        for name in sum((names[1:] for names in instances.values()), []):
            self.ports[name] = free_port()
        self.environment = bare_environment() | database.settings
        self.set(db_name=self.database_name, **CHEAP_PASSWORDS | NO_PAUSES | self.limits | settings)
        self.set(files_folder=self.folder / "files")
        self.keys = self.folder / "keys"
        if self.curve:
            self.make_keys()
        listening = (*SERVICES, *CLIENT_PORTS)
        self.set(**{f"{name}_port": self.ports[name] for name in listening})
        # Each instance of the stack has pages over HTTP; those that others make beside it, none.
        self.metrics_ports = {}
        self.set(**{f"{name}_metrics_port": 0 for name in SERVICES})
        for program, names in instances.items():
            self.set(**{f"{program}_peers": ",".join(map(self.address, names))})
        self.services = {}
        for program, names in instances.items():
            for name in names:
                self.services[name] = self._service(name, program)

    def set(self, **settings):
        for name, value in settings.items():
            self.environment[f"PARLEY_{name.upper()}"] = str(value)

    def make_keys(self):
        subprocess.run(
            [programs() / "parleyctl", "keys", self.keys],
            env=bare_environment(), check=True, stdout=subprocess.DEVNULL, timeout=DEADLINE,
        )
        self.set(keys_folder=self.keys)

    def show_key(self, dealer, name, program="parleyctl"):
        """Makes the socket one of that program, which calls the instance of this name."""
        if not self.curve:
            return
        secret = (self.keys / program / "secret").read_text().strip().encode()
        dealer.curve_secretkey, dealer.curve_publickey = secret, zmq.curve_public(secret)
        service = name.rstrip("0123456789")
        dealer.curve_serverkey = next(
            line.split()[1].encode()
            for line in (self.keys / program / "trusted").read_text().splitlines()
            if line.split()[0] == service
        )

    def address(self, name):
        """Where other services reach this instance."""
        return f"tcp://{self.host}:{self.ports[name]}"

    def _programs(self):
        return self.bin or programs()

    def _service(self, name, program):
        self.metrics_ports[name] = free_port()
        own = {
            f"PARLEY_{program.upper()}_PORT": str(self.ports[name]),
            f"PARLEY_{program.upper()}_METRICS_PORT": str(self.metrics_ports[name]),
        }
        given = self.environment | own
        if program in WITHOUT_DATABASE:
            given = {n: v for n, v in given.items() if not n.startswith("PARLEY_DB_")}
        return Service(name, self._programs() / f"parley-{program}", given, self.folder)

    def __enter__(self):
        try:
            self.ctl("migrate")
            awake = [s for name, s in self.services.items() if name not in self.asleep]
            for service in awake:
                service.start(wait=False)
            for service in awake:
                service.wait_ready()
        except BaseException:
            self.end()
            raise
        Stack.running.append(self)
        return self

    def __exit__(self, kind, *_):
        Stack.running.remove(self)
        statuses = self.end()
        found = self.sanitizer_reports()
        if kind is None:
            assert not found, "\n".join(found)
            wrong = {name: status for name, status in statuses.items() if status not in (0, None)}
            assert not wrong, f"services did not stop in order: {wrong}\n{self.log_tails()}"

    def end(self):
        """Ends every service and returns their exit statuses."""
        return {name: self.services[name].end() for name in reversed(self.services)}

    # --- asking

    def ctl(self, *arguments, ok=True, text=None):
        """Runs parleyctl, with `text` on its standard input; with `ok` it must succeed. The finished process, output as text. It waits
        for a service for only two seconds: it asks again one that was not ready by then, and one that
        has not replied, where that does no harm."""
        deadline = time.monotonic() + DEADLINE
        while True:
            done = subprocess.run(
                [self._programs() / "parleyctl", *arguments],
                env=self.environment,
                input=text,
                capture_output=True,
                text=True,
                timeout=DEADLINE,
            )
            failed = ok and done.returncode != 0
            missing = done.returncode != 0 and "no instance of" in done.stderr
            again = missing or failed and arguments[0] in HARMLESS
            if not again or time.monotonic() > deadline:
                break
        assert not failed, f"parleyctl {arguments}: {done.stderr}{done.stdout}"
        return done

    @contextlib.contextmanager
    def asking(self, name):
        """A function that asks the instance over one connection: of a message and the bodies of requests, made all
        at once as parleyctl makes them, the answers; each must succeed."""
        context = zmq.Context()
        try:
            dealer = context.socket(zmq.DEALER)
            self.show_key(dealer, name)
            dealer.connect(self.address(name))

            def ask(message, bodies):
                for number, body in enumerate(bodies):
                    dealer.send(msgpack.packb([1, number, message]) + msgpack.packb(body))
                answers = [None] * len(bodies)
                for _ in bodies:
                    assert dealer.poll(1000 * DEADLINE), f"{name} does not answer {message}"
                    unpacker = msgpack.Unpacker()
                    unpacker.feed(dealer.recv())
                    (kind, number, _), answers[number] = unpacker.unpack(), unpacker.unpack()
                    assert kind == 2, f"{message} of {bodies[number]}: {answers[number]}"
                return answers

            yield ask
        finally:
            context.destroy(linger=0)

    def ask(self, name, message, bodies):
        """The same, over a connection of its own."""
        with self.asking(name) as ask:
            return ask(message, bodies)

    def metric(self, name, metric):
        """A counter of the service; all its labels together."""
        lines = self.ctl("metrics", self.address(name)).stdout.splitlines()
        values = [line.split()[-1] for line in lines if line.startswith(f"parley_{metric}")]
        assert values, f"{name} has no counter {metric}: {lines}"
        return sum(float(value) for value in values)

    def page(self, name, path):
        """Status and text of one of the pages that an instance serves over HTTP."""
        url = f"http://{self.host}:{self.metrics_ports[name]}{path}"
        try:
            with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def sql(self, query, *arguments):
        return self.database.rows(self.database_name, query, *arguments)

    def account_number(self, string_id):
        return self.sql("SELECT number FROM account WHERE id = %s", string_id)[0][0]

    def group_number(self, string_id):
        rows = self.sql("SELECT lo FROM conversation WHERE string_id = %s", string_id)
        return rows[0][0] if rows else int(string_id)

    def stored(self, text):
        """How many messages with this text are in the log."""
        return self.sql("SELECT COUNT(*) FROM message WHERE body = %s", text.encode())[0][0]

    def wait_received(self, account, seconds=DEADLINE):
        """Returns when the database knows that all the account's texts have reached it."""
        behind = (
            "SELECT COUNT(*) FROM `cursor` r JOIN conversation c ON c.id = r.conversation"
            " JOIN message m ON m.conversation = c.id AND m.cid > GREATEST(r.received, r.since)"
            " WHERE r.account = %s AND m.type = 0"
            " AND NOT (c.kind = 0 AND m.sender = r.account AND %s)"
        )
        who = (account.number, account.dialect == "youim")
        wait_until(lambda: self.sql(behind, *who)[0][0] == 0, f"the cursors of {account}", seconds)

    # --- looking after it

    def ended(self):
        """Services that are down although nobody here ended them."""
        return [s.name for s in self.services.values() if s.process and not s.running()]

    def sanitizer_reports(self):
        found = []
        for service in self.services.values():
            said = service.log.read_text(errors="replace")
            if any(words in said for words in FOUND_BY_SANITIZERS):
                found.append(f"--- {service.name}\n{said[-6000:]}")
        return found

    def log_tails(self, lines=15):
        tails = []
        for service in self.services.values():
            tail = service.log.read_text(errors="replace").splitlines()[-lines:]
            tails.append(f"--- {service.name}\n" + "\n".join(tail))
        return "\n".join(tails)
