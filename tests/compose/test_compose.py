"""The containers of deploy/compose.yaml: their images, that the proxy serves clients of all kinds,
and that stored texts survive a restart of everything."""

import json
import os
import re
import subprocess
import sys

import pytest
from parley_compose import IMAGES, PARTS, SERVICES, docker
from parley_files import address_of, ask, begin_upload
from parley_secrets import Secrets
from parley_stack import ROOT, bare_environment, wait_until
from parley_tls import Certificate

CONFORMANCE_SECONDS = 600


def test_the_protocol_by_example(stack):
    """The conformance suite, as anybody would run it against a server. It waits for the news of presence of
    each case, so these are sent soon, as by its own server."""
    ports = ",".join(str(stack.ports[name]) for name in ("http", "tcp", "youim"))
    parleyctl = " ".join(stack.parleyctl())
    with stack.options(presence_grace_ms=200):
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


def test_people_talk_over_tls(stack, connect, newcomer, tmp_path):
    """Through the proxy to the gateway, which has the certificate and learns the client's address."""
    assert not stack.takes_tls("https")  # without a certificate
    certificate = Certificate(tmp_path / "tls")
    certificate.path.parent.chmod(0o755)
    certificate.key.chmod(0o644)  # for the user of the container
    folder = {
        "PARLEY_TLS_FOLDER": certificate.path.parent,
        "PARLEY_TLS_CERTIFICATE": f"/etc/parley/tls/{certificate.path.name}",
        "PARLEY_TLS_KEY": f"/etc/parley/tls/{certificate.key.name}",
    }

    def renew_gateway():
        stack.compose("up", "--detach", "--no-deps", "gateway")
        stack.wait_ready("gateway", "proxy")

    with stack.more_settings(**folder):
        renew_gateway()
        people = []
        for port in ("https", "tls_tcp", "tls_youim"):
            wait_until(lambda: stack.takes_tls(port), f"{port} to be served", every=0.2)
        for transport in ("wss", "tls", "tls_binary"):
            account = newcomer("youim", "tls").account
            people.append(connect("youim", transport))
            people[-1].log_in(account)
        for one, other in zip(people, people[1:] + people[:1]):
            one.say(other.account, "hello")
            other.expect(6, msg="hello", fromUserId=one.account.id)
        writer, reader = (newcomer("youim", "wss", ext=True) for _ in range(2))
        content = os.urandom(3_000_000)
        opened = begin_upload(writer, len(content))
        assert ask(stack, opened["url"], "PUT", content, scheme="https")[0] == 201
        url = address_of(writer, reader, opened["file"])
        assert ask(stack, url, scheme="https") == (200, content)
    renew_gateway()
    proxies = set(stack.one("proxy").networks().values())
    rows = json.loads(stack.ctl("audit", "--json").stdout)
    made = {row["address"] for row in rows if row["account"] in {p.account.number for p in people}}
    assert made and not made & proxies


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


# Those of each container; whoever shares none with another cannot reach it.
NETWORKS = {
    "proxy": {"edge", "observe"},
    "gateway": {"edge", "inner"},
    "session": {"inner"},
    "auth": {"inner", "data"},
    "group": {"inner", "data"},
    "delivery": {"inner", "data"},
    "files": {"inner", "data"},
    "hooks": {"inner", "data", "outside"},
    "mariadb": {"data"},
    "prometheus": {"inner", "observe"},
}


@pytest.mark.parametrize("part", PARTS)
def test_a_container_is_bounded(stack, part):
    """Its networks, memory, processes and log."""
    one = stack.one(part)
    assert set(one.networks()) == NETWORKS[part]
    assert int(one.inspect("{{.HostConfig.Memory}}")) == (2 if part in ("gateway", "mariadb") else 1) << 30
    assert int(one.inspect("{{.HostConfig.PidsLimit}}")) == (1000 if part == "mariadb" else 200)
    log = json.loads(one.inspect("{{json .HostConfig.LogConfig}}"))
    assert log == {"Type": "json-file", "Config": {"max-file": "5", "max-size": "20m"}}


def test_who_reaches_whom(stack):
    """The proxy gateways alone; a gateway not the database, of which it knows no password; the database
    nobody outside."""
    proxy, gateway, auth, mariadb = map(stack.one, ("proxy", "gateway", "auth", "mariadb"))
    database, service = mariadb.networks()["data"], auth.networks()["inner"]
    for one, address, port in ((auth, database, 3306), (gateway, service, 7101),
                               (proxy, gateway.networks()["edge"], 5999)):
        wait_until(lambda one=one, to=(address, port): one.reaches(*to), f"{one} to reach port {port}")
    assert not gateway.reaches(database, 3306)
    assert not proxy.reaches(database, 3306)
    assert not proxy.reaches(service, 7101)
    assert not proxy.reaches(gateway.networks()["inner"], 7100)
    for part in ("gateway", "session", "proxy", "prometheus"):
        settings = stack.one(part).inspect("{{json .Config.Env}}")
        assert "PARLEY_DB" not in settings and "MARIADB" not in settings


def test_a_program_has_its_own_key_alone(stack):
    """Which only its user may read, and nobody may change."""
    stack.parleyctl()
    for part, program in [*zip(SERVICES, SERVICES), ("operator", "parleyctl")]:
        one, path = stack.one(part), f"/etc/parley/keys/{program}/secret"
        assert one.execute("find", "/etc/parley/keys", "-name", "secret", "-printf", "%p %m %u") == (
            f"{path} 600 parley")
        assert "Read-only file system" in one.execute("sh", "-c", f"touch {path} 2>&1", ok=False)
    for part in ("proxy", "mariadb", "prometheus"):
        mounts = json.loads(stack.one(part).inspect("{{json .Mounts}}"))
        assert not [mount for mount in mounts if "keys" in mount["Source"]]


def test_docker_finds_every_container_healthy(stack):
    for part in PARTS:
        for one in stack.instances(part):
            wait_until(
                lambda: one.inspect("{{.State.Health.Status}}") == "healthy", f"{one} to be healthy"
            )


def test_ports_are_published_only_here(stack):
    numbers = {"proxy": 6, "prometheus": 1}
    for part in PARTS:
        ports = json.loads(stack.one(part).inspect("{{json .NetworkSettings.Ports}}"))
        bindings = [b for published in ports.values() for b in published or []]
        assert {b["HostIp"] for b in bindings} <= {"127.0.0.1"}
        assert len(bindings) == numbers.get(part, 0)


@pytest.fixture
def secrets(stack):
    known = Secrets()
    for name, value in stack.passwords.items():
        known.add(name, value)
    keys = stack.compose("run", "--rm", "-T", "keys", "sh", "-c", "cat /etc/parley/keys/*/secret")
    known.add("a key", *re.findall(r"^\S{40}$", keys, re.MULTILINE))
    assert len(known.named["a key"]) == len(SERVICES) + 1
    return known


def test_the_image_holds_programs_and_no_secrets(stack):
    """Also no source and no compiler; settings are the container's, not the image's."""
    for image in (f"{name}:{stack.name}" for name in IMAGES):
        settings = json.loads(docker("image", "inspect", "--format", "{{json .Config.Env}}", image))
        assert [name for name in settings if not name.startswith("PATH=")] == []
        history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
        looks = (
            "ls -d /src /usr/bin/gcc /usr/bin/make;"
            r" find / -xdev -regextype egrep -regex '.*(\.env|\.pem|\.key|\.p12|/id_(rsa|ecdsa|ed25519))'"
            " -not -path '/usr/share/*' -not -path '/etc/ssl/certs/*';"
            " grep -rlIsE '^-----BEGIN .*PRIVATE KEY-----' / --exclude-dir=proc --exclude-dir=sys"
        )
        found = docker(
            *("run", "--rm", "--network", "none", "--user", "root", image, "sh", "-c", looks), ok=False)
        assert found == ""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            layers = saved.stdout.read()
        secrets = Secrets()
        secrets.add("a password", *stack.passwords.values())
        assert not secrets.found_in(history)
        assert not secrets.found_in(layers)


def test_logs_hold_no_secrets(stack, newcomer, secrets):
    """Those of all containers, also of the database and the proxy."""
    anna, ben = newcomer("youim"), newcomer("ourchat", "tcp")
    anna.say(ben.account, "between us alone")
    ben.hear(anna.account, ben.account, "between us alone")
    secrets.add("a token", anna.token)
    secrets.add("a password", ben.account.password)
    secrets.add("a text", "between us alone")
    assert not secrets.found_in(stack.compose("logs", "--no-color"))


def test_the_build_sees_no_secrets(stack, tmp_path):
    """The context has only the build's needs of deploy/, where .env is; nothing of .git or of build/."""
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
        "healthy",
        "install-deps",
        "embed-messages",
        "embed-migrations",
        "embed-options",
        "messages",
        "migrations",
    }
