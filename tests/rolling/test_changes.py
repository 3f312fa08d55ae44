"""Texts are changed by clients of this release while others are at a gateway of the one before."""

import secrets

import pytest
from parley_client import DIALECTS
from parley_deeds import admit, carry_out, edit, react, recall, stored, wait_all_received


@pytest.fixture
def half_way(rolling):
    """All is of this release but the gateway."""
    rolling.use_new_tools()
    rolling.ctl("migrate")
    for name in ("auth", "delivery", "group", "session"):
        rolling.replace(name)
    return rolling


def test_at_a_gateway_of_the_release_before(half_way, second_gateway, newcomer, connect):
    """The newest of the texts not received yet, no recalled one, no change, and no gap."""
    new = second_gateway(half_way)
    for dialect in DIALECTS:
        for ext in (False, True):
            anna = newcomer(dialect, on=new, ext=True)
            ben = newcomer(dialect, on=half_way, ext=ext)
            club = anna.create_group(f"club-{secrets.token_hex(4)}")
            admit(anna, club, ben)
            for peer in (ben.account, club):
                cid = stored(anna, peer, "helo")
                ben.hear(anna.account, peer, "helo")
                for request in (edit(anna, peer, cid, "hello"), react(anna, peer, cid, ":)"),
                                recall(anna, peer, cid)):
                    carry_out(anna, request)
                stored(anna, peer, "next")
                ben.hear(anna.account, peer, "next")
            wait_all_received(half_way, ben.account)
            ben.close()
            edited, gone = (stored(anna, ben.account, text) for text in ("one", "a secret"))
            for request in (edit(anna, ben.account, edited, "two"),
                            react(anna, ben.account, edited, ":)"),
                            recall(anna, ben.account, gone)):
                carry_out(anna, request)
            again = connect(dialect, on=half_way, ext=ext)
            again.log_in(ben.account)
            again.hear(anna.account, ben.account, "two")
            again.expect_nothing()
            wait_all_received(half_way, ben.account)
