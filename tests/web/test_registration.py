"""The first screen where not everybody may make an account."""

import re

from conftest import PAGE, QUICK

HINT = "sign-in form > .small"


def fill_in(tab, **fields):
    for name, text in fields.items():
        field = tab.find("#" + name.replace("_", "-"))
        field.clear()
        field.send_keys(text)
    tab.click("[type=submit]")


def test_an_account_for_a_token(make_stack, new_tab):
    stack = make_stack(**PAGE, **QUICK, registration="token", edit_minutes=0, recall_minutes=0)
    token = re.search(r"[0-9a-f]{32}", stack.ctl("registration-token", "new").stdout).group()
    tab = new_tab(stack)
    tab.open("/")
    assert "registration token" in tab.text(HINT)
    fill_in(tab, user="anna", password="correct horse")
    tab.wait(lambda: "don't belong together" in tab.text("#sign-in-error"), "the refusal")
    fill_in(tab, user="anna", password="correct horse", registration_token="a guess")
    tab.wait(lambda: "not valid" in tab.text("#sign-in-error"), "the other refusal")
    assert tab.find("#registration-token").get_attribute("aria-invalid") == "true"
    fill_in(tab, user="anna", password="correct horse", registration_token=token)
    tab.wait(lambda: tab.text(".me connection-state") == "Connected", "the sign-in")
    # The operator lets nobody in any more; those who are in, sign in as ever.
    for name in ("auth", "gateway"):
        stack.services[name].terminate()
        stack.services[name].start(registration="closed")
    other = new_tab(stack)
    other.open("/")
    assert "have an account" in other.text(HINT) and not other.all("#registration-token")
    fill_in(other, user="ben", password="correct horse")
    other.wait(lambda: "don't belong together" in other.text("#sign-in-error"), "the refusal")
    fill_in(other, user="anna", password="correct horse")
    other.wait(lambda: other.text(".me connection-state") == "Connected", "the sign-in")
