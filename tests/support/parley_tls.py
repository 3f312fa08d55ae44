"""Certificates for tests, made by openssl's command line."""

import subprocess

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"


def openssl(*arguments, text="", seconds=60, **environment):
    """The finished process, output as text."""
    return subprocess.run(
        ["openssl", *map(str, arguments)], input=text, capture_output=True, text=True,
        timeout=seconds, check=False, env={"PATH": "/usr/bin:/bin"} | environment)


class Certificate:
    """A certificate that signs itself, and its key, as PEM files in a folder of their own."""

    def __init__(self, folder, name="localhost", days=90, key=("ec", "ec_paramgen_curve:P-256"),
                 names=NAMES, **environment):
        folder.mkdir(parents=True)
        self.name, self.path, self.key = name, folder / "cert.pem", folder / "key.pem"
        made = openssl(
            "req", "-x509", "-newkey", key[0], "-pkeyopt", key[1], "-nodes", "-days", days,
            "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}", "-keyout", self.key,
            "-out", self.path, **environment)
        assert made.returncode == 0, made.stderr

    def replace(self, other):
        """As a renewal does: the other's contents under these names."""
        self.path.write_bytes(other.path.read_bytes())
        self.key.write_bytes(other.key.read_bytes())

    def settings(self):
        return {"tls_certificate": self.path, "tls_key": self.key}
