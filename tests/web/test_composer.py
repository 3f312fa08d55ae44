"""The field that texts are written in: keys, input methods, limits, drafts."""

from selenium.webdriver.common.keys import Keys

from talking import field, lines, open_person, pair, person, sees, write

ENTER = """
const [init, before] = arguments, field = document.querySelector("text-composer textarea");
for (const [name, data] of before) field.dispatchEvent(new CompositionEvent(name, { data, bubbles: true }));
const event = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...init });
if (init.keyCode) Object.defineProperty(event, "keyCode", { value: init.keyCode });
field.dispatchEvent(event);
return [field.value, event.defaultPrevented];
"""


def put(tab, text):
    """As pasting does: the keys of a driver know no characters beyond the first plane."""
    tab.run(
        "const field = document.querySelector('text-composer textarea'); field.focus();"
        "field.value = arguments[0]; field.dispatchEvent(new InputEvent('input', {bubbles: true}))", text)


def test_an_enter_that_takes_a_candidate_sends_nothing(new_tab):
    (anna, _), (ben, _) = pair(new_tab)
    put(anna, "你好")
    # As Chromium and Firefox report it; as it is where only the number tells; as Safari does, after the end.
    for init, before in (
            ({"isComposing": True}, [["compositionstart", ""]]),
            ({"keyCode": 229}, []),
            ({}, [["compositionstart", ""], ["compositionend", "你好"]])):
        value, prevented = anna.run(ENTER, init, before)
        assert value == "你好" and not prevented, (init, before)
        anna.run("document.querySelector('text-composer textarea').dispatchEvent(new KeyboardEvent('keyup', {key: 'Enter', bubbles: true}))")
    assert anna.run(ENTER, {}, []) == ["", True]
    sees(ben, "你好")
    assert lines(ben) == ["你好"]


def test_shift_enter_breaks_the_line_and_the_field_grows(new_tab):
    (anna, _), (ben, _) = pair(new_tab)
    height = field(anna).size["height"]
    for number in range(4):
        field(anna).send_keys(f"line {number}")
        anna.press(Keys.SHIFT, Keys.ENTER)
    assert field(anna).size["height"] > 2 * height
    put(anna, "line\n" * 500)
    assert field(anna).size["height"] <= 0.4 * anna.run("return innerHeight") + 1
    put(anna, "a\n\nb")
    write(anna, "")
    sees(ben, "a\n\nb")
    assert field(anna).size["height"] == height


def test_bytes_are_counted_near_the_limit(new_tab):
    (anna, _), _ = pair(new_tab)
    put(anna, "é" * 32000)
    assert anna.text("text-composer .counter") == "1000 bytes left"
    put(anna, "é" * 32501)
    assert anna.text("text-composer .counter") == "2 bytes too many"
    write(anna, "")
    assert len(field(anna).get_attribute("value")) == 32501, "it is not sent"
    assert not anna.find("text-composer .send").is_enabled()
    put(anna, "short")
    assert anna.text("text-composer .counter") == ""


def test_half_an_emoji_is_never_sent(new_tab):
    (anna, _), (ben, _) = pair(new_tab)
    anna.run(
        "const field = document.querySelector('text-composer textarea'); field.value = 'half \\ud83d of it';"
        "field.dispatchEvent(new InputEvent('input', {bubbles: true}))")
    write(anna, "")
    sees(ben, "half \ufffd of it")


def test_a_text_is_sent_though_its_conversation_has_not_loaded(new_tab):
    anna, ben = new_tab(), new_tab()
    person(anna, "anna")
    name = person(ben, "ben")
    # As a server does that is slow to answer.
    anna.run("document.querySelector('app-shell').page.parley.history = () => new Promise(() => {})")
    open_person(anna, name)
    write(anna, "not lost")
    assert field(anna).get_attribute("value") == ""
    ben.wait(lambda: "not lost" in ben.text("conversation-list"), "the text")


def test_drafts_are_kept_for_each_conversation(new_tab):
    anna = new_tab()
    person(anna, "anna")
    open_person(anna, "echo-of-nobody")
    put(anna, "not finished")
    open_person(anna, "another-nobody")
    anna.wait(lambda: field(anna).get_attribute("value") == "", "an empty field")
    open_person(anna, "echo-of-nobody")
    anna.wait(lambda: field(anna).get_attribute("value") == "not finished", "the draft")
    anna.refresh()
    anna.wait(lambda: anna.all("text-composer textarea") and field(anna).get_attribute("value") == "not finished", "the draft")


def test_escape_leaves_an_edit_and_gives_back_the_draft(new_tab):
    (anna, _), (ben, _) = pair(new_tab)
    write(anna, "as it was")
    sees(ben, "as it was")
    anna.wait(lambda: anna.run("return document.querySelector('message-item.own .mark')?.textContent") != "Waiting to be sent")
    field(anna).send_keys(Keys.ARROW_UP)
    assert field(anna).get_attribute("value") == "as it was"
    assert anna.text("text-composer .bar").startswith("Edit your text")
    field(anna).send_keys(" not", Keys.ESCAPE)
    assert field(anna).get_attribute("value") == ""
    assert not anna.find("text-composer .bar").is_displayed()
    assert lines(ben) == ["as it was"]


def test_typing_is_shown(new_tab):
    (anna, _), (ben, _) = pair(new_tab)
    field(anna).send_keys("h")
    ben.wait(lambda: "typing" in ben.text("conversation-head"), "that somebody types")


def test_where_one_cannot_write_the_reason_stands(new_tab):
    (anna, _), (_, ben_user) = pair(new_tab)
    anna.call("page.parley.block(arg, true)", ben_user)
    anna.wait(lambda: "You have blocked" in anna.text("text-composer .reason"), "the reason")
    assert not field(anna).is_displayed()
    anna.call("page.parley.block(arg, false)", ben_user)
    anna.wait(lambda: field(anna).is_displayed(), "the field")
