"""A browser and its push service, as the server sees them: keys, an endpoint, and what arrives there.

    service = PushService(port)
    browser = Browser(service)
    client.push(**browser.subscription())            345
    browser.wait_message()                           the JSON that was sent, decrypted
"""

import base64
import hashlib
import hmac
import json
import secrets
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from parley_hooks import Receiver


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point(public):
    return public.public_bytes(serialization.Encoding.X962,
                               serialization.PublicFormat.UncompressedPoint)


def public_key(data):
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)


def _expand(salt, ikm, info, length):
    prk = hmac.digest(salt, ikm, hashlib.sha256)
    return hmac.digest(prk, info + b"\1", hashlib.sha256)[:length]


class PushService(Receiver):
    """What it answers is `statuses` by path, else 201."""

    def __init__(self, port):
        super().__init__(port)
        self.statuses, self.arrived = {}, []

    def take(self, path, headers, body):
        with self._changed:
            self._changed.notify_all()
            status = self.statuses.get(path, 201)
            self.arrived.append((path, status, dict(headers), body))
        return status, {}


class Browser:
    def __init__(self, service):
        self.service, self.path = service, "/" + secrets.token_urlsafe(16)
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.auth = secrets.token_bytes(16)

    def subscription(self):
        return {"endpoint": f"http://127.0.0.1:{self.service.port}{self.path}",
                "p256dh": b64(point(self.private.public_key())), "auth": b64(self.auth)}

    def arrived(self):
        return [one for one in self.service.arrived if one[0] == self.path]

    def wait_message(self, count=1):
        self.service.wait(lambda _: len(self.arrived()) >= count, "a message to the browser")
        return json.loads(self.decrypt(self.arrived()[count - 1][3]))

    def decrypt(self, body):
        """RFC 8291 and 8188, one record."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        theirs, sealed = body[21:21 + length], body[21 + length:]
        assert length == 65 and len(sealed) <= size
        shared = self.private.exchange(ec.ECDH(), public_key(theirs))
        info = b"WebPush: info\0" + point(self.private.public_key()) + theirs
        ikm = _expand(self.auth, shared, info, 32)
        key = _expand(salt, ikm, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _expand(salt, ikm, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
        assert plain[-1:] == b"\2"
        return plain[:-1]


def verify_vapid(headers, key, origin):
    """RFC 8292: raises unless who sends is the server with this key, to this origin."""
    scheme, _, rest = headers["Authorization"].partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert scheme == "vapid" and parts["k"] == key
    signed, _, signature = parts["t"].rpartition(".")
    header, claims = (json.loads(unb64(part)) for part in signed.split("."))
    assert header["alg"] == "ES256"
    raw = unb64(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public_key(unb64(key)).verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    assert claims["aud"] == origin and time.time() < claims["exp"] < time.time() + 86400
    return claims
