"""`parleyctl chat`: two people at a shell, through pipes and at terminals."""

import re
import secrets
import subprocess

import pytest
from parley_chat import Chat
from parley_stack import programs

CONNECTED = r"^-- connected to "


@pytest.fixture
def chat():
    """chat(stack, name, *options): a Chat that ends with the test."""
    opened = []

    def open_one(*arguments, **more):
        opened.append(Chat(*arguments, **more))
        return opened[-1]

    yield open_one
    for one in opened:
        one.__exit__()


@pytest.fixture
def pair(stack, chat):
    """Two people who write to each other, in pipes."""
    names = [f"{name}-{secrets.token_hex(4)}" for name in ("anna", "ben")]
    one = chat(stack, names[0], "--register", "--to", names[1])
    one.expect(CONNECTED)
    other = chat(stack, names[1], "--register", "--to", names[0])
    other.expect(CONNECTED)
    return one, other


def group_of(owner, *members):
    """A group that all are in, which they write to from then on."""
    group = f"group-{secrets.token_hex(4)}"
    owner.type(f"/make {group}", f"/group {group}")
    for member in members:
        owner.expect(r"done: /make")
        member.type(f"/join {group}")
        owner.expect(rf"{member.name} asks to join #{group}")
        owner.type(f"/accept {member.name} {group}")
        member.expect(rf"{member.name} is a member of #{group}")
        member.type(f"/group {group}")
        member.expect(rf"you write to #{group}")
    return group


def cid_of(chat, pattern):
    return chat.expect(r"\[(\d+)\] .*" + pattern)[1]


# --- talking


def test_pipes(pair):
    anna, ben = pair
    anna.type("hello Ben 你好 👋")
    anna.expect(rf"^\d\d:\d\d \[\d+\] {anna.name} -> {ben.name}: hello Ben 你好 👋$")
    ben.expect(rf"^\d\d:\d\d \[\d+\] {anna.name}: hello Ben 你好 👋$")
    ben.type("//slash")
    anna.expect(rf"{ben.name}: /slash$")
    assert anna.leave() == ben.leave() == 0
    assert anna.error() == ben.error() == ""


def test_terminals(stack, chat):
    names = [f"{name}-{secrets.token_hex(4)}" for name in ("anna", "ben")]
    both = []
    for name, other in (names, reversed(names)):
        both.append(chat(stack, name, "--register", "--to", other, terminal=True))
        both[-1].expect_prompt("Password of the new account")
        both[-1].type("")
        both[-1].expect(CONNECTED)
    anna, ben = both
    anna.type("from a terminal")
    ben.expect(rf"{anna.name}: from a terminal$")
    ben.type("and back")
    anna.expect(rf"{ben.name}: and back$")
    # A refusal at a terminal is seen there, and is no failure of the whole.
    anna.type("/to nobody-at-all", "hello?")
    anna.expect(r"!! not sent: user nobody-at-all does not exist")
    assert anna.leave() == ben.leave() == 0


def test_one_text_in_a_pipe(stack, chat):
    """As from a shell: the text is stored when it ends, and arrives later."""
    ben = chat(stack, f"ben-{secrets.token_hex(4)}", "--register")
    ben.expect(CONNECTED)
    assert ben.leave() == 0
    name = f"anna-{secrets.token_hex(4)}"
    anna = chat(stack, name, "--register", "--to", ben.name)
    anna.type("while you were away")
    assert anna.leave() == 0
    later = chat(stack, ben.name)
    later.expect(rf"{name}: while you were away$")
    assert later.leave() == 0
    # It was confirmed: it does not arrive again.
    again = chat(stack, ben.name)
    again.expect(CONNECTED)
    again.type(f"/to {name}", "/history")
    again.expect(r"end of the page")
    assert again.leave() == 0
    assert len(again.lines("while you were away")) == 1


def test_a_last_line_without_its_end(stack, pair):
    anna, ben = pair
    anna.process.stdin.write(b"no line feed")
    anna.process.stdin.flush()
    assert anna.leave() == 0
    ben.expect(r"no line feed$")


def test_many_lines(pair):
    """More than it has under way at once, in order, and each once."""
    anna, ben = pair
    texts = [f"text {n}." for n in range(300)]
    anna.type(*texts)
    assert anna.leave() == 0
    ben.expect(r"text 299\.$")
    assert [line.split(": ")[1] for line in ben.lines(r"text \d")] == texts


# --- faults


def test_refused(stack, pair):
    anna, _ = pair
    anna.type("/to nobody-at-all", "are you there?", "/bogus")
    assert anna.leave() == 1
    assert anna.lines(r"^!! /bogus: there is no such command")
    assert anna.lines(r"^!! the text was: are you there\?$")
    assert anna.error() == "parleyctl: there is no such command: see /help\n"


def test_nobody_listens(stack, chat):
    anna = chat(stack, "anna", "--server", "127.0.0.1:1")
    assert anna.wait() == 1
    assert anna.error() == "parleyctl: cannot connect to 127.0.0.1:1: Connection refused\n"


NO_SERVER = "--server must be ADDRESS or ADDRESS:PORT, with tls:// in front for TLS"


@pytest.mark.parametrize("options, reason", [
    (["--server", "127.0.0.1:0x"], NO_SERVER),
    (["--server", "[::1"], NO_SERVER),
    (["--server", "wss://localhost"], NO_SERVER),
    (["--cacert", "/nowhere"], "--cacert /nowhere cannot be read, or holds no certificate (PEM)"),
    (["--to", "SYSTEM"], "--to must not be SYSTEM, which is the server itself"),
    (["--password-file", "/nowhere"],
     "/nowhere cannot be read, or holds no password of at most 256 bytes"),
])
def test_faulty_options(stack, chat, options, reason):
    anna = chat(stack, "anna", *options)
    assert anna.wait() != 0
    assert anna.error() == f"parleyctl: {reason}\n"


def test_no_account(stack, chat):
    anna = chat(stack, f"nobody-{secrets.token_hex(4)}")
    assert anna.wait() == 1
    assert anna.error() == "parleyctl: the account or the password is wrong\n"


def test_too_long(pair):
    """A text at the limit goes through, a longer one is refused, and the next one is sent."""
    anna, ben = pair
    anna.type("x" * 65000, "y" * 65001, "z" * 66000, "short")
    assert anna.leave() == 1
    ben.expect(r"short$")
    assert len(ben.lines("x{65000}$")) == 1
    assert not ben.lines("yyy|zzz")
    assert anna.lines(r"^!! not sent: the line is too long")


def test_gateway_killed(make_stack, chat):
    """Texts typed while there was no server, and texts under way, arrive once."""
    stack = make_stack()
    ben = chat(stack, "ben", "--register")
    ben.expect(CONNECTED)
    anna = chat(stack, "anna", "--register", "--to", "ben")
    anna.expect(CONNECTED)
    texts = [f"text {n}." for n in range(60)]
    anna.type(*texts[:40])
    anna.expect(r"anna -> ben: text 0\.$")
    stack.services["gateway"].kill()
    anna.expect(r"^-- not connected \(")
    ben.expect(r"^-- not connected \(")
    anna.type(*texts[40:])
    anna.end_input()
    stack.services["gateway"].start()
    assert anna.wait() == 0, anna.text()
    ben.expect(r"text 59\.$")
    arrived = [line.split(": ")[1] for line in ben.lines(r"text \d")]
    assert arrived == texts
    assert ben.leave() == 0


def test_server_gone_for_good(make_stack, chat):
    """Without an answer it ends after a while, with a reason."""
    stack = make_stack()
    anna = chat(stack, "anna", "--register", "--to", "anna2")
    anna.expect(CONNECTED)
    stack.services["gateway"].kill()
    anna.expect(r"^-- not connected \(")
    anna.type("never stored")
    anna.end_input()
    assert anna.wait() == 1
    assert anna.error() == "parleyctl: no answer within 40 s to 1 of the requests\n"
    stack.services["gateway"].start()


def log_in(connect, name, **more):
    client = connect("youim", "tcp")
    client.send(client.make(1, loginUserId=name, **more))
    assert client.next()["resultCode"] == "success"
    return client


def test_replaced(pair, connect):
    """It does not fight for the login."""
    anna, _ = pair
    others = [log_in(connect, anna.name) for _ in range(7)]
    for other in others:
        other.fence()  # so the server has received from all of them since
    log_in(connect, anna.name)
    assert anna.wait() == 1
    assert anna.error() == "parleyctl: another connection of the account has taken its place\n"
    assert not anna.lines("not connected")


def test_ended_at_a_terminal(stack, chat, connect):
    name = f"anna-{secrets.token_hex(4)}"
    anna = chat(stack, name, "--register", terminal=True)
    anna.expect_prompt("Password of the new account")
    anna.type("")
    anna.expect(CONNECTED)
    phone = log_in(connect, name, ext=1)
    devices = phone.ask(319, 320)["devices"]
    phone.ask(319, 320, close=[one["id"] for one in devices if not one["this"]][0])
    anna.expect(r"the server says: this login was ended from another device$")
    anna.expect(r"not connected, and not trying again: /resume does")
    anna.shown.clear()
    anna.type("/resume")
    anna.expect(CONNECTED)
    assert anna.leave() == 0


def test_operator_ends_it(stack, pair):
    anna, _ = pair
    stack.ctl("kick", anna.name, "please update")
    assert anna.wait() == 1
    assert anna.error() == "parleyctl: the operator closed this connection: please update\n"


def test_interrupted(pair):
    """Ctrl-C leaves in order."""
    anna, ben = pair
    anna.type("before")
    anna.expect(r"before$")
    anna.interrupt()
    assert anna.wait() == 0
    ben.expect(r"before$")


def test_output_gone(stack, pair):
    """`parleyctl chat | head -1` ends."""
    anna, ben = pair
    anna.process.stdout.close()
    ben.type("one", "two")
    ben.expect(r"two$")
    assert anna.process.wait(60) == 1
    anna.process.stdout = None


# --- other people's texts


def test_hostile_texts(pair, connect):
    anna, ben = pair
    mallory = connect("youim")
    mallory.register_new()
    mallory.log_in()
    for text in ("\x1b[2J\x1b]0;title\x07red\x1b[31m", "\u202egnp.exe\u2066",
                 "one\r\n12:00 [1] SYSTEM: forged\u2028two", "\u009b31m", "z" * 65000, "last"):
        mallory.send(mallory.acting(5, toUserId=anna.name, msg=text,
                                    fromUserId=mallory.account.id))
    anna.expect(r": last$")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028]",
                         anna.text())
    anna.expect(r": <U\+001B>\[2J<U\+001B>\]0;title<U\+0007>red<U\+001B>\[31m$")
    anna.expect(r": <U\+202E>gnp\.exe<U\+2066>$")
    assert "    | 12:00 [1] SYSTEM: forged" in anna.shown
    assert not anna.lines(r"^12:00 \[1\] SYSTEM: forged")
    assert len(anna.lines("z{65000}$")) == 1


def test_hostile_id(pair, connect):
    """An id that reads like a line of another sender stands in quotes."""
    anna, ben = pair
    name = f"{ben.name}: hi \"{secrets.token_hex(4)}"
    mallory = connect("youim")
    mallory.send(mallory.registration(name), mallory.make(1, loginUserId=name))
    token = mallory.next()["token"]
    mallory.send(mallory.make(5, token=token, toUserId=anna.name, msg="x", fromUserId=name))
    shown = name.replace('"', '\\"')
    anna.expect(re.escape(f'] "{shown}": x') + "$")
    anna.type(f'/to "{shown}"', "to the same")
    mallory.expect(6, msg="to the same")


# --- groups, history, changes


def test_groups(pair):
    anna, ben = pair
    group = group_of(anna, ben)
    anna.type("welcome")
    ben.expect(rf"\] #{group} {anna.name}: welcome$")
    ben.type("thanks")
    anna.expect(rf"\] #{group} {ben.name}: thanks$")
    anna.type(f"/admin {ben.name}", "/members")
    ben.expect(rf"{ben.name} is an administrator of #{group}")
    anna.expect(rf"^{anna.name}  owner, online$")
    anna.expect(rf"^{ben.name}  administrator, online$")
    anna.type("/title The club", f"/who {ben.name}")
    anna.expect(r"done: /title")
    ben.type("/leave")
    anna.expect(rf"{ben.name} has left #{group}")
    ben.type("still here?")
    ben.expect(rf"!! not sent: you are not a member of group {group}")
    anna.type("/dissolve")
    anna.expect(rf"#{group} was dissolved")
    assert anna.leave() == 0
    assert ben.leave() == 1


def test_moderation(pair):
    anna, ben = pair
    group = group_of(anna, ben)
    anna.type(f"/mute {ben.name} 60")
    ben.expect(rf"-- {ben.name} may not write in #{group} until ")
    ben.type("hm")
    ben.expect(r"!! not sent: you are muted in this group until ")
    anna.type(f"/mute {ben.name} 0")
    ben.expect(rf"-- {ben.name} may write again in #{group}")
    anna.type(f"/kick {ben.name}")
    ben.expect(rf"{anna.name} has removed {ben.name} from #{group}")
    anna.type(f"/ban {ben.name}", "/members")
    anna.expect(rf"^{ben.name}  banned")
    ben.type(f"/join {group}")
    ben.expect(rf"!! /join: you are banned from group {group}")


def test_friends(pair):
    anna, ben = pair
    anna.type(f"/add {ben.name}", "/friends")
    anna.expect(rf"^{ben.name}  asked, no answer yet")
    ben.expect(rf"{anna.name} asks for friendship: /accept {anna.name} or ")
    ben.type(f"/accept {anna.name}")
    anna.expect(rf"{ben.name} and {anna.name} are friends")
    ben.expect(r"done: /accept")
    group = f"group-{secrets.token_hex(4)}"
    anna.type("/friends", f"/make {group}", f"/group {group}", f"/invite {ben.name}")
    anna.expect(rf"^{ben.name}  friend, online")
    ben.expect(rf"{ben.name} is a member of #{group}")
    ben.type(f"/unfriend {anna.name}", f"/block {anna.name}")
    anna.expect(rf"{ben.name} has ended the friendship")
    ben.expect(rf"{anna.name} is blocked")
    anna.type(f"/to {ben.name}", "please")
    anna.expect(rf"!! not sent: {ben.name} does not take messages from you")


def test_history_and_changes(pair):
    anna, ben = pair
    anna.type("helo")
    first = cid_of(anna, "helo$")
    anna.type(f"/edit {first} hello")
    ben.expect(rf"-- {anna.name} has edited \[{first}\]: hello$")
    ben.type(f"/react {first} 👍", f"/reply {first} hello to you")
    anna.expect(rf"-- {ben.name} reacts to \[{first}\]: 👍$")
    anna.expect(rf"{ben.name}: \(to \[{first}\]\) hello to you$")
    ben.type("a mistake")
    mistake = cid_of(ben, "a mistake$")
    ben.type(f"/recall {mistake}")
    anna.expect(rf"-- {ben.name} has recalled \[{mistake}\]$")
    anna.type("/history")
    anna.expect(rf"\[{first}\] {anna.name} -> {ben.name}: hello \(edited\) {{👍 1}}$")
    anna.expect(rf"\[{mistake}\] {ben.name}: \(recalled\)$")
    anna.shown.clear()
    anna.type("/search HELLO")
    anna.expect(r"^-- 2 found$")
    anna.type("/find nothing like it")
    anna.expect(r"^-- 0 found$")
    anna.type("/edit 1 x")
    anna.expect(r"!! /edit: there is no message with that cid")


def test_pages_of_history(pair):
    anna, ben = pair
    anna.type(*(f"text {n}." for n in range(30)))
    ben.expect(r"text 29\.$")
    ben.shown.clear()
    ben.type("/history 10")
    ben.expect(r"end of the page: /older shows what was before")
    assert [line.split(": ")[1] for line in ben.lines("text")] == [
        f"text {n}." for n in range(20, 30)]
    ben.shown.clear()
    ben.type("/older")
    ben.expect(r"end of the page: it begins here")
    assert [line.split(": ")[1] for line in ben.lines("text")] == [
        f"text {n}." for n in range(20)]
    ben.type("/older")
    ben.expect(r"there is nothing earlier")


def test_list_and_read(stack, pair, chat):
    """Texts that arrive in the open conversation count as read, and the other person sees that."""
    anna, ben = pair
    anna.type("seen")
    cid = cid_of(anna, "seen$")
    anna.expect(rf"^-- {ben.name} has read up to \[{cid}\]$")
    ben.type("/to somebody-else")
    ben.expect("you write to somebody-else")
    anna.type("not seen")
    ben.expect(r"not seen$")
    ben.type("/list")
    ben.expect(rf"^{anna.name}  1 unread  \d\d:\d\d {anna.name}: not seen$")


def test_typing(pair, connect):
    anna, ben = pair
    client = log_in(connect, ben.name, ext=1)
    client.send({"msgType": 313, "msgBody": {"peer": {"user": anna.name}}})
    anna.expect(rf"-- {ben.name} is typing$")


# --- passwords


def test_passwords(stack, chat, tmp_path):
    name = f"anna-{secrets.token_hex(4)}"
    assert chat(stack, name, "--register", password="secret").leave() == 0
    without = chat(stack, name)
    assert without.wait() == 1
    assert without.error() == (f"parleyctl: {name} needs its password: give it as"
                               " PARLEY_CHAT_PASSWORD or with --password-file\n")
    wrong = chat(stack, name, password="wrong")
    assert wrong.wait() == 1
    assert wrong.error() == "parleyctl: the account or the password is wrong\n"
    file = tmp_path / "password"
    file.write_text("secret\nand more\n")
    assert chat(stack, name, "--password-file", file).leave() == 0
    file.write_text("x" * 257 + "\n")
    assert chat(stack, name, "--password-file", file).wait() == 1


def test_a_password_at_the_terminal(stack, chat):
    name = f"anna-{secrets.token_hex(4)}"
    anna = chat(stack, name, "--register", terminal=True)
    anna.expect_prompt("Password of the new account (empty: none): ")
    anna.type("secreß\x7ft")  # a key that deletes a character of two bytes
    anna.expect(CONNECTED)
    assert anna.leave() == 0
    again = chat(stack, name, terminal=True)
    again.expect_prompt("Password: ")
    again.type("secret")
    again.expect(CONNECTED)
    assert again.leave() == 0
    assert "secre" not in anna.text() + again.text()


def test_by_email(stack, chat, newcomer):
    """An account of the other dialect, by its address: the server's answer has its id."""
    anna = newcomer("ourchat")
    ben = f"ben-{secrets.token_hex(4)}"
    assert chat(stack, ben, "--register").leave() == 0
    here = chat(stack, anna.account.email, "--to", ben, password=anna.account.password)
    here.type("by mail")
    here.expect(rf"{anna.account.number} -> {ben}: by mail$")
    assert here.leave() == 0


def test_help(stack, pair):
    anna, _ = pair
    anna.type("/help")
    anna.expect(r"^/to ID +write to a person$")
    done = subprocess.run([programs() / "parleyctl", "chat", "--help"], env=stack.environment,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "--password_file" in done.stdout
