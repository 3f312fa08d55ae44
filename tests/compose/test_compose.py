"""The containers of deploy/compose.yaml: what they are, that the proxy serves clients of all kinds,
and that stored texts survive a restart of everything."""

import json
import subprocess
import sys

import pytest
from parley_compose import IMAGES, PARTS, SERVICES, docker
from parley_stack import ROOT, bare_environment, wait_until

CONFORMANCE_SECONDS = 600


def test_the_protocol_by_example(stack):
    """The conformance suite, as anybody would run it against a server."""
    ports = ",".join(str(stack.ports[name]) for name in ("http", "tcp", "youim"))
    parleyctl = f"docker exec {stack.one('group').container} parleyctl"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("tests/conformance", "--server", f"{stack.host}:{ports}"),
            *("--parleyctl", parleyctl),
        ],
        cwd=ROOT,
        env=bare_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=CONFORMANCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]


def test_two_people_talk(stack, newcomer):
    anna, ben = newcomer("youim"), newcomer("ourchat", "tcp")
    anna.say(ben.account, "hello")
    ben.hear(anna.account, ben.account, "hello")
    ben.say(anna.account, "hello yourself")
    anna.hear(ben.account, anna.account, "hello yourself")


@pytest.mark.usefixtures("back_to_one")
def test_people_on_two_gateways_talk(stack, newcomer):
    gateways = stack.scale(2, "gateway")

    def connected():
        return [one.metric("parley_connections") for one in gateways]

    wait_until(lambda: connected() == [0, 0], "the tests before to leave", every=0.2)
    anna = newcomer("youim")

    def on_the_other():
        """The proxy gives a connection to whichever gateway has fewer, once it has found both."""
        client = newcomer("ourchat")
        if connected() == [1, 1]:
            return client
        client.close()
        return None

    ben = wait_until(on_the_other, "a connection to the other gateway", every=0.5)
    anna.say(ben.account, "hello over there")
    ben.hear(anna.account, ben.account, "hello over there")
    ben.say(anna.account, "hello")
    anna.hear(ben.account, anna.account, "hello")


def test_a_message_waits_through_a_restart_of_everything(stack, newcomer, connect):
    anna, ben = newcomer("youim"), newcomer("ourchat", "tcp")
    anna.close()
    ben.say(anna.account, "later")
    ben.hear(ben.account, anna.account, "later")  # the sender's own copy: it is stored
    ben.close()
    stack.compose("restart", "--timeout", "10")
    stack.wait_ready()
    again = connect("youim")
    again.log_in(anna.account)
    again.hear(ben.account, anna.account, "later")


@pytest.mark.parametrize("part", [*SERVICES, "proxy", "prometheus"])
def test_a_container_is_confined(stack, part):
    one = stack.one(part)
    users = {"proxy": "haproxy", "prometheus": "prometheus"}
    assert one.inspect("{{.Config.User}}") == users.get(part, "parley")
    assert one.inspect("{{.HostConfig.ReadonlyRootfs}}") == "true"
    assert one.inspect("{{.HostConfig.Privileged}}") == "false"
    assert json.loads(one.inspect("{{json .HostConfig.CapDrop}}")) == ["ALL"]
    assert json.loads(one.inspect("{{json .HostConfig.SecurityOpt}}")) == ["no-new-privileges:true"]
    assert "0" not in one.execute("sh", "-c", "id -u; id -G").split()


def test_docker_finds_every_container_healthy(stack):
    for part in PARTS:
        for one in stack.instances(part):
            wait_until(
                lambda: one.inspect("{{.State.Health.Status}}") == "healthy", f"{one} to be healthy"
            )


def test_what_is_published_is_so_only_here(stack):
    numbers = {"proxy": 3, "prometheus": 1}
    for part in PARTS:
        ports = json.loads(stack.one(part).inspect("{{json .NetworkSettings.Ports}}"))
        bindings = [b for published in ports.values() for b in published or []]
        assert {b["HostIp"] for b in bindings} <= {"127.0.0.1"}
        assert len(bindings) == numbers.get(part, 0)


def test_the_image_holds_programs_and_no_secrets(stack):
    """Also no source and no compiler; settings come with the container, not with the image."""
    for image in (f"{name}:{stack.name}" for name in IMAGES):
        settings = json.loads(docker("image", "inspect", "--format", "{{json .Config.Env}}", image))
        assert [name for name in settings if not name.startswith("PATH=")] == []
        history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
        looks = "ls -d /src /usr/bin/gcc /usr/bin/make; find / -xdev -name '*.env' -o -name '.env'"
        found = docker("run", "--rm", "--network", "none", image, "sh", "-c", looks, ok=False)
        assert found == ""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            layers = saved.stdout.read()
        for secret in stack.passwords.values():
            assert secret not in history
            assert secret.encode() not in layers


def test_the_build_sees_no_secrets(stack, tmp_path):
    """Of deploy/, where .env is, only what the build needs; nothing of .git or of what was built."""
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY . /\n")
    image = docker("build", "--quiet", "--file", str(dockerfile), str(ROOT))
    try:
        container = docker("create", image, "none")
        listed = subprocess.run(
            f"docker export {container} | tar --list", shell=True, capture_output=True, text=True
        ).stdout.split()
        docker("rm", container)
    finally:
        docker("image", "rm", "--force", image)
    tops = {name.split("/")[0] for name in listed}
    assert {"Makefile", "LICENSE", "common", "proto", "services", "deploy"} <= tops
    assert not tops & {".git", ".env", "build", "var", "tests", "docs"}
    deployed = {name.split("/")[1] for name in listed if name.startswith("deploy/")} - {""}
    assert deployed == {
        "install-deps",
        "embed-messages",
        "embed-migrations",
        "embed-options",
        "messages",
        "migrations",
    }
