"""The first steps of a new user with the sources: `make up`, `make status`, `parleyctl`, and what is
missing. The tests use a copy of the scripts and programs, and leave alone a stack that runs here."""

import json
import os
import pathlib

import pytest
from parley_copy import Copy, run
from parley_stack import ROOT, SERVICES, programs


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    copy = Copy(tmp_path_factory.mktemp("copy"))
    try:
        yield copy.up()
    finally:
        copy.down()


def test_status_keeps_to_its_own_copy(copy, tmp_path):
    """No setting needs to be given again, and settings given now do not count."""
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


def test_parleyctl_finds_the_copy_beside_it(copy):
    status = json.loads(copy.ctl("status", "--json").stdout)
    assert [one["ready"] for one in status] == [True] * len(SERVICES)
    assert {one["address"] for one in status} == {
        f"tcp://127.0.0.1:{copy.base + offset}" for offset in range(10, 10 + len(SERVICES))
    }
    added = copy.ctl("user", "add", "first-steps")  # from auth
    assert added.returncode == 0, added.stderr
    listed = copy.ctl("user", "list", "--json")  # from the database
    assert [one["id"] for one in json.loads(listed.stdout)] == ["first-steps"]
    # PARLEY_VAR names another folder, and neither it nor the ports count as a setting.
    variables = {"PARLEY_VAR": str(copy.folder / "var"), "PARLEY_PORT_BASE": "1024"}
    moved = run(programs() / "parleyctl", "user", "list", "--json", **variables)
    assert (moved.returncode, moved.stdout) == (0, listed.stdout), moved.stderr
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


def test_only_those_who_use_the_database_are_told_of_it(copy):
    for name in SERVICES:
        pid = (copy.folder / f"var/run/{name}.pid").read_text().strip()
        told = b"PARLEY_DB_PASSWORD=" in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        assert told == (name in ("auth", "group", "delivery", "files", "hooks")), name


def test_another_copy_is_not_taken_for_ones_own(copy, tmp_path):
    """At the ports of another copy nothing starts, and the reason is printed."""
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


def test_missing_programs_name_make_deps(tmp_path):
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
