"""A conversation in a real browser: marks, changes, history, hostile texts."""

import pytest
from selenium.webdriver.common.keys import Keys

from talking import (
    act, at_end, field, fill, group_of, in_line, line_of, lines, mark, newest, open_person, pair, person, sees, write)

ZALGO = "".join(letter + "\u0300\u0316\u0321\u0334\u0489" * 12 for letter in "zalgo")
MARKUP = "<img src=x onerror=document.title='owned'><b>bold</b>&amp; javascript:alert(1)"
HOSTILE = {
    "markup": MARKUP, "directions": "\u202ereversed\u202e \u2066\u2067 end", "marks": ZALGO * 3, "long": "x" * 65000,
    "long-marks": ("a" + "\u0301" * 40) * 700, "lines": "\n" * 400 + "."}
# The topmost line in view: its place and its text.
TOP = """
const scroller = document.querySelector("message-list .scroller"), edge = scroller.getBoundingClientRect().top;
for (const line of scroller.querySelectorAll("message-item.text"))
  if (line.getBoundingClientRect().bottom > edge + 1)
    return [line.querySelector(".words").textContent, line.getBoundingClientRect().top - edge];
"""
# The same after a jump to the end of what is loaded, and the last text there.
BOTTOM = """
document.querySelector("message-list .scroller").scrollTop = 1e9;
const [words, top] = (() => {""" + TOP + """})();
return [words, top, [...document.querySelectorAll("message-item.text .words")].at(-1).innerText];
"""
PLACE = """
return [...document.querySelectorAll("message-item.text")]
  .filter((line) => line.querySelector(".words").textContent === arguments[0])
  .map((line) => line.getBoundingClientRect().top - line.closest(".scroller").getBoundingClientRect().top)[0] ?? null;
"""


def scroll(tab, pixels):
    tab.run("document.querySelector('message-list .scroller').scrollTop += arguments[0]", pixels)


def test_two_people_talk_and_see_how_far_a_text_got(new_tab):
    (anna, anna_user), (ben, ben_user) = pair(new_tab)
    anna.call("page.parley.askFriend(arg)", ben_user)
    ben.call("page.parley.answerFriend(arg, true)", anna_user)
    write(anna, "hello Ben")
    sees(ben, "hello Ben")
    mark(anna, "hello Ben", "Read")
    ben.run("location.hash = ''")
    ben.wait(lambda: not ben.all("message-list"), "the list alone")
    write(anna, "are you there?")
    mark(anna, "are you there?", "Arrived")
    ben.driver.get("about:blank")  # the browser keeps the page, for a way back
    anna.wait(lambda: [one["online"] for one in anna.call("page.parley.friends()")["friends"]] == [False], "Ben's going")
    write(anna, "good night")
    mark(anna, "good night", "Sent")
    ben.driver.back()
    mark(anna, "good night", "Arrived")
    ben.wait(lambda: "good night" in ben.text("body"), "what came meanwhile")


def test_replies_changes_and_reactions(new_tab):
    (anna, _), (ben, _) = pair(new_tab)
    write(anna, "shall we meet at six?")
    sees(ben, "shall we meet at six?")
    act(ben, "shall we meet", "Reply")
    assert ben.in_focus("text-composer")
    write(ben, "rather at seven")
    anna.wait(lambda: "shall we meet" in (in_line(anna, "rather at seven", ".quote") or ""), "the quote")
    anna.click(lambda: line_of(anna, "rather at seven").find_element("css selector", ".quote"))
    anna.wait(lambda: anna.run("return document.activeElement.innerText").find("meet at six") >= 0, "the jump")

    act(anna, "rather at seven", "React with 👍")
    ben.wait(lambda: in_line(ben, "rather at seven", ".chip") == "👍1", "the reaction")
    ben.click(lambda: line_of(ben, "rather at seven").find_element("css selector", ".chip"))
    anna.wait(lambda: in_line(anna, "rather at seven", ".chip") == "👍2", "both reactions")
    anna.click(lambda: line_of(anna, "rather at seven").find_element("css selector", ".chip"))
    ben.wait(lambda: in_line(ben, "rather at seven", ".chip") == "👍1", "one reaction")

    field(ben).send_keys(Keys.ARROW_UP)
    assert field(ben).get_attribute("value") == "rather at seven"
    field(ben).send_keys(" thirty", Keys.ENTER)
    sees(anna, "rather at seven thirty")
    assert in_line(anna, "seven thirty", ".edited") == "edited"

    act(ben, "seven thirty", "Recall")
    ben.click("message-actions .danger")
    sees(anna, "This text was recalled")
    sees(ben, "You recalled this text")
    assert "thirty" not in anna.text("message-list")


def test_the_picker_takes_any_emoji(new_tab):
    (anna, _), (ben, _) = pair(new_tab)
    write(anna, "it works")
    sees(ben, "it works")
    act(ben, "it works", "Choose a reaction")
    ben.wait(lambda: ben.in_focus("reaction-picker .grid"), "the picker")
    ben.press(Keys.ARROW_RIGHT)
    ben.press(Keys.ENTER)
    anna.wait(lambda: in_line(anna, "it works", ".chip") == "👎1", "the second emoji")
    act(ben, "it works", "Choose a reaction")
    ben.find("reaction-picker input").send_keys("yes!", Keys.ENTER)
    anna.wait(lambda: "yes!1" in anna.text("message-list .reactions").replace("\n", ""), "a word of one's own")


def test_history_of_5000_texts_stays_in_place(new_tab):
    """Scrolls through all of it. Whatever is loaded above, the line at the top stays where it is."""
    anna = new_tab()
    me = person(anna, "anna")
    other = f"{me}-friend"
    fill(anna, other, {"user": me}, 1, 5000)
    open_person(anna, other)
    # It opens where new texts begin, and not at the newest text.
    anna.wait(lambda: anna.all("message-item.new"), "the line before what is new")
    words, _ = anna.run(TOP)
    assert words.split(" and")[0] == "text 1", f"opens at {words!r}"
    for _ in range(4):
        words, top, last = anna.run(BOTTOM)
        anna.wait(lambda: lines(anna)[-1] != last, "newer texts")
        now = anna.run(PLACE, words)
        assert now is not None and abs(now - top) < 1, f"{words!r} moved from {top} to {now}"
    newest(anna, "text 5000")
    loads = 0
    first = lines(anna)[0]
    while not any(line.split(" and")[0] == "text 1" for line in lines(anna)[:1]):
        scroll(anna, -4000)
        words, top = anna.run(TOP)
        anna.wait(lambda: lines(anna)[0] != first or first.startswith("text 1 "), "older texts")
        now = anna.run(PLACE, words)
        assert now is not None and abs(now - top) < 1, f"{words!r} moved from {top} to {now}"
        assert anna.run("return document.querySelectorAll('message-item').length") <= 310
        first = lines(anna)[0]
        loads += 1
    print(f"{loads} steps to the beginning")
    anna.wait(lambda: anna.text("message-list .start") == "This is where the conversation begins.")

    write(anna, "back to today")
    sees(anna, "back to today")
    anna.wait(lambda: at_end(anna), "one's own text in view")


def test_texts_that_arrive_while_it_opens_do_not_move_the_place(new_tab):
    anna = new_tab()
    me = person(anna, "anna")
    other = f"{me}-friend"
    fill(anna, other, {"user": me}, 1, 120)
    # The page that the place is in arrives after a frame in which other texts have arrived.
    anna.run("""
        const { parley, model } = document.querySelector("app-shell").page, history = parley.history.bind(parley);
        parley.history = async (peer, where) => {
          const page = await history(peer, where);
          if (where.around === undefined) return page;
          model.touch(model.conversation(peer));
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          return page;
        };""")
    open_person(anna, other)
    anna.wait(lambda: anna.all("message-item.new"), "the line before what is new")
    words, _ = anna.run(TOP)
    assert words.split(" and")[0] == "text 1", f"opens at {words!r}"


def test_new_texts_do_not_move_the_view_of_older_ones(new_tab):
    (anna, _), (ben, _) = pair(new_tab)
    for number in range(1, 31):
        anna.call("page.model.send(page.conversation, {msg: arg})", f"line {number}\n.")
    sees(ben, "line 30")
    sees(anna, "line 30")
    scroll(anna, -600)
    anna.wait(lambda: not at_end(anna), "an older place")
    before = anna.run(TOP)
    write(ben, "news")
    anna.wait(lambda: anna.text(".newest .badge") == "1", "the count of new texts")
    assert anna.run(TOP) == before
    anna.click(".newest")
    anna.wait(lambda: at_end(anna), "the newest text")
    assert not anna.find(".newest").is_displayed()
    mark(ben, "news", "Read")


def test_more_texts_than_the_window_holds_do_not_move_the_view_of_older_ones(new_tab):
    anna = new_tab()
    me = person(anna, "anna")
    other = f"{me}-friend"
    fill(anna, other, {"user": me}, 1, 120)
    open_person(anna, other)
    newest(anna, "text 120")
    scroll(anna, -600)
    anna.wait(lambda: not at_end(anna) and anna.find(".newest").is_displayed(), "an older place")
    before = anna.run(TOP)
    fill(anna, other, {"user": me}, 121, 400)
    anna.wait(lambda: anna.text("conversation-list .row").find("text 520") >= 0, "the last text in the list")
    assert anna.run(TOP) == before
    newest(anna, "text 520")


def test_a_new_line_stands_before_unread_texts(new_tab):
    (anna, anna_user), (ben, ben_user) = pair(new_tab)
    write(ben, "seen")
    mark(ben, "seen", "Read")
    anna.run("location.hash = ''")
    anna.wait(lambda: not anna.all("message-list"), "the list alone")
    write(ben, "unseen one")
    mark(ben, "unseen one", "Arrived")
    open_person(anna, ben_user)
    sees(anna, "unseen one")
    kinds = anna.run("return [...document.querySelectorAll('message-item')].map((one) => one.className.split(' ')[0])")
    assert kinds[-3:] == ["text", "new", "text"], kinds


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_only_text(new_tab, text):
    (anna, _), (ben, _) = pair(new_tab)
    write(ben, "before")
    ben.call("page.model.send(page.conversation, {msg: arg})", text)
    write(ben, "after")
    sees(anna, "after")
    anna.run("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert anna.driver.title != "owned"
    assert not anna.all("message-list img, message-list b")
    assert not anna.overflows()
    boxes = anna.run(
        "return [...document.querySelectorAll('message-item.text .bubble')].slice(-3)"
        ".map((one) => [one.getBoundingClientRect().top, one.getBoundingClientRect().bottom, getComputedStyle(one).overflowY])")
    assert boxes[0][1] <= boxes[1][0] and boxes[1][1] <= boxes[2][0], boxes
    assert boxes[1][2] == "clip"
    assert boxes[1][1] - boxes[1][0] < 1500, "the text is folded"
    assert anna.log() == []


def test_links_lead_where_they_say(new_tab):
    (anna, _), (ben, _) = pair(new_tab)
    write(ben, "see https://example.org/a_(b)?c=1, or (http://example.org/x). Not javascript:alert(1), https://bank@evil.example/")
    sees(anna, "see https")
    links = anna.run("return [...document.querySelectorAll('.words a')].map((one) => [one.href, one.rel, one.target])")
    assert links == [
        ["https://example.org/a_(b)?c=1", "noopener noreferrer", "_blank"],
        ["http://example.org/x", "noopener noreferrer", "_blank"]]


def test_a_refused_text_says_why_and_offers_again(new_tab):
    (anna, anna_user), (ben, ben_user) = pair(new_tab)
    ben.call("page.parley.block(arg, true)", anna_user)
    write(anna, "do you hear me?")
    anna.wait(lambda: in_line(anna, "do you hear me?", ".refusal .error"), "the reason")
    assert "doesn't take texts" in in_line(anna, "do you hear me?", ".refusal .error")
    anna.click(lambda: line_of(anna, "do you hear me?").find_element("css selector", "[data-act=rewrite]"))
    anna.wait(lambda: field(anna).get_attribute("value") == "do you hear me?", "the text in the field")
    anna.wait(lambda: "do you hear me?" not in lines(anna), "the refused text to go")
    write(anna, "")
    anna.wait(lambda: in_line(anna, "do you hear me?", ".refusal .error"), "the reason")
    ben.call("page.parley.block(arg, false)", anna_user)
    anna.click(lambda: line_of(anna, "do you hear me?").find_element("css selector", "[data-act=again]"))
    sees(ben, "do you hear me?")
    anna.wait(lambda: in_line(anna, "do you hear me?", ".refusal") is None, "the reason to go")


def refusal(tab, text):
    return in_line(tab, text, ".refusal") or ""


def befriend(tab, text):
    """Presses the button beside a refused text."""
    tab.wait(lambda: "Ask for friendship first" in refusal(tab, text), "the reason")
    tab.click(lambda: line_of(tab, text).find_element("css selector", "[data-act=befriend]"))


def test_a_text_to_a_stranger_offers_friendship(new_tab, friends_only):
    (anna, anna_user), (ben, ben_user) = pair(new_tab, friends_only("request"))
    write(anna, "may I?")
    befriend(anna, "may I?")
    anna.wait(lambda: "No answer yet" in refusal(anna, "may I?"), "the request")
    assert in_line(anna, "may I?", "[data-act=befriend]") is None
    # Until there is an answer the text is refused again, and nobody is asked twice.
    anna.call("(window.refusals = 0, page.parley.addEventListener('outgoing', ({detail}) => {"
              " window.refusals += detail.state === 'refused'; }))")
    anna.click(lambda: line_of(anna, "may I?").find_element("css selector", "[data-act=again]"))
    anna.wait(lambda: anna.run("return window.refusals") > 0, "the second refusal")
    anna.wait(lambda: "No answer yet" in refusal(anna, "may I?"), "its reason")
    ben.call("page.parley.answerFriend(arg, true)", anna_user)
    anna.wait(lambda: "You are friends now" in refusal(anna, "may I?"), "the friendship")
    assert lines(ben) == []
    anna.click(lambda: line_of(anna, "may I?").find_element("css selector", "[data-act=again]"))
    sees(ben, "may I?")
    anna.wait(lambda: refusal(anna, "may I?") == "", "the reason to go")


def test_who_takes_no_requests_is_named(new_tab, friends_only):
    (anna, _), _ = pair(new_tab, friends_only("closed"))
    write(anna, "may I?")
    befriend(anna, "may I?")
    anna.wait(lambda: "only from people who share a group" in refusal(anna, "may I?"), "the reason")
    assert in_line(anna, "may I?", "[data-act=befriend]") is not None


def test_three_texts_wait_for_the_connection(new_tab, own_stack):
    (anna, _), (ben, _) = pair(new_tab, own_stack)
    write(anna, "before")
    mark(anna, "before", "Read")
    own_stack.services["gateway"].kill()
    anna.wait(lambda: anna.text(".me connection-state") != "Connected", "the loss of the connection")
    for text in ("one", "two", "three"):
        write(anna, f"{text} without a connection")
        mark(anna, f"{text} without", "Waiting to be sent")
    own_stack.services["gateway"].start()
    for text in ("one", "two", "three"):
        sees(ben, f"{text} without a connection")
    assert [line.split()[0] for line in lines(ben)[-3:]] == ["one", "two", "three"]
    mark(anna, "three without", "Read")


def test_a_group_shows_names_and_mentions(new_tab):
    anna, ben = new_tab(), new_tab()
    people = (anna, person(anna, "anna")), (ben, person(ben, "ben"))
    group_of(*people)
    field(anna).send_keys("and you, @be")
    anna.wait(lambda: anna.all("mention-list:not([hidden]) [role=option]"), "the members")
    anna.press(Keys.ENTER)
    assert field(anna).get_attribute("value") == f"and you, @{people[1][1]} "
    field(anna).send_keys("too?", Keys.ENTER)
    sees(ben, "and you")
    assert in_line(ben, "and you", ".mention.self") == f"@{people[1][1]}"
    assert in_line(ben, "and you", ".author") == people[0][1]


def test_the_keyboard_alone(new_tab):
    (anna, _), (ben, _) = pair(new_tab)
    write(anna, "first")
    write(anna, "second")
    sees(ben, "second")
    ben.run("document.querySelector('message-list').focus()")
    ben.press(Keys.ARROW_UP)
    assert "first" in ben.run("return document.activeElement.innerText")
    ben.press(Keys.ENTER)
    ben.wait(lambda: ben.in_focus("message-actions"), "the actions")
    ben.press(Keys.ESCAPE)
    assert "first" in ben.run("return document.activeElement.innerText")
    ben.press(Keys.ENTER)
    for _ in range(4):
        ben.press(Keys.ARROW_RIGHT)
    ben.press(Keys.ENTER)
    assert ben.in_focus("text-composer textarea")
    ben.press("an answer", Keys.ENTER)
    anna.wait(lambda: "first" in (in_line(anna, "an answer", ".quote") or ""), "the quote")
    assert ben.run("const log = document.querySelector('.lines'); return [log.getAttribute('role'), Boolean(log.ariaLabel)]") == ["log", True]


def test_search_finds_and_jumps_far_back(new_tab):
    anna = new_tab()
    me = person(anna, "anna")
    other = f"{me}-friend"
    fill(anna, other, {"user": me}, 1, 600)
    open_person(anna, other)
    newest(anna, "text 600")
    anna.call("page.openPanel('search', {conversation: page.conversation})")
    anna.find("search-panel input").send_keys("text 123")
    # It may have searched for the first letters of it before.
    anna.wait(lambda: "text 123" in anna.text("search-panel .excerpt"), "what was found")
    anna.click("search-panel .result")
    anna.wait(lambda: "text 123" in anna.run("return document.activeElement.innerText"), "the text that was found")
    assert anna.find(".newest").is_displayed()


def test_a_phone_has_room_for_all_of_it(new_tab):
    anna = new_tab(size=(320, 640), touch=True)
    me = person(anna, "anna")
    fill(anna, f"{me}-friend", {"user": me}, 1, 12)
    open_person(anna, f"{me}-friend")
    sees(anna, "text 12")
    assert not anna.overflows()
    small = anna.run(
        "return [...document.querySelectorAll('text-composer button, message-list > button')].filter((one) => one.checkVisibility())"
        ".map((one) => one.getBoundingClientRect()).filter((one) => one.width < 44 || one.height < 44).length")
    assert small == 0
