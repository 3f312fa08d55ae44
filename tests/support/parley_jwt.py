"""Who signs JWTs: keys by `openssl`, tokens of each algorithm, and files with keys."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import subprocess
import time

GENERATE = {
    "RS256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ES256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "EdDSA": ["-algorithm", "ED25519"],
}
ALGORITHMS = ["HS256", *GENERATE]


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, check=True,
                          capture_output=True, timeout=60).stdout


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _der_numbers(der):
    """The two numbers of an ECDSA signature, one behind the other."""
    at, found = 2, b""
    for _ in range(2):
        length = der[at + 1]
        found += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + length
    return found


class Signer:
    """A key of one algorithm. `file` holds what the server is given."""

    def __init__(self, folder, algorithm="HS256", kid=None):
        self.algorithm, self.kid = algorithm, kid
        self.file = folder / f"keys-{secrets.token_hex(4)}"
        self.private = folder / f"{self.file.name}.private"
        if algorithm == "HS256":
            self.secret = secrets.token_hex(32).encode()
            self.public = self.secret
        else:
            openssl("genpkey", *GENERATE[algorithm], "-out", self.private)
            self.public = openssl("pkey", "-in", self.private, "-pubout")
        self.file.write_bytes(self.public)

    def sign(self, data):
        if self.algorithm == "HS256":
            return hmac.digest(self.secret, data, hashlib.sha256)
        if self.algorithm == "EdDSA":
            message = self.file.with_suffix(".message")
            message.write_bytes(data)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.private, "-in", message)
        signature = openssl("dgst", "-sha256", "-sign", self.private, data=data)
        return signature if self.algorithm == "RS256" else _der_numbers(signature)

    def token(self, sub, header=None, **claims):
        """One that is good for a minute; a claim that is None is left out."""
        head = {"typ": "JWT", "alg": self.algorithm} | ({"kid": self.kid} if self.kid else {})
        body = {"sub": sub, "exp": int(time.time()) + 60} | claims
        body = {name: value for name, value in body.items() if value is not None}
        text = ".".join(encode(json.dumps(part).encode()) for part in (header or head, body))
        return f"{text}.{encode(self.sign(text.encode()))}"

    def jwk(self):
        """Of HS256 alone."""
        return {"kty": "oct", "alg": "HS256", "k": encode(self.secret), "kid": self.kid}


def replace(file, content):
    """As a file is to be changed that others read: by renaming."""
    beside = file.with_name(f"{file.name}.new")
    beside.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.rename(beside, file)
