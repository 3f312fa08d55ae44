"""Two projects of one checkout run side by side."""

import json

from parley_compose import SERVICES, Compose
from parley_stack import wait_until


def talk(anna, ben, text):
    anna.say(ben.account, text)
    ben.hear(anna.account, ben.account, text)
    ben.say(anna.account, f"{text} yourself")
    anna.hear(ben.account, anna.account, f"{text} yourself")
    ben.hear(ben.account, anna.account, f"{text} yourself")  # the sender's own copy


def pair(newcomer, on):
    return newcomer("youim", on=on), newcomer("ourchat", "tcp", on=on)


def networks(stack):
    found = (json.loads(one.inspect("{{json .NetworkSettings.Networks}}")) for one in stack.all_instances())
    return {network["NetworkID"] for of_one in found for network in of_one.values()}


def volumes(stack):
    found = (json.loads(one.inspect("{{json .Mounts}}")) for one in stack.all_instances())
    return {mount["Name"] for mounts in found for mount in mounts if mount["Type"] == "volume"}


def key(stack, service):
    return stack.one(service).execute("cat", f"/etc/parley/keys/{service}/secret")


def test_two_projects_share_nothing_and_one_outlives_the_other(stack, newcomer, tmp_path):
    """By the environment alone: `COMPOSE_PROJECT_NAME`, other ports, the same images."""
    first = pair(newcomer, stack)
    with Compose(tmp_path, first=stack) as second:
        talk(*pair(newcomer, second), "hello")
        talk(*first, "hello")
        assert stack.sql("SELECT COUNT(*) FROM account WHERE number = %s", first[0].account.number)[0][0] == 1
        assert second.sql("SELECT COUNT(*) FROM account")[0][0] == 2
        assert not networks(stack) & networks(second)
        assert not volumes(stack) & volumes(second)
        keys = {key(each, service) for each in (stack, second) for service in SERVICES}
        assert len(keys) == 2 * len(SERVICES)
        there = second.one("auth")
        group = second.one("group").networks()["inner"]
        wait_until(lambda: there.reaches(group, 7102), "auth to reach group")
        for network, part, port in (("inner", "auth", 7101), ("data", "mariadb", 3306)):
            assert not there.reaches(stack.one(part).networks()[network], port)
    talk(*first, "still here")  # over the connections of before
