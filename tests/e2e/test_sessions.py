"""Instances of session start and stop, with clients on two gateways: texts reach everyone at once all
the while, and nobody receives false presence."""

import pytest
from parley_client import PRESENCE
from parley_deeds import befriend
from parley_presence import gone, hear_news, listed, log_back_in, wait_sent
from parley_stack import wait_until

QUICK = {"heartbeat_ms": 50, "reach_interval_ms": 50, "cursor_flush_ms": 50}
DIALECTS = ("youim", "ourchat")
PEOPLE = 10


class Scene:
    """A watcher and its friends: all of these on the first gateway, every second on both."""

    def __init__(self, stack, view, newcomer, connect):
        self.stack, self.view, self._connect = stack, view, connect
        self.second = stack.services["session2"]
        watcher = newcomer("youim", on=stack)
        people = [newcomer(DIALECTS[i % 2], on=stack) for i in range(PEOPLE)]
        for client in people:
            befriend(watcher, client)
        gone(stack, watcher, *people)
        self.watcher = self.connect(watcher.account, on=view, skips=())
        self.clients = {}
        for i, account in enumerate(client.account for client in people):
            self.clients[account.number] = [self.connect(account, on=stack)]
            hear_news(self.watcher, 107, account)
            if i % 2:
                self.clients[account.number].append(self.connect(account, on=view))
        wait_sent(stack)

    def connect(self, account, on, skips=PRESENCE):
        return log_back_in(self._connect, account, on=on, skips=skips)

    def accounts(self):
        return [clients[0].account for clients in self.clients.values()]

    def all_are_reached(self, word):
        """Each connection receives a text of the watcher's, and the watcher nothing."""
        for number, clients in self.clients.items():
            text = f"{word} to {number}"
            self.watcher.say(clients[0].account, text)
            for client in clients:
                client.hear(self.watcher.account, client.account, text)

    def come_and_go(self):
        """Everyone has one connection more, for a moment."""
        for account in self.accounts():
            self.connect(account, on=self.view).close()

    def wait_settled(self):
        """Until every account is listed by one session, with all its connections."""
        expected = {number: len(clients) for number, clients in self.clients.items()}
        expected[self.watcher.account.number] = 1
        wait_until(lambda: sorted(listed(self.stack)) == sorted(expected.items()),
                   "each account to be at one session")

    def nothing_was_news(self):
        wait_sent(self.stack)
        self.watcher.expect_nothing()

    def all_leave(self):
        """Each is reported as gone, once."""
        accounts = self.accounts()
        for clients in self.clients.values():
            for client in clients:
                client.close()
        self.they_have_gone(accounts)
        self.nothing_was_news()

    def they_have_gone(self, accounts):
        """The watcher's next news is of each of these."""
        messages = [self.watcher.next() for _ in accounts]
        assert {message["msgType"] for message in messages} == {108}
        heard = sorted(message["friendId"] for message in messages)
        assert heard == sorted(account.id for account in accounts)


@pytest.fixture
def scene(make_stack, second_gateway, newcomer, connect):
    """With the second session not there."""
    stack = make_stack(sessions=2, **QUICK)
    stack.services["session2"].terminate()
    return Scene(stack, second_gateway(stack), newcomer, connect)


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_a_second_session_starts_and_stops(scene, end):
    scene.second.start()
    scene.all_are_reached("it comes")
    scene.wait_settled()
    scene.all_are_reached("it is there")
    scene.nothing_was_news()
    getattr(scene.second, end)()
    scene.all_are_reached("it goes")
    scene.wait_settled()
    scene.all_are_reached("it is gone")
    scene.nothing_was_news()
    scene.all_leave()


def test_coming_and_going_meanwhile(scene):
    """Accounts that are there have a further connection while they move."""
    scene.second.start()
    scene.come_and_go()
    scene.wait_settled()
    scene.nothing_was_news()
    scene.second.kill()
    scene.come_and_go()
    scene.wait_settled()
    scene.nothing_was_news()
    scene.second.start()
    scene.wait_settled()
    scene.all_leave()


def test_leaving_meanwhile(scene):
    """An account that leaves while accounts move is reported as gone, once, and no other is."""
    scene.second.start()
    leaving = scene.accounts()[:PEOPLE // 2]
    for account in leaving:
        for client in scene.clients.pop(account.number):
            client.close()
    scene.they_have_gone(leaving)
    scene.wait_settled()
    scene.second.kill()
    leaving = scene.accounts()[:2]
    for account in leaving:
        for client in scene.clients.pop(account.number):
            client.close()
    scene.they_have_gone(leaving)
    scene.wait_settled()
    scene.nothing_was_news()
    scene.all_leave()
