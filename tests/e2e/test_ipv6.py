"""A machine with only IPv6: a network namespace whose loopback has ::1 and no 127.0.0.1."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).parents[2]

# Inside of it: the whole stack, and two clients that talk.
INSIDE = r"""
set -eu
ip link set lo up
ip address del 127.0.0.1/8 dev lo
trap 'deploy/local down' EXIT
deploy/local up
/usr/bin/python3 - <<'END'
import json, socket

def connect():
    client = socket.create_connection(("::1", 15101), 30)
    client.settimeout(60)
    return client, client.makefile("rb")

def say(client, **message):
    client[0].sendall(json.dumps(message).encode())

def enter(name):
    client = connect()
    say(client, msgType="113", msgBody={"userId": name})
    say(client, msgType="1", msgBody={"loginUserId": name})
    answer = json.loads(client[1].readline())
    assert answer["resultCode"] == "success", answer
    return client, answer["token"]

anna, token = enter("anna")
ben, _ = enter("ben")
say(anna, msgType="5", msgBody={"token": token, "toUserId": "ben", "msg": "six", "fromUserId": "anna"})
heard = json.loads(ben[1].readline())
assert heard["msg"] == "six" and heard["fromUserId"] == "anna", heard
for port in range(15120, 15125):
    page = socket.create_connection(("::1", port), 30)
    page.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
    assert b" 200 " in page.recv(4096)
print("they talk")
END
"""


# The private database has a socket alone: this puts it behind a port of ::1.
DATABASE = r"""
set -eu
ip link set lo up
ip address del 127.0.0.1/8 dev lo
deploy/local with-db /usr/bin/python3 - <<'END'
import os, socket, subprocess, threading

def pump(source, sink):
    while data := source.recv(65536):
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)

def serve(listener):
    client, _ = listener.accept()
    server = socket.socket(socket.AF_UNIX)
    server.connect(os.environ["PARLEY_DB_SOCKET"])
    threading.Thread(target=pump, args=(client, server), daemon=True).start()
    pump(server, client)

listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
threading.Thread(target=serve, args=(listener,), daemon=True).start()
port = str(listener.getsockname()[1])
program = os.environ.get("PARLEY_BIN", "build/bin") + "/parleyctl"
settings = {"PARLEY_DB_SOCKET": "", "PARLEY_DB_HOST": "::1", "PARLEY_DB_PORT": port}
subprocess.run([program, "migrate"], env=os.environ | settings, timeout=60, check=True)
print("it is reached")
END
"""


def run_alone(script, tmp_path):
    """The script's output in a namespace of its own."""
    environment = dict(
        os.environ,
        PARLEY_VAR=str(tmp_path / "var"),
        PARLEY_PORT_BASE="15100",
        PARLEY_BIND_ADDRESS="::1",
    )
    for name in ("PARLEY_DB_HOST", "PARLEY_DB_SOCKET", "PARLEY_CONFIG"):
        environment.pop(name, None)
    # As root of a namespace of users where this isn't root; both are gone with the process.
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    ran = subprocess.run(
        ["unshare", "--net", *user, "bash", "-c", script],
        cwd=ROOT, env=environment, timeout=240, capture_output=True, text=True, check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_all_of_it_over_ipv6_alone(tmp_path):
    assert "they talk" in run_alone(INSIDE, tmp_path)


def test_a_database_over_ipv6_alone(tmp_path):
    assert "it is reached" in run_alone(DATABASE, tmp_path)
