"""Whatever is killed while people talk, a hook is told of every entry, of each conversation in order."""

import collections
import json
import pathlib
import re
import signal
import subprocess
import sys

import pytest
from crowd import Crowd
from parley_stack import DEADLINE, ROOT, Database, free_port, wait_until

SEQUENCE = ("hooks", "receiver", "delivery", "database", "group", "hooks", "receiver")


@pytest.fixture(scope="module")
def crowd():
    """On a MariaDB of their own, which is killed, too."""
    with Database() as database:
        made = Crowd(database, hook_look_ms=20, hook_retry_max_ms=200)
        yield made
        made.end()


class Keeper:
    """A receiver that is a process of its own; its file stays when it is killed."""

    def __init__(self, folder):
        self.port, self.file, self.secret = free_port(), folder / "events", None
        self.process = None

    def start(self):
        self.process = subprocess.Popen([
            "setpriv", "--pdeathsig", "KILL", sys.executable,
            ROOT / "tests/support/parley_hooks.py", str(self.port), self.file, self.secret])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE)

    def events(self):
        """Without a last line that was cut."""
        if not self.file.exists():
            return []
        return [json.loads(line) for line in self.file.read_text().split("\n")[:-1]]


@pytest.fixture
def keeper(load, tmp_path):
    made = Keeper(pathlib.Path(tmp_path))
    url = f"http://127.0.0.1:{made.port}/"
    said = load.stack.ctl("hook", "add", "keeper", url, "--events=messages,membership,friendship").stdout
    made.secret = re.search(r"whsec_\S+", said)[0]
    made.start()
    yield made
    made.kill()
    load.stack.ctl("hook", "remove", "keeper")


def hit(load, keeper, what):
    if what == "receiver":
        keeper.kill()
        keeper.start()
    elif what == "database":
        load.stack.database.kill()
        load.stack.database.start()
    else:
        load.stack.services[what].kill()
        load.stack.services[what].start()


def stored(stack, after):
    """The cids of entries that hooks are told of, by conversation, in order."""
    found = collections.defaultdict(list)
    for conversation, cid in stack.sql(
            "SELECT conversation, cid FROM message WHERE cid > %s AND type NOT IN (8, 19)"
            " ORDER BY cid", after):
        found[conversation].append(cid)
    return found


def told(events):
    """The same of what was told, each cid where it came first, and how many came again."""
    found, seen = collections.defaultdict(list), set()
    for event in events:
        if event["id"] not in seen and "conversation" in event:
            found[int(event["conversation"]["id"])].append(int(event["id"]))
        seen.add(event["id"])
    return found, len(events) - len(seen)


def is_told(stack):
    behind = "SELECT s.seq - h.seq, h.failing_since_ms IS NULL FROM hook h JOIN hook_state s"
    return (stack.sql("SELECT COUNT(*) FROM journal")[0][0] == 0
            and stack.sql(behind)[0] == (0, 1))


def test_nothing_is_lost_and_the_order_holds(load, keeper, check, show_table):
    stack = load.stack
    load.wait_acknowledged(50)
    # What began before the hook was there may be noted or not.
    first = stack.sql("SELECT MAX(cid) FROM message")[0][0]
    for what in SEQUENCE:
        load.wait_acknowledged(150)
        hit(load, keeper, what)
    load.wait_everybody()
    check(load)
    wait_until(lambda: is_told(stack), "the hook to be told of everything", every=0.1)
    expected, (found, repeats) = stored(stack, first), told(keeper.events())
    lost = sum(len(set(cids) - set(found[conversation])) for conversation, cids in expected.items())
    unordered = [conversation for conversation, cids in found.items() if cids != sorted(cids)]
    count = sum(map(len, expected.values()))
    show_table(f"{count} entries, {lost} lost, {repeats} told again,"
               f" {len(unordered)} of {len(found)} conversations out of order")
    assert count > 1000 and lost == 0 and unordered == []
