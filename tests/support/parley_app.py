"""The sample app in docs/examples/app.py, as a process that can be killed."""

import http.client
import os
import secrets
import subprocess
import urllib.parse

from parley_stack import DEADLINE, ROOT, free_port, wait_until

SCRIPT = ROOT / "docs/examples/app.py"
PASSWORDS = {"anna": "anna's password", "ben": "ben's password"}


class App:
    """`stack`: whose users are the app's; its auth has `secret_file` as jwt_keys. `bound`: where it listens; `reached`:
    how hooks calls that."""

    def __init__(self, stack, secret_file, folder, bot="help", chat=None, bound="127.0.0.1", reached="127.0.0.1"):
        self.port, self.folder, self.process = free_port(), folder, None
        name = f"app-{secrets.token_hex(4)}"
        stack.ctl("user", "add", bot)
        key = stack.ctl("key", "add", name, "--scopes=messages", f"--user={bot}").stdout.split()[-1]
        hook = stack.ctl("hook", "add", name, f"http://{reached}:{self.port}/hook", "--events=messages",
                         f"--users={bot}").stdout
        self.secret = hook.split()[-1]
        self.environment = {
            "PATH": os.environ["PATH"], "APP_PORT": str(self.port), "APP_BOT": bot, "APP_API_KEY": key,
            "APP_CHAT": chat or f"http://127.0.0.1:{stack.ports['http']}", "APP_HOOK_SECRET": self.secret,
            "APP_JWT_SECRET": secret_file.read_text().strip(), "APP_STORE": str(folder / "app.db"),
            "APP_ADDRESS": bound,
        }

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        with (self.folder / "app.log").open("ab") as log:
            self.process = subprocess.Popen(["/usr/bin/python3", "-B", str(SCRIPT)], env=self.environment,
                                            stdout=log, stderr=log)
        wait_until(self.listens, "the app to listen", DEADLINE)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None

    def listens(self):
        assert self.process.poll() is None, (self.folder / "app.log").read_text()
        try:
            return self.ask("GET", "/")[0] == 200
        except OSError:
            return False

    def ask(self, method, path, body=None, **headers):
        """Status and headers; redirects are not followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): str(value)
                                                    for name, value in headers.items()})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers
        finally:
            connection.close()

    def token(self, user, password=None):
        """That of the address of the chat page, to which the app sends who logs in; None: it does not."""
        form = urllib.parse.urlencode({"user": user, "password": password or PASSWORDS[user]})
        status, headers = self.ask("POST", "/login", form)
        if status != 303:
            return None
        return headers["Location"].partition("#token=")[2]
