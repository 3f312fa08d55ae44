#!/usr/bin/env python3
"""Wakes phones through UnifiedPush or ntfy: a receiver of parley's event `offline`, in Python's standard library.

    parleyctl hook add phones http://127.0.0.1:8088/ --events=offline
    PARLEY_HOOK_SECRET=whsec_... ./wake_ntfy.py 8088 endpoints.json

endpoints.json says where each account's devices are reached: {"anna": ["https://ntfy.sh/upAbC123?up=1"]}. An app gets
that address from its UnifiedPush distributor and gives it to your backend, which writes the file. An endpoint that
answers 404 or 410 is gone; what else fails is answered with 503, so that parley tells it again.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import time
import urllib.error
import urllib.request

TOLERANCE_S, TIMEOUT_S = 300, 5


def verify(secret, headers, body):
    """Raises ValueError unless parley has made the request, just now."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    identifier, seconds = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(seconds)) > TOLERANCE_S:
        raise ValueError("too old")
    mac = hmac.digest(key, f"{identifier}.{seconds}.".encode() + body, hashlib.sha256)
    expected = "v1," + base64.b64encode(mac).decode()
    if not any(hmac.compare_digest(expected, one) for one in headers["webhook-signature"].split()):
        raise ValueError("not signed by parley")


class Endpoints:
    def __init__(self, path):
        self.path = path

    def of(self, account):
        with open(self.path, encoding="utf-8") as file:
            return json.load(file).get(account, [])


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            verify(self.server.secret, self.headers, body)
        except (ValueError, TypeError):
            return self.answer(401)
        events = [event for event in json.loads(body)["events"] if event["type"] == "offline"]
        # All are tried, whatever becomes of the first: a device is woken once too often rather than not at all.
        done = [self.wake(endpoint, event) for event in events
                for endpoint in self.server.endpoints.of(event["account"]["id"])]
        return self.answer(204 if all(done) else 503)

    def wake(self, endpoint, event):
        """Whether the endpoint took it, or is gone."""
        sender = event.get("from", {}).get("id", "the operator")
        told = {"from": sender, "unread": event["unread"], "text": event.get("text", "")}
        request = urllib.request.Request(endpoint, json.dumps(told).encode(), {"TTL": "86400"})
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT_S).close()
        except urllib.error.HTTPError as fault:
            return fault.code in (404, 410)
        except OSError:
            return False
        return True

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main(port, path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Receiver)
    server.secret, server.endpoints = os.environ["PARLEY_HOOK_SECRET"], Endpoints(path)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
