#!/usr/bin/env python3
"""Wakes phones through Firebase Cloud Messaging and Apple's push service: a receiver of parley's event `offline`.

    pip install "google-auth[requests]" "httpx[http2]" "pyjwt[crypto]"
    parleyctl hook add phones http://127.0.0.1:8089/ --events=offline
    PARLEY_HOOK_SECRET=whsec_... FCM_KEY=service-account.json APNS_KEY=AuthKey_ABC.p8 \\
        APNS_KEY_ID=ABC APNS_TEAM=TEAM APNS_TOPIC=com.example.app ./wake_fcm_apns.py 8089 devices.json

devices.json: {"anna": [{"fcm": "token"}, {"apns": "token"}]}; an app gives its token to your backend, which writes the
file. Verify, endpoints and answers are those of wake_ntfy.py beside this file; a token that the service no longer knows
is printed, for the backend to remove. Google and Apple see who wrote and how much is unread, and no text unless
`push_text` is on: have the app fetch the text over its own connection instead.
"""

import http.server
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from wake_ntfy import Endpoints, Receiver  # noqa: E402  (the path is set first)

APNS = "https://api.push.apple.com/3/device/"
TIMEOUT_S, TOKEN_S = 5, 2400


class Fcm:
    """HTTP v1: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages"""

    def __init__(self, path):
        from google.auth.transport.requests import AuthorizedSession
        from google.oauth2.service_account import Credentials
        scope = "https://www.googleapis.com/auth/firebase.messaging"
        project = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))["project_id"]
        self.url = f"https://fcm.googleapis.com/v1/projects/{project}/messages:send"
        self.session = AuthorizedSession(Credentials.from_service_account_file(path, scopes=[scope]))

    def wake(self, token, title, body, event):
        answer = self.session.post(self.url, timeout=TIMEOUT_S, json={"message": {
            "token": token, "notification": {"title": title, "body": body},
            "data": {"unread": str(event["unread"]), "conversation": event["conversation"]["id"]},
            "android": {"priority": "HIGH", "collapse_key": event["conversation"]["id"]}}})
        return answer.status_code, answer.status_code == 404


class Apns:
    """Provider API: https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns"""

    def __init__(self, path, key_id, team, topic):
        import httpx
        self.key, self.key_id, self.team, self.topic = pathlib.Path(path).read_text(), key_id, team, topic
        self.client, self.made_s, self.token = httpx.Client(http2=True, timeout=TIMEOUT_S), 0, ""

    def bearer(self):
        """Apple wants a token that is neither made anew for each request nor an hour old."""
        import jwt
        if time.time() - self.made_s > TOKEN_S:
            self.made_s = int(time.time())
            self.token = jwt.encode({"iss": self.team, "iat": self.made_s}, self.key, "ES256",
                                    {"kid": self.key_id})
        return f"bearer {self.token}"

    def wake(self, token, title, body, event):
        headers = {"authorization": self.bearer(), "apns-topic": self.topic, "apns-push-type": "alert",
                   "apns-collapse-id": event["conversation"]["id"]}
        answer = self.client.post(APNS + token, headers=headers, json={
            "aps": {"alert": {"title": title, "body": body}, "badge": event["unread"],
                    "thread-id": event["conversation"]["id"]}})
        return answer.status_code, answer.status_code == 410


class Devices(Receiver):
    """The receiver of wake_ntfy.py; only how a device is woken is another."""

    def wake(self, device, event):
        kind, token = next(iter(device.items()))
        title = event.get("from", {}).get("id", "parley")
        status, gone = self.server.services[kind].wake(
            token, title, event.get("text") or f"{event['unread']} unread", event)
        if gone:
            print(f"gone: {kind} {token}", flush=True)
        return status // 100 == 2 or gone


def main(port, path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Devices)
    server.secret, server.endpoints = os.environ["PARLEY_HOOK_SECRET"], Endpoints(path)
    server.services = {}
    if "FCM_KEY" in os.environ:
        server.services["fcm"] = Fcm(os.environ["FCM_KEY"])
    if "APNS_KEY" in os.environ:
        server.services["apns"] = Apns(*(os.environ[f"APNS_{name}"]
                                         for name in ("KEY", "KEY_ID", "TEAM", "TOPIC")))
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
