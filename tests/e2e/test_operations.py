"""Starting, stopping and looking at the services: one clear line when something is wrong."""

import json
import re
import subprocess
import urllib.error
import urllib.request

import pytest
from parley_client import KINDS
from parley_stack import DEADLINE, SERVICES, Service, free_port, programs, wait_until

WITH_DATABASE = ("auth", "group", "delivery", "files", "hooks")
# Without which a gateway is not ready.
NEEDED = ("auth", "session", "group", "delivery")
services = pytest.mark.parametrize("name", SERVICES)


@pytest.fixture
def alone(stack, tmp_path):
    """Makes an instance of a service beside the stack's, with a port of its own."""
    made = []

    def make(name, **settings):
        environment = dict(stack.environment)
        for port in (name, "http", "tcp", "youim"):
            environment[f"PARLEY_{port.upper()}_PORT"] = str(free_port())
        environment |= {f"PARLEY_{key.upper()}": str(value) for key, value in settings.items()}
        made.append(Service(name, programs() / f"parley-{name}", environment, tmp_path))
        return made[-1]

    yield make
    for service in made:
        service.end()


def one_line_of(service, status):
    """The reason why a service could not start: one line, its last, and the only one of its kind."""
    assert service.wait_exit() == status, service.said()
    lines = [line for line in service.said().splitlines() if "level=info" not in line]
    assert len(lines) == 1 and service.said().endswith(lines[0] + "\n"), service.said()
    return lines[0]


@services
def test_a_wrong_option(alone, name):
    for argument, word in (
        ("--no-such-option=1", "no-such-option"),
        ("--peer_wait_ms=soon", "peer_wait_ms"),
        ("--peer_wait_ms=-1", "peer_wait_ms"),
        ("--log_level=loud", "loud"),
        ("stray", "stray"),
    ):
        service = alone(name)
        service.start(argument, wait=False)
        assert word in one_line_of(service, 2)


@services
def test_a_settings_file(alone, name, tmp_path):
    file = tmp_path / "parley.conf"
    for text, word in (
        ("log_level = info\nlog_level\n", ":2"),
        ("# a comment\npeer_wait_ms = soon\n", "peer_wait_ms"),
    ):
        file.write_text(text)
        service = alone(name)
        service.start(f"--config={file}", wait=False)
        assert word in one_line_of(service, 2)
    service.start("--config=/nonexistent/parley.conf", wait=False)
    assert "/nonexistent/parley.conf" in one_line_of(service, 2)
    # One file serves all programs, so each takes the others' options.
    file.write_text("# a comment\nlog_level = debug\n\nping_interval_ms = 5000\ncursor_flush_ms = 100\n")
    service = alone(name)
    service.start(f"--config={file}")
    assert service.terminate() == 0


@services
def test_a_taken_port(alone, stack, name):
    option = "http_port" if name == "gateway" else f"{name}_port"
    port = stack.ports[option.removesuffix("_port")]
    service = alone(name, listen_wait_ms=0, **{option: port})
    service.start(wait=False)
    assert str(port) in one_line_of(service, 1)


def test_a_taken_tcp_port(alone, stack):
    service = alone("gateway", listen_wait_ms=0, tcp_port=stack.ports["tcp"])
    service.start(wait=False)
    assert str(stack.ports["tcp"]) in one_line_of(service, 1)


def reason_of_waiting(service):
    """It reports once what it lacks; meanwhile it is not ready, and it ends when asked to."""
    wait_until(lambda: "event=waiting" in service.said() or not service.running(), "what it lacks")
    assert service.terminate() == 0, service.said()
    lines = [line for line in service.said().splitlines() if "event=waiting" in line]
    assert len(lines) == 1 and "event=ready" not in service.said(), service.said()
    return lines[0]


@pytest.mark.parametrize("name", WITH_DATABASE)
def test_no_database_server(alone, name):
    service = alone(name, db_socket="/nonexistent/mariadb.sock", db_password="hush-hush")
    service.start(wait=False)
    reason = reason_of_waiting(service)
    assert "for=database" in reason and "/nonexistent/mariadb.sock" in reason
    assert "hush-hush" not in service.said()


@pytest.mark.parametrize("name", WITH_DATABASE)
def test_no_such_database(alone, name):
    service = alone(name, db_name="parley_no_such")
    service.start(wait=False)
    assert "there is no database 'parley_no_such' (db_name)" in reason_of_waiting(service)


@pytest.mark.parametrize("name", WITH_DATABASE)
def test_a_database_without_tables(alone, stack, name):
    service = alone(name, db_name=stack.database.new_name())
    service.start(wait=False)
    assert "parleyctl migrate" in one_line_of(service, 1)


@pytest.mark.parametrize("name, peer", [("gateway", p) for p in NEEDED]
                         + [("group", "session"), ("delivery", "session")])
def test_a_called_service_that_is_not_there(alone, name, peer):
    # In so short a time a slow machine may not have reached those that are there.
    for peer_wait_ms in (300, 3000, 30000):
        missing = {f"{peer}_peers": f"tcp://127.0.0.1:{free_port()}"}
        service = alone(name, peer_wait_ms=peer_wait_ms, **missing)
        service.start(wait=False)
        line = one_line_of(service, 1)
        if f"no {peer} service" in line:
            return
    pytest.fail(line)


NO_PART = " is neither tcp://host:port nor dns:name:port"


@pytest.mark.parametrize("between, fault", [
    (" ", "'{0} {1}'" + NO_PART), (", ", "' {1}'" + NO_PART), (",,", "''" + NO_PART),
    (",tcp://a/b:1,", "'tcp://a/b:1'" + NO_PART),
    (63 * ",tcp://127.0.0.1:1" + ",", "it has more than 64 parts"),
])
def test_lists_of_peers_are_read_alike(alone, stack, between, fault):
    """What no service takes for a list, parleyctl refuses, too, and both say which part is wrong."""
    pair = [f"tcp://127.0.0.1:{stack.ports['auth']}", "dns:localhost:7101"]
    service = alone("gateway", auth_peers=between.join(pair))
    service.start(wait=False)
    assert f'reason="auth_peers: {fault.format(*pair)}"' in one_line_of(service, 1)
    said = subprocess.run(
        [programs() / "parleyctl", "status", f"--auth_peers={between.join(pair)}"],
        env=stack.environment, capture_output=True, text=True, timeout=DEADLINE)
    assert said.returncode == 2
    assert said.stderr == f"parleyctl: auth_peers: {fault.format(*pair)}\n"


@services
def test_help_and_version(name):
    program = programs() / f"parley-{name}"
    done = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "--log_level" in done.stdout and not done.stderr
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and re.search(r"\d+\.\d+", done.stdout)


def test_status(stack):
    lines = stack.ctl("status").stdout.partition("\n\n")[0].splitlines()[1:]
    assert sorted(line.split()[0] for line in lines) == sorted(SERVICES)
    for line in lines:
        name, address, _, ready = line.split()[:4]
        assert address == f"tcp://127.0.0.1:{stack.ports[name]}"
        assert ready == "yes"


def test_status_when_one_is_down(make_stack):
    stack = make_stack()
    stack.services["group"].kill()

    def down():
        done = stack.ctl("status", ok=False)
        assert done.returncode == 1
        lines = done.stdout.partition("\n\n")[0].splitlines()[1:]
        return {line.split()[0] for line in lines if line.split()[3] != "yes"}

    # The gateway is not ready without it, either.
    wait_until(lambda: down() == {"group", "gateway"}, "group and gateway to be down")


def test_migrate_twice(stack):
    assert "nothing to do" in stack.ctl("migrate").stdout


def test_users_and_groups_made_by_the_operator(stack, connect):
    name = "operated"
    assert re.match(r"account \d+ has the id operated", stack.ctl("user", "add", name).stdout)
    done = stack.ctl("user", "add", name, ok=False)
    assert done.returncode == 1 and "taken" in done.stderr
    client = connect("youim", "tcp")
    client.send(client.make(1, loginUserId=name))
    client.expect(2, resultCode="success")
    stack.ctl("group", "create", "operated-group", name)
    done = stack.ctl("group", "create", "operated-group", name, ok=False)
    assert done.returncode == 1 and "taken" in done.stderr


def test_health_over_http(stack):
    url = f"http://{stack.host}:{stack.ports['http']}"
    with urllib.request.urlopen(f"{url}/healthz", timeout=60) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{url}/other", timeout=60)


def test_an_orderly_stop(make_stack, newcomer):
    """Clients are notified, nothing that was acknowledged is lost, and every status is 0."""
    stack = make_stack()
    clients = [newcomer(*kind, on=stack) for kind in KINDS]
    friend = newcomer("ourchat", "tcp", on=stack)
    clients[0].say(friend.account, "before the end")
    receipt = clients[0].hear(clients[0].account, friend.account, "before the end")
    assert receipt == friend.hear(clients[0].account, friend.account, "before the end")
    assert stack.services["gateway"].terminate() == 0
    for client in [*clients, friend]:
        assert client.expect_closed() == (1001 if client.transport == "websocket" else "eof")
    for name in ("hooks", "files", "delivery", "group", "session", "auth"):
        assert stack.services[name].terminate() == 0, name
        said = stack.services[name].said()
        assert "event=stopped" in said, said
    for service in stack.services.values():
        service.start(wait=False)
    for service in stack.services.values():
        service.wait_ready()
    again = newcomer("ourchat", on=stack)
    again.say(friend.account, "after the restart")
    again.hear(again.account, friend.account, "after the restart")


def test_ports_of_services_take_garbage(stack, newcomer):
    """Bytes that are no message of ours change nothing."""
    import msgpack
    import zmq

    frames = [
        b"",
        b"hello",
        b"\xff" * 100,
        msgpack.packb([1, 1, "no.such.message"]) + msgpack.packb({}),
        msgpack.packb([1, 2, "auth.login"]),
        msgpack.packb([1, 3, "auth.login"]) + msgpack.packb([1, 2]),
        msgpack.packb([9, 4, "service.ping"]) + msgpack.packb({}),
        b"\x93\x01\x05\xdd\xff\xff\xff\xff",
        b"\x93\x01\x06\xdb\xff\xff\xff\xff",
    ]
    context = zmq.Context()
    try:
        for name in SERVICES:
            socket = context.socket(zmq.DEALER)
            socket.linger = 0
            stack.show_key(socket, name)
            socket.connect(f"tcp://{stack.host}:{stack.ports[name]}")
            for frame in frames:
                socket.send(frame)
            socket.send_multipart([b"two", b"frames"])
            socket.send(msgpack.packb([1, 77, "service.ping"]) + msgpack.packb({}))
            while socket.poll(30000):
                unpacker = msgpack.Unpacker()
                unpacker.feed(socket.recv())
                kind, number, _ = unpacker.unpack()
                if number == 77:
                    assert kind == 2
                    break
            else:
                pytest.fail(f"{name} does not answer any more")
    finally:
        context.destroy(linger=0)
    newcomer("youim").fence()
