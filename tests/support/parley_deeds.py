"""Actions of people on each other and on groups, as requests of either dialect.

    anna.send(ask_friend(anna, ben.account))
    result, heard = done(anna, leave(anna, group))

OurChat clients need the extension for leave, unfriend, remove, set_admin and dissolve, and anyone
does for `done`.
"""

import itertools
import secrets

from parley_stack import wait_until

_refs = itertools.count(1)


def _make(client, youim, ourchat, actor, **ids):
    """`actor` and `ids`: {key in YouIM: (key in OurChat, account, group or other value)}."""
    is_youim = client.dialect == "youim"
    body = {}
    for key, (other_key, value) in {**actor, **ids}.items():
        name = key if is_youim else other_key
        if name is None:
            continue
        value = getattr(value, "id" if is_youim else "number", value)
        body[name] = value
    return client.acting(youim, **body) if is_youim else client.make(ourchat, **body)


def _me(client, key="fromUserId", other_key="ocid"):
    return {key: (other_key, client.account)}


def ask_friend(client, account):
    return _make(client, 13, 9, _me(client), toUserId=("add_ocid", account))


def answer_friend(client, asker, yes):
    return _make(client, 104, 10 if yes else 11, _me(client, "fromUserId", "add_ocid"),
                 toUserId=("ocid", asker), confirmResult=(None, yes))


def unfriend(client, account):
    return _make(client, 15, 115, _me(client), toUserId=("target_ocid", account))


def join(client, group):
    return _make(client, 3, 9, _me(client), groupId=("group_id", group))


def answer_join(client, group, asker, yes):
    return _make(client, 106, 10 if yes else 11, _me(client, "handleAdministratorId", None),
                 groupId=("group_id", group), toUserId=("ocid", asker), confirmResult=(None, yes))


def leave(client, group):
    return _make(client, 11, 111, _me(client), groupId=("group_id", group))


def remove(client, group, account):
    return _make(client, 17, 117, _me(client, "fromAdministratorId"),
                 fromGroupId=("group_id", group), toUSerId=("target_ocid", account))


def add_admin(client, group, account):
    return _make(client, 19, 119, _me(client, "ownerId"), groupId=("group_id", group),
                 toUserId=("target_ocid", account))


def remove_admin(client, group, account):
    return _make(client, 21, 121, _me(client, "ownerId"), groupId=("group_id", group),
                 fromUserId=("target_ocid", account))


def dissolve(client, group):
    return _make(client, 111, 211, _me(client, "ownerId"), groupId=("group_id", group))


def rename(client, group, name):
    """YouIM has no request for it."""
    return client.make(12, group_id=group.number, ocid=client.account.number, name=name)


def _change(client, number, peer, cid, **more):
    """Of the text with that cid, to or from an account or group; needs the extension."""
    return client.make(number, peer=client.peer_of(peer), cid=cid, **more)


def recall(client, peer, cid):
    return _change(client, 315, peer, cid)


def edit(client, peer, cid, text):
    return _change(client, 327, peer, cid, msg=text)


def react(client, peer, cid, emoji, on=True):
    return _change(client, 329, peer, cid, emoji=emoji, on=on)


def stored(client, peer, text, ref=None):
    """Sends a text; returns its cid. The own copy arrives before or after the 300, where there is one."""
    ref = ref or secrets.token_hex(8)
    client.say(peer, text, ref)
    bodies = [client.body(client.next()) for _ in range(1 + client.gets_own(peer))]
    return next(body["cid"] for body in bodies if body.get("ref") == ref)


def carry_out(client, request):
    """Asks for a change of a text, which must succeed; the notice of it, which the client gets as
    well, before or after the 300."""
    ref = secrets.token_hex(8)
    client.send(request | {"ref": ref})
    messages = [client.next(), client.next()]
    results = [m for m in messages if m[client.number_key] == 300]
    notices = [m for m in messages if m[client.number_key] != 300]
    assert len(results) == len(notices) == 1, messages
    body = client.body(results[0])
    assert (body["ref"], body["ok"]) == (ref, True)
    return notices[0]


def done(client, request):
    """Sends it with a ref. Returns the result, and the messages before it."""
    ref = f"deed-{next(_refs)}"
    client.send({**request, "ref": ref})
    return wait_for_result(client, ref)


def wait_for_result(client, ref):
    """The result under that ref, and the messages before it."""
    heard = []
    while True:
        message = client.next()
        body = client.body(message)
        if message[client.number_key] == 300 and body["ref"] == ref:
            return body, heard
        heard.append(message)


def succeed(client, request):
    """The same; it must succeed."""
    result, heard = done(client, request)
    if not result["ok"]:
        client.fail(f"refused: {result}")
    return heard


def word(client, request):
    """The same; the error's word, or "ok"."""
    result, _ = done(client, request)
    return "ok" if result["ok"] else result["error"]


def next_deed(client):
    """The next message that is not news of presence; those of YouIM arrive in their own time."""
    while True:
        message = client.next()
        if message[client.number_key] not in (107, 108, 109, 110, 207, 208, 209, 210):
            return message


def befriend(one, other):
    """Both see it through, and have been notified."""
    one.send(ask_friend(one, other.account))
    assert next_deed(other)[other.number_key] in (9, 103)
    other.send(answer_friend(other, one.account, True))
    assert next_deed(one)[one.number_key] in (10, 14)


def admit(owner, group, newcomer, others=()):
    """The newcomer asks and is let in; all of the YouIM dialect are notified."""
    newcomer.send(join(newcomer, group))
    assert next_deed(owner)[owner.number_key] in (9, 105)
    owner.send(answer_join(owner, group, newcomer.account, True))
    for client in (owner, newcomer, *others):
        if client.dialect == "youim" or client is newcomer:
            assert next_deed(client)[client.number_key] in (4, 10)


def wait_all_received(stack, account):
    """Until the database knows that everything there is for the account has reached it."""
    behind = (
        "SELECT COUNT(*) FROM `cursor` r JOIN message m ON m.conversation = r.conversation"
        " AND m.cid > GREATEST(r.received, r.since) AND (r.until IS NULL OR m.cid <= r.until)"
        " WHERE r.account = %s"
    )
    wait_until(lambda: stack.sql(behind, account.number)[0][0] == 0, f"the cursors of {account}")
