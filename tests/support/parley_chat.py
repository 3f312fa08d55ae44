"""`parleyctl chat` as a person or a script uses it: through pipes, or at a terminal.

    with Chat(stack, "anna", "--to", "ben") as anna:
        anna.type("hello")
        anna.expect(r"anna -> ben: hello")
        assert anna.leave() == 0

Its output is read line by line; every wait has a deadline.
"""

import os
import pty
import re
import select
import signal
import subprocess
import time

from parley_stack import DEADLINE, programs


class Chat:
    """`terminal`: it runs at one, whose other end this is. `password` goes by the environment."""

    def __init__(self, stack, name, *options, terminal=False, password=None, **settings):
        environment = stack.environment | {
            f"PARLEY_{key.upper()}": str(value) for key, value in settings.items()}
        if password is not None:
            environment["PARLEY_CHAT_PASSWORD"] = password
        command = [programs() / "parleyctl", "chat", "--as", name, *options]
        self.name = name
        self.shown = []  # all lines so far
        self._rest = b""
        self._ended = False
        if terminal:
            ours, theirs = pty.openpty()
            self.process = subprocess.Popen(
                # setsid makes the terminal that of the program, so that it can ask for a password.
                ["setsid", "--ctty", *command], env=environment, stdin=theirs, stdout=theirs,
                stderr=theirs)
            os.close(theirs)
            self._out = self._in = ours
        else:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, start_new_session=True)
            self._in, self._out = self.process.stdin.fileno(), self.process.stdout.fileno()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        if self.process.stdin is None:
            os.close(self._in)

    def type(self, *lines):
        for line in lines:
            data = (line.encode() if isinstance(line, str) else line) + b"\n"
            while data:
                data = data[os.write(self._in, data):]

    def _read_more(self, deadline):
        """Waits for further bytes. False at the end of the output."""
        wait = deadline - time.monotonic()
        if wait <= 0 or not select.select([self._out], [], [], wait)[0]:
            raise AssertionError(f"{self.name} has shown, until the deadline:\n" + self.text())
        try:
            data = os.read(self._out, 65536)
        except OSError:  # how a terminal ends
            data = b""
        self._rest += data
        *lines, self._rest = self._rest.split(b"\n")
        self.shown += [line.rstrip(b"\r").decode() for line in lines]
        return data != b""

    def text(self):
        return "\n".join([*self.shown, self._rest.decode(errors="replace")])

    def expect(self, pattern, seconds=DEADLINE):
        """Waits until a line that it has shown holds the pattern, and returns the match."""
        deadline = time.monotonic() + seconds
        while True:
            for line in self.shown:
                if (match := re.search(pattern, line)) is not None:
                    return match
            if not self._read_more(deadline):
                raise AssertionError(f"{self.name} ended without {pattern!r}:\n{self.text()}")

    def expect_prompt(self, words):
        deadline = time.monotonic() + DEADLINE
        while words not in self._rest.decode(errors="replace"):
            assert self._read_more(deadline), self.text()

    def lines(self, pattern):
        return [line for line in self.shown if re.search(pattern, line)]

    def end_input(self):
        self.process.stdin.close()

    def wait(self):
        """Its exit status, once it has ended by itself; all that it has shown is read."""
        deadline = time.monotonic() + DEADLINE
        while self._read_more(deadline):
            pass
        return self.process.wait(DEADLINE)

    def leave(self):
        """Its input ends, or the person at the terminal leaves; its exit status."""
        if self.process.stdin is None:
            self.type("/quit")
        else:
            self.end_input()
        return self.wait()

    def error(self):
        """Its output on standard error, after its end."""
        return self.process.stderr.read().decode()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
