"""People who talk with each other in tabs of a browser, for the tests of the conversation."""

import itertools
import os

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

_numbers = itertools.count(1)

# Writes `count` texts as `user` over a connection of its own, 60 under way at once.
FILL = """
const [user, peer, first, count, done] = arguments;
const socket = new WebSocket(location.origin.replace(/^http/, "ws"));
const say = (msgType, msgBody, ref) => socket.send(JSON.stringify({ msgType, msgBody, ...(ref && { ref }) }));
let token = "", sent = 0, stored = 0;
const more = () => {
  while (sent < count && sent - stored < 60) {
    const msg = `text ${first + sent}` + " and some words".repeat(((first + sent) * 7) % 11);
    say(peer.group ? 7 : 5, { token, fromUserId: user, msg, ...(peer.group ? { toGroup: peer.group } : { toUserId: peer.user }) }, `f${first + sent}`);
    sent++;
  }
};
socket.onopen = () => { say(113, { userId: user }); say(1, { loginUserId: user, ext: 1 }); };
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.msgType === 2) { token = message.token; more(); }
  else if (message.msgType === 300) {
    if (!message.ok) return done(message.text);
    if (++stored === count) { socket.close(); done(null); }
    else more();
  }
};
socket.onclose = () => done("closed");
"""


def person(tab, stem):
    """Signs a new person in, by the page's own library: the screen for it has tests of its own."""
    user = f"{stem}-{os.getpid()}-{next(_numbers)}"
    tab.open("/")
    for name, text in (("user", user), ("password", "correct horse")):
        tab.find(f"#{name}").send_keys(text)
    tab.click("[type=submit]")
    tab.wait(lambda: tab.text(".me connection-state") == "Connected", "the sign-in")
    return user


def pair(new_tab, *stack):
    """Two people, each with the other's conversation open: (tab, user) of both."""
    anna, ben = new_tab(*stack), new_tab(*stack)
    names = person(anna, "anna"), person(ben, "ben")
    open_person(anna, names[1])
    open_person(ben, names[0])
    return (anna, names[0]), (ben, names[1])


def open_person(tab, user):
    tab.open_hash(f"user:{user}")
    tab.wait(lambda: tab.all("text-composer textarea"), "the field")


def open_group(tab, group):
    tab.open_hash(f"group:{group}")
    tab.wait(lambda: tab.all("text-composer textarea"), "the field")


def group_of(owner, *others):
    """A new group: `owner` and `others` are (tab, user)."""
    group = f"team-{os.getpid()}-{next(_numbers)}"
    owner[0].call("page.parley.createGroup(arg, arg)", group)
    for tab, user in others:
        tab.call("page.parley.joinGroup(arg)", group)
        owner[0].call("page.parley.answerJoin(arg.group, arg.user, true)", {"group": group, "user": user})
    for tab, _ in (owner, *others):
        open_group(tab, group)
    return group


def fill(tab, user, peer, first, count):
    """Makes `user`, who writes many texts."""
    tab.driver.set_script_timeout(300)
    fault = tab.driver.execute_async_script(FILL, user, peer, first, count)
    assert fault is None, fault


def field(tab):
    return tab.find("text-composer textarea")


def write(tab, text):
    field(tab).send_keys(text, Keys.ENTER)


def lines(tab):
    """The texts, oldest first."""
    return tab.run("return [...document.querySelectorAll('message-item.text .words')].map((one) => one.innerText)")


def sees(tab, text):
    tab.wait(lambda: any(text in line for line in lines(tab)), f"{text!r}, among {lines(tab)[-5:]}")


def at_end(tab):
    return tab.run(
        "const one = document.querySelector('message-list .scroller');"
        "return one.scrollHeight - one.scrollTop - one.clientHeight < 2")


def newest(tab, text):
    """Goes to the newest text, which is this one."""
    def there():
        tab.run("document.querySelector('message-list .newest:not([hidden])')?.click()")
        return at_end(tab) and any(text in line for line in lines(tab)[-1:])
    tab.wait(there, "the newest text in view")


def line_of(tab, text):
    """The line of `text`."""
    def found():
        return tab.run(
            "return [...document.querySelectorAll('message-item.text')]"
            ".findLast((one) => one.querySelector('.words').textContent.includes(arguments[0]))", text)
    return tab.wait(found, f"a line that says {text!r}")


def in_line(tab, text, selector):
    """The text of an element within the line of `text`, or None."""
    return tab.run(
        "return [...document.querySelectorAll('message-item.text')]"
        ".findLast((one) => one.querySelector('.words').textContent.includes(arguments[0]))"
        "?.querySelector(arguments[1])?.textContent ?? null", text, selector)


def mark(tab, text, wanted):
    tab.wait(lambda: in_line(tab, text, ".mark") == wanted, f"{text!r} to be {wanted!r}")


def act(tab, text, label):
    """Points at the line of `text`, and presses one of its actions."""
    def shown():
        ActionChains(tab.driver).move_to_element(line_of(tab, text).find_element("css selector", ".bubble")).perform()
        return tab.all(f"message-actions:not([hidden]) [aria-label='{label}']")
    tab.click(shown)
