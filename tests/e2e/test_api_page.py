"""docs/api.md: its commands work as they stand there, and print what the page says, but for what is
different each time."""

import json
import os
import re
import subprocess

from parley_stack import DEADLINE, ROOT, programs

PAGE = ROOT / "docs/api.md"
BLOCK = re.compile(r"^```(sh|json)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MARK = "-- end of a block --"


def shape(value):
    """Without what differs: numbers, and texts that are no id, type or words of the page."""
    if isinstance(value, dict):
        return {key: value[key] if key in ("id", "name", "text", "type", "from", "to", "more") else shape(value[key])
                for key in value}
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__


def last_object(text):
    found, at = None, text.find("{")
    while at >= 0:
        found, end = json.JSONDecoder().raw_decode(text, at)
        at = text.find("{", end)
    return found


def test_the_commands_work_as_written(make_stack, tmp_path):
    stack = make_stack()
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    commands = [text for kind, text in blocks if kind == "sh"]
    assert len(commands) > 6
    script = "set -euo pipefail\n" + "".join(f"{text}\necho\necho '{MARK}'\n" for text in commands)
    done = subprocess.run(
        ["bash", "-c", script.replace("127.0.0.1:5999", f"127.0.0.1:{stack.ports['http']}")], cwd=tmp_path,
        env=stack.environment | {"PATH": f"{programs()}:{os.environ['PATH']}"}, capture_output=True, text=True,
        timeout=DEADLINE, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    outputs = iter(done.stdout.split(MARK))
    printed = ""
    for kind, text in blocks:
        if kind == "sh":
            printed = next(outputs)
        else:
            assert shape(last_object(printed)) == shape(json.loads(text)), printed


def test_the_operations_of_the_file_are_those_of_the_gateway():
    made = subprocess.run([programs() / "parley-gateway", "--openapi"], capture_output=True, text=True, check=True,
                          timeout=DEADLINE)
    assert json.loads(made.stdout) == json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
