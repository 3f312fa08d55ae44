"""An app with users of its own, whose chat is parley: `app.py`, with the settings below in its environment.

It logs its users in and sends them to the chat page with a JWT, hears by a webhook of messages to its bot, and
answers them by the HTTP API. It needs nothing but Python's standard library. docs/own-users.md tells how to run it.
"""
import base64
import contextlib
import hashlib
import hmac
import html
import http.server
import json
import os
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request

PORT = int(os.environ.get("APP_PORT", "8080"))
CHAT = os.environ.get("APP_CHAT", "http://127.0.0.1:5999")      # the chat page, as browsers reach it
API = os.environ.get("APP_API", f"{CHAT}/api/v1")               # the HTTP API, as this program reaches it
BOT = os.environ.get("APP_BOT", "help")                         # the bot's id
API_KEY = os.environ["APP_API_KEY"]                             # parleyctl key add app --user=help --scopes=messages
HOOK_SECRET = os.environ["APP_HOOK_SECRET"]                     # parleyctl hook add app http://.../hook --users=help
JWT_SECRET = os.environ["APP_JWT_SECRET"].encode()              # what auth's jwt_keys holds
AUDIENCE = os.environ.get("APP_AUDIENCE", "chat")               # auth's jwt_audience
STORE = os.environ.get("APP_STORE", "app.db")

# An app has them in its database, with hashes of their passwords.
USERS = {"anna": ("Anna", "anna's password"), "ben": ("Ben", "ben's password")}

JWT_LIFE_S = 60
HOOK_AGE_S = 300
BODY_MAX_BYTES = 4 << 20
TIMEOUT_S = 10

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>The app</title>
<h1>The app</h1><p role="alert">{fault}</p>
<form method="post" action="/login">
<label>User <input name="user" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Open the chat</button></form></html>"""


# --- its users, and the tokens by which they log in to the chat


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token_for(user, name):
    """A JWT, good for a minute: the page uses it at once."""
    now = int(time.time())
    claims = {"sub": user, "name": name, "aud": AUDIENCE, "iat": now, "exp": now + JWT_LIFE_S}
    text = ".".join(encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{text}.{encode(hmac.digest(JWT_SECRET, text.encode(), hashlib.sha256))}"


def name_of(user, password):
    """The user's name, or None if the two don't belong together."""
    name, right = USERS.get(user, (None, ""))
    return name if right and hmac.compare_digest(right.encode(), password.encode()) else None


# --- what the server tells


def is_signed(headers, body):
    """Whether a webhook is from who knows the secret, and recent (Standard Webhooks)."""
    key = base64.b64decode(HOOK_SECRET.removeprefix("whsec_"))
    identifier, seconds = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not seconds.isdigit() or abs(time.time() - int(seconds)) > HOOK_AGE_S:
        return False
    signed = f"{identifier}.{seconds}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return any(hmac.compare_digest(expected.encode(), given.encode())
               for given in headers.get("webhook-signature", "").split())


def answer_to(text):
    return f"You wrote “{text}”. Somebody will look at it soon."


def send(user, text, ref):
    """As the bot. However often it is sent under the same key, the user gets it once."""
    request = urllib.request.Request(f"{API}/messages", json.dumps({"user": user, "text": text}).encode(), {
        "Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json", "Idempotency-Key": ref})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            answer.read()
    except urllib.error.HTTPError as refusal:
        if refusal.code >= 500 or refusal.code == 429:
            raise
        print(f"{user} gets no answer: {refusal.read().decode()}", flush=True)  # has blocked the bot, or is gone


def take(event):
    """One event, which may be told again: it is answered first, then kept."""
    if event["type"] != "message" or event["conversation"]["kind"] != "pair" or "text" not in event:
        return
    sender = event["from"]["id"]
    with contextlib.closing(sqlite3.connect(STORE)) as store, store:
        store.execute("CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, sender TEXT, text TEXT)")
        if sender == BOT or store.execute("SELECT 1 FROM event WHERE id = ?", (event["id"],)).fetchone():
            return
        send(sender, answer_to(event["text"]), f"answer-{event['id']}")
        store.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?)", (event["id"], sender, event["text"]))


# --- HTTP


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT_S

    def reply(self, status, body="", **headers):
        data = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def page(self, status=200, fault=""):
        self.reply(status, PAGE.format(fault=html.escape(fault)), **{"Content-Type": "text/html; charset=utf-8"})

    def do_GET(self):
        if self.path == "/":
            self.page()
        else:
            self.reply(404)

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_MAX_BYTES:
            self.close_connection = True
            return self.reply(413)
        body = self.rfile.read(int(length))
        return {"/login": self.login, "/hook": self.hook}.get(self.path, lambda _: self.reply(404))(body)

    def login(self, body):
        fields = dict(urllib.parse.parse_qsl(body.decode(errors="replace")))
        user = fields.get("user", "")
        name = name_of(user, fields.get("password", ""))
        if name is None:
            return self.page(403, "The user and the password don't belong together.")
        # What stands behind the # goes to no server, and the chat page takes it out of the address.
        return self.reply(303, Location=f"{CHAT}/#token={token_for(user, name)}",
                          **{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})

    def hook(self, body):
        if not is_signed(self.headers, body):
            return self.reply(401)
        try:
            for event in json.loads(body)["events"]:
                take(event)
        except OSError as fault:  # the API is away: the server tells all of it again later
            self.log_error("not answered: %s", fault)
            return self.reply(503)
        return self.reply(204)


if __name__ == "__main__":
    with http.server.ThreadingHTTPServer((os.environ.get("APP_ADDRESS", "127.0.0.1"), PORT), Handler) as server:
        print(f"the app: http://127.0.0.1:{PORT}/", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
