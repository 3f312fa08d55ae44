"""Pictures, files and stickers in the page, and pictures of people and groups."""

import hashlib
import pathlib

import pytest
from conftest import keep
from parley_files import png
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from talking import act, at_end, field, group_of, open_person, pair, sees

LATE_STICKERS = """
const { parley } = document.querySelector("app-shell").page;
parley.stickers = async () => {
  delete parley.stickers;
  await new Promise((done) => (window.tell = done));
  return parley.stickers();
};
"""
CHOOSE, STICKERS = "text-composer button.attach", "text-composer button.stickers"
SHOWN = ("const image = [...document.querySelectorAll('message-item .picture img')].at(-1);"
         "return Boolean(image?.complete && image.naturalWidth > 0) && [image.naturalWidth, image.width, image.height, image.alt]")
# Gives the page files as pasting or dropping does: [name, type, text] each.
GIVE = """
const [how, files] = arguments, data = new DataTransfer();
for (const [name, type, text] of files) data.items.add(new File([text], name, { type }));
if (how === "paste") document.querySelector("text-composer textarea").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
else for (const event of how === "drop" ? ["dragover", "drop"] : ["dragover"])
  document.querySelector("main").dispatchEvent(new DragEvent(event, { dataTransfer: data, bubbles: true, cancelable: true }));
"""
# Every part of an upload waits until `release()`.
HOLD = """
const whole = window.fetch;
let go;
const gate = new Promise((resolve) => (go = resolve));
window.release = go;
window.fetch = async (address, how) => { if (how?.method === "PATCH") await gate; how?.signal?.throwIfAborted(); return whole(address, how); };
"""


@pytest.fixture(scope="module")
def people(module_tab):
    """Two people for all tests: (tab, user) of both."""
    return pair(module_tab)


@pytest.fixture
def team(people, request):
    """The tabs of the two, in a new group."""
    group_of(*people)
    yield tuple(tab for tab, _ in people)
    if getattr(request.node, "failed", False):  # by tests/conftest.py
        for number, (tab, _) in enumerate(people):
            keep(tab, f"{request.node.name}-{number}")


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """The path of a picture of 640 by 480."""
    path = tmp_path_factory.mktemp("pictures") / "sea.png"
    path.write_bytes(png(640, 480))
    return path


def choose(tab, *paths, where="text-composer file-tray input[type=file]"):
    tab.find(where).send_keys("\n".join(map(str, paths)))


def send_file(tab, path, caption=""):
    choose(tab, path)
    tab.wait(lambda: path.name in tab.text("file-tray"), "the chosen file")
    field(tab).send_keys(caption, Keys.ENTER)


def shown(tab):
    """[width, shown width, shown height, alt] of the newest picture, which has loaded."""
    return tab.wait(lambda: tab.run(SHOWN), "a picture")


def stored(tab):
    """The newest own text is on the server."""
    tab.wait(lambda: tab.run(
        "const item = document.querySelector('message-list').conversation.items.at(-1);"
        "return item.mine && item.cid !== null && Boolean(item.file?.url)"), "that it is stored")


def test_a_picture_with_a_caption_goes_and_comes(team, picture):
    anna, ben = team
    send_file(anna, picture, "the sea")
    assert not anna.find("file-tray").is_displayed()
    sees(ben, "the sea")
    assert shown(ben) == [480, 320, 240, "Picture \u2068sea.png\u2069"], "the preview, in room that was reserved"
    assert at_end(ben) and at_end(anna)
    assert shown(anna)[1:3] == [320, 240]
    assert "Picture: the sea" in ben.text("conversation-list")
    # An address that has expired is renewed.
    ben.run("const image = document.querySelector('.picture img'); image.src = image.src.replace('key=', 'key=0')")
    ben.wait(lambda: "key=0" not in ben.run("return document.querySelector('.picture img').src") or None, "another address")
    assert shown(ben)[0] == 480
    # The whole picture, by mouse and by keys; the focus comes back.
    ben.click("message-item button.picture")
    ben.wait(lambda: ben.run("return document.querySelector('picture-viewer img')?.naturalWidth") == 640, "the whole picture")
    assert ben.in_focus("picture-viewer .head button")
    ben.press(Keys.ESCAPE)
    assert not ben.all("picture-viewer") and ben.in_focus("button.picture")
    ben.press(Keys.ENTER)
    ben.wait(lambda: ben.all("picture-viewer a[download='sea.png']"), "the link")
    ActionChains(ben.driver).move_to_element_with_offset(ben.find("picture-viewer .whole"), -600, 0).click().perform()
    ben.wait(lambda: not ben.all("picture-viewer"), "it closes beside the picture")
    # A reply quotes it, an edit changes the caption, recalling takes it away.
    act(ben, "the sea", "Reply")
    assert "Picture: the sea" in ben.text("text-composer .bar")
    field(ben).send_keys("lovely", Keys.ENTER)
    anna.wait(lambda: "Picture: the sea" in anna.text("message-item .quote"), "the quotation")
    act(anna, "the sea", "Edit")
    field(anna).send_keys(" at night", Keys.ENTER)
    sees(ben, "the sea at night")
    act(anna, "the sea at night", "Recall")
    anna.click("message-actions button.danger")
    ben.wait(lambda: not ben.all("message-item .picture"), "that it is gone")
    assert not [line for line in ben.log() if "403" not in line]


def test_scrolling_stays_while_pictures_load(team, picture):
    anna, ben = team
    for number in range(8):
        choose(anna, picture)
        anna.wait(lambda: picture.name in anna.text("file-tray"), "the chosen file")
        field(anna).send_keys(f"number {number}", Keys.ENTER)
        stored(anna)
    ben.refresh()
    ben.wait(lambda: len(ben.all("message-item .picture")) == 8, "the pictures")
    height = ben.run("return document.querySelector('message-list .scroller').scrollHeight")
    ben.wait(lambda: ben.run("return [...document.querySelectorAll('.picture img')].every((each) => each.complete && each.naturalWidth)"), "all")
    assert ben.run("return document.querySelector('message-list .scroller').scrollHeight") == height
    assert at_end(ben)


def test_pasting_and_dropping(team):
    anna, ben = team
    anna.run(GIVE, "paste", [["notes.txt", "text/plain", "one"]])
    anna.wait(lambda: "notes.txt" in anna.text("file-tray"), "the pasted file")
    anna.run(GIVE, "over", [["list.txt", "text/plain", "two"]])
    assert anna.run("return getComputedStyle(document.querySelector('main'), '::after').content") == '"Drop pictures and files here"'
    anna.run(GIVE, "drop", [["list.txt", "text/plain", "two"], ["../up.txt", "text/plain", "three"], ["empty.txt", "text/plain", ""]])
    anna.wait(lambda: len(anna.all("file-tray li")) == 3, "the dropped files")
    assert "empty.txt" in anna.text(".toast")
    assert not anna.all("main.dropping")
    anna.click("file-tray li:nth-child(2) button")
    anna.wait(lambda: len(anna.all("file-tray li")) == 2, "one less")
    # They stay while another conversation is open.
    open_person(anna, "nobody-at-all")
    assert not anna.find("file-tray").is_displayed()
    anna.run(GIVE, "paste", [[f"{number}.bin", "", "x"] for number in range(11)])
    anna.wait(lambda: "10 files at a time" in anna.text(".toast"), "the limit")
    assert len(anna.all("file-tray li")) == 10
    anna.driver.back()
    anna.wait(lambda: "notes.txt" in anna.text("file-tray"), "the files that were chosen")
    anna.click("text-composer .send")
    ben.wait(lambda: len(ben.all("message-item a.file-card")) == 2, "both files")
    assert [ben.run("return arguments[0].innerText", each) for each in ben.all("message-item a.file-card")] == ["notes.txt\n3 byte", "up.txt\n5 byte"]
    assert "File: " in ben.text("conversation-list")


def test_a_file_is_downloaded(team, tmp_path):
    anna, ben = team
    path = tmp_path / "a b 海.bin"
    path.write_bytes(bytes(range(256)) * 3000)
    send_file(anna, path)
    ben.wait(lambda: ben.all("message-item a.file-card"), "the file")
    folder = tmp_path / "saved"
    folder.mkdir()
    ben.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    ben.click("message-item a.file-card")
    saved = ben.wait(lambda: [each for each in pathlib.Path(folder).iterdir() if each.suffix == ".bin"], "the download")
    assert saved[0].name == path.name
    same = lambda: hashlib.sha256(saved[0].read_bytes()).digest() == hashlib.sha256(path.read_bytes()).digest()
    ben.wait(same, "all bytes")


def test_progress_cancel_and_a_reload(team, picture):
    anna, ben = team
    anna.run(HOLD)
    send_file(anna, picture, "given up")
    anna.wait(lambda: anna.text("message-item .percent") == "0 %", "the bar")
    assert anna.find("message-item progress").get_attribute("aria-label") == "Upload of \u2068sea.png\u2069"
    assert shown(anna)[1:3] == [320, 240], "what is chosen is shown at once"
    anna.click("message-item .cancel")
    anna.wait(lambda: not anna.all("message-item.own"), "that it is given up")
    send_file(anna, picture, "kept")
    anna.wait(lambda: anna.all("message-item .transfer"), "the bar")
    field(anna).send_keys("overtakes it", Keys.ENTER)
    sees(ben, "overtakes it")
    anna.refresh()
    sees(ben, "kept")
    assert shown(ben)[1:3] == [320, 240]
    stored(anna)


def test_a_refused_file_says_why_and_is_tried_again(team, people, picture):
    (anna, anna_user), (ben, ben_user) = people
    open_person(anna, ben_user)
    open_person(ben, anna_user)
    ben.call("page.parley.block(arg, true)", anna_user)
    send_file(anna, picture, "will it go?")
    anna.wait(lambda: anna.all("message-item .refusal"), "the refusal")
    assert [each.text for each in anna.all(".refusal button")] == ["Try again", "Discard"]
    ben.call("page.parley.block(arg, false)", anna_user)
    anna.click(".refusal [data-act=again]")
    sees(ben, "will it go?")


def test_a_file_waits_for_the_service_of_files_and_texts_go_on(own_stack, new_tab, picture):
    (anna, _), (ben, _) = pair(new_tab, own_stack)
    anna.run(HOLD)
    send_file(anna, picture, "later")
    anna.wait(lambda: anna.all("message-item .transfer"), "the bar")
    own_stack.services["files"].kill()
    anna.run("release()")
    field(anna).send_keys("now", Keys.ENTER)
    sees(ben, "now")
    own_stack.services["files"].start()
    sees(ben, "later")
    shown(ben)


def test_stickers(team, tmp_path):
    anna, ben = team
    small = tmp_path / "wave.png"
    small.write_bytes(png(200, 100))
    anna.click(STICKERS)
    anna.wait(lambda: "no stickers yet" in anna.text("sticker-picker"), "that there are none")
    anna.click(STICKERS)
    # Added before the server has told which ones there are.
    anna.run(LATE_STICKERS)
    anna.click(STICKERS)
    choose(anna, small, where="sticker-picker input[type=file]")
    anna.run("window.tell()")
    anna.wait(lambda: len(anna.all("sticker-picker .grid button")) == 1, "the sticker")
    assert anna.in_focus("sticker-picker .grid button")
    anna.press(Keys.ENTER)
    assert not anna.all("sticker-picker")
    ben.wait(lambda: ben.all("message-item.sticker"), "the sticker")
    assert shown(ben)[1:] == [160, 80, "Sticker \u2068wave.png\u2069"]
    assert "Sticker" in ben.text("conversation-list")
    # Somebody else's becomes one's own.
    ben.run("document.querySelector('message-item.sticker').focus()")
    ben.press(Keys.ENTER)
    ben.click("message-actions [aria-label='Add to my stickers']")
    ben.wait(lambda: "one of your stickers" in ben.text(".toast"), "that it is kept")
    ben.click(STICKERS)
    ben.click("sticker-picker .grid button")
    anna.wait(lambda: anna.all("message-item.sticker:not(.own)"), "the sticker back")
    # Removed again, by keyboard.
    ben.click(STICKERS)
    ben.click("sticker-picker [aria-label='Remove stickers']")
    ben.click("sticker-picker .grid [aria-label='Remove the sticker \u2068wave.png\u2069']")
    ben.wait(lambda: "no stickers yet" in ben.text("sticker-picker"), "that it is gone")
    ben.press(Keys.ESCAPE)
    assert not ben.all("sticker-picker") and ben.in_focus(STICKERS)


AVATAR = "const image = document.querySelector(arguments[0] + ' person-avatar img'); return Boolean(image?.complete && image.naturalWidth)"


def test_pictures_of_people_and_groups(people, picture):
    (anna, anna_user), (ben, _) = people
    team = group_of(*people)
    has = lambda tab, where: tab.wait(lambda: tab.run(AVATAR, where), f"a picture in {where}")
    anna.click(".me [aria-label=Settings]")
    choose(anna, picture, where="settings-panel .avatar-setting input")
    has(anna, "settings-panel .profile")
    has(anna, ".me")
    field(anna).send_keys("hello", Keys.ENTER)
    sees(ben, "hello")
    ben.refresh()
    has(ben, "message-item.text")
    ben.call("page.openDetails(arg)", {"group": team})
    has(ben, f"[data-user='{anna_user}']")
    anna.call("page.openDetails(arg)", {"group": team})
    choose(anna, picture, where="group-details .avatar-setting input")
    has(anna, "group-details .profile")
    has(ben, f"conversation-list [data-key='group:{team}']")
    anna.click("group-details [data-act=avatar-remove]")
    anna.wait(lambda: not anna.all("group-details .profile person-avatar img"), "that it is gone")
