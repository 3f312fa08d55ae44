"""The bot of docs/examples/echo.py in a container of its own, by deploy/compose.echo.yaml."""

from parley_client import Account
from parley_compose import docker


def test_it_answers(stack, newcomer):
    stack.ctl("user", "add", "echo")
    key = stack.ctl("key", "add", "echo", "--scopes=messages,logins", "--user=echo").stdout.split(": ")[-1].strip()
    echo = Account("youim", stack.account_number("echo"), "echo")
    anna = newcomer("youim")
    with stack.extended("proxy", "echo", "deploy/compose.echo.yaml", PARLEY_ECHO_KEY=key):
        anna.say(echo, "hello?")
        anna.hear_own(echo, "hello?")
        anna.hear(echo, anna.account, "hello?")
    docker("image", "rm", f"parley-echo:{stack.name}", ok=False)
