"""The HTTP API when one key calls as fast as it can: it is held to its limit, and everybody else goes on."""

import threading
import time

from parley_api import Api

PER_MINUTE = 60
SOCKETS = 8
CALLS = 40


class Flood:
    """One key on several sockets, each with one call after the other."""

    def __init__(self, stack, per_minute):
        keys = Api(stack, "accounts", f"--per_minute={per_minute}")
        self.path = f"/accounts/{Api(stack).account()}"
        self.answers, self._over = [], threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(Api(stack, key=keys.key),))
                         for _ in range(SOCKETS)]

    def _run(self, api):
        while not self._over.is_set():
            self.answers.append(api("GET", self.path))

    def __enter__(self):
        self.since = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()
        self.seconds = time.monotonic() - self.since


def test_a_key_beyond_its_limit_and_the_others(stack, newcomer):
    other = Api(stack)
    anna, ben = newcomer("youim", "tcp"), newcomer("ourchat", "websocket")
    with Flood(stack, PER_MINUTE) as flood:
        for i in range(CALLS):
            other.expect(200, "GET", f"/accounts/{anna.account.id}")
            other.expect(201, "POST", "/messages",
                         {"from": ben.account.number, "user": anna.account.id, "text": f"call {i}"})
            anna.hear(ben.account, anna.account, f"call {i}")
            ben.hear(ben.account, anna.account, f"call {i}")
            anna.say(ben.account, f"text {i}")
            ben.hear(anna.account, ben.account, f"text {i}")
    refused = [answer for answer in flood.answers if answer.status != 200]
    assert len(flood.answers) - len(refused) <= PER_MINUTE + flood.seconds * PER_MINUTE / 60 + 1
    assert len(refused) > CALLS
    for answer in refused:
        assert (answer.status, answer.word) == (429, "throttled")
        assert int(answer.headers["Retry-After"]) >= 1
