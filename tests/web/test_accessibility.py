"""axe-core finds nothing on the page in any of its states, in both themes and languages, wide and on a phone."""

import axe
import pytest
from parley_files import png
from selenium.webdriver.common.keys import Keys
from test_people import HOSTILE, act, befriend, details, find, panel, says
from test_pictures import STICKERS, choose, shown
from test_shell import new_name, new_person, shows, sign_in, signed_in, write

PHONE = (360, 740)


@pytest.fixture(scope="module")
def script():
    return axe.source()


@pytest.fixture
def clean(script):
    """Lists axe-core's findings on a tab in light and dark, together with the state's name."""

    def check(tab, state):
        faults = []
        for theme in ("light", "dark"):
            tab.theme(theme)
            faults += [f"{state}, {theme}: {fault}" for fault in axe.faults(tab, script)]
        tab.theme("light")
        too_high = tab.run("return document.scrollingElement.scrollHeight - innerHeight")
        assert too_high <= 0, f"{state}: only parts of the page scroll, but it is {too_high} px too high"
        assert not faults, "\n".join(faults)

    return check


@pytest.mark.parametrize("size", [(1280, 800), PHONE], ids=["wide", "phone"])
def test_signing_in(new_tab, clean, size):
    tab = new_tab(size=size)
    tab.open("/")
    clean(tab, "sign-in")
    user = new_name()
    sign_in(tab, user, "")
    tab.wait(lambda: tab.text("[role=alert]"), "the reason")
    clean(tab, "a refused sign-in")
    sign_in(tab, user)
    signed_in(tab)
    clean(tab, "no conversations")


def scene(new_tab, size):
    """Somebody with a friend, a request, a group and texts of all kinds."""
    tab, ben, cora = new_tab(size=size), new_tab(), new_tab()
    new_person(tab, "ann")
    ben_id, cora_id = new_person(ben, "ben"), new_person(cora, "cora")
    befriend(tab, ben)
    me = tab.run("return document.querySelector('app-shell').page.parley.user")
    cora.call("page.parley.askFriend(arg)", me)
    group = new_name("walk-")
    tab.call("page.parley.createGroup(arg[0], arg[1])", [group, HOSTILE.split(" \u202e")[0]])
    tab.call("page.parley.invite(arg[0], arg[1])", [group, ben_id])
    ben.open_hash(f"user:{me}")
    write(ben, HOSTILE)
    write(ben, "see https://example.org/walk")
    return tab, ben_id, cora_id, group


def with_pictures(tab, clean, path):
    path.write_bytes(png(640, 480))
    choose(tab, path, path)
    tab.wait(lambda: len(tab.all("file-tray li")) == 2, "the chosen files")
    clean(tab, "chosen files")
    tab.click("text-composer .send")
    shown(tab)
    tab.call("page.parley.send(page.conversation.peer, {file: {bytes: new Blob(['notes']), name: 'notes.txt'}}) && null")
    tab.wait(lambda: tab.all("message-item a.file-card"), "the file")
    clean(tab, "pictures and a file")
    tab.click(STICKERS)
    choose(tab, path, where="sticker-picker input[type=file]")
    tab.wait(lambda: tab.all("sticker-picker .grid button"), "the sticker")
    clean(tab, "stickers")
    tab.click("sticker-picker .grid button")
    tab.wait(lambda: tab.all("message-item.sticker"), "the sticker in the conversation")
    tab.run("document.querySelector('message-item button.picture').click()")
    clean(tab, "the whole picture")
    tab.press(Keys.ESCAPE)


@pytest.mark.parametrize("size", [(1280, 800), PHONE], ids=["wide", "phone"])
def test_conversations_and_panels(new_tab, clean, size, tmp_path):
    tab, ben, cora, group = scene(new_tab, size)
    tab.wait(lambda: tab.all("request-card"), "the request")
    clean(tab, "the list")
    tab.open_hash(f"user:{ben}")
    shows(tab, "see https://example.org/walk")
    write(tab, "mine")
    shows(tab, "mine")
    clean(tab, "a conversation")
    with_pictures(tab, clean, tmp_path / "sea.png")
    tab.open_hash(f"group:{group}")
    write(tab, "to all")
    shows(tab, "to all")
    clean(tab, "a group")
    details(tab, user=ben)
    clean(tab, "a friend")
    act(tab, "block")
    clean(tab, "a question")
    details(tab, user=cora)
    clean(tab, "somebody who asks")
    details(tab, group=group)
    act(tab, f"member-{ben}")
    act(tab, "group-about")
    clean(tab, "a group's details")
    find(tab, group)
    says(tab, "Open")
    clean(tab, "what was found")
    panel(tab, "new-group")
    clean(tab, "a new group")
    panel(tab, "settings")
    tab.wait(lambda: tab.all(".device"), "the devices")
    act(tab, "forget-me")
    clean(tab, "settings")
    panel(tab, "search")
    clean(tab, "search")
    tab.press(Keys.ESCAPE)
    tab.press(Keys.CONTROL, "k")
    clean(tab, "the quick switch")
    tab.press(Keys.ESCAPE)
    tab.run("return import('./app/i18n.js').then((i18n) => i18n.setLanguage('zh'))")
    clean(tab, "Chinese")
