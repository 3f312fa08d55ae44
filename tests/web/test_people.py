"""People, groups and the own account in a real browser: changes by one, and their effects for the others."""

import json

import pytest
from selenium.webdriver.common.keys import Keys
from test_shell import befriend as _befriend
from test_shell import new_name, new_person, shows, sign_in, signed_in, write, write_to

HOSTILE = "<img src=x onerror=alert(1)> \u202eevil"


def befriend(one, other):
    """Makes friends of two people, who both know of it."""
    _befriend(one, other)
    other.call("page.model.refreshFriends()")


def act(tab, name):
    """Clicks the control that does `name`, once it is there."""
    def found():
        controls = tab.all(f'[data-act="{name}"]')
        if controls:
            tab.run("arguments[0].scrollIntoView({block: 'center'})", controls[0])
        return controls
    tab.click(found)


def sure(tab, name):
    """Clicks, and answers yes to the question that follows."""
    act(tab, name)
    tab.wait(lambda: tab.in_focus(f'[data-act="{name}-no"]'), "the question, with no in focus")
    act(tab, f"{name}-yes")


def fill(tab, name, text):
    """Edits a text in its place."""
    act(tab, name)
    field = tab.wait(lambda: tab.all(f'[data-act="{name}-input"]'), f"the field {name}")[0]
    field.clear()
    field.send_keys(text)
    act(tab, f"{name}-save")
    tab.wait(lambda: tab.all(f'button[data-act="{name}"]'), f"{name} to be saved")


def panel(tab, name, peer=None):
    tab.run("document.querySelector('app-shell').openPanel(null)")
    tab.wait(lambda: not tab.run("return history.state?.panel"), "the panel before to be closed")
    tab.run("document.querySelector('app-shell').openPanel(arguments[0], arguments[1])", name, {"peer": peer} if peer else {})
    tab.wait(lambda: tab.all(".panel-body *"), "the panel")


def details(tab, **peer):
    panel(tab, "details", peer)


def says(tab, text, where=".panel"):
    tab.wait(lambda: text in tab.text(where), f"{text} in {where}, which has {tab.text(where)!r}")


def gone(tab, selector):
    tab.wait(lambda: not tab.all(selector), f"{selector} to go")


def find(tab, text):
    panel(tab, "find")
    tab.find("#find").send_keys(text, Keys.ENTER)


@pytest.fixture
def two(new_tab):
    """Two people who are signed in, and are no friends."""
    one, other = new_tab(), new_tab()
    return one, new_person(one, "ann"), other, new_person(other, "ben")


@pytest.fixture
def group(new_tab):
    """A group of three: its owner, and two friends whom the owner has invited on the page."""
    tabs = [new_tab() for _ in range(3)]
    owner, cora, dora = tabs
    names = [new_person(tab, stem) for tab, stem in zip(tabs, ("own", "cora", "dora"))]
    befriend(owner, cora), befriend(owner, dora)
    name = f"Harbour Wälk {new_name('')}"
    panel(owner, "new-group")
    owner.wait(lambda: len(owner.all(".picker input")) == 2, "two friends to choose")
    owner.find("#group-name").send_keys(name)
    key = owner.find("#group-id").get_attribute("value")
    assert key == name.lower().replace("ä", "a").replace(" ", "-")
    for box in owner.all(".picker label"):
        box.click()
    act(owner, "make-group")
    owner.wait(lambda: owner.text("conversation-head bdi") == name, "the new group to be open")
    for tab in (cora, dora):
        says(tab, name, "conversation-list")
    return {"id": key, "name": name, "tabs": tabs, "people": names}


def member(tab, user):
    """Opens the actions for a member."""
    name = f'[data-act="member-{user}"]'
    tab.wait(lambda: tab.all(name), f"the member {user}")
    if tab.find(name).get_attribute("aria-expanded") != "true":
        act(tab, f"member-{user}")


def offered(tab, user):
    """The actions that the page offers for a member."""
    member(tab, user)
    return set(tab.run("return [...document.querySelectorAll(arguments[0])].map((each) => each.dataset.act.split('-')[0])",
                       f'li[data-user="{user}"] .member-actions [data-act]'))


def test_friendship_is_asked_for_and_accepted(two):
    anna, anna_id, ben, ben_id = two
    find(anna, ben_id)
    act(anna, "befriend")
    says(anna, "No answer yet")
    says(anna, "waits for an answer", "find-person")
    says(ben, f"{anna_id}\nasks to be friends", ".requests")
    ben.click(".requests [data-act=yes]")
    gone(ben, ".requests request-card")
    says(anna, ben_id, "conversation-list")
    details(anna, user=ben_id)
    says(anna, "You are friends with")
    sure(anna, "unfriend")
    says(anna, "Add as friend")
    details(ben, user=anna_id)
    says(ben, "Add as friend")


def test_a_tab_that_gets_the_focus_shows_answers_of_another_one(two, new_tab):
    anna, anna_id, ben, ben_id = two
    anna.call("page.parley.askFriend(arg)", ben_id)
    other = new_tab()
    other.open("/")
    sign_in(other, ben_id)
    signed_in(other)
    for tab in (ben, other):
        says(tab, f"{anna_id}\nasks to be friends", ".requests")
    other.click(".requests [data-act=no]")
    gone(other, ".requests request-card")
    assert ben.all(".requests request-card")
    # A headless browser gives no other window the focus.
    ben.run("window.dispatchEvent(new FocusEvent('focus'))")
    gone(ben, ".requests request-card")


def test_friendship_is_refused_and_may_be_asked_for_again(two):
    anna, _, ben, ben_id = two
    for _ in range(2):
        details(anna, user=ben_id)
        act(anna, "befriend")
        says(anna, "No answer yet")
        ben.click(".requests [data-act=no]")
        gone(ben, ".requests request-card")
        says(anna, "Add as friend")


def test_nobody_is_found_by_a_name_that_nobody_has(new_tab):
    tab = new_tab()
    user = new_person(tab)
    for name in (new_name("nobody"), "nobody@example.org", HOSTILE):
        find(tab, name)
        says(tab, "Neither a person nor a group is called")
    find(tab, user)
    says(tab, "That is you.")


def test_members_see_a_new_group_and_its_roles(group):
    owner, cora, dora = group["tabs"]
    _, cora_id, dora_id = group["people"]
    details(owner, group=group["id"])
    assert offered(owner, cora_id) == {"write", "profile", "promote", "mute", "remove", "ban"}
    act(owner, f"promote-{cora_id}")
    owner.wait(lambda: "dismiss" in offered(owner, cora_id), "cora to be an administrator")
    details(cora, group=group["id"])
    cora.wait(lambda: "mute" in offered(cora, dora_id), "what administrators may do")
    assert offered(cora, dora_id) == {"write", "profile", "mute", "remove", "ban"}
    details(dora, group=group["id"])
    assert offered(dora, cora_id) == {"write", "profile"}
    assert not dora.all("[data-act=invite], [data-act=group-name], [data-act=banned], [data-act=dissolve]")
    act(owner, f"dismiss-{cora_id}")
    owner.wait(lambda: "promote" in offered(owner, cora_id), "cora to be a plain member")
    cora.wait(lambda: offered(cora, dora_id) == {"write", "profile"}, "cora to lose her rights")


def test_a_muted_member_may_not_write(group):
    owner, cora, _ = group["tabs"]
    cora_id = group["people"][1]
    details(owner, group=group["id"])
    member(owner, cora_id)
    act(owner, f"mute-60-{cora_id}")
    says(owner, "Muted until")
    fault = cora.call("page.parley.edit({group: arg}, 1, 'x').catch((error) => error.word)", group["id"])
    assert fault in ("muted", "no_message")
    details(cora, group=group["id"])
    says(cora, "Muted")
    act(owner, f"unmute-{cora_id}")
    owner.wait(lambda: "unmute" not in offered(owner, cora_id), "the mute to end")
    write_to_group(cora, group["id"], "free again")
    owner.open_hash(f"group:{group['id']}")
    shows(owner, "free again")


def write_to_group(tab, key, text):
    tab.open_hash(f"group:{key}")
    write(tab, text)


def test_a_member_is_removed_and_asks_to_join_again(group):
    owner, cora, _ = group["tabs"]
    cora_id = group["people"][1]
    details(owner, group=group["id"])
    member(owner, cora_id)
    sure(owner, f"remove-{cora_id}")
    gone(owner, f'li[data-user="{cora_id}"]')
    details(cora, group=group["id"])
    says(cora, "You are not in this group")
    act(cora, "join")
    says(cora, "have your request")
    owner.wait(lambda: owner.all(".requests-part [data-act=yes]"), "the request")
    act(owner, "yes")
    owner.wait(lambda: owner.all(f'li[data-user="{cora_id}"]'), "the member")
    says(cora, "3 members")


def test_a_banned_person_stays_out_until_the_ban_is_lifted(group):
    owner, _, dora = group["tabs"]
    dora_id = group["people"][2]
    details(owner, group=group["id"])
    member(owner, dora_id)
    sure(owner, f"ban-{dora_id}")
    gone(owner, f'li[data-user="{dora_id}"]')
    details(dora, group=group["id"])
    act(dora, "join")
    says(dora, "Banned from this group.")
    owner.click(".banned-part summary")
    act(owner, f"unban-{dora_id}")
    says(owner, "Nobody is banned.")
    details(dora, group=group["id"])
    act(dora, "join")
    says(dora, "have your request")


def test_leaving_and_dissolving(group):
    owner, cora, dora = group["tabs"]
    cora_id = group["people"][1]
    details(owner, group=group["id"])
    assert not owner.all("[data-act=leave]")
    details(cora, group=group["id"])
    sure(cora, "leave")
    owner.wait(lambda: not owner.all(f'li[data-user="{cora_id}"]'), "the member to leave")
    sure(owner, "dissolve")
    dora.open_hash(f"group:{group['id']}")
    shows(dora, "The group was dissolved")


def test_the_profile_of_a_group(group):
    owner, cora, _ = group["tabs"]
    details(owner, group=group["id"])
    details(cora, group=group["id"])
    owner.wait(lambda: owner.all("[data-act=group-name]"), "the profile")
    fill(owner, "group-name", HOSTILE.split(" \u202e")[0])
    fill(owner, "group-about", "every Sunday at ten")
    says(cora, "<img src=x onerror=alert(1)>")
    says(cora, "every Sunday at ten")
    owner.find("#slow-mode").send_keys("30")
    says(cora, "One text in 30 seconds.")
    fill(cora, "nick", "Pike")
    owner.wait(lambda: "Pike" in owner.text(".members"), "the nick")


def test_a_taken_id_is_refused_and_another_is_proposed(group):
    owner = group["tabs"][0]
    panel(owner, "new-group")
    owner.find("#group-name").send_keys(group["name"])
    act(owner, "make-group")
    says(owner, "This name is taken.")
    assert owner.focused() == "group-id"
    act(owner, "make-group")
    owner.wait(lambda: owner.text("conversation-head bdi") == group["name"], "the other group")


def test_a_blocked_person_is_refused_with_a_reason(two):
    anna, anna_id, ben, ben_id = two
    write_to(ben, anna_id, "hello")
    anna.open_hash(f"user:{ben_id}")
    shows(anna, "hello")
    details(anna, user=ben_id)
    sure(anna, "block")
    says(anna, "You have blocked")
    write(ben, "are you there?")
    ben.wait(lambda: "take" in ben.text("message-list"), "the reason")
    panel(anna, "settings")
    act(anna, f"unblock-{ben_id}")
    says(anna, "You have blocked nobody.")
    write(ben, "and now?")
    shows(anna, "and now?")


def test_a_remark_is_seen_by_its_author_alone(two):
    anna, _, ben, ben_id = two
    befriend(anna, ben)
    details(anna, user=ben_id)
    anna.wait(lambda: anna.all("[data-act=remark]"), "the remark")
    fill(anna, "remark", "Benny from the ferry")
    says(anna, "Benny from the ferry", "conversation-list")
    says(anna, ben_id, ".profile")
    assert "Benny" not in ben.text("body")


def test_friends_see_a_changed_profile(two):
    anna, anna_id, ben, _ = two
    befriend(anna, ben)
    details(ben, user=anna_id)
    panel(anna, "settings")
    fill(anna, "name", "Anna <b>Lind</b>")
    fill(anna, "about", "I fish in the evening")
    says(anna, "Anna <b>Lind</b>", ".me")
    says(ben, "Anna <b>Lind</b>", ".profile")
    says(ben, "I fish in the evening", ".profile")
    assert not ben.all(".profile b")


def test_a_refusal_stands_beside_its_field(new_tab):
    tab = new_tab()
    new_person(tab)
    panel(tab, "settings")
    act(tab, "name")
    field = tab.find("[data-act=name-input]")
    field.clear()
    field.send_keys("SYSTEM", Keys.ENTER)
    tab.wait(lambda: tab.text(".editing [role=alert]"), "the reason")
    field.send_keys(Keys.ESCAPE)
    tab.wait(lambda: tab.in_focus("button[data-act=name]"), "the focus on the pencil")
    assert tab.all("settings-panel"), "Escape left the edit, and not the panel"


def test_a_conversation_is_quiet(two):
    anna, anna_id, ben, ben_id = two
    write_to(ben, anna_id, "hello")
    says(anna, ben_id, "conversation-list")
    details(anna, user=ben_id)
    act(anna, "quiet-8")
    says(anna, "Quiet until")
    anna.wait(lambda: anna.all("conversation-list .mark"), "the mark in the list")
    act(anna, "quiet-end")
    says(anna, "Keep this conversation quiet for")
    act(anna, "quiet-ever")
    says(anna, "Quiet until you change it.")
    anna.refresh()
    signed_in(anna)
    details(anna, user=ben_id)
    says(anna, "Quiet until you change it.")


def test_another_device_is_signed_out(new_tab):
    here, there = new_tab(), new_tab()
    user = new_person(here)
    there.open("/")
    sign_in(there, user)
    signed_in(there)
    panel(here, "settings")
    here.wait(lambda: len(here.all(".device")) == 2, "two devices")
    other = here.run("return document.querySelector('.device:has([data-act])').dataset.device")
    sure(here, f"end-{other}")
    here.wait(lambda: len(here.all(".device")) == 1, "one device")
    there.wait(lambda: there.all("#user"), "the sign-in")


def test_an_account_is_deleted(two):
    anna, anna_id, ben, ben_id = two
    befriend(anna, ben)
    write_to(anna, ben_id, "remember me")
    ben.open_hash(f"user:{anna_id}")
    shows(ben, "remember me")
    anna.find("text-composer textarea").send_keys("never sent")
    panel(anna, "settings")
    act(anna, "forget-me")
    anna.find("#forget-id").send_keys("somebody else", Keys.ENTER)
    says(anna, "Nothing was deleted")
    anna.find("#forget-id").clear()
    anna.find("#forget-id").send_keys(anna_id)
    anna.find("#forget-password").send_keys("wrong", Keys.ENTER)
    says(anna, "don't belong together")
    anna.find("#forget-password").clear()
    anna.find("#forget-password").send_keys("correct horse")
    anna.click("input[value=blank]")
    act(anna, "forget-me-yes")
    anna.wait(lambda: anna.all("#user"), "the sign-in")
    anna.wait(lambda: anna_id not in json.dumps(anna.run("return {...localStorage}")), "the browser to forget the account")
    ben.wait(lambda: anna_id not in json.dumps(ben.call("page.parley.friends()")), "the friendship to end")
    sign_in(anna, anna_id)
    anna.wait(lambda: anna.text("[role=alert]"), "the reason")


def test_settings_take_effect_at_once_and_stay(new_tab):
    tab = new_tab()
    new_person(tab)
    panel(tab, "settings")
    tab.click("input[value=dark]")
    assert tab.run("return document.documentElement.dataset.theme") == "dark"
    tab.click("input[value=zh]")
    says(tab, "已连接", ".me")
    tab.refresh()
    says(tab, "已连接", ".me")
    assert tab.run("return document.documentElement.dataset.theme") == "dark"


def tab_to(tab, selector, limit=60):
    """Goes on by the Tab key until something has the focus."""
    for _ in range(limit):
        if tab.in_focus(selector):
            return
        tab.press(Keys.TAB)
    raise AssertionError(f"{selector} is not reached by {limit} tabs")


def test_a_group_is_made_and_left_by_keyboard_alone(two):
    anna, anna_id, ben, ben_id = two
    befriend(anna, ben)
    says(anna, ben_id, "conversation-list")
    tab_to(anna, ".side-head button:last-child")
    anna.press(Keys.ENTER)
    anna.wait(lambda: anna.focused() == "group-name", "the focus on the group's name")
    name = f"keys {new_name()}"
    anna.press(name)
    tab_to(anna, ".picker input")
    anna.press(Keys.SPACE)
    tab_to(anna, "[data-act=make-group]")
    anna.press(Keys.ENTER)
    anna.wait(lambda: anna.text("conversation-head bdi") == name, "the group")
    says(ben, name, "conversation-list")
    tab_to(ben, "conversation-list nav .row")
    ben.press(Keys.HOME)
    ben.press(Keys.ENTER)
    ben.wait(lambda: ben.text("conversation-head bdi") == name, "the group")
    tab_to(ben, "conversation-head .details")
    ben.press(Keys.ENTER)
    tab_to(ben, "[data-act=leave]")
    ben.press(Keys.ENTER)
    ben.wait(lambda: ben.in_focus("[data-act=leave-no]"), "the focus on no")
    ben.press(Keys.ESCAPE)
    ben.wait(lambda: ben.in_focus("[data-act=leave]"), "the focus back")
    ben.press(Keys.ENTER)
    ben.press(Keys.SHIFT, Keys.TAB)
    ben.press(Keys.ENTER)
    says(ben, "You left", ".toast")
    gone(ben, "group-details")
