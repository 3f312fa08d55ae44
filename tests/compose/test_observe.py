"""The profile `observe`: Prometheus finds every instance, and has the metrics that are queried."""

import json
import re
import urllib.parse
import urllib.request

import pytest
from parley_compose import SERVICES
from parley_stack import DEADLINE, ROOT, wait_until

FOLDER = ROOT / "deploy/observe"


def ask(stack, path, **arguments):
    address = f"http://{stack.host}:{stack.ports['prometheus']}/api/v1/{path}"
    url = f"{address}?{urllib.parse.urlencode(arguments)}"
    with urllib.request.urlopen(url, timeout=DEADLINE) as got:
        answer = json.load(got)
    assert answer["status"] == "success", answer
    return answer["data"]


def up(stack):
    """How many of each are watched and answer."""
    found = ask(stack, "query", query="sum by (job) (up)")["result"]
    return {one["metric"]["job"]: int(one["value"][1]) for one in found}


@pytest.mark.usefixtures("back_to_one")
def test_every_instance_is_watched(stack):
    expected = {name: 1 for name in (*SERVICES, "proxy")}
    for count in (3, 1):
        stack.scale(count, "delivery")
        expected["delivery"] = count
        wait_until(lambda: up(stack) == expected, f"{expected} to be up", every=0.5)


@pytest.mark.usefixtures("back_to_one")
def test_turning_it_on_scales_nothing(stack):
    """By the command of deploy/README.md, whatever was scaled and how; nor does anybody's `up` change
    .env."""

    def counts():
        return [len(stack.instances(name)) for name in ("delivery", "group")]

    stack.scale(2, "delivery", "group")
    stack.compose("rm", "--force", "--stop", "prometheus")
    stack.compose("up", "--detach", "prometheus")
    stack.wait_ready("prometheus")
    assert counts() == [2, 2]
    with stack.more_settings(PARLEY_SCALE_DELIVERY=2):
        stack.compose("up", "--detach")
        assert counts() == [2, 1]


def test_every_number_that_is_asked_for_is_there(stack):
    """Those of the alerts and of the dashboard, all of which Prometheus understands."""
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [rule for group in ask(stack, "rules")["groups"] for rule in group["rules"]]
    assert rules
    wanted = set(re.findall(r"\bparley_[a-z_]+", " ".join(asked + [r["query"] for r in rules])))

    def missing():
        return wanted - set(ask(stack, "label/__name__/values"))

    wait_until(lambda: not missing(), f"some of {wanted}", every=0.5)
    for expression in asked:
        ask(stack, "query", query=expression)
    wait_until(
        lambda: all(r["health"] == "ok" for g in ask(stack, "rules")["groups"] for r in g["rules"]),
        "all alerts to have been looked at",
        every=0.5,
    )


def test_an_alert_goes_off_and_ends(stack):
    """An alert goes off when nobody does a service's work, and ends when somebody does again."""

    def firing():
        alerts = ask(stack, "alerts")["alerts"]
        return {
            alert["labels"].get("job")
            for alert in alerts
            if alert["labels"]["alertname"] == "ServiceGone" and alert["state"] == "firing"
        }

    wait_until(lambda: not firing(), "quiet", every=0.5)
    only = stack.one("auth")
    only.stop()
    try:
        wait_until(lambda: firing() == {"auth"}, "an alert about auth", every=0.5)
    finally:
        only.start()
    wait_until(lambda: not firing(), "its end", every=0.5)
