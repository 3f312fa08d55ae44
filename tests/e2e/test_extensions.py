"""`ext` and `ref`: results, and requests that are sent again and not done again."""

import secrets

import pytest
from parley_client import KINDS, compact

pytestmark = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def hear_copy_and_result(client, peer, text, ref):
    """The 300 and, where there is one, the own copy, which arrive in either order."""
    messages = [client.next()]
    if client.gets_own(peer):
        messages.append(client.next())
    results = [m for m in messages if m[client.number_key] == 300]
    assert len(results) == 1, messages
    for copy in messages:
        if copy is not results[0]:
            assert compact(copy) == compact(client.heard(client.account, peer, text, copy))
            assert client.cid_of(copy) == client.body(results[0])["cid"]
    result = dict(client.body(results[0]))
    result.pop("msgType", None)
    assert result.pop("ref") == ref
    return result


def test_result_of_a_text(newcomer, kind):
    client, friend = newcomer(*kind, ext=True), newcomer(*kind, ext=True)
    client.say(friend.account, "hello", ref="r1")
    result = hear_copy_and_result(client, friend.account, "hello", "r1")
    copy = friend.hear(client.account, friend.account, "hello")
    time_ms = friend.body(copy)["time_ms"]
    assert result == {"ok": True, "cid": friend.cid_of(copy), "time_ms": time_ms}
    # Without a ref there is no result.
    client.say(friend.account, "again")
    client.hear_own(friend.account, "again")
    friend.hear(client.account, friend.account, "again")
    client.fence()


def test_the_same_ref_is_stored_once(stack, newcomer, connect, kind):
    client, friend = newcomer(*kind, ext=True), newcomer("ourchat", "tcp", ext=True)
    ref, text = secrets.token_hex(32), secrets.token_hex(8)
    client.say(friend.account, text, ref=ref)
    result = hear_copy_and_result(client, friend.account, text, ref)
    friend.hear(client.account, friend.account, text)

    def again(connection, with_text):
        connection.send(connection.saying(friend.account, with_text, ref))
        assert connection.expect_result(ref) == result

    again(client, text)
    client.say(friend.account, "another text under the same ref", ref)
    refused = client.expect_result(ref)
    assert (refused["ok"], refused["error"]) == (False, "ref_used")
    stack.wait_received(client.account)
    client.close()
    later = connect(*kind, ext=True)
    later.log_in(client.account)
    again(later, text)
    assert stack.stored(text) == 1
    friend.fence()
    # The ref is the account's: another one may use it for something else.
    friend.say(client.account, "mine", ref=ref)
    assert hear_copy_and_result(friend, client.account, "mine", ref)["cid"] > result["cid"]
    later.hear(friend.account, client.account, "mine")


def test_result_of_a_failed_request(newcomer, kind):
    client = newcomer(*kind, ext=True)
    client.say(client.account, "to myself", ref="r1")
    result = client.expect_result("r1")
    assert list(result) == ["ok", "error", "text"]
    assert (result["ok"], result["error"]) == (False, "to_oneself")
    client.send(client.make(1000, ref="r2"))
    result = client.expect_result("r2")
    assert (result["ok"], result["error"]) == (False, "bad_request")
    client.send(client.make(1000, ref="x" * 65))
    client.expect_error("1000")


def test_results_in_groups(stack, newcomer, kind):
    client, friend = newcomer(*kind, ext=True), newcomer(*kind, ext=True)
    group = client.create_group(f"ext-{secrets.token_hex(4)}")
    friend.say(group, "may I?", ref="r1")
    assert friend.expect_result("r1")["error"] == "not_member"
    stack.ctl("group", "add", group.id, friend.account.id)
    client.expect_joined(group, friend.account)
    friend.expect_joined(group, friend.account)
    friend.say(group, "I may", ref="r2")
    result = hear_copy_and_result(friend, group, "I may", "r2")
    copy = client.hear(friend.account, group, "I may")
    assert client.cid_of(copy) == result["cid"]


def test_texts_from_the_log_have_the_same_numbers(newcomer, connect, kind):
    client, friend = newcomer("ourchat", "tcp", ext=True), newcomer(*kind, ext=True)
    friend.close()
    results = []
    for number in range(5):
        client.say(friend.account, f"t{number}", ref=f"r{number}")
        results.append(hear_copy_and_result(client, friend.account, f"t{number}", f"r{number}"))
    again = connect(*kind, ext=True)
    again.log_in(friend.account)
    for number, result in enumerate(results):
        copy = again.hear(client.account, friend.account, f"t{number}")
        assert again.cid_of(copy) == result["cid"]
        assert again.body(copy)["time_ms"] == result["time_ms"]
