"""TLS to MariaDB (`db_tls_ca`), with a server of its own that demands it."""

import os
import pwd
import subprocess

import pytest
from parley_stack import DEADLINE, Service, free_port, programs, wait_until

PASSWORD = "of the test's database"


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_certificates(folder):
    """An authority, a certificate of 127.0.0.1 by it, and another authority of the same name."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("authority", "stranger"):
        openssl(folder, "req", "-x509", *key, "-subj", "/CN=the authority", "-keyout", f"{name}.key",
                "-out", f"{name}.pem")
    openssl(folder, "req", *key, "-subj", "/CN=database", "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", "authority.pem", "-CAkey", "authority.key",
            "-CAcreateserial", "-extfile", "names", "-out", "server.pem")


class Server:
    """A MariaDB that listens on 127.0.0.1."""

    def __init__(self, folder):
        self.folder, self.port, self.process = folder, free_port(), None
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        make_certificates(folder)
        (folder / "init.sql").write_text(
            "CREATE DATABASE IF NOT EXISTS parley CHARACTER SET utf8mb4;\n"
            f"CREATE OR REPLACE USER parley@'127.0.0.1' IDENTIFIED BY '{PASSWORD.replace(chr(39), chr(39) * 2)}';\n"
            "GRANT ALL ON parley.* TO parley@'127.0.0.1';\n")
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", f"--user={self.user}",
             "--auth-root-authentication-method=socket", "--skip-test-db"],
            check=True, capture_output=True)

    def start(self, *arguments):
        command = [
            *("setpriv", "--pdeathsig", "KILL", "mariadbd", "--no-defaults", f"--user={self.user}"),
            *(f"--datadir={self.folder}/data", f"--socket={self.folder}/socket", "--skip-name-resolve"),
            *(f"--port={self.port}", "--bind-address=127.0.0.1", f"--init-file={self.folder}/init.sql"),
            *arguments,
        ]
        path = os.environ["PATH"] + ":/usr/sbin"
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"PATH": path})
        wait_until(self.answers, "MariaDB", every=0.05)

    def start_with_tls(self):
        self.start(f"--ssl-cert={self.folder}/server.pem", f"--ssl-key={self.folder}/server.key",
                   "--require-secure-transport")

    def answers(self):
        """It listens before it can be ended in order, so its own word counts."""
        said = (self.folder / "log").read_text()
        assert self.process.poll() is None, said[-2000:]
        return "ready for connections" in said

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(DEADLINE)
            self.process = None


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("tls"))
    try:
        server.start_with_tls()
        yield server
    finally:
        server.stop()


@pytest.fixture
def settings(stack, server):
    """The stack's, but the database is the server."""
    there = {"HOST": "127.0.0.1", "PORT": str(server.port), "USER": "parley", "NAME": "parley",
             "PASSWORD": PASSWORD, "SOCKET": "", "TLS_CA": str(server.folder / "authority.pem")}
    return stack.environment | {f"PARLEY_DB_{name}": value for name, value in there.items()}


@pytest.fixture
def migrate(settings):
    def run(**options):
        words = [f"--{name}={value}" for name, value in options.items()]
        return subprocess.run([programs() / "parleyctl", "migrate", *words], env=settings,
                              capture_output=True, text=True, timeout=DEADLINE, check=False)

    return run


def test_it_works(migrate, settings, server, tmp_path):
    """Also again after the server has been away."""
    done = migrate()
    assert done.returncode == 0, done.stderr
    own = {f"PARLEY_AUTH_{name}": str(free_port()) for name in ("PORT", "METRICS_PORT")}
    auth = Service("auth", programs() / "parley-auth", settings | own, tmp_path)
    auth.start()
    try:
        server.stop()
        wait_until(lambda: "event=database_away" in auth.said(), "it to be missed")
        server.start_with_tls()
        wait_until(lambda: "event=database_back" in auth.said(), "it to be found again")
    finally:
        assert auth.end() == 0
    assert PASSWORD not in auth.said()


@pytest.mark.parametrize(
    "options, reason",
    [
        ({"db_tls_ca": ""}, "which may demand TLS (db_tls_ca)"),
        ({"db_tls_ca": "/nonexistent/ca.pem"}, "cannot read /nonexistent/ca.pem (db_tls_ca): No such file"),
        ({"db_tls_ca": __file__}, "no encrypted connection (db_tls_ca)"),
        # Its certificate has another name.
        ({"db_host": "localhost"}, "no encrypted connection (db_tls_ca) to MariaDB at localhost"),
    ],
    ids=["plain", "unreadable", "no certificate", "another name"],
)
def test_it_is_refused(migrate, options, reason):
    refused = migrate(**options)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert reason in refused.stderr and refused.stderr.count("\n") == 1, refused.stderr


def test_a_certificate_of_somebody_else_is_refused(migrate, server):
    refused = migrate(db_tls_ca=server.folder / "stranger.pem")
    assert refused.returncode == 1
    assert "no encrypted connection (db_tls_ca) to MariaDB at 127.0.0.1" in refused.stderr


def test_a_server_without_tls_is_refused(migrate, server):
    """Nobody between them can talk a program out of it; what was sent there has no password."""
    server.stop()
    server.start()
    try:
        refused = migrate()
        assert refused.returncode == 1
        assert "no encrypted connection (db_tls_ca)" in refused.stderr, refused.stderr
        assert migrate(db_tls_ca="").returncode == 0
    finally:
        server.stop()
        server.start_with_tls()
