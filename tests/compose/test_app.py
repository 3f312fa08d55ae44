"""The sample app in docs/examples/app.py beside the containers: its users log in by its JWTs, its bot answers."""

import json

import pytest
from parley_app import App
from parley_client import Account
from parley_compose import docker
from parley_jwt import Signer


@pytest.fixture
def secret_file(stack, tmp_path):
    """That of the app, which auth has meanwhile."""
    folder = tmp_path / "jwt"
    folder.mkdir(mode=0o755)
    file = Signer(folder).file
    file.chmod(0o644)
    with stack.more_settings(PARLEY_JWT_FOLDER=folder, PARLEY_JWT_KEYS=f"/etc/parley/jwt/{file.name}",
                             PARLEY_JWT_AUDIENCE="chat"):
        stack.compose("up", "--detach", "--no-deps", "auth")
        stack.wait_ready("auth")
        yield file
    stack.compose("up", "--detach", "--no-deps", "auth")
    stack.wait_ready("auth")


def this_machine(stack):
    """Its address, as hooks reaches it."""
    networks = json.loads(stack.one("hooks").inspect("{{json .NetworkSettings.Networks}}"))
    network = next(network for name, network in networks.items() if name.endswith("_outside"))
    return json.loads(docker("network", "inspect", network["NetworkID"]))[0]["IPAM"]["Config"][0]["Gateway"]


def test_a_user_talks_with_the_bot(stack, connect, secret_file, tmp_path):
    with App(stack, secret_file, tmp_path, bound="0.0.0.0", reached=this_machine(stack)) as app:
        anna = connect("youim", "websocket", on=stack, ext=True)
        anna.send(anna.make(1, token=app.token("anna"), ext=1))
        anna.token = anna.expect(2, resultCode="success", user="anna")["token"]
        anna.account = Account("youim", stack.account_number("anna"), "anna")
        bot = Account("youim", stack.account_number("help"), "help")
        anna.say(bot, "hello")
        anna.hear_own(bot, "hello")
        anna.hear(bot, anna.account, "You wrote “hello”. Somebody will look at it soon.")
