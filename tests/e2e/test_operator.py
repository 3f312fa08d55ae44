"""The operator's tool beside a running system: system messages, accounts, groups, connections."""

import json
import re
import secrets

import pytest
from parley_client import DIALECTS
from parley_deeds import admit, befriend, done, edit, recall, succeed, wait_all_received
from parley_files import upload
from parley_stack import wait_until

dialects = pytest.mark.parametrize("dialect", DIALECTS)


def show(stack, *command):
    return json.loads(stack.ctl(*command, "--json").stdout)


def words(what="news"):
    return f"{what} {secrets.token_hex(6)}"


def hear_system(client, number, text, group=None):
    """The next message is the system's, with exactly its fields."""
    message = client.next()
    if client.dialect == "youim":
        expected = {"msg": text, "msgType": number, "fromUserId": "SYSTEM"}
        expected |= {"toGroup": group.id} if group else {}
    else:
        to = {"group_id": group.number} if group else {"private_id": client.account.number}
        cid = message["data"]["cid"]
        assert cid > 0
        data = {"cid": cid, "sender": {"ocid": 0, **to}, "msg": text}
        expected = {"code": 0, "time": message["time"], "data": data}
    if json.dumps(message) != json.dumps(expected):
        client.fail(f"expected {expected}, got {message}")


def come_back(connect, client):
    again = connect(client.dialect)
    again.log_in(client.account)
    return again


# --- say


@dialects
def test_say_all(stack, connect, newcomer, dialect):
    """Every account of that moment receives it once on each connection, online or later."""
    here, away = newcomer(dialect), newcomer(dialect)
    phone = come_back(connect, here)
    away.close()
    text = words()
    stack.ctl("say", "--all", text)
    for client in (here, phone):
        hear_system(client, 100, text)
        client.fence()
    away = come_back(connect, away)
    hear_system(away, 100, text)
    away.fence()
    for client in (here, away):
        wait_all_received(stack, client.account)
    late = newcomer(dialect)
    late.expect_nothing()
    for client in (here, away):
        client.close()
        come_back(connect, client).expect_nothing()


@dialects
def test_say_user(stack, connect, newcomer, dialect):
    here, away, other = newcomer(dialect), newcomer(dialect), newcomer(dialect)
    away.close()
    for client, name in ((here, here.account.id), (away, str(away.account.number))):
        text = words()
        stack.ctl("say", "--user", name, text)
        if client is away:
            away = client = come_back(connect, away)
        hear_system(client, 101, text)
        client.fence()
    wait_all_received(stack, away.account)
    away.close()
    come_back(connect, away).expect_nothing()
    other.expect_nothing()


@dialects
def test_say_group(stack, connect, newcomer, dialect):
    owner, member, other = newcomer("youim"), newcomer(dialect), newcomer(dialect)
    group = owner.create_group(f"group-{secrets.token_hex(4)}")
    admit(owner, group, member)
    wait_all_received(stack, member.account)
    member.close()
    text = words()
    stack.ctl("say", "--group", group.id, text)
    hear_system(owner, 102, text, group)
    member = come_back(connect, member)
    hear_system(member, 102, text, group)
    for client in (owner, member, other):
        client.expect_nothing()


# --- sessions and presence


@dialects
def test_sessions_and_kick(stack, connect, newcomer, dialect):
    client = newcomer(dialect)
    phone = connect(dialect, "tcp")
    phone.log_in(client.account)

    def connections():
        rows = [row for row in show(stack, "sessions") if row["account"] == client.account.number]
        return sum(row["connections"] for row in rows)

    assert connections() == 2
    assert str(client.account.number) in stack.ctl("sessions").stdout
    stack.ctl("kick", client.account.id)
    for one in (client, phone):
        while one.take() is not None:  # the reason, where one is sent
            pass
    wait_until(lambda: connections() == 0, "the sessions to end")
    come_back(connect, client).fence()


# --- accounts


def test_a_disabled_account(stack, connect, newcomer):
    client, friend = newcomer("youim"), newcomer("youim")
    account = client.account
    stack.ctl("user", "disable", account.id)
    while client.take() is not None:
        pass
    assert show(stack, "user", "show", account.id)[0]["disabled"] is True
    refused = connect("youim")
    refused.send(refused.make(1, loginUserId=account.id))
    assert "disabled" in refused.expect(2, resultCode="fail")["token"]
    friend.say(account, "while you were out")
    friend.fence()
    stack.ctl("user", "enable", account.id)
    assert show(stack, "user", "show", account.id)[0]["disabled"] is False
    refused.log_in(account)
    refused.hear(friend.account, account, "while you were out")
    refused.fence()


@dialects
def test_a_new_password(stack, connect, newcomer, dialect):
    client = newcomer(dialect)
    account = client.account
    account.password = secrets.token_hex(32)
    done = stack.ctl("user", "password", str(account.number), text=account.password)
    assert account.password not in done.stdout
    assert show(stack, "user", "show", account.id)[0]["has_password"] is True
    again = connect(dialect)
    again.log_in(account)
    again.fence()
    wrong = connect("youim")
    wrong.send(wrong.make(1, loginUserId=account.id, password="another"))
    wrong.expect(2, resultCode="fail")
    wrong.send(wrong.make(1, loginUserId=account.id))
    wrong.expect(2, resultCode="fail")


def test_listing_accounts(stack, newcomer):
    people = [newcomer(dialect) for dialect in DIALECTS]
    rows = {row["number"]: row for row in show(stack, "user", "list", "--limit=1000000")}
    table = stack.ctl("user", "list", "--limit=1000000").stdout
    for client in people:
        row = rows[client.account.number]
        assert row["id"] == client.account.id and str(row["number"]) in table
        assert row["has_password"] == (client.dialect == "ourchat")
        assert row["email"] == client.account.email
        shown, = show(stack, "user", "show", str(client.account.number))
        assert {key: shown[key] for key in row} == row
        assert (shown["friends"], shown["groups"]) == (0, 0)
    last = max(rows)
    assert show(stack, "user", "list", f"--after={last}") == []
    assert len(show(stack, "user", "list", "--limit=1")) == 1


def stored_by(client, peer, text):
    """Says a text, which must be stored; its cid."""
    result, _ = done(client, client.saying(peer, text))
    assert result["ok"], result
    return result["cid"]


@dialects
def test_export(stack, newcomer, dialect):
    """All that the account has made, and nothing that others have."""
    anna, ben = newcomer(dialect, ext=True), newcomer("youim", ext=True)
    name, content = f"of {dialect}.txt", b"a file"
    number = upload(stack, anna, content, name, "text/plain")
    befriend(anna, ben)
    group = ben.create_group(f"group-{secrets.token_hex(4)}")
    admit(ben, group, anna)
    cids = [stored_by(anna, peer, text) for peer, text in
            ((ben.account, "one"), (group, "two"), (ben.account, "a slip"))]
    succeed(anna, edit(anna, ben.account, cids[0], "once"))
    succeed(anna, recall(anna, ben.account, cids[2]))
    stored_by(ben, anna.account, "of ben")
    stored_by(ben, group, "of ben")
    lines = [json.loads(line) for line in
             stack.ctl("user", "export", str(anna.account.number)).stdout.splitlines()]
    profile, friend, member, file, *texts = lines
    assert (profile["kind"], profile["number"], profile["id"]) == (
        "profile", anna.account.number, anna.account.id)
    assert profile.get("email") == (anna.account.email or None)
    assert (friend["kind"], friend["id"]) == ("friend", ben.account.id)
    assert (member["kind"], member["id"], member["role"]) == ("group", group.id, "member")
    assert (file["kind"], file["file"], file["name"], file["mime"], file["size"]) == (
        "file", number, name, "text/plain", len(content))
    assert file["uploaded_ms"] > 0 and "sticker_ms" not in file
    assert [(text["kind"], text["cid"], text["msg"]) for text in texts] == [
        ("text", cids[0], "once"), ("text", cids[1], "two")]
    assert texts[0]["to_user"] == ben.account.id and "to_group" not in texts[0]
    assert texts[1]["to_group"] == group.id and "to_user" not in texts[1]
    assert texts[0]["edited_ms"] >= texts[0]["time_ms"] and "edited_ms" not in texts[1]


def test_export_in_pages(stack, newcomer):
    """More entries of others than are read at once, with own ones at both ends."""
    anna, ben = newcomer("youim", ext=True), newcomer("youim", ext=True)
    first = stored_by(anna, ben.account, "first")
    conversation, = stack.sql("SELECT conversation FROM message WHERE cid = %s", first)[0]
    stack.sql("INSERT INTO message (conversation, cid, time_ms, type, sender, body) SELECT %s,"
              " %s + seq, 1, 0, 1, 'of others' FROM seq_1_to_4100", conversation, first)
    stack.sql("DO SETVAL(cid_block, %s)", (first // 128 + 100) * 128)
    last = stored_by(anna, ben.account, "last")
    lines = stack.ctl("user", "export", anna.account.id).stdout.splitlines()
    assert [json.loads(line).get("cid") for line in lines] == [None, first, last]


# --- groups


def test_groups(stack, newcomer):
    owner, member = newcomer("youim"), newcomer("youim")
    group = owner.create_group(f"group-{secrets.token_hex(4)}")
    admit(owner, group, member)
    rows = {row["id"]: row for row in show(stack, "group", "list", "--limit=1000000")}
    row = rows[group.id]
    assert (row["number"], row["owner"]) == (group.number, owner.account.number)
    assert (row["members"], row["dissolved"]) == (2, False)
    members = {row["account"]: row["role"] for row in show(stack, "group", "show", group.id)}
    assert members == {owner.account.number: "owner", member.account.number: "member"}
    stack.ctl("group", "remove", str(group.number), member.account.id)
    for client in (owner, member):
        client.expect_exactly({"msgType": 18, "fromGroupId": group.id,
                               "fromAdministratorUserId": "SYSTEM",
                               "toUserId": member.account.id})
    assert len(show(stack, "group", "show", group.id)) == 1


def test_mute_and_ban(stack, newcomer):
    owner, member = newcomer("youim", ext=True), newcomer("youim")
    group = owner.create_group(f"group-{secrets.token_hex(4)}")
    admit(owner, group, member)
    ids = {"group": group.id, "by": "SYSTEM", "user": member.account.id}
    stack.ctl("group", "mute", group.id, member.account.id, "--minutes=10")
    muted = owner.expect(333, **ids)
    assert abs(muted["until_ms"] - muted["time_ms"] - 600_000) < 60_000
    member.say(group, "hello")
    member.expect_error("you are muted in this group until ")
    stack.ctl("group", "mute", str(group.number), member.account.id, "--minutes=0")
    owner.expect(333, **ids, until_ms=0)
    stack.ctl("group", "ban", group.id, member.account.id)
    owner.expect(335, **ids, on=True)
    owner.expect(18, toUserId=member.account.id)
    member.expect(18, toUserId=member.account.id)
    assert "banned" in stack.ctl("group", "add", group.id, member.account.id, ok=False).stderr
    stack.ctl("group", "unban", group.id, member.account.id)
    owner.expect(335, **ids, on=False)
    stack.ctl("group", "add", group.id, member.account.id)
    for client in (owner, member):
        client.expect(4, toUserId=member.account.id)


def test_retention_of_a_group(stack, newcomer):
    owner = newcomer("youim")
    group = owner.create_group(f"group-{secrets.token_hex(4)}")

    def kept():
        after = f"--after={group.number - 1}"
        return show(stack, "group", "list", after, "--limit=1")[0]["retention_days"]

    assert kept() == ""
    for days, says, shown in (("30", "30 days", "30"), ("0", "for ever", "0"),
                              ("default", "retention_days", "")):
        assert says in stack.ctl("group", "retention", group.id, days).stdout
        assert kept() == shown


# --- faults


@pytest.mark.parametrize("command, status, reason", [
    (["say", "hello"], 2, "--all"),
    (["say", "--all", "--user", "x", "hello"], 2, "one of --all"),
    (["say", "--all"], 2, "usage"),
    (["say", "--user", "no-such-person", "hello"], 1, "no-such-person"),
    (["say", "--group", "no-such-group", "hello"], 1, "no-such-group"),
    (["kick", "no-such-person"], 1, "no-such-person"),
    (["user", "show", "no-such-person"], 1, "no-such-person"),
    (["user", "show"], 2, "usage"),
    (["user", "export", "no-such-person"], 1, "no-such-person"),
    (["user", "disable", "no-such-person"], 1, "no-such-person"),
    (["user", "password", "no-such-person"], 1, ""),
    (["group", "show", "no-such-group"], 1, "no-such-group"),
    (["group", "remove", "no-such-group", "x"], 1, "no-such-group"),
    (["group", "mute", "no-such-group", "x"], 1, "no-such-group"),
    (["group", "ban", "no-such-group", "x"], 1, "no-such-group"),
    (["group", "mute", "--minutes=x", "g", "x"], 2, "minutes"),
    (["group", "retention", "no-such-group", "1"], 1, "no-such-group"),
    (["group", "retention", "g", "36501"], 2, "36500"),
    (["group", "retention", "g", "-1"], 2, ""),
    (["user", "list", "--limit=0"], 2, "limit"),
    (["no-such-command"], 2, "no-such-command"),
    (["sessions", "--no-such-option"], 2, "no-such-option"),
])
def test_errors_are_one_line_and_a_status(stack, command, status, reason):
    done = stack.ctl(*command, ok=False)
    assert done.returncode == status, done
    assert not done.stdout and reason in done.stderr
    assert done.stderr.startswith("parleyctl") and done.stderr.count("\n") == 1


# --- the audit, and readable output


def audit_of(stack, *options):
    rows = show(stack, "audit", *options)
    assert all(row["time_ms"] > 0 for row in rows)
    return [(row["event"], row["account"], row["subject"], row["detail"]) for row in rows]


def test_the_audit_names_actor_and_change(stack, connect, newcomer):
    """Changes of one account by a client and the operator, the newest first."""
    client = newcomer("youim", "websocket")
    account = client.account
    stack.ctl("user", "password", account.id, text="secret\n")
    guesser = connect("youim", "tcp")
    account.password = "guess"
    guesser.send(guesser.login_request(account))
    guesser.expect(2, resultCode="fail")
    assert audit_of(stack, f"--user={account.id}") == [
        ("login_refused", account.number, 0, account.id),
        ("password_changed", 0, account.number, ""),
        ("account_made", account.number, 0, account.id),
    ]
    assert audit_of(stack, "--limit=200").count(
        ("operator", 0, 0, f"user password {account.id}")) == 1
    refused = show(stack, "audit", f"--user={account.id}")[0]
    assert refused["address"] == "127.0.0.1" and len(refused["trace"]) == 16
    stack.ctl("user", "list")  # reading is none of it
    assert not any(row[3] == "user list" for row in audit_of(stack, "--limit=200"))


def test_a_group_in_the_audit(stack, newcomer):
    owner, helper = newcomer("youim", "tcp"), newcomer("youim", "tcp")
    group = owner.create_group(f"club-{secrets.token_hex(4)}")
    stack.ctl("group", "add", group.id, helper.account.id)
    owner.send(owner.acting(19, ownerId=owner.account.id, groupId=group.id,
                            toUserId=helper.account.id))
    owner.send(owner.acting(111, ownerId=owner.account.id, groupId=group.id))
    wait_until(lambda: len(audit_of(stack, f"--group={group.id}")) == 3, "the group's end")
    assert audit_of(stack, f"--group={group.id}") == [
        ("group_dissolved", owner.account.number, group.number, ""),
        ("role_changed", owner.account.number, group.number,
         f"account {helper.account.number} is an administrator"),
        ("group_made", owner.account.number, group.number, group.id),
    ]


def test_readable_output(stack, newcomer):
    """Times, help, and an account by its address."""
    client = newcomer("ourchat", "tcp")
    account = client.account
    table = stack.ctl("user", "show", account.email.upper()).stdout.splitlines()
    assert "created_ms" not in table[0] and "created" in table[0]
    assert str(account.number) in table[1]
    assert re.search(r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\b", table[1]), table
    assert show(stack, "user", "show", account.email)[0]["created_ms"] > 1_600_000_000_000
    for words_of_help in (["help", "group", "add"], ["group", "add", "-h"],
                          ["group", "add", "--help"]):
        assert "usage: parleyctl group add" in stack.ctl(*words_of_help).stdout
    assert "group add GROUP ACCOUNT" in stack.ctl("help", "group").stdout
    assert "group add GROUP ACCOUNT" in stack.ctl("-h").stdout
