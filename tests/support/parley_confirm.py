"""How a client of the load confirms received texts: by 301 or, when it was read, by 302, a
conversation at a time, each with a `ref`, so that it knows from when on nothing up to there may be sent
again.

    confirmations = Confirmations(person)
    confirmations.heard(peer, text, cid)      a text arrived
    confirmations.answered(ref, ok)           True when that 300 was one of these
    confirmations.connected()                 on a new connection: requests without an answer are sent again
"""

import asyncio

from parley_client import Group, compact

# Seconds until a failed confirmation is sent again.
AGAIN = 0.3
# One in so many is a 302.
READ_TURN = 3


class Confirmations:
    def __init__(self, person):
        self._person = person
        self._waiting = {}  # (is it a group, number) -> (peer, text, cid): the last that arrived
        self._asked = None  # the key that a 301 is on its way for, with its content
        self._count = 0

    def heard(self, peer, text, cid):
        self._waiting[isinstance(peer, Group), peer.number] = peer, text, cid
        self._say_next()

    def connected(self):
        self._asked = None
        self._say_next()

    def asked(self):
        """The ref that waits for its 300; None: there is none."""
        return None if self._asked is None else self._ref()

    def answered(self, ref, ok):
        if not ref.startswith("received "):
            return False
        if self._asked is not None and ref == self._ref():
            key, said = self._asked
            self._asked = None
            if ok:
                self._person.confirmed(said[1])
                if self._waiting.get(key) == said:
                    del self._waiting[key]
                self._say_next()
            else:
                asyncio.get_running_loop().call_later(AGAIN, self._say_next)
        return True

    def _ref(self):
        return f"received {self._count}"

    def _say_next(self):
        if self._asked is not None or not self._waiting or not self._person.is_in():
            return
        self._count += 1
        self._asked = next(iter(self._waiting.items()))
        peer, _, cid = self._asked[1]
        self._person.write(compact(self._person.client.receipt(
            peer, cid, self._ref(), read=self._count % READ_TURN == 0)))
