"""Who reaches the operator's page at /admin/ (`admin_addresses`), and what its calls of the HTTP API give."""

import socket

import pytest
from parley_api import ALL, Api
from parley_stack import DEADLINE, ROOT, Service, free_port, programs, wait_until

LISTS = {"/audit": "audit", "/services": "status", "/hooks": "hooks"}
FILES = ("/admin/", "/admin/index.html", "/admin/api.js", "/admin/language/en.json", "/%61dmin/")


@pytest.fixture
def gateway(stack, tmp_path):
    """Starts gateways with options of their own: gateway(admin_addresses="192.0.2.0/24")."""
    started = []

    def start(**settings):
        ports = {name: free_port() for name in ("HTTP", "GATEWAY", "TCP", "YOUIM")}
        environment = stack.environment | {f"PARLEY_{name}_PORT": str(port) for name, port in ports.items()}
        folder = tmp_path / str(len(started))
        folder.mkdir()
        service = Service("page", programs() / "parley-gateway", environment, folder)
        started.append(service)
        service.port = ports["HTTP"]
        service.start(web_root=ROOT / "services/web", **settings)
        return service

    yield start
    for service in started:
        service.end()


def status(gateway, path="/admin/", host=None, headers=(), line="", version="1.1"):
    """The status of a GET, behind `line`."""
    with socket.create_connection(("127.0.0.1", gateway.port), DEADLINE) as plain:
        lines = (f"GET {path} HTTP/{version}", f"Host: {host or f'127.0.0.1:{gateway.port}'}", *headers, "Connection: close")
        plain.sendall((line + "".join(f"{each}\r\n" for each in (*lines, ""))).encode())
        return int(b"".join(iter(lambda: plain.recv(65536), b"")).split()[1])


def test_this_machine_alone_reaches_it_by_default(gateway):
    default = gateway()
    for path in FILES:
        assert status(default, path) == 200, path
    for host in (f"localhost:{default.port}", "LOCALHOST", "[::1]:5999", "127.0.0.2"):
        assert status(default, host=host) == 200, host
    for path in ("/admin", "/admin/nothing.js", "//admin/", "/admin/../admin/"):
        assert status(default, path) == 404, path


def test_nobody_reaches_it_through_a_proxy_that_hides_them(gateway):
    default = gateway()
    for header in ("X-Forwarded-For: 127.0.0.1", "x-real-ip: ::1", "Forwarded: for=127.0.0.1", "Via: 1.1 proxy",
                   "X-Forwarded-Host: localhost"):
        assert status(default, headers=[header]) == 404, header
        assert status(default, "/", headers=[header]) == 200, header
    assert status(default, version="1.0") == 404 and status(default, "/", version="1.0") == 200
    for host in ("chat.example.org", "127.0.0.1.example.org", "localhost.example.org", "[::1", "192.0.2.1", ":", ""):
        assert status(default, host=host or " ") == 404, host


def test_other_addresses(gateway):
    elsewhere, nobody = gateway(admin_addresses="192.0.2.0/24,2001:db8::/32"), gateway(admin_addresses="")
    for path in FILES:
        assert status(elsewhere, path) == status(nobody, path) == 404, path
    assert status(elsewhere, "/") == status(nobody, "/style/base.css") == 200


def test_the_real_address_counts_behind_a_proxy(gateway):
    behind = gateway(admin_addresses="192.0.2.0/24,2001:db8::/32", proxy_protocol="true")
    for address, found in (("TCP4 192.0.2.7 127.0.0.1", 200), ("TCP4 192.0.3.7 127.0.0.1", 404),
                           ("TCP4 127.0.0.1 127.0.0.1", 404), ("TCP6 2001:db8::1 ::1", 200),
                           ("TCP6 2001:db9::1 ::1", 404), ("TCP6 ::ffff:192.0.2.7 ::1", 200)):
        line = f"PROXY {address} 1000 {behind.port}\r\n"
        assert status(behind, host="chat.example.org", line=line) == found, address
        assert status(behind, "/", line=line) == 200, address


def test_what_is_no_list(gateway):
    for wrong in ("here", "192.0.2.0/33", "127.0.0.1, ::1", "::1,"):
        one = gateway(admin_addresses=wrong, wait=False)
        assert one.wait_exit() == 1 and "event=admin_addresses" in one.said(), wrong


def test_each_list_needs_its_scope(stack):
    for path, scope in LISTS.items():
        Api(stack, scope).expect(200, "GET", path)
        others = Api(stack, ",".join(word for word in ALL.split(",") if word != scope))
        answer = others("GET", path)
        assert (answer.status, answer.word) == (403, "forbidden") and scope in answer.json["detail"]
    hooks = Api(stack, ",".join(word for word in ALL.split(",") if word != "hooks"))
    for method, path in (("DELETE", "/hooks/any"), ("POST", "/hooks/any/retry")):
        assert hooks(method, path).status == 403
        assert Api(stack, "hooks")(method, path).word == "no_hook"
    account = Api(stack).account()
    for scope in LISTS.values():  # they are the operator's alone
        assert "--user" in stack.ctl("key", "add", f"of-{scope}", f"--scopes={scope}", f"--user={account}", ok=False).stderr


def test_the_audit_by_pages(stack):
    api = Api(stack)
    account = api.account()
    for deed in ("disable", "enable") * 3:
        api.expect(204, "POST", f"/accounts/{account}/{deed}")
    everything = api.expect(200, "GET", "/audit", account=account)
    assert not everything["more"] and len(everything["events"]) >= 7
    found, before = [], {}
    while True:
        page = api.expect(200, "GET", "/audit", account=account, limit=2, **before)
        found += page["events"]
        if not page["more"]:
            break
        before = {"before": page["next"]}
    assert found == everything["events"]
    numbers = [each["number"] for each in found]
    assert numbers == sorted(numbers, reverse=True)
    assert [each["event"] for each in found if each["event"].startswith("account_")][-1] == "account_made"
    assert len(api.expect(200, "GET", "/audit")["events"]) <= 200


def test_services_that_are_away(make_stack):
    stack = make_stack()
    api = Api(stack, "status")
    names = ("gateway", "auth", "group", "session", "delivery", "files", "hooks")

    def asked():
        return {each["service"]: each for each in api.expect(200, "GET", "/services")["services"]}

    wait_until(lambda: all(each["ready"] for each in asked().values()), "that all are ready", every=0.2)
    services = asked()
    assert sorted(services) == sorted(names)
    assert all(each["queues"] and each["instance"] for each in services.values())
    stack.services["delivery"].kill()
    stack.services["session"].pause()

    def away():
        now = asked()
        gone = [name for name in names if not now[name]["ready"] and "uptime_ms" not in now[name]]
        assert all(now[name]["lacks"] for name in gone)
        return gone == ["session", "delivery"]

    wait_until(away, "that both are away", every=0.2)
    stack.services["session"].resume()
