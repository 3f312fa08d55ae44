"""What a client said before it closed in order is carried out, in order."""

import secrets

import pytest
from parley_client import TRANSPORTS, Group


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_texts_before_a_close_are_all_stored(newcomer, transport):
    ben = newcomer("youim")
    anna = newcomer("youim", transport)
    texts = [f"{i} {secrets.token_hex(4)}" for i in range(20)]
    anna.send(*(anna.saying(ben.account, text) for text in texts))
    anna.close()
    for text in texts:
        ben.hear(anna.account, ben.account, text)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_requests_before_a_close_are_done_in_order(newcomer, stack, transport):
    anna = newcomer("youim", transport)
    group = Group(0, f"late-{secrets.token_hex(4)}", "")
    texts = [f"{i} {group.id}" for i in range(3)]
    anna.send(
        anna.acting(114, ownerId=anna.account.id, groupId=group.id),
        *(anna.saying(group, text) for text in texts),
    )
    account = anna.account
    anna.close()
    again = newcomer("youim", transport)
    again.send(again.make(9, token=again.token, logoutUserId=again.account.id))
    again.expect(10)
    again.log_in(account)
    for text in texts:
        again.hear(account, group, text)
