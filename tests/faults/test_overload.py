"""More than the machine can do: senders are slowed down or refused, memory stays bounded, and
afterwards everything is as before."""

import os
import pathlib
import re
import subprocess
import time

from parley_stack import DEADLINE, wait_until

LOAD = pathlib.Path(os.environ["PARLEY_BUILD"]) / "bench/load"
MIB = 1 << 20
# Texts that are thrown at the server at once, by how many, of how many bytes: more than ten seconds'
# work. The generator keeps as many under way until its time is over.
PAIRS, WINDOW, BYTES, SECONDS = 300, 1000, 100, 5
# The most that a process may take at its peak, whatever the load: the limits of docs/limits.md leave it far
# below. Sanitizers keep freed memory for a while and double the rest.
MOST_MIB = 400


def peaks(stack):
    """MiB of memory that each service has had at most."""
    found = {}
    for name, service in stack.services.items():
        status = pathlib.Path(f"/proc/{service.process.pid}/status").read_text()
        found[name] = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024
    return found


def roundtrip(sender, receiver, text):
    """Seconds from saying a text to hearing it."""
    start = time.monotonic()
    sender.say(receiver.account, text)
    receiver.hear(sender.account, receiver.account, text)
    return time.monotonic() - start


def test_ten_times_too_much(make_stack, newcomer, show_table):
    """Unmodified clients that write on and on: nothing of it is lost, doubled or out of order (the
    generator ends with an error otherwise), nobody else is shut out, and it ends with the load."""
    stack = make_stack()
    anna, ben = (newcomer("youim", on=stack) for _ in range(2))
    before = roundtrip(anna, ben, "before")
    command = [LOAD, f"--host={stack.host}", f"--port={stack.ports['http']}", f"--pairs={PAIRS}",
               f"--window={WINDOW}", f"--bytes={BYTES}", "--warm-up=0", f"--seconds={SECONDS}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as load:
        try:
            wait_until(lambda: stack.sql("SELECT COUNT(*) FROM message")[0][0] > 10000, "a flood", 60)
            during = roundtrip(anna, ben, "in the flood")
            output, errors = load.communicate(timeout=4 * DEADLINE)
        finally:
            load.kill()
    assert load.returncode == 0, errors
    ended = time.monotonic()
    times = []

    def as_before():
        times.append(roundtrip(anna, ben, f"afterwards {len(times)}"))
        return times[-1] < 0.5

    wait_until(as_before, "texts to arrive as before", DEADLINE)
    recovery = time.monotonic() - ended
    most = peaks(stack)
    stored = stack.sql("SELECT COUNT(*) FROM message")[0][0]
    show_table("\n".join([
        f"{PAIRS * WINDOW} texts at once, and on for {SECONDS} s: {stored} stored, all in order",
        *(line for line in output.splitlines() if line.startswith(("messages/s", "latency"))),
        f"a bystander's text: {before * 1000:.0f} ms before, {during * 1000:.0f} ms in the flood, "
        f"{times[-1] * 1000:.0f} ms again {recovery:.1f} s after it",
        "most memory: " + ", ".join(f"{name} {mib} MiB" for name, mib in most.items()),
    ]))
    assert stored >= PAIRS * WINDOW
    assert max(most.values()) < MOST_MIB, most


def test_refused_texts_can_be_sent_again(make_stack, newcomer, show_table):
    """With little memory for texts, senders get that reason; the same `ref` works later, once."""
    stack = make_stack(waiting_texts_bytes=64 << 10, writer_queue=8, writers=1)
    people = [newcomer("youim", on=stack, ext=True) for _ in range(8)]
    count, text = 60, "x" * 2000
    answers = {"ok": 0, "overloaded": 0}
    waiting = {person: {f"{n}": f"{n} {text}" for n in range(count)} for person in people}
    for _ in range(count):  # at least one of each round is stored
        for i, person in enumerate(people):
            peer = people[(i + 1) % len(people)].account
            person.send(*(person.saying(peer, said, ref) for ref, said in waiting[person].items()))
        for person in people:
            rest = dict(waiting[person])
            while rest:
                message = person.next()
                if message["msgType"] != 300:
                    continue
                rest.pop(message["ref"])
                if message["ok"]:
                    del waiting[person][message["ref"]]
                answers["ok" if message["ok"] else message["error"]] += 1
        if not any(waiting.values()):
            break
    show_table(f"{answers['ok']} texts stored, {answers['overloaded']} refusals on the way")
    assert answers["ok"] == count * len(people) and answers["overloaded"] > 0
    stored = stack.sql("SELECT COUNT(*), COUNT(DISTINCT sender, body) FROM message")[0]
    assert stored == (count * len(people),) * 2
