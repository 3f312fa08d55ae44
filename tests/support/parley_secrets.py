"""Looks for known secrets where none may be: in logs, images, what a program prints.

    secrets = Secrets()
    secrets.add("anna's password", password)
    assert not secrets.found_in(service.said())      the names of those that are there, in any form

A form is the value itself, or in hexadecimal, Base64 (wherever it begins in what was encoded), JSON or
a URL.
"""

import base64
import json
import re
import urllib.parse

from parley_stack import ROOT

# A shorter value would be found by chance.
SHORTEST = 8


def forms(secret):
    """All of them as bytes."""
    raw = secret if isinstance(secret, bytes) else secret.encode()
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):
        # The first and last letters depend on what stands beside it.
        coded = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0:].rstrip(b"=")[:-2]
        yield coded
        yield coded.replace(b"+", b"-").replace(b"/", b"_")
    if isinstance(secret, str):
        yield json.dumps(secret)[1:-1].encode()
        yield urllib.parse.quote(secret).encode()


class Secrets:
    def __init__(self):
        self.named = {}

    def add(self, name, *values):
        for value in values:
            assert len(value) >= SHORTEST, f"{name} is too short to be looked for"
            self.named.setdefault(name, []).append(value)

    def found_in(self, said):
        said = said if isinstance(said, bytes) else said.encode(errors="surrogateescape")
        return [
            name for name, values in self.named.items()
            if any(form in said for value in values for form in forms(value))
        ]


def secret_options():
    """The names of all options that hold a secret, from the programs' tables."""
    names = set()
    for file in [*ROOT.glob("common/*.c"), *ROOT.glob("services/*/*.c")]:
        names.update(re.findall(r"CONFIG_SECRET\([^,]*,\s*(\w+)", file.read_text()))
    return names
