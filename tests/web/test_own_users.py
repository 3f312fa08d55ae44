"""The page, opened by another app with a token of its own backend in the address."""

from conftest import PAGE, QUICK
from parley_app import PASSWORDS, App
from parley_jwt import Signer
from talking import lines, open_person, write


def own_users(make_stack, folder):
    signer = Signer(folder)
    return signer, make_stack(**PAGE, **QUICK, jwt_keys=signer.file, jwt_audience="chat", registration="closed",
                              hook_look_ms=50)


def connected(tab):
    tab.wait(lambda: tab.text(".me connection-state") == "Connected", "the login")


def address(tab):
    return tab.run("return location.href")


def test_the_app_opens_the_chat_logged_in(make_stack, new_tab, tmp_path):
    """Its user logs in to the app, is in the chat, and talks with the app's bot; a reload goes on with the login."""
    signer, stack = own_users(make_stack, tmp_path)
    with App(stack, signer.file, tmp_path) as app:
        tab = new_tab(stack)
        tab.driver.get(f"http://127.0.0.1:{app.port}/")
        tab.find("[name=user]").send_keys("anna")
        tab.find("[name=password]").send_keys(PASSWORDS["anna"])
        tab.find("button").click()
        connected(tab)
        assert "token" not in address(tab)
        open_person(tab, "help")
        write(tab, "hello from the page")
        answer = "You wrote “hello from the page”. Somebody will look at it soon."
        tab.wait(lambda: lines(tab) == ["hello from the page", answer], "the bot's answer")
        tab.refresh()
        connected(tab)


def test_a_token_that_is_refused(make_stack, new_tab, tmp_path):
    """The first screen says why, and the token is gone from the address."""
    signer, stack = own_users(make_stack, tmp_path)
    tab = new_tab(stack)
    tab.open(f"/#token={signer.token('anna', aud='chat', exp=1)}")
    tab.wait(lambda: "expired" in tab.text("#sign-in-error"), "the refusal")
    assert "token" not in address(tab)
