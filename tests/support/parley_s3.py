"""The store s3 in tests: a small server of S3's API that really verifies signatures, and requests to a
files service that keeps its files there.

    with VerifyingServer("bucket", "access", "secret") as server, Stack(..., **server.settings()) as stack:
        mine = upload(stack, b"bytes")
        server.objects["files/0123456789abcdef"], server.refused

Signatures are those of AWS (Signature Version 4, headers alone); `signature` is checked against the examples
of AWS's own documentation in tests/e2e/test_files_s3_signed.py. At most 1,000 keys are listed at once, as by AWS.
"""

import hashlib
import hmac
import http.server
import os
import pathlib
import re
import shutil
import subprocess
import threading
import urllib.parse

from parley_stack import ROOT

LIST_MOST = 1000
PIECE = 1 << 20
S3RVER = "3.7.1"
INSTALL_SECONDS = 240


# --- signatures


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _canonical_query(query):
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    quoted = sorted((urllib.parse.quote(name, safe="-_.~"), urllib.parse.quote(value, safe="-_.~"))
                    for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in quoted)


def signature(secret, method, target, headers, signed, scope):
    """Of a request with these headers (names in lower case), of which those in `signed` are signed. `scope`:
    date, region, service."""
    path, _, query = target.partition("?")
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in signed)
    request = "\n".join([method, path, _canonical_query(query), lines, ";".join(signed),
                         headers["x-amz-content-sha256"]])
    what = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], "/".join([*scope, "aws4_request"]),
                      hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (*scope, "aws4_request"):
        key = _hmac(key, part)
    return _hmac(key, what).hex()


AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/(\w+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$")


# --- the server


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)

    def _fault(self, body):
        """Why the request is refused; None: it is signed rightly."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        match = AUTHORIZATION.match(headers.get("authorization", ""))
        server = self.server.owner
        if match is None:
            return "AccessDenied"
        access, date, region, service, signed, given = match.groups()
        signed = signed.split(";")
        if access != server.access:
            return "InvalidAccessKeyId"
        if (region, service) != (server.region, "s3"):
            return "AuthorizationHeaderMalformed"
        if not {"host", "x-amz-content-sha256", "x-amz-date"} <= set(signed) <= set(headers):
            return "AccessDenied"
        if headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
            return "XAmzContentSHA256Mismatch"
        right = signature(server.secret, self.command, self.path, headers, signed, (date, region, service))
        return None if hmac.compare_digest(right, given) else "SignatureDoesNotMatch"

    def _list(self, query):
        objects = self.server.owner.objects
        after, prefix = query.get("start-after", ""), query.get("prefix", "")
        keys = sorted(key for key in objects if key.startswith(prefix) and key > after)
        page = keys[: min(int(query.get("max-keys", LIST_MOST)), LIST_MOST)]
        items = "".join(f"<Contents><Key>{key}</Key><Size>{len(objects[key])}</Size></Contents>" for key in page)
        more = "true" if len(page) < len(keys) else "false"
        self._answer(200, ('<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>'
                           f"<IsTruncated>{more}</IsTruncated>{items}</ListBucketResult>").encode())

    def _get(self, key):
        content = self.server.owner.objects.get(key)
        asked = re.match(r"bytes=(\d+)-(\d+)$", self.headers.get("Range", ""))
        if content is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif asked is None:
            self._answer(200, content)
        elif int(asked[1]) >= len(content):
            self._answer(416, b"<Error><Code>InvalidRange</Code></Error>")
        else:
            self._answer(206, content[int(asked[1]) : int(asked[2]) + 1])

    def _serve(self):
        server = self.server.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self._fault(body)
        path, _, query = self.path.partition("?")
        _, bucket, key = (*urllib.parse.unquote(path).split("/", 2), "")[:3]
        if fault is None and bucket != server.bucket:
            fault = "NoSuchBucket"
        if fault is not None:
            server.refused.append(fault)
            self._answer(404 if fault == "NoSuchBucket" else 403,
                         f"<Error><Code>{fault}</Code></Error>".encode())
        elif self.command == "PUT":
            server.objects[key] = body
            self._answer(200)
        elif self.command == "DELETE":
            server.objects.pop(key, None)
            self._answer(204)
        elif key == "":
            server.lists += 1
            self._list(dict(urllib.parse.parse_qsl(query)))
        else:
            self._get(key)

    do_GET = do_HEAD = do_PUT = do_DELETE = _serve


class VerifyingServer:
    """`objects`: by key. `refused`: the words of refused requests. `lists`: how many lists were asked for."""

    def __init__(self, bucket, access, secret, region="us-east-1"):
        self.bucket, self.access, self.secret, self.region = bucket, access, secret, region
        self.objects, self.refused, self.lists = {}, [], 0
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def settings(self):
        return {"files_store": "s3", "s3_endpoint": f"http://127.0.0.1:{self._http.server_port}",
                "s3_bucket": self.bucket, "s3_region": self.region, "s3_access_key": self.access,
                "s3_secret_key": self.secret, "s3_timeout_ms": 60000}


# --- s3rver


def server_program():
    """s3rver, from the npm registry, installed once below the build."""
    folder = pathlib.Path(os.environ.get("PARLEY_BUILD", ROOT / "build")).resolve() / "s3"
    program = folder / "node_modules/s3rver/bin/s3rver.js"
    if not program.exists():
        npm = shutil.which("npm")
        assert npm and shutil.which("node"), "npm and node are missing: apt-get install npm nodejs"
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--prefix", folder, f"s3rver@{S3RVER}"],
            capture_output=True, text=True, timeout=INSTALL_SECONDS)
        assert done.returncode == 0, f"npm cannot fetch s3rver: {done.stderr}"
    return program


# --- files, asked directly


def ask(stack, message, **body):
    return stack.ask("files", message, [body])[0]


def upload(stack, content, **more):
    """An upload of account 1, with all its bytes."""
    opened = ask(stack, "files.open", account=1, name="a.bin", size=len(content), **more)
    mine = {"file": opened["file"], "token": opened["token"]}
    for offset in range(0, len(content), PIECE):
        ask(stack, "files.append", **mine, offset=offset, data=content[offset:offset + PIECE])
    return mine


def read(stack, file, offset, length):
    return ask(stack, "files.read", file=file, offset=offset, length=length)["data"]
