"""The first steps of a new user with the sources: `make up`, `make status`, `parleyctl`, and what is
missing. The tests use a copy of the scripts and programs, and leave alone a stack that runs here."""

import json
import os
import shutil
import subprocess

import pytest
from parley_stack import DEADLINE, ROOT, bare_environment, free_ports, programs

# From the start of MariaDB to its end, on a busy machine under sanitizers.
UP_SECONDS = 10 * DEADLINE
# The last port that PARLEY_PORT_BASE gives away, seen from the first.
PORTS = 24


def run(*command, cwd=None, **environment):
    """In a folder of no meaning, and without a word in the environment that isn't given."""
    return subprocess.run(
        command,
        cwd=cwd or "/",
        env=bare_environment() | environment,
        capture_output=True,
        text=True,
        timeout=UP_SECONDS,
        check=False,
    )


class Copy:
    def __init__(self, folder):
        self.folder, self.base = folder, free_ports(PORTS + 1)
        self.settings = folder / "var/run/parley.conf"
        shutil.copytree(ROOT / "deploy", folder / "deploy")
        (folder / "build/bin").mkdir(parents=True)
        for program in programs().glob("parley*"):
            shutil.copy2(program, folder / "build/bin")

    def local(self, command, **environment):
        return run(self.folder / "deploy/local", command, **environment)

    def ctl(self, *arguments, **environment):
        return run(self.folder / "build/bin/parleyctl", *arguments, **environment)

    def up(self):
        """With a file of options, and a word in the environment that outranks it."""
        options = self.folder / "my.conf"
        options.write_text("# mine\nlog-level = warn\nhttp_port = 1\npassword_memory_kib = 8\n")
        started = self.local("up", PARLEY_PORT_BASE=str(self.base), PARLEY_CONFIG=str(options))
        assert started.returncode == 0, started.stderr + started.stdout
        return self

    def down(self):
        assert self.local("down").returncode == 0
        assert not self.settings.exists()


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    copy = Copy(tmp_path_factory.mktemp("copy"))
    try:
        yield copy.up()
    finally:
        copy.down()


def test_status_keeps_to_its_own_copy(copy, tmp_path):
    """Nothing needs to be said again, and what is said now does not count."""
    for environment in ({}, {"PARLEY_PORT_BASE": "1024"}):
        status = copy.local("status", **environment)
        assert status.returncode == 0, status.stdout + status.stderr
        for offset in (0, 1, 2, 10, 11, 12, 13, 14, 20, 24):
            assert f":{copy.base + offset}" in status.stdout
    other = Copy(tmp_path)
    status = other.local("status")
    assert status.returncode == 1
    assert "running" not in status.stdout
    assert str(copy.base) not in status.stdout


def test_parleyctl_finds_what_runs_beside_it(copy):
    status = json.loads(copy.ctl("status", "--json").stdout)
    assert [one["ready"] for one in status] == [True] * 5
    assert {one["address"] for one in status} == {
        f"tcp://127.0.0.1:{copy.base + offset}" for offset in range(10, 15)
    }
    added = copy.ctl("user", "add", "first-steps")  # from auth
    assert added.returncode == 0, added.stderr
    listed = copy.ctl("user", "list", "--json")  # from the database
    assert [one["id"] for one in json.loads(listed.stdout)] == ["first-steps"]
    # One setting from the environment is enough for the stack's own not to be used.
    elsewhere = copy.ctl("user", "list", PARLEY_DB_SOCKET="/nonexistent/socket")
    assert (elsewhere.returncode, elsewhere.stdout) == (1, "")
    assert elsewhere.stderr.startswith("parleyctl: cannot read the database: ")
    assert elsewhere.stderr.count("\n") == 1


def test_the_settings_in_force_are_kept_private(copy):
    assert copy.settings.stat().st_mode & 0o077 == 0
    kept = copy.settings.read_text()
    assert f"http_port = {copy.base}" in kept
    assert "log-level = warn" in kept


def test_what_runs_elsewhere_is_not_taken_for_ones_own(copy, tmp_path):
    """At the ports of another copy nothing starts, and the reason is said."""
    other = Copy(tmp_path)
    started = other.local("up", PARLEY_PORT_BASE=str(copy.base), PARLEY_LISTEN_WAIT_MS="0")
    assert started.returncode == 1
    assert "Address already in use" in started.stderr
    assert other.local("status").returncode == 1
    assert copy.local("status").returncode == 0


def test_a_misspelt_setting_starts_nothing(tmp_path):
    other = Copy(tmp_path)
    started = other.local("up", PARLEY_PORTBASE="23000")
    assert started.returncode == 1
    assert "PARLEY_PORTBASE (did you mean PARLEY_PORT_BASE?)" in started.stderr
    assert other.local("status").returncode == 1


def test_what_is_missing_names_make_deps(tmp_path):
    """cmocka seems not to be there; the other packages are."""
    pretender = tmp_path / "pkg-config"
    pretender.write_text(
        '#!/bin/sh\ncase "$*" in *cmocka*) exit 1 ;; esac\nexec /usr/bin/pkg-config "$@"\n'
    )
    pretender.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    made = run("make", "-n", "test-unit", f"BUILD={tmp_path}/build", cwd=ROOT, PATH=path, MAKEFLAGS="")
    assert made.returncode == 2
    assert "cmocka is missing: run 'make deps'" in made.stderr
