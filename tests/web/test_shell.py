"""The page's frame in a real browser: signing in, the list, keys, languages, sizes, the connection."""

import itertools
import time

import pytest
from selenium.webdriver.common.keys import Keys

_numbers = itertools.count(int(time.time()) % 100000)


def new_name(stem="u"):
    return f"{stem}{next(_numbers)}"


def sign_in(tab, user, password="correct horse"):
    for name, text in (("user", user), ("password", password)):
        field = tab.find(f"#{name}")
        field.clear()
        field.send_keys(text)
    tab.click("[type=submit]")


def signed_in(tab):
    return tab.wait(lambda: tab.text(".me connection-state") == "Connected" and tab.text(".me .name"))


def new_person(tab, stem="u"):
    user = new_name(stem)
    tab.open("/")
    sign_in(tab, user)
    assert signed_in(tab) == user
    return user


def write_to(tab, user, text):
    tab.open_hash(f"user:{user}")
    write(tab, text)


def write(tab, text):
    tab.wait(lambda: tab.all("text-composer textarea"))
    tab.find("text-composer textarea").send_keys(text, Keys.ENTER)


def shows(tab, text):
    tab.wait(lambda: text in tab.text("message-list"), f"{text} in the thread")


def befriend(one, other):
    """Makes two people who are signed in friends, by the page's own library."""
    user = other.run("return document.querySelector('app-shell').page.parley.user")
    me = one.run("return document.querySelector('app-shell').page.parley.user")
    one.call("page.parley.askFriend(arg)", user)
    other.call("page.parley.answerFriend(arg, true)", me)


def test_new_people_and_known_ones_use_the_same_button(new_tab):
    tab = new_tab()
    user = new_person(tab)
    tab.click(".me button:last-child")
    tab.wait(lambda: tab.all(".me .confirm"))
    tab.click(".me .confirm .danger")
    tab.wait(lambda: tab.all("#user"))
    sign_in(tab, user, "another")
    tab.wait(lambda: "don't belong together" in tab.text("[role=alert]"), "the reason")
    assert tab.focused() == "password"
    sign_in(tab, user)
    assert signed_in(tab) == user


def test_an_account_needs_a_password_to_begin_with(new_tab):
    tab = new_tab()
    tab.open("/")
    sign_in(tab, new_name(), "")
    tab.wait(lambda: tab.text("[role=alert]"), "the reason")
    assert not tab.all("app-shell")


def test_password_managers_find_the_fields(new_tab):
    tab = new_tab()
    tab.open("/")
    assert tab.find("form #user").get_attribute("autocomplete") == "username"
    assert tab.find("form #password").get_attribute("autocomplete") == "current-password"
    assert tab.focused() == "user"


def test_demo_links_let_two_people_talk(new_tab):
    anna, ben = new_tab(), new_tab()
    anna.open("/?as=anna")
    ben.open("/?as=ben")
    signed_in(anna), signed_in(ben)
    text = f"hello {new_name()}"
    write(anna, text)
    shows(ben, text)
    answer = f"welcome {new_name()}"
    write(ben, answer)
    shows(anna, answer)


def test_a_reload_stays_signed_in_and_in_the_conversation(new_tab):
    tab = new_tab()
    user = new_person(tab)
    tab.open_hash(f"user:{user}")
    tab.refresh()
    assert signed_in(tab) == user
    assert tab.text("conversation-head bdi") == user


def test_a_second_tab_takes_the_login_over(new_tab):
    tab = new_tab()
    user = new_person(tab)
    first = tab.driver.current_window_handle
    tab.driver.switch_to.new_window("tab")
    tab.open("/")
    tab.wait(lambda: user in tab.text(".card"), "the other tab's login")
    tab.click(".card button")
    assert signed_in(tab) == user
    second = tab.driver.current_window_handle
    tab.driver.switch_to.window(first)
    tab.wait(lambda: tab.text("connection-state.bar button") == "Use it here", "the bar")
    tab.click("connection-state.bar button")
    assert signed_in(tab) == user
    tab.driver.switch_to.window(second)
    tab.wait(lambda: tab.text("connection-state.bar button") == "Use it here", "the bar")


def test_the_state_of_the_connection_is_shown(new_tab, own_stack):
    tab = new_tab(own_stack)
    friend = new_person(new_tab(own_stack), "friend")
    user = new_person(tab)
    own_stack.services["gateway"].kill()
    tab.wait(lambda: "Reconnecting in" in tab.text("connection-state.bar"), "the bar")
    tab.wait(lambda: tab.text("connection-state.bar button") == "Now", "the button")  # not while it connects
    write_to(tab, friend, "a text that waits")
    tab.wait(lambda: "1 text waits" in tab.text("connection-state.bar"), "the text that waits")
    own_stack.services["gateway"].start()
    tab.wait(lambda: not tab.find("connection-state.bar").is_displayed(), "the bar's end")
    assert signed_in(tab) == user


def test_the_keyboard_is_enough(new_tab):
    tab, other = new_tab(), new_tab()
    user, friend = new_person(tab), new_person(other, "friend")
    write_to(tab, friend, "one")
    shows(tab, "one")
    tab.press(Keys.CONTROL, "k")
    tab.wait(lambda: tab.all("quick-switch input"))
    tab.press("echo")
    tab.press(Keys.ESCAPE)
    assert not tab.all("quick-switch")
    assert tab.in_focus("text-composer")
    tab.press(Keys.F6)
    assert not tab.in_focus("main")
    tab.press(Keys.F6)
    assert tab.in_focus("main")
    tab.press(Keys.SHIFT, Keys.F6)
    assert tab.in_focus(".side")
    write_to(other, user, "two")
    tab.press(Keys.ALT, Keys.ARROW_DOWN)
    tab.press(Keys.ALT, Keys.ARROW_UP)
    tab.wait(lambda: tab.text("conversation-head bdi") == friend, "the friend's conversation")
    tab.find(".me button").send_keys(Keys.ENTER)
    tab.wait(lambda: tab.all(".panel settings-panel"))
    assert tab.in_focus(".panel")
    tab.press(Keys.ESCAPE)
    tab.wait(lambda: not tab.all(".panel settings-panel"))
    assert tab.in_focus(".me")


def test_the_quick_switch_finds_people_by_id(new_tab):
    tab, other = new_tab(), new_tab()
    new_person(tab)
    friend = new_person(other, "friend")
    tab.press(Keys.CONTROL, "k")
    tab.press("nobody-of-this-name")
    tab.press(Keys.ENTER)
    tab.wait(lambda: tab.text("quick-switch .error"), "that there is nobody")
    tab.press(Keys.CONTROL, "a")
    tab.press(friend, Keys.ENTER)
    tab.wait(lambda: tab.text("conversation-head bdi") == friend)


def test_texts_show_in_list_title_and_icon(new_tab):
    tab, other = new_tab(), new_tab()
    user, friend = new_person(tab), new_person(other, "friend")
    write_to(other, user, "are you there?")
    tab.wait(lambda: "are you there?" in tab.text("conversation-list .row"), "the text in the list")
    tab.wait(lambda: tab.driver.title.startswith("(1)"), "the count in the title")
    assert tab.find("link[rel=icon]").get_attribute("href").startswith("data:image/svg+xml")
    assert tab.text("conversation-list .badge [aria-hidden]") == "1"
    tab.click("conversation-list .row")
    tab.wait(lambda: not tab.driver.title.startswith("("), "the title without a count")
    assert friend in tab.driver.title
    assert not tab.all("conversation-list .badge")


def test_an_empty_list_has_instructions(new_tab):
    tab = new_tab()
    new_person(tab)
    tab.wait(lambda: "No conversations yet" in tab.text(".empty"), "what to do")
    tab.click(".empty .primary")
    tab.wait(lambda: tab.all(".panel find-person"))


def test_chinese_stays(new_tab):
    tab = new_tab()
    tab.open("/")
    tab.click("[lang=zh]")
    tab.wait(lambda: tab.text("[type=submit]") == "继续", "the Chinese button")
    user = new_name()
    sign_in(tab, user)
    tab.wait(lambda: tab.text(".me connection-state") == "已连接", "the state in Chinese")
    tab.refresh()
    tab.wait(lambda: tab.text(".me connection-state") == "已连接", "the state after the reload")
    assert tab.find("html").get_attribute("lang") == "zh"


@pytest.mark.parametrize("width", [320, 640, 1280])
def test_nothing_scrolls_sideways(new_tab, width):
    tab = new_tab(size=(width, 640))
    tab.open("/")
    assert not tab.overflows()
    friend = new_person(new_tab(), "friend")
    new_person(tab)
    assert not tab.overflows()
    write_to(tab, friend, "W" * 300)
    shows(tab, "WWW")
    assert not tab.overflows()
    for name in ("settings", "find", "new-group", "search", "details"):
        options = {"peer": {"user": friend}} if name == "details" else {}
        tab.run("document.querySelector('app-shell').openPanel(arguments[0], arguments[1])", name, options)
        assert not tab.overflows(), name
        tab.press(Keys.ESCAPE)
        tab.wait(lambda: not tab.all(".panel *"), f"the end of {name}")


def test_a_phone_goes_to_a_conversation_and_back(new_tab):
    tab, other = new_tab(size=(320, 640)), new_tab()
    user, friend = new_person(tab), new_person(other)
    write_to(other, user, "hello")
    tab.wait(lambda: tab.all("conversation-list .row"))
    tab.click("conversation-list .row")
    tab.wait(lambda: tab.find("message-list").is_displayed())
    assert not tab.find("conversation-list").is_displayed()
    assert tab.find("conversation-head connection-state").get_attribute("title") == "Connected"
    tab.click("conversation-head .back")
    tab.wait(lambda: tab.find("conversation-list").is_displayed())
    tab.driver.forward()
    tab.wait(lambda: tab.find("message-list").is_displayed())
    assert tab.text("conversation-head bdi") == friend


def test_a_hostile_name_stays_text(new_tab):
    tab, other = new_tab(), new_tab()
    user = new_person(tab)
    new_person(other)
    other.call("page.parley.set('me', {name: arg})", "<b>x</b><img src=x onerror=alert(1)>")
    write_to(other, user, "hello")
    tab.wait(lambda: "<img" in tab.text("conversation-list .row bdi"), "the name as text")
    assert not tab.all("conversation-list img, conversation-list b")
    tab.click("conversation-list .row")
    tab.wait(lambda: "<img" in tab.text("conversation-head"), "the name as text")
    assert tab.log() == []


NOTIFICATIONS = """
window.shown = [];
window.Notification = class {
  static permission = "granted";
  static async requestPermission() { return "granted"; }
  constructor(title, options) { window.shown.push({ title, body: options.body, tag: options.tag }); window.last = this; }
  close() {}
};
Object.defineProperty(document, "hidden", { configurable: true, get: () => window.isHidden });
return import("./app/notify.js").then((notify) => notify.askNotifications());
"""


def test_notifications_are_for_hidden_tabs_and_lead_to_the_conversation(new_tab):
    tab, other = new_tab(), new_tab()
    user, friend = new_person(tab), new_person(other, "friend")
    assert tab.run(NOTIFICATIONS) == "on"
    write_to(other, user, "seen")
    tab.wait(lambda: "seen" in tab.text("conversation-list"), "the first text")
    tab.run("window.isHidden = true")
    write(other, "unseen")
    shown = tab.wait(lambda: tab.run("return window.shown"), "the notification")
    assert shown == [{"title": friend, "body": "unseen", "tag": f"user:{friend}"}]
    tab.call("page.parley.dispatchEvent(new CustomEvent('quiet', "
             "{detail: {peer: {user: arg}, until_ms: Date.now() + 3600e3}}))", friend)
    tab.wait(lambda: tab.all("conversation-list .mark"), "the mark of a quiet conversation")
    write(other, "quiet")
    tab.wait(lambda: "quiet" in tab.text("conversation-list .row"), "the third text")
    assert len(tab.run("return window.shown")) == 1
    tab.run("window.last.onclick()")
    tab.wait(lambda: tab.text("conversation-head bdi") == friend, "the conversation")


# A browser that subscribes without a service of its own.
PUSH = NOTIFICATIONS.replace("return import(", """
window.PushManager = function () {};
window.asked = [];
const subscription = { toJSON: () => ({ endpoint: "https://push.example/" + Math.random(), keys: {
  p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
  auth: "BTBZMqHH6r4Tts7J_aSIgg" } }), unsubscribe: async () => window.asked.push("unsubscribe") };
const pushManager = { subscribe: async (how) => { window.asked.push(how); return subscription; },
                      getSubscription: async () => subscription };
navigator.serviceWorker.register = async (address) => { window.asked.push(String(address)); };
Object.defineProperty(navigator.serviceWorker, "ready", { get: async () => ({ pushManager }) });
navigator.serviceWorker.getRegistration = async () => ({ pushManager });
return import(""")


def test_the_browser_subscribes_to_web_push_when_notifications_are_on(new_tab):
    tab = new_tab()
    new_person(tab)
    assert tab.run(PUSH.replace("askNotifications()", "askNotifications(document.querySelector('app-shell').page.parley)")) == "on"
    worker, how = tab.wait(lambda: tab.run("return window.asked"), "the subscription")
    assert worker == "sw.js" and how["userVisibleOnly"] is True
    state = tab.call("page.parley.push()")
    assert state["on"] is True and state["key"] == how["applicationServerKey"]
    tab.run("return import('./app/notify.js').then((notify) => notify.endNotifications(document.querySelector('app-shell').page.parley))")
    assert tab.run("return window.asked").pop() == "unsubscribe"
    assert tab.call("page.parley.push()")["on"] is False


def test_the_service_worker_is_there(new_tab):
    """It is registered for real, under the page's content security policy and Trusted Types."""
    tab = new_tab()
    new_person(tab)
    state = tab.run("""
        const policy = trustedTypes.createPolicy("test", { createScriptURL: (url) => url });
        return navigator.serviceWorker.register(policy.createScriptURL("sw.js"))
          .then(() => navigator.serviceWorker.ready).then((found) => found.active !== null);
    """)
    assert state is True
