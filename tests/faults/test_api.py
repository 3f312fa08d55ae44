"""The HTTP API while services are killed: a change that is sent again under its Idempotency-Key is made once."""

import http.client
import secrets
import time

import pytest
from parley_api import Api
from parley_stack import DEADLINE

ROUNDS = 30
AGAIN = (500, 503)  # internal and unavailable: the outcome may be unknown


def insist(api, body, ref):
    """Sends until it is answered; the cid."""
    until = time.monotonic() + DEADLINE
    while True:
        try:
            answer = api("POST", "/messages", body, ref)
        except (OSError, http.client.HTTPException):
            answer = None
        if answer is not None and answer.status not in AGAIN:
            assert answer.status == 201, answer.body
            return answer.json["cid"]
        assert time.monotonic() < until, "no answer"


@pytest.mark.parametrize("victim", ["gateway", "delivery", "auth", "group"])
def test_each_message_once(make_stack, victim):
    stack = make_stack(send_timeout_ms=5000)
    api = Api(stack)
    anna, ben = api.account(), api.account()
    texts = [f"{victim} {i} {secrets.token_hex(4)}" for i in range(ROUNDS)]
    cids = []
    for i, text in enumerate(texts):
        if i % 10 == 5:
            stack.services[victim].kill()
            stack.services[victim].start(wait=False)
        cids.append(insist(api, {"from": anna, "user": ben, "text": text}, f"text-{i}"))
    assert cids == sorted(set(cids))
    assert [stack.stored(text) for text in texts] == ROUNDS * [1]
    page = api.expect(200, "GET", "/messages", limit=ROUNDS, **{"as": ben, "user": anna})
    assert [one["text"] for one in page["messages"]] == texts
