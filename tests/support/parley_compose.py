"""The containers of deploy/compose.yaml under a project name of their own, as tests use them.

    with Compose(folder) as stack:          builds the images, starts one of each service
        stack.scale(3, "delivery")
        one, *others = stack.instances("gateway")
        one.kill()
        one.start()

For clients and loads it looks like `parley_stack.Stack`: host, ports, ctl, sql. Images, ports,
passwords, volumes are its own, and all of it is removed at the end, whatever happens in between.
"""

import contextlib
import functools
import json
import os
import pathlib
import secrets
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request

import pymysql
from parley_stack import (
    CHEAP_PASSWORDS,
    NO_LIMITS,
    NO_PAUSES,
    ROOT,
    Stack,
    bare_environment,
    free_port,
    wait_until,
)

COMPOSE_FILE = ROOT / "deploy/compose.yaml"
SERVICES = ("auth", "session", "group", "delivery", "files", "hooks", "gateway")
PARTS = (*SERVICES, "proxy", "mariadb", "prometheus")
# Where a service answers the operator; so much further are its metrics.
METRICS = 10
OPERATOR = {"gateway": 7100, "auth": 7101, "group": 7102, "session": 7103, "delivery": 7104,
            "files": 7105, "hooks": 7106}
FOR_TESTS = CHEAP_PASSWORDS | NO_LIMITS | NO_PAUSES
# Whatever hangs ends by these; a machine that is slow and busy needs a good part of them. Building the
# image installs packages and compiles everything.
BUILD_SECONDS = 1800
START_SECONDS = 600
STEP_SECONDS = 180
IMAGES = ("parley", "parley-proxy", "parley-observe")
PUBLISHED = ("http", "tcp", "youim", "https", "tls_tcp", "tls_youim", "prometheus")
# Exit codes of processes that were ended by SIGABRT, SIGBUS, SIGFPE or SIGSEGV.
CRASHES = ("134", "135", "136", "139")


def compose_command():
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        return ["docker", "compose"]
    assert shutil.which("docker-compose"), "neither `docker compose` nor docker-compose is there"
    return ["docker-compose"]


def docker(*arguments, ok=True, seconds=STEP_SECONDS):
    """Its output, without the last line's end."""
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=seconds, check=False
    )
    assert not ok or done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


class Instance:
    """One container."""

    def __init__(self, service, container):
        self.service, self.container = service, container

    def __str__(self):
        return f"{self.service} {self.container}"

    def inspect(self, what):
        return docker("inspect", "--format", what, self.container)

    def networks(self):
        """Its address in each network."""
        networks = json.loads(self.inspect("{{json .NetworkSettings.Networks}}"))
        return {name.split("_", 1)[1]: network["IPAddress"] for name, network in networks.items()}

    def reaches(self, address, port):
        """Whether a connection can be made from here."""
        probe = f"exec 3<>/dev/tcp/{address}/{port}"
        command = ["docker", "exec", self.container, "timeout", "2", "bash", "-c", probe]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def execute(self, *command, ok=True):
        return docker("exec", self.container, *command, ok=ok)

    def kill(self):
        docker("kill", "--signal", "KILL", self.container)

    def stop(self):
        """In order; returns the exit status, 137 if it had to be killed."""
        docker("stop", self.container)
        return int(self.inspect("{{.State.ExitCode}}"))

    def start(self):
        docker("start", self.container)
        self.wait_ready()

    def ready(self):
        if self.service in OPERATOR:
            command = ["parley-healthy", str(OPERATOR[self.service] + METRICS)]
        elif self.service == "proxy":
            command = ["/etc/parley-proxy/healthy"]
        elif self.service == "prometheus":
            command = ["curl", "--silent", "--fail", "http://127.0.0.1:9090/-/ready"]
        else:
            command = ["healthcheck.sh", "--connect", "--innodb_initialized"]
        probe = ["docker", "exec", self.container, *command]
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0

    def wait_ready(self):
        wait_until(self.ready, f"{self} to be ready", START_SECONDS)

    def metric(self, name):
        """A counter of a service; all its labels together."""
        address = f"http://{self.networks()['inner']}:{OPERATOR[self.service] + METRICS}/metrics"
        with urllib.request.urlopen(address, timeout=STEP_SECONDS) as got:
            lines = [line for line in got.read().decode().splitlines() if line[:1] not in ("", "#")]
        values = [line.split()[-1] for line in lines if line.split("{")[0].split()[0] == name]
        assert values, f"{self} has no counter {name}: {lines}"
        return sum(float(value) for value in values)


class Compose:
    host = "127.0.0.1"

    def __init__(self, folder, first=None):
        """`first`: a stack whose images it takes, to run beside it. Such a one has neither Prometheus nor
        a file of settings: its project's name and all else come from the environment."""
        engine = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
        assert engine.returncode == 0, f"no Docker engine answers: {engine.stderr.strip()}"
        self.first = first
        self.name = self.database_name = f"parleytest{os.getpid()}{'beside' if first else ''}"
        self.ports = {name: free_port() for name in PUBLISHED}
        self.passwords = {
            name: secrets.token_hex(16) for name in ("MARIADB_ROOT_PASSWORD", "PARLEY_DB_PASSWORD")
        }
        self.since = str(int(time.time()))
        settings = self.passwords | {"PARLEY_TAG": first.name if first else self.name} | {
            f"PARLEY_PUBLISH_{name.upper()}": str(port) for name, port in self.ports.items()
        }
        self.settings_file = pathlib.Path(folder) / "env"
        self.settings_file.write_text(
            "".join(f"{name}={value}\n" for name, value in settings.items())
        )
        self.override_file = pathlib.Path(folder) / "override.json"
        self._write_options(FOR_TESTS)
        self.command = compose_command() + ["-f", str(COMPOSE_FILE), "-f", f"{folder}/override.json"]
        # Only these settings may reach it.
        self.environment = bare_environment()
        if first:
            self.environment |= settings | {"COMPOSE_PROJECT_NAME": self.name}
        else:
            self.command += ["-p", self.name, "--env-file", f"{folder}/env", "--profile", "observe"]

    def _write_options(self, options):
        environment = {f"PARLEY_{name.upper()}": str(value) for name, value in options.items()}
        services = {name: {"environment": environment} for name in SERVICES}
        self.override_file.write_text(json.dumps({"services": services}))

    @contextlib.contextmanager
    def options(self, **options):
        """All services have these options meanwhile; they are made anew before and after."""
        try:
            self._write_options(FOR_TESTS | options)
            self._renew_services()
            yield
        finally:
            self._write_options(FOR_TESTS)
            self._renew_services()

    def _renew_services(self):
        self.compose("up", "--detach", "--no-deps", *SERVICES)
        self.wait_ready(*SERVICES, "proxy")

    def compose(self, *arguments, ok=True, seconds=START_SECONDS):
        done = subprocess.run(
            [*self.command, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert not ok or done.returncode == 0, f"compose {' '.join(arguments)}:\n{done.stdout[-4000:]}"
        return done.stdout

    @contextlib.contextmanager
    def more_settings(self, **settings):
        """Further lines of the file that .env is elsewhere."""
        before = self.settings_file.read_text()
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        self.settings_file.write_text(before + lines)
        try:
            yield
        finally:
            self.settings_file.write_text(before)

    @contextlib.contextmanager
    def extended(self, service, extra, *files, **settings):
        """The service is meanwhile as these further files have it, beside the service `extra` of theirs."""
        command = self.command
        at = command.index(str(COMPOSE_FILE)) + 1
        more = [word for file in files for word in ("-f", str(ROOT / file))]
        try:
            with self.more_settings(**settings):
                self.command = [*command[:at], *more, *command[at:]]
                self.compose("up", "--detach", "--no-deps", extra, service, seconds=BUILD_SECONDS)
                self.wait_ready(service)
                yield
                self.compose("rm", "--force", "--stop", extra)
        finally:
            self.command = command
            self.compose("up", "--detach", "--no-deps", "--remove-orphans", service)
            self.wait_ready(service)

    def __enter__(self):
        try:
            if not self.first:
                self.compose("build", seconds=BUILD_SECONDS)
            self.compose("up", "--detach")
            self.wait_ready()
        except BaseException as error:
            if isinstance(error, AssertionError):
                error.args = (f"{error}\n{self.log_tails()}",)
            self.remove()
            raise
        Stack.running.append(self)
        return self

    def __exit__(self, *_):
        Stack.running.remove(self)
        self.remove()

    def remove(self):
        for one in self.instances("operator"):  # it is no part of what `up` starts
            docker("rm", "--force", one.container)
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "10", ok=False)
        if not self.first:
            docker("image", "rm", *(f"{image}:{self.name}" for image in IMAGES), ok=False)
        mine = f"label=com.docker.compose.project={self.name}"
        # An engine may keep the endpoint of a container that is gone, until it is started anew itself;
        # `down` then ends at that network, and before the volumes.
        networks = docker("network", "ls", "--quiet", "--filter", mine).split()
        empty = "{{len .Containers}}"
        unused = [n for n in networks if docker("network", "inspect", "--format", empty, n) == "0"]
        for network in unused:
            docker("network", "rm", network, ok=False)
        if volumes := docker("volume", "ls", "--quiet", "--filter", mine).split():
            docker("volume", "rm", *volumes, ok=False)
        left = {
            "containers": docker("ps", "--all", "--quiet", "--filter", mine),
            "networks": set(networks) - set(unused),
            "volumes": docker("volume", "ls", "--quiet", "--filter", mine),
        }
        assert not any(left.values()), f"left behind: {left}"

    # --- its parts

    def instances(self, service):
        """Those that run, oldest first."""
        containers = docker(
            *("ps", "--quiet"),
            *("--filter", f"label=com.docker.compose.project={self.name}"),
            *("--filter", f"label=com.docker.compose.service={service}"),
        ).split()
        return [Instance(service, container) for container in reversed(containers)]

    def all_instances(self):
        return [one for service in PARTS for one in self.instances(service)]

    def one(self, service):
        found = self.instances(service)
        assert found, f"no {service} runs"
        return found[0]

    def wait_ready(self, *services):
        for service in services or PARTS:
            for instance in self.instances(service):
                instance.wait_ready()

    def scale(self, count, *services):
        """So many of each; nothing else is touched. Returns the instances of the first."""
        scales = (word for service in services for word in ("--scale", f"{service}={count}"))
        self.compose("up", "--detach", "--no-deps", *scales, *services)
        found = {service: self.instances(service) for service in services}
        assert {len(of_one) for of_one in found.values()} == {count}, found
        self.wait_ready(*services)
        return found[services[0]]

    # --- for clients and loads

    def parleyctl(self):
        """The command, for whoever runs it by themselves. The container stays, to save a second each."""
        if not self.instances("operator"):
            self.compose("run", "--detach", "operator", "sleep", "infinity")
        return ["docker", "exec", "--interactive", self.one("operator").container, "parleyctl"]

    def ctl(self, *arguments, ok=True, text=None):
        """Runs parleyctl in the operator's container. `text`: its standard input."""
        done = subprocess.run(
            [*self.parleyctl(), *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
        assert not ok or done.returncode == 0, f"parleyctl {arguments}: {done.stderr}{done.stdout}"
        return done

    def sql(self, query, *arguments):
        connection = pymysql.connect(
            host=self.one("mariadb").networks()["data"],
            user="parley",
            password=self.passwords["PARLEY_DB_PASSWORD"],
            database="parley",
            autocommit=True,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(query, arguments or None)
            return cursor.fetchall()

    def address(self, service):
        """Where other services reach its oldest instance; this machine can as well."""
        return f"tcp://{self.one(service).networks()['inner']}:{OPERATOR[service]}"

    @functools.cached_property
    def keys(self):
        """A folder with the operator's key, which is copied here."""
        self.parleyctl()
        docker("cp", f"{self.one('operator').container}:/etc/parley/keys", str(self.settings_file.parent))
        return self.settings_file.parent / "keys"

    curve = True
    show_key = Stack.show_key
    asking = Stack.asking
    ask = Stack.ask
    account_number = Stack.account_number
    group_number = Stack.group_number
    wait_received = Stack.wait_received

    def takes_tls(self, port):
        """Whether a gateway does the handshake at this port."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with socket.create_connection((self.host, self.ports[port]), STEP_SECONDS) as link:
                context.wrap_socket(link).close()
                return True
        except OSError:
            return False

    # --- for conftest.py

    def ended(self):
        """Containers that crashed, ever. Docker starts again whatever ends, so it is asked what
        has happened."""
        died = docker(
            *("events", "--since", self.since, "--until", str(int(time.time()) + 1)),
            *("--filter", f"label=com.docker.compose.project={self.name}"),
            *("--filter", "event=die"),
            *("--format", "{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}"),
        )
        return [line for line in died.splitlines() if line.split()[-1] in CRASHES]

    def sanitizer_reports(self):
        return []

    def log_tails(self, lines=15):
        return self.compose("logs", "--no-color", "--tail", str(lines))
