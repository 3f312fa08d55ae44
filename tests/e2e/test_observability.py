"""An operator's view of a running system: pages over HTTP, queues, and one request in all logs."""

import contextlib
import json
import os
import re
import secrets
import signal
import socket

import pytest
from parley_deeds import ask_friend
from parley_stack import SERVICES, Database, Stack, wait_until


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A stack at debug level over a database of its own, which it reaches by a name that a test may
    take away."""
    with Database() as database:
        link = tmp_path_factory.mktemp("database") / "socket"
        link.symlink_to(database.settings["PARLEY_DB_SOCKET"])
        with Stack(database, log_level="debug", db_socket=link) as stack:
            stack.link = link
            yield stack


def samples(stack, name):
    """A metrics page as {name and labels: number}."""
    status, page = stack.page(name, "/metrics")
    assert status == 200
    lines = [line for line in page.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def two_people(stack, connect, dialect="youim"):
    """Two new accounts that have caught up, the second one's client of this dialect."""
    clients = connect("youim", on=stack), connect(dialect, on=stack)
    for client in clients:
        client.register_new()
        client.log_in()
        client.fence()
    return clients


def wait_readiness(stack, name, status, words):
    def so():
        page = stack.page(name, "/readyz")
        return page[0] == status and words in page[1]

    wait_until(so, f"{name}: {status} {words}")


# --- pages


@pytest.mark.parametrize("name", SERVICES)
def test_pages(stack, name):
    assert stack.page(name, "/healthz") == (200, "ok\n")
    assert stack.page(name, "/readyz") == (200, "ready\n")
    assert stack.page(name, "/")[0] == 404
    found = samples(stack, name)
    assert found["parley_ready"] == 1
    assert found['parley_queue_limit{queue="calls"}'] == 65536
    assert found['parley_call_seconds_count{message="service.ping"}'] >= 0


def test_metrics_page_is_well_formed(stack):
    """Every sample belongs to the family that was announced before it, and each is announced once."""
    page = stack.page("delivery", "/metrics")[1]
    announced, family = [], ""
    for line in page.splitlines():
        if line.startswith("# TYPE "):
            family = line.split()[2]
            announced.append(family)
        elif not line.startswith("#"):
            assert re.fullmatch(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.]+', line), line
            name = re.match("[a-z_]+", line)[0]
            assert re.fullmatch(f"{family}(_bucket|_sum|_count)?", name), line
    assert len(announced) == len(set(announced))
    assert page.endswith("\n")


def test_pages_beside_many_clients(stack):
    """The pages' own limit of descriptors is one of their number, not of how high they are."""
    with contextlib.ExitStack() as clients:
        for _ in range(300):
            where = (stack.host, stack.ports["tcp"])
            clients.enter_context(socket.create_connection(where))
        wait_until(lambda: samples(stack, "gateway")["parley_connections"] >= 300, "the clients")
        assert stack.page("gateway", "/readyz")[0] == 200
    wait_until(lambda: samples(stack, "gateway")["parley_connections"] < 300, "them to go")


def test_latencies_and_refusals_are_counted(stack, newcomer):
    alice, bob = newcomer("youim"), newcomer("ourchat")
    before = {name: samples(stack, name) for name in ("gateway", "delivery")}

    def more(name, metric):
        return samples(stack, name)[metric] - before[name].get(metric, 0)

    alice.say(bob.account, "hello")
    bob.hear(alice.account, bob.account, "hello")
    alice.fence()
    wait_until(lambda: more("gateway", "parley_send_seconds_count") == 1, "the text to be timed")
    assert more("gateway", "parley_push_seconds_count") >= 1
    assert more("gateway", 'parley_ask_seconds_count{message="delivery.send"}') == 1
    assert more("delivery", "parley_batch_seconds_count") == 1
    assert more("delivery", 'parley_batch_messages_bucket{le="1"}') == 1
    assert more("delivery", 'parley_call_seconds_count{message="delivery.send"}') == 1
    assert more("delivery", 'parley_call_seconds_sum{message="delivery.send"}') > 0
    alice.send(alice.acting(5, fromUserId=alice.account.id, toUserId="nobody-at-all", msg="?"))
    alice.expect_error("nobody-at-all")
    assert more("gateway", 'parley_client_refused_total{error="no_account"}') == 1


# --- readiness


def test_a_database_that_is_away(own):
    name, link = own.database_name, own.link
    link.unlink()

    def cut_off():
        numbers = own.sql("SELECT id FROM information_schema.processlist"
                          " WHERE db = %s AND id <> CONNECTION_ID()", name)
        for (number,) in numbers:
            with contextlib.suppress(Exception):  # it may have ended by itself
                own.sql(f"KILL {number}")
        return not numbers

    wait_until(cut_off, "connections to the database to end")
    for service in ("auth", "group", "delivery", "files", "hooks"):
        wait_readiness(own, service, 503, "database")
        assert own.page(service, "/healthz")[0] == 200
        assert samples(own, service)["parley_ready"] == 0
    for service in ("gateway", "session"):
        wait_readiness(own, service, 200, "ready")
    done = own.ctl("status", ok=False)
    assert done.returncode == 1 and "not ready: no database: " in done.stdout
    link.symlink_to(own.database.settings["PARLEY_DB_SOCKET"])
    for service in ("auth", "group", "delivery", "files", "hooks"):
        wait_readiness(own, service, 200, "ready")
    own.ctl("status")


def test_a_database_that_stands_still(own):
    os.kill(own.database.pid(), signal.SIGSTOP)
    try:
        for service in ("auth", "group", "delivery", "files", "hooks"):
            wait_readiness(own, service, 503, "database")
    finally:
        os.kill(own.database.pid(), signal.SIGCONT)
    for service in ("auth", "group", "delivery", "files", "hooks"):
        wait_readiness(own, service, 200, "ready")


@pytest.mark.parametrize("lost, callers", [
    ("session", ("gateway", "group", "delivery")),
    ("auth", ("gateway",)),
    ("delivery", ("gateway",)),
])
def test_a_service_that_is_away(own, lost, callers):
    own.services[lost].kill()
    for service in callers:
        wait_readiness(own, service, 503, f"no {lost} service answers")
    own.services[lost].start()
    for service in callers:
        wait_readiness(own, service, 200, "ready")


def test_a_metrics_port_that_is_taken(own):
    auth = own.services["auth"]
    auth.terminate()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((own.host, own.metrics_ports["auth"]))
        taken.listen()
        auth.start(wait=False, listen_wait_ms=0)
        assert auth.wait_exit() == 1
        errors = [line for line in auth.said().splitlines() if "level=error" in line]
        assert len(errors) == 1 and str(own.metrics_ports["auth"]) in errors[0], errors
    auth.start()
    wait_readiness(own, "gateway", 200, "ready")


# --- queues


def test_status_tells_of_queues(stack):
    rows = {row["service"]: row["queues"] for row in json.loads(stack.ctl("status", "--json").stdout)}
    assert rows["delivery"]["writers"] == {"depth": 0, "limit": 10000}
    assert set(rows["auth"]) == {"calls", "pool", "hashes", "callers"}
    assert set(rows["group"]) >= {"pool", "to_session", "route_bytes"}
    assert set(rows["session"]) >= {"presence", "bindings", "to_group"}
    assert set(rows["gateway"]) >= {"connections", "texts", "pulls", "pulls_waiting", "output_bytes",
                                    "cursor_moves", "unbinds", "to_delivery"}
    printed = stack.ctl("status").stdout.splitlines()
    assert all(len(line) <= 100 for line in printed)
    assert any("writers 0/10000" in line for line in printed)
    limits = {name: {row: value["limit"] for row, value in queues.items()}
              for name, queues in rows.items()}
    for name in SERVICES:
        found = samples(stack, name)
        assert limits[name] == {row: found[f'parley_queue_limit{{queue="{row}"}}']
                                for row in limits[name]}


def test_a_queue_that_fills(own, connect):
    """Texts that no delivery takes wait at the gateway, and are seen there."""
    alice, bob = two_people(own, connect)
    own.services["delivery"].kill()
    wait_readiness(own, "gateway", 503, "delivery")
    for number in range(3):
        alice.say(bob.account, f"text {number}")
    wait_until(lambda: samples(own, "gateway")['parley_queue_depth{queue="texts"}'] == 3,
               "three texts to wait")
    own.services["delivery"].start()
    for number in range(3):
        bob.hear(alice.account, bob.account, f"text {number}")
    wait_until(lambda: samples(own, "gateway")['parley_queue_depth{queue="texts"}'] == 0,
               "the texts to be gone")


# --- one request in all logs


def events(stack, name, trace):
    """The events of one trace in the log of an instance, in order; but for warnings of a call that
    was slow, as any may be."""
    said = stack.services[name].said()
    found = re.findall(rf"event=(\w+) trace={trace} ", said)
    return [event for event in found if event != "slow_call"]


def wait_events(stack, name, trace, expected):
    """Until these are the events of the trace there, no more and no fewer: a request is answered,
    or passed on, before it is logged."""
    wait_until(lambda: events(stack, name, trace) == expected, f"{expected} at {name}")


def traces(stack, event):
    return re.findall(rf"event={event} trace=([0-9a-f]{{16}}) ", stack.services["gateway"].said())


def test_a_text_in_all_logs(own, connect):
    alice, bob = two_people(own, connect, "ourchat")
    known = set(traces(own, "text_sent"))
    text = f"text {secrets.token_hex(4)}"
    alice.say(bob.account, text)
    bob.hear(alice.account, bob.account, text)
    alice.fence()
    trace, = set(traces(own, "text_sent")) - known
    # The push may arrive before the answer.
    wait_until(lambda: {"pushed", "request_answered"} <= set(events(own, "gateway", trace)),
               "the push and the answer in the log")
    found = events(own, "gateway", trace)
    order = ["request", "text_sent", "asked", "request_answered"]
    assert [event for event in found if event in order] == order, found
    wait_events(own, "delivery", trace, ["stored", "call"])
    wait_events(own, "session", trace, ["routed"])


def test_texts_that_travel_together_have_their_own_traces(own, connect):
    """Later texts gather while the first is on its way: each has its own trace all the same."""
    alice, bob = two_people(own, connect)
    known = set(traces(own, "text_sent"))
    count = 20
    for number in range(count):
        alice.say(bob.account, f"text {number}")
    for number in range(count):
        bob.hear(alice.account, bob.account, f"text {number}")
    sent = set(traces(own, "text_sent")) - known
    assert len(sent) == count
    for trace in sent:
        wait_until(lambda: "pushed" in events(own, "gateway", trace), "the push in the log")
        assert events(own, "delivery", trace).count("stored") == 1
        wait_events(own, "session", trace, ["routed"])


def test_a_change_in_all_logs(own, connect):
    """A notice that group stores: from the request to its being written."""
    alice, bob = two_people(own, connect)
    known = set(traces(own, "request"))
    alice.send(ask_friend(alice, bob.account))
    bob.expect(103)
    trace, = set(traces(own, "request")) - known
    wait_until(lambda: "pushed" in events(own, "gateway", trace), "the push in the log")
    wait_events(own, "group", trace, ["stored", "call"])
    wait_events(own, "session", trace, ["routed"])


def test_nothing_per_message_at_info(stack, newcomer):
    before = {name: len(stack.services[name].said()) for name in SERVICES}
    alice, bob = newcomer("youim"), newcomer("youim")
    alice.say(bob.account, "quiet")
    bob.hear(alice.account, bob.account, "quiet")
    alice.fence()
    for name in SERVICES:
        said = stack.services[name].said()[before[name]:]
        assert "level=debug" not in said, said
        # A slow request is warned of, with its trace; a new account is in the audit.
        lines = [line for line in said.splitlines()
                 if "event=slow_call" not in line and "what=account_made" not in line]
        assert "trace=" not in "\n".join(lines), said
