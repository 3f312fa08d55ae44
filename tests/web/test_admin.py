"""The operator's page at /admin/: what a key shows, and dangerous things that are asked twice."""

import json
import secrets

import axe
import pytest
from parley_api import Api
from selenium.webdriver.common.keys import Keys
from test_people import HOSTILE

PHONE = (360, 740)
SERVICES = {"gateway", "auth", "group", "session", "delivery", "files", "hooks"}


@pytest.fixture(scope="module")
def api(site):
    return Api(site)


def show(tab, view="", key=None):
    """Opens the page, with this key if it has none yet."""
    if tab.driver.current_url.startswith(f"{tab.address}admin/"):
        tab.run("location.hash = arguments[0]", view)
    else:
        tab.driver.get(f"{tab.address}admin/#{view}")
    if key:
        tab.wait(lambda: tab.all("key-form"), "the form")
        enter(tab, key)
        tab.wait(lambda: tab.all("admin-shell h1"), "the page")


def enter(tab, key):
    field = tab.find("#key")
    field.clear()
    field.send_keys(key, Keys.ENTER)


def act(tab, name):
    tab.click(f'[data-act="{name}"]')


def follow(tab, text):
    tab.wait(lambda: text in names(tab), text)
    tab.click(f"li:nth-child({names(tab).index(text) + 1}) .name a")


def names(tab):
    """Those that the list shows."""
    return tab.run("return [...document.querySelectorAll('main li .name a')].map((each) => each.textContent)")


def says(tab, text):
    tab.wait(lambda: text in tab.text("body"), repr(text))


def test_the_key_is_asked_for_and_kept_for_this_tab_alone(site, api, new_tab):
    tab = new_tab()
    show(tab)
    tab.wait(lambda: tab.in_focus("#key"), "the field in focus")
    enter(tab, "parley_wrong")
    says(tab, "does not take this key")
    enter(tab, api.key)
    tab.wait(lambda: tab.all("services-view .entry"), "the services")
    assert json.loads(tab.run("return JSON.stringify({...sessionStorage})")) == {"parley.admin.key": api.key}
    assert api.key not in tab.run("return JSON.stringify({...localStorage}) + document.cookie + location.href")
    assert tab.driver.get_cookies() == []
    tab.driver.refresh()
    tab.wait(lambda: tab.all("services-view .entry"), "the services again")
    tab.driver.switch_to.new_window("tab")
    tab.driver.get(f"{tab.address}admin/")
    tab.wait(lambda: tab.all("key-form"), "a form in another tab")
    tab.driver.close()
    tab.driver.switch_to.window(tab.driver.window_handles[0])
    act(tab, "leave")
    tab.wait(lambda: tab.all("key-form"), "the form")
    assert tab.run("return sessionStorage.length") == 0


def test_services(api, new_tab):
    tab = new_tab()
    show(tab, "services", api.key)
    tab.wait(lambda: tab.all("[data-service]"), "the services")
    assert {each.get_attribute("data-service") for each in tab.all("[data-service]")} == SERVICES
    assert "the fullest:" in tab.text('[data-service="gateway"]')
    tab.click('[data-service="gateway"] summary')
    tab.wait(lambda: tab.find(".queues meter").is_displayed(), "queues")
    assert "not ready" not in tab.text("services-view")
    assert tab.log() == []


def test_an_account(site, api, new_tab):
    account = api.account(name="Anna", email=f"{secrets.token_hex(6)}@example.org")
    of = f"/accounts/{account}"
    api.expect(201, "POST", f"{of}/logins", {"device": "Anna's phone"})
    tab = new_tab()
    show(tab, "accounts", api.key)
    tab.find("#find-accounts").send_keys(account, Keys.ENTER)
    follow(tab, account)
    says(tab, "Anna's phone")
    assert tab.in_focus("h1")
    act(tab, "disable")
    says(tab, "nobody can log in to it until you enable it again")
    assert tab.in_focus('[data-act="disable-no"]') and not api.expect(200, "GET", of)["disabled"]
    tab.press(Keys.ESCAPE)
    tab.wait(lambda: tab.in_focus('[data-act="disable"]'), "the button again")
    assert not api.expect(200, "GET", of)["disabled"]
    act(tab, "disable")
    act(tab, "disable-yes")
    says(tab, "is disabled.")
    assert api.expect(200, "GET", of)["disabled"]
    act(tab, "enable")
    says(tab, "is enabled.")
    assert not api.expect(200, "GET", of)["disabled"]
    act(tab, "delete")
    says(tab, "for good?")
    act(tab, "delete-no")
    assert not api.expect(200, "GET", of)["deleted"]
    act(tab, "blank")
    says(tab, "blank every text that it has written?")
    act(tab, "blank-yes")
    tab.wait(lambda: tab.all(".chip.bad") and not tab.all('[data-act="delete"]'), "that it is deleted")
    assert api.expect(200, "GET", of)["deleted"]
    show(tab, "accounts/nobody-at-all")
    says(tab, "There is no such person.")


def test_a_login_ends(api, new_tab):
    account = api.account()
    api.expect(201, "POST", f"/accounts/{account}/logins", {"device": "Laptop"})
    login = api.expect(200, "GET", f"/accounts/{account}/logins")["logins"][0]["id"]
    tab = new_tab()
    show(tab, f"accounts/{account}", api.key)
    act(tab, f"end-{login}")
    says(tab, "It has to log in again.")
    assert len(api.expect(200, "GET", f"/accounts/{account}/logins")["logins"]) == 1
    act(tab, f"end-{login}-yes")
    says(tab, "There are no logins.")
    assert api.expect(200, "GET", f"/accounts/{account}/logins")["logins"] == []


def test_accounts_by_pages(api, new_tab):
    for _ in range(60):
        api.account()
    tab = new_tab()
    show(tab, "accounts", api.key)
    tab.wait(lambda: len(tab.all("accounts-view li")) == 50, "the first page")
    act(tab, "more")
    tab.wait(lambda: len(tab.all("accounts-view li")) > 50, "the next page")
    seen = tab.run("return [...document.querySelectorAll('accounts-view li a')].map((each) => each.textContent)")
    assert len(seen) == len(set(seen))


def test_a_search_finds_parts_of_names(api, new_tab):
    word = secrets.token_hex(6)
    one, other = api.account(name=f"Änna {word}"), api.account(name=word.upper())
    number = str(api.expect(200, "GET", f"/accounts/{one}")["number"])
    group = api.group(one)
    api.expect(204, "PATCH", f"/groups/{group}", {"name": f"Club {word}"})
    tab = new_tab()
    show(tab, "accounts", api.key)

    def search(text, found, field="#find-accounts"):
        tab.wait(lambda: tab.all(field), "the field")
        tab.find(field).clear()
        tab.find(field).send_keys(text, Keys.ENTER)
        tab.wait(lambda: tab.run("return decodeURIComponent(location.hash)").endswith(f"//{text}") and sorted(names(tab)) == sorted(found),
                 f"what {text!r} finds")

    search(word.upper(), [one, other])
    search(f"änNA {word}", [one])
    search(number, [])
    says(tab, "Nothing has this in its name.")
    tab.click(".ways a:first-child")
    tab.wait(lambda: one in tab.text(".facts"), "the account with that number")
    tab.driver.back()
    tab.wait(lambda: tab.all("#find-accounts") and tab.find("#find-accounts").get_attribute("value") == number, "the search before")
    show(tab, "groups")
    search(f"club {word}", [group], "#find-groups")
    follow(tab, group)
    says(tab, f"Club {word}")
    assert tab.log() == []


def test_a_search_goes_on_where_a_page_is_empty(api, new_tab):
    """As with many accounts, of which the server reads so many for each page."""
    account = api.account()
    tab = new_tab()
    show(tab, "audit", api.key)
    tab.run("""
        asked = [];
        const answers = [{accounts: [], more: true, next: 7}, {accounts: [], more: true, next: 8}];
        const fetched = window.fetch;
        window.fetch = (url, how) => {
          if (!String(url).includes('search=')) return fetched(url, how);
          asked.push(new URL(url).searchParams.get('after'));
          return answers.length ? Promise.resolve(Response.json(answers.shift())) : fetched(url.replace('after=8', 'after=0'), how);
        };""")
    show(tab, f"accounts//{account[:-1]}")
    tab.wait(lambda: names(tab) == [account], "the account")
    assert tab.run("return asked") == [None, "7", "8"]


def number_of(api, account):
    return api.expect(200, "GET", f"/accounts/{account}")["number"]


def test_an_account_is_changed(site, api, new_tab):
    account = api.account(name="Rude", password="before")
    of = f"/accounts/{account}"
    api.expect(204, "PATCH", of, {"about": "insults"})
    api.expect(201, "POST", f"{of}/logins", {"device": "phone"})
    tab = new_tab()
    show(tab, f"accounts/{account}", api.key)
    act(tab, "name")
    field = tab.wait(lambda: tab.find('[data-act="name-input"]'), "the field")
    field.clear()
    field.send_keys("Polite", Keys.ENTER)
    says(tab, "It is changed.")
    assert api.expect(200, "GET", of)["name"] == "Polite"
    act(tab, "about")
    tab.wait(lambda: tab.all('[data-act="about-input"]'), "the field")
    tab.find('[data-act="about-input"]').clear()
    act(tab, "about-save")
    tab.wait(lambda: "about" not in api.expect(200, "GET", of), "that it says nothing of itself")
    act(tab, "password")
    says(tab, "Its logins and connections end")
    act(tab, "password-yes")
    says(tab, "Write the new password first.")
    act(tab, "password-no")
    assert len(api.expect(200, "GET", f"{of}/logins")["logins"]) == 1
    tab.find("#password").send_keys("after")
    act(tab, "password")
    assert len(api.expect(200, "GET", f"{of}/logins")["logins"]) == 1
    act(tab, "password-yes")
    says(tab, "has a new password.")
    assert api.expect(200, "GET", f"{of}/logins")["logins"] == []
    assert tab.log() == []


def test_a_group(api, new_tab):
    owner, member = api.account(), api.account()
    group = api.group(owner, member)
    of = f"/groups/{group}"
    number = number_of(api, member)

    def members():
        return {each["id"]: each for each in api.expect(200, "GET", f"{of}/members")["members"]}

    tab = new_tab()
    show(tab, f"groups/{group}", api.key)
    act(tab, "name")
    tab.wait(lambda: tab.all('[data-act="name-input"]'), "the field")
    tab.find('[data-act="name-input"]').send_keys("Quiet room", Keys.ENTER)
    says(tab, "It is changed.")
    assert api.expect(200, "GET", of)["name"].endswith("Quiet room")

    def twice(what, question, is_done):
        """Does what is asked twice: the question changes nothing."""
        before = members()
        tab.wait(lambda: tab.all(f'[data-member="{member}"]'), "the member's row")
        if not tab.find(f'[data-member="{member}"]').get_attribute("open"):
            tab.click(f'[data-member="{member}"] summary')
        act(tab, f"{what}-{number}")
        says(tab, question)
        assert members() == before
        act(tab, f"{what}-{number}-yes")
        tab.wait(lambda: is_done(members()) and tab.in_focus("h1"), what)

    def once(what, is_done):
        tab.wait(lambda: tab.all(f'[data-member="{member}"]'), "the member's row")
        tab.click(f'[data-member="{member}"] summary')
        act(tab, f"{what}-{number}")
        tab.wait(lambda: is_done(members()) and tab.in_focus("h1"), what)

    twice("promote", "an administrator?", lambda all: all[member]["role"] == "administrator")
    twice("demote", "a plain member?", lambda all: all[member]["role"] == "member")
    twice("mute-hour", "for an hour?", lambda all: all[member].get("muted_until_ms", 0) > 0)
    once("unmute", lambda all: "muted_until_ms" not in all[member])
    twice("ban", "from this group?", lambda all: all[member]["banned"])
    once("unban", lambda all: member not in all)
    tab.find("#newcomer").send_keys(member)
    act(tab, "add")
    tab.wait(lambda: member in members() and tab.in_focus("h1"), "the new member")
    twice("remove", "from this group? The group is told.", lambda all: member not in all)
    tab.find("#newcomer").send_keys("nobody-at-all")
    act(tab, "add")
    says(tab, "There is no such person.")
    act(tab, "ban")
    says(tab, "from this group?")
    act(tab, "ban-no")
    act(tab, "dissolve")
    says(tab, "Its 1 member loses the group.")
    act(tab, "dissolve-no")
    assert not api.expect(200, "GET", of)["dissolved"]
    act(tab, "dissolve")
    act(tab, "dissolve-yes")
    tab.wait(lambda: tab.all(".chip.bad"), "that it is dissolved")
    assert api.expect(200, "GET", of)["dissolved"]


def test_the_operator_speaks(api, new_tab):
    account = api.account()
    word = secrets.token_hex(6)

    def heard():
        """What it has got of this test, from the operator alone and with all others."""
        pages = [api.expect(200, "GET", "/messages", **{"as": account}, **of) for of in ({"user": account}, {})]
        return [each["text"] for page in pages for each in page["messages"] if each.get("text", "").startswith(word)]

    tab = new_tab()
    show(tab, "say", api.key)
    tab.wait(lambda: tab.all("#say-text"), "the form")
    act(tab, "say")
    act(tab, "say-yes")
    says(tab, "Write a text, and say to whom it goes.")
    tab.find("#say-text").send_keys(f"{word} to one")
    tab.wait(lambda: not tab.all('[data-act="say-yes"]'), "that the question is gone")
    tab.find("#whom-id").send_keys(account)
    act(tab, "say")
    says(tab, "Nobody can take it back.")
    assert heard() == []
    act(tab, "say-yes")
    says(tab, "The message is sent.")
    assert heard() == [f"{word} to one"]
    tab.click('#whom option[value="everyone"]')
    tab.find("#say-text").send_keys(f"{word} to all")
    act(tab, "say")
    says(tab, "to all accounts of this server?")
    tab.press(Keys.ESCAPE)
    assert heard() == [f"{word} to one"]
    act(tab, "say")
    act(tab, "say-yes")
    tab.wait(lambda: f"{word} to all" in heard(), "the message to all")
    assert tab.log() == []


def test_sessions_end(site, api, new_tab):
    anna, tab = new_tab(), new_tab()
    user = f"s-{secrets.token_hex(6)}"
    anna.open(f"/?as={user}")
    anna.wait(lambda: anna.all("app-shell"), "anna")
    number = str(api.expect(200, "GET", f"/accounts/{user}")["number"])
    show(tab, "sessions", api.key)
    tab.wait(lambda: number in tab.text("sessions-view"), "anna among those who are connected")
    anna.run("page = document.querySelector('app-shell').page; page.ended = 0;"
             "page.parley.addEventListener('state', () => { page.ended += page.parley.state.name !== 'ready'; })")
    act(tab, f"kick-{number}")
    says(tab, "End all connections of")
    assert anna.run("return page.ended") == 0
    act(tab, f"kick-{number}-yes")
    anna.wait(lambda: anna.run("return page.ended") > 0, "the end of the connection")


def test_the_audit(api, new_tab):
    account = api.account()
    api.expect(204, "POST", f"/accounts/{account}/disable")
    tab = new_tab()
    show(tab, f"audit/{account}", api.key)
    says(tab, "account_disabled")
    shown = tab.text("audit-view ul")
    assert "account_made" in shown and shown.index("account_disabled") < shown.index("account_made")
    assert "group_made" not in shown


def test_hooks(site, api, new_tab):
    name = f"hook-{secrets.token_hex(4)}"
    site.ctl("hook", "add", name, "http://127.0.0.1:9/told")
    api.account()
    tab = new_tab()
    show(tab, "hooks", api.key)
    tab.wait(lambda: "failing" in tab.text(f'[data-hook="{name}"]') or act(tab, "refresh"), "the failing hook")
    act(tab, f"retry-{name}")
    says(tab, "is tried again.")
    act(tab, f"hook-{name}")
    says(tab, "End the hook")
    assert name in {each["name"] for each in api.expect(200, "GET", "/hooks")["hooks"]}
    act(tab, f"hook-{name}-yes")
    tab.wait(lambda: not tab.all(f'[data-hook="{name}"]'), "that it is gone")
    assert name not in {each["name"] for each in api.expect(200, "GET", "/hooks")["hooks"]}


def test_a_key_shows_what_its_scopes_allow(site, new_tab):
    some, all_of_it = Api(site, "audit"), Api(site)
    account = all_of_it.account()
    tab = new_tab()
    show(tab, "accounts", some.key)
    says(tab, "the API key does not have the scope accounts")
    show(tab, f"groups/{all_of_it.group(account)}")
    says(tab, "the API key does not have the scope groups")
    show(tab, "say")
    tab.wait(lambda: tab.all("#say-text"), "the form")
    tab.find("#whom-id").send_keys(account)
    tab.find("#say-text").send_keys("hello")
    act(tab, "say")
    act(tab, "say-yes")
    says(tab, "the API key does not have the scope system")
    show(tab, "audit")
    tab.wait(lambda: tab.all("audit-view li"), "the audit")
    site.ctl("key", "remove", some.name)
    tab.wait(lambda: show(tab, "hooks") or show(tab, "audit") or tab.all("key-form"), "the form")
    says(tab, "does not take this key any more")
    assert tab.run("return sessionStorage.length") == 0


@pytest.mark.parametrize("size", [(1280, 800), PHONE], ids=["wide", "phone"])
def test_it_suits_everybody(site, api, new_tab, size):
    script = axe.source()
    account = api.account(name=HOSTILE.split(" \u202e")[0], email=f"{secrets.token_hex(6)}@example.org")
    group = api.group(account, api.account())
    tab, faults = new_tab(size=size, touch=size == PHONE), []
    site.ctl("hook", "add", f"h-{secrets.token_hex(4)}", f"http://127.0.0.1:9/{'long' * 40}")

    def check(state):
        for theme in ("light", "dark"):
            tab.theme(theme)
            faults.extend(f"{state}, {theme}: {fault}" for fault in axe.faults(tab, script))
        if tab.overflows():
            faults.append(f"{state}: something is too wide")

    for code in ("en", "zh"):
        show(tab)
        tab.run("localStorage.setItem('parley.setting.language', JSON.stringify(arguments[0])); sessionStorage.clear()", code)
        tab.driver.refresh()
        tab.wait(lambda: tab.all("key-form"), "the form")
        check(f"{code}, the key")
        show(tab, "services", api.key)
        for view in ("services", "accounts", f"accounts//{account}", f"accounts/{account}", "groups", f"groups/{group}", "sessions", "audit", "hooks", "say"):
            show(tab, view)
            tab.wait(lambda view=view: tab.all(f"{view.split('/')[0]}-view :is(li, .facts, .muted)")
                     and not tab.all("[aria-busy=true]"), view)
            if view.count("/") == 1:
                act(tab, "dissolve" if "group" in view else "delete")
            for more in tab.all("details[data-member] summary"):
                more.click()
            check(f"{code}, {view}")
    assert tab.log() == [] and not tab.all("img[src=x]")
    assert not faults, "\n".join(faults)


def test_all_of_it_by_keyboard(api, new_tab):
    account = api.account()
    tab = new_tab()
    show(tab, f"accounts/{account}", api.key)
    tab.wait(lambda: tab.all('[data-act="kick"]'), "the account")
    for _ in range(30):
        tab.press(Keys.TAB)
        if tab.in_focus('[data-act="kick"]'):
            break
    tab.press(Keys.ENTER)
    tab.wait(lambda: tab.in_focus('[data-act="kick-no"]'), "the question")
    tab.press(Keys.SHIFT, Keys.TAB)
    tab.press(Keys.ENTER)
    says(tab, "have ended.")
