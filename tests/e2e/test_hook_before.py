"""Texts that the operator's own program is asked about before they are stored (`hook_before`)."""

import json
import re
import secrets
import subprocess

import pytest
from parley_api import Api
from parley_before import PATIENT, Filter, bodies, say
from parley_client import DIALECTS, KINDS
from parley_deeds import edit, react, recall, wait_for_result
from parley_files import showing, upload
from parley_stack import Stack, wait_until

kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)
dialects = pytest.mark.parametrize("dialect", DIALECTS)

OTHER = {"ourchat": "youim", "youim": "ourchat"}


@pytest.fixture(scope="module")
def program():
    with Filter() as running:
        yield running


@pytest.fixture(scope="module")
def filtered(database, program):
    with Stack(database, **program.options, **PATIENT) as running:
        yield running


@pytest.fixture
def asked(program):
    """The program, with nothing asked yet; whatever it is asked must be signed."""
    program.reset()
    yield program
    program.reset()
    assert program.refused == []


@pytest.fixture
def person(filtered, newcomer):
    return lambda *kind, on=None, **options: newcomer(*kind, on=on or filtered, **options)


def named():
    return f"text {secrets.token_hex(6)}"


def ask(client, request, ref=None):
    ref = ref or secrets.token_hex(8)
    client.send({**request, "ref": ref})
    return wait_for_result(client, ref)[0]


# --- what is asked, and what an answer does ---


@kinds
def test_a_text_is_allowed_changed_or_refused(filtered, asked, person, kind):
    anna, ben, plain = person(*kind, ext=True), person(OTHER[kind[0]], ext=True), person(*kind)
    text = named()
    assert say(anna, ben.account, text)["ok"]
    ben.hear(anna.account, ben.account, text)
    [(identifier, question)] = asked.asked
    assert re.fullmatch("before-[0-9a-f]{32}", identifier)
    assert question.pop("time_ms") > 0
    parties = [{"number": who.account.number, "id": who.account.id} for who in (anna, ben)]
    assert question == {
        "type": "before.message", "from": parties[0], "text": text,
        "conversation": {"kind": "pair", "accounts": sorted(parties, key=lambda party: party["number"])}}

    asked.answer = lambda question: {"text": question["text"].upper()}
    result = say(anna, ben.account, text)
    assert result["ok"]
    assert ben.cid_of(ben.hear(anna.account, ben.account, text.upper())) == result["cid"]

    for answer, reason in (({"refuse": True, "reason": "not \"here\""}, "not \"here\""),
                           ({"refuse": True, "text": "x"}, "this server does not take that message"),
                           ({"refuse": True, "reason": "ä" * 150}, "ä" * 100)):
        asked.answer = lambda question, answer=answer: answer
        result = say(anna, ben.account, text)
        assert (result["ok"], result["error"], result["text"]) == (False, "refused", reason)
        plain.say(ben.account, text)
        plain.expect_error(reason)
    for client in (anna, ben, plain):
        client.fence()
    assert bodies(filtered, anna) == [text, text.upper()]
    assert bodies(filtered, plain) == []


@dialects
def test_texts_to_a_group(filtered, asked, person, dialect):
    anna, ben = person(dialect, ext=True), person(OTHER[dialect])
    group = anna.create_group(f"club-{secrets.token_hex(4)}")
    filtered.ctl("group", "add", group.id, ben.account.id)
    asked.answer = lambda question: {"text": "changed"} if question["text"] == "change" else {}
    anna.skips |= {4, 10}
    ben.skips |= {4, 10}
    assert say(anna, group, "keep")["ok"] and say(anna, group, "change")["ok"]
    ben.hear(anna.account, group, "keep")
    ben.hear(anna.account, group, "changed")
    place = asked.asked[0][1]["conversation"]
    assert place == {"kind": "group", "group": {"number": group.number, "id": group.id}, "name": place["name"]}
    assert place["name"] == filtered.sql("SELECT name FROM conversation WHERE lo = %s AND kind = 1", group.number)[0][0]


@dialects
def test_a_file_and_the_words_beside_it(filtered, asked, person, dialect):
    anna, ben = person(dialect, ext=True), person(OTHER[dialect], ext=True)
    file = upload(filtered, anna, name="sea.png")
    asked.answer = lambda question: {"text": "***"} if question["text"] == "rude" else {"text": ""}
    for words, heard in (("rude", "***"), ("fine", ""), (None, "")):
        for kind in ("image", "file"):
            assert ask(anna, showing(anna, ben.account, file, kind, words))["ok"]
            message = ben.body(ben.next())
            assert (message.get("msg", ""), message["file"]["id"]) == (heard, file)
            _, question = asked.asked[-1]
            assert question["text"] == (words or "")
            assert question["file"]["kind"] == kind
            assert {"id": file, "name": "sea.png", "mime": "image/png"}.items() <= question["file"].items()
    asked.answer = lambda question: {"refuse": question["file"]["name"] == "sea.png"}
    assert ask(anna, showing(anna, ben.account, file, "sticker"))["error"] == "refused"
    # Of a file that is not there to be shown nobody is asked.
    count = len(asked.asked)
    assert ask(ben, showing(ben, anna.account, file))["error"] == "no_file"
    assert len(asked.asked) == count


@dialects
def test_edits_do_not_get_round_it(filtered, asked, person, dialect):
    anna, ben = person(dialect, ext=True), person(OTHER[dialect], ext=True)
    cid = say(anna, ben.account, "first")["cid"]
    ben.hear(anna.account, ben.account, "first")
    asked.answer = lambda question: (
        {"refuse": True, "reason": "rude"} if question["text"] == "rude" else {"text": question["text"] + "!"})
    refused = ask(anna, edit(anna, ben.account, cid, "rude"))
    assert (refused["ok"], refused["error"], refused["text"]) == (False, "refused", "rude")
    assert bodies(filtered, anna) == ["first"]
    request = edit(anna, ben.account, cid, "second")
    assert ask(anna, request, "the edit")["ok"]
    assert {"type": "before.edit", "target": cid, "text": "second"}.items() <= asked.asked[-1][1].items()
    assert ben.body(ben.next())["msg"] == "second!"
    # Under the same ref it is done once, and nobody is asked again.
    count = len(asked.asked)
    assert ask(anna, request, "the edit")["ok"]
    assert len(asked.asked) == count
    assert bodies(filtered, anna) == ["second!"]
    ben.fence()


def test_what_nobody_is_asked_about(filtered, asked, person):
    anna, ben = person("youim", ext=True), person("youim", ext=True)
    cid = say(anna, ben.account, "first")["cid"]
    asked.answer = lambda question: {"refuse": True}
    filtered.ctl("say", "--user", ben.account.id, "from the operator")
    for client, change in ((ben, react(ben, anna.account, cid, "+")), (anna, recall(anna, ben.account, cid))):
        assert ask(client, change)["ok"]
    assert filtered.stored("from the operator") == 1
    assert asked.texts() == ["first"]


def test_the_http_api_and_bots(filtered, asked, person):
    api, ben = Api(filtered), person("youim")
    bot = api.account()
    mine = Api(filtered, "messages", f"--user={bot}")
    asked.answer = lambda question: (
        {"refuse": True, "reason": "not by bots"} if "rude" in question["text"] else {"text": question["text"] + "!"})
    for key, sender in ((api, {"from": bot}), (mine, {})):
        said = key.expect(201, "POST", "/messages", {**sender, "user": ben.account.id, "text": "hello"}, "again")
        assert ben.body(ben.next())["msg"] == "hello!"
        count = len(asked.asked)
        same = key.expect(201, "POST", "/messages", {**sender, "user": ben.account.id, "text": "hello"}, "again")
        assert (same, len(asked.asked)) == (said, count)
        acting = {"as": bot} if sender else {}
        for status, text in ((403, "rude"), (204, "bye")):
            answer = key("PATCH", f"/messages/{said['cid']}", {**acting, "user": ben.account.id, "text": text})
            assert answer.status == status
        refused = key("POST", "/messages", {**sender, "user": ben.account.id, "text": "rude"})
        assert (refused.status, refused.word, refused.json["detail"]) == (403, "refused", "not by bots")
    ben.fence()


# --- order ---


def answers_taken(stack):
    """How many delivery has, which asks in `stack`."""
    return int(re.search(r"hook_before_seconds_count (\d+)", stack.page("delivery", "/metrics")[1])[1])


@dialects
def test_order_is_kept_whatever_the_order_of_answers(filtered, asked, person, connect, dialect):
    """Texts, an edit and a text of another connection of hers; nobody else waits."""
    anna, ben, eve = person(dialect, ext=True), person(OTHER[dialect], ext=True), person(dialect, ext=True)
    asked.hold("slow")
    sent = ["slow 0", *(f"quick {i}" for i in range(1, 40)), "slow 40", "quick 41"]
    for text in sent:
        anna.say(ben.account, text)
    asked.wait(1)
    # Others, and her other conversations, go on.
    say(anna, eve.account, "to another")
    eve.hear(anna.account, eve.account, "to another")
    assert say(eve, ben.account, "by another")["ok"]
    assert "slow 0" not in asked.answered
    asked.release("slow")
    texts = []
    while len(texts) < len(sent):
        message = ben.body(ben.next())
        texts += [message["msg"]] if message["msg"] != "by another" else []
    assert texts == sent
    assert sorted(asked.texts()) == sorted([*sent, "to another", "by another"])


def test_order_between_connections_of_one_account(filtered, asked, person):
    """What is sent later, by another connection, is answered sooner, and is stored later."""
    ben, api = person("youim"), Api(filtered)
    bot, ways = api.account(), [Api(filtered, key=api.key) for _ in range(3)]
    taken = answers_taken(filtered)
    asked.hold("first")
    with_body = lambda text: {"from": bot, "user": ben.account.id, "text": text}  # noqa: E731
    sent = []
    for i, way in enumerate(ways):
        text = "first" if i == 0 else f"later {i}"
        process = subprocess.Popen(
            ["curl", "--silent", "--fail", "--json", json.dumps(with_body(text)), "--header",
             f"Authorization: Bearer {way.key}",
             f"http://127.0.0.1:{filtered.ports['http']}/api/v1/messages"], stdout=subprocess.DEVNULL)
        sent.append(process)
        asked.wait(i + 1)
    wait_until(lambda: answers_taken(filtered) == taken + 2, "both answers")
    asked.release("first")
    assert [process.wait(60) for process in sent] == [0, 0, 0]
    for text in ("first", "later 1", "later 2"):
        assert ben.body(ben.next())["msg"] == text


def test_one_refused_among_many(filtered, asked, person):
    """Each gets its own answer, and the others are stored in order."""
    anna, ben = person("youim", ext=True), person("youim")
    asked.answer = lambda question: {"refuse": "3" in question["text"]}
    asked.hold("0")
    refs = [f"r{i}" for i in range(12)]
    for i, ref in enumerate(refs):
        anna.say(ben.account, str(i), ref)
    asked.wait(1)
    asked.release("0")
    results = {}
    while len(results) < len(refs):
        body = anna.body(anna.next())
        if "ref" in body:
            results[body["ref"]] = body["ok"]
    assert results == {ref: ref != "r3" for ref in refs}
    assert bodies(filtered, anna) == [str(i) for i in range(12) if i != 3]


# --- once ---


@dialects
def test_a_repeated_ref_is_asked_about_once(filtered, asked, person, connect, dialect):
    anna, ben = person(dialect, ext=True), person(OTHER[dialect], ext=True)
    asked.answer = lambda question: {"text": "changed"} if question["text"] == "change" else {}
    first = say(anna, ben.account, "change", "c"), say(anna, ben.account, "keep", "k")
    again = connect(dialect, on=filtered, ext=True)
    again.log_in(anna.account)
    for client in (anna, again):
        assert (say(client, ben.account, "change", "c"), say(client, ben.account, "keep", "k")) == first
    assert len(asked.asked) == 2
    # Another text under the ref is told from the first one, unless that was changed.
    assert say(anna, ben.account, "another", "k")["error"] == "ref_used"
    assert say(anna, ben.account, "another", "c") == first[0]
    assert (len(asked.asked), bodies(filtered, anna)) == (2, ["changed", "keep"])
    # Nor is it where others are new.
    asked.hold("wait")
    anna.say(ben.account, "wait", "w")
    asked.wait(3)
    for ref, text in (("k", "keep"), ("n", "new"), ("c", "change")):
        anna.say(ben.account, text, ref)
    asked.release("wait")
    results = [wait_for_result(anna, ref)[0] for ref in ("w", "k", "n", "c")]
    assert [result["ok"] for result in results] == [True] * 4
    assert (results[1], results[3]) == (first[1], first[0])
    assert asked.texts() == ["change", "keep", "wait", "new"]
    assert bodies(filtered, anna) == ["changed", "keep", "wait", "new"]


@pytest.mark.parametrize("deliveries", [1, 2])
def test_delivery_is_killed_meanwhile(make_stack, newcomer, deliveries):
    """Nothing is stored before its answer, nothing twice, and nothing is lost."""
    with Filter() as asked:
        stack = make_stack(deliveries=deliveries, **asked.options, **PATIENT)
        anna, ben = (newcomer(dialect, on=stack, ext=True) for dialect in DIALECTS)
        names = ["delivery", "delivery2"][:deliveries]
        asked.answer = lambda question: {"text": question["text"] + "!"}
        for turn in range(3):
            asked.hold()
            texts = [f"{turn}-{i}" for i in range(10)]
            before = len(asked.asked)
            for text in texts:
                anna.say(ben.account, text, text)
            asked.wait(before + 1)
            assert stack.stored(f"{texts[0]}!") == 0
            stack.services[names[turn % deliveries]].kill()
            stack.services[names[turn % deliveries]].start()
            if turn == 2:  # also one that has its answers, or some of them
                asked.release()
                stack.services[names[0]].kill()
                stack.services[names[0]].start()
            asked.release()
            heard = [ben.body(ben.next())["msg"] for _ in texts]
            assert heard == [f"{text}!" for text in texts]
            for text in texts:
                assert wait_for_result(anna, text)[0]["ok"]
        assert bodies(stack, anna) == [f"{turn}-{i}!" for turn in range(3) for i in range(10)]
        # The same text is asked about under the same id, however often.
        identifiers = {}
        for identifier, question in asked.asked:
            identifiers.setdefault(question["text"], set()).add(identifier)
        assert all(len(found) == 1 for found in identifiers.values())


def test_delivery_ends_in_order_meanwhile(make_stack, newcomer):
    with Filter() as asked:
        stack = make_stack(**asked.options, **PATIENT)
        anna, ben = (newcomer(dialect, on=stack, ext=True) for dialect in DIALECTS)
        asked.hold()
        anna.say(ben.account, "text", "r")
        asked.wait(1)
        assert stack.services["delivery"].terminate() == 0
        asked.release()
        stack.services["delivery"].start()
        assert wait_for_result(anna, "r")[0]["ok"]
        assert bodies(stack, anna) == ["text"]
