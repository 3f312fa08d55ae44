"""The page's model: alone on a log in memory, then on parley.js against real services."""

import os
import subprocess

from parley_stack import DEADLINE, ROOT

WEB = ROOT / "tests/web"


def run_node(*arguments, **environment):
    done = subprocess.run(["node", "--test", *map(str, arguments)], env=os.environ | environment, cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=5 * DEADLINE)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_model_on_a_server(stack):
    print(run_node(WEB / "stack/model.mjs", PARLEY_URL=f"ws://{stack.host}:{stack.ports['http']}/"))
