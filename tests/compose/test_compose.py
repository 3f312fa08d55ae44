"""The containers of deploy/compose.yaml, built and started for real: two people, one on each
protocol, talk through all of them, also across a restart.

Needs a Docker engine and Compose (v2 or docker-compose 1.29); without them it fails, it never
skips. Everything has a project name, an image tag and ports of its own, and is removed at the end.
"""

import asyncio
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import threading
import time

import pytest
import websockets

COMPOSE_FILE = pathlib.Path(__file__).parents[2] / "deploy" / "compose.yaml"
SERVICES = ["auth", "session", "group", "delivery", "gateway"]
# Building the image installs packages and compiles everything.
BUILD_SECONDS = 900
START_SECONDS = 180
ANSWER_SECONDS = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def compose_command():
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        return ["docker", "compose"]
    assert shutil.which("docker-compose"), "neither `docker compose` nor docker-compose is there"
    return ["docker-compose"]


class Stack:
    """A running stack; `http` and `tcp` are the ports it is published on."""

    def __init__(self, folder):
        engine = subprocess.run(["docker", "info"], capture_output=True, text=True)
        assert engine.returncode == 0, f"no Docker engine answers: {engine.stderr.strip()}"
        self.name = f"parleytest{os.getpid()}"
        self.http, self.tcp = free_port(), free_port()
        self.settings = folder / "env"
        self.settings.write_text(
            f"MARIADB_ROOT_PASSWORD={secrets.token_hex(16)}\n"
            f"PARLEY_DB_PASSWORD={secrets.token_hex(16)}\n"
            f"PARLEY_PUBLISH_HTTP={self.http}\n"
            f"PARLEY_PUBLISH_TCP={self.tcp}\n"
            f"PARLEY_PUBLISH_YOUIM={free_port()}\n"
            f"PARLEY_PUBLISH_YOUIM={free_port()}\n"
            f"PARLEY_TAG={self.name}\n"
        )
        self.settings.chmod(0o600)
        self.command = compose_command() + [
            *("-f", str(COMPOSE_FILE)),
            *("-p", self.name),
            *("--env-file", str(self.settings)),
        ]
        # Only what is in the file may reach the stack.
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")
        }

    def compose(self, *arguments, seconds=START_SECONDS):
        done = subprocess.run(
            [*self.command, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        assert done.returncode == 0, f"compose {' '.join(arguments)}:\n{done.stdout[-4000:]}"
        return done.stdout

    def start(self):
        self.compose("build", seconds=BUILD_SECONDS)
        self.compose("up", "--detach")
        self.containers = {
            service: self.compose("ps", "-q", service).strip() for service in [*SERVICES, "mariadb"]
        }
        self.await_healthy()

    def inspect(self, service, what):
        return subprocess.run(
            ["docker", "inspect", "--format", what, self.containers[service]],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def await_healthy(self):
        deadline = time.monotonic() + START_SECONDS
        waiting = list(SERVICES)
        while waiting:
            waiting = [s for s in waiting if self.inspect(s, "{{.State.Health.Status}}") != "healthy"]
            threading.Event().wait(0.2 if waiting else 0)
            if waiting and time.monotonic() > deadline:
                pytest.fail(f"not healthy: {waiting}\n{self.compose('logs', '--tail', '20')}")

    def remove(self):
        self.compose("down", "--volumes", "--remove-orphans")
        subprocess.run(["docker", "image", "rm", f"parley:{self.name}"], capture_output=True)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    running = Stack(tmp_path_factory.mktemp("compose"))
    try:
        running.start()
        yield running
    finally:
        running.remove()


class WebSocketClient:
    """YouIM over a WebSocket."""

    async def open(self, stack):
        self.socket = await websockets.connect(f"ws://127.0.0.1:{stack.http}/")

    async def send(self, number, **body):
        await self.socket.send(json.dumps({"msgType": str(number), "msgBody": body}))

    async def receive(self, number):
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.recv(), ANSWER_SECONDS))
            if message["msgType"] == number:
                return message

    async def login(self, name):
        await self.send(1, loginUserId=name)
        answer = await self.receive(2)
        assert answer["resultCode"] == "success", answer
        self.token = answer["token"]

    async def close(self):
        await self.socket.close()


class TcpClient:
    """OurChat over TCP: one JSON object a line."""

    async def open(self, stack):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", stack.tcp)

    async def send(self, code, **data):
        self.writer.write(json.dumps({"code": code, "time": 1, "data": data}).encode())
        await self.writer.drain()

    async def receive(self, code):
        while True:
            line = await asyncio.wait_for(self.reader.readline(), ANSWER_SECONDS)
            assert line, "the gateway closed the connection"
            message = json.loads(line)
            if message["code"] == code:
                return message["data"]

    async def login(self, account, password):
        await self.send(6, account=account, password=password)
        answer = await self.receive(7)
        assert answer["state"] == 0, answer
        return answer["ocid"]

    async def close(self):
        self.writer.close()
        await self.writer.wait_closed()


async def two_people(stack, name):
    """Registers and logs in one person of each dialect."""
    web, tcp = WebSocketClient(), TcpClient()
    await web.open(stack)
    await tcp.open(stack)
    await web.send(113, userId=name)
    await web.login(name)
    mail, password = f"{name}@example.org", secrets.token_hex(32)
    await tcp.send(4, email=mail, password=password, name=name)
    assert (await tcp.receive(5))["state"] == 0
    number = await tcp.login(mail, password)
    return web, tcp, number, (mail, password)


def test_two_people_talk(stack):
    async def talk():
        web, tcp, number, _ = await two_people(stack, "anna")
        await web.send(5, token=web.token, fromUserId="anna", toUserId=str(number), msg="hello")
        heard = await tcp.receive(0)
        assert heard["msg"] == "hello"
        assert heard["sender"]["private_id"] == number
        sender = {"ocid": number, "private_id": heard["sender"]["ocid"]}
        await tcp.send(0, sender=sender, msg="hello yourself")
        answer = await web.receive(6)
        assert (answer["fromUserId"], answer["msg"]) == (str(number), "hello yourself")
        await web.close()
        await tcp.close()

    asyncio.run(talk())


def test_a_message_waits_through_a_restart_of_everything(stack):
    async def leave_a_message():
        web, tcp, number, _ = await two_people(stack, "berta")
        await web.send(5, token=web.token, fromUserId="berta", toUserId=str(number), msg="hello")
        berta = (await tcp.receive(0))["sender"]["ocid"]
        await web.close()
        await tcp.send(0, sender={"ocid": number, "private_id": berta}, msg="later")
        # The sender's own copy is the receipt: it is stored.
        assert (await tcp.receive(0))["msg"] == "later"
        await tcp.close()

    async def fetch():
        web = WebSocketClient()
        await web.open(stack)
        await web.login("berta")
        message = await web.receive(6)
        await web.close()
        return message["msg"]

    asyncio.run(leave_a_message())
    stack.compose("restart")
    stack.await_healthy()
    assert asyncio.run(fetch()) == "later"


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_is_confined(stack, service):
    assert stack.inspect(service, "{{.Config.User}}") == "parley"
    assert stack.inspect(service, "{{.HostConfig.ReadonlyRootfs}}") == "true"
    assert stack.inspect(service, "{{.HostConfig.Privileged}}") == "false"


def test_only_this_machine_reaches_it_by_default(stack):
    for service in [*SERVICES, "mariadb"]:
        ports = json.loads(stack.inspect(service, "{{json .NetworkSettings.Ports}}"))
        bindings = [b for published in ports.values() for b in published or []]
        assert {b["HostIp"] for b in bindings} <= {"127.0.0.1"}
        assert bool(bindings) == (service == "gateway")


def test_services_stop_in_order_when_asked(stack):
    stack.compose("stop", *SERVICES)
    for service in SERVICES:
        # 137 would mean that it had to be killed.
        assert stack.inspect(service, "{{.State.ExitCode}}") == "0", service
