"""A copy of the scripts and programs, which `deploy/local` starts beside a stack that runs here."""

import shutil
import subprocess

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
        shutil.copytree(ROOT / "docs/examples", folder / "docs/examples")
        (folder / "build/bin").mkdir(parents=True)
        for program in programs().glob("parley*"):
            shutil.copy2(program, folder / "build/bin")

    def local(self, command, **environment):
        return run(self.folder / "deploy/local", command, **environment)

    def ctl(self, *arguments, **environment):
        return run(self.folder / "build/bin/parleyctl", *arguments, **environment)

    def up(self, **environment):
        """With a file of options, and a word in the environment that outranks it."""
        options = self.folder / "my.conf"
        options.write_text("# mine\nlog-level = warn\nhttp_port = 1\npassword_memory_kib = 8\n")
        started = self.local("up", PARLEY_PORT_BASE=str(self.base), PARLEY_CONFIG=str(options),
                             **environment)
        assert started.returncode == 0, started.stderr + started.stdout
        return self

    def down(self):
        assert self.local("down").returncode == 0
        assert not self.settings.exists()
