"""Barriers for people with disabilities: axe-core's rules where npm can fetch it, and the rules of support/rules.js."""

import base64
import hashlib
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

VERSION = "4.10.2"
INTEGRITY = (
    "RE3mdQ7P3FRSe7eqCWoeQ/Z9QXrtniSjp1wUjt5nRC3W"
    "Ipz5rSCve6o3fsZ2aCpJtrZjSZgjwXAoTO5k4tEI0w==")
RULES = (pathlib.Path(__file__).parent / "support" / "rules.js").read_text()
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "build" / "web"


def source():
    """axe-core as a script; nothing where it can't be had."""
    archive = FOLDER / f"axe-core-{VERSION}.tgz"
    if not archive.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm")
        # Another process may fetch it at the same time.
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            fetch = [npm, "pack", "--silent", f"axe-core@{VERSION}"]
            if not npm or subprocess.run(fetch, cwd=folder, timeout=120).returncode != 0:
                return None
            (pathlib.Path(folder) / archive.name).replace(archive)
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert digest == INTEGRITY, f"{archive} is not the one that the tests were written with: {digest}"
    with tarfile.open(archive) as files:
        return files.extractfile("package/axe.min.js").read().decode()


def faults(tab, script):
    """The faults of the page as it is now: one line for each rule that is broken."""
    tab.wait(lambda: tab.run("return document.getAnimations().length === 0"), "the colours to settle")
    found = tab.run(RULES)
    if script is None:
        return found
    if not tab.run("return 'axe' in window"):
        tab.run(script)
    return found + tab.driver.execute_async_script(
        "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then((result) =>"
        " done(result.violations.map(({id, nodes}) => `${id}: ${nodes.map(({html, failureSummary}) =>"
        " html.slice(0, 160) + ' ' + failureSummary.split('\\n').slice(1, 2)).join(' | ')}`)),"
        " (error) => done([String(error)]))")
