"""docs/afternoon.md: its blocks run one after the other as they stand there, and print what the page
says."""

import ast
import asyncio
import contextlib
import inspect
import io
import re

from parley_stack import DEADLINE, ROOT

PAGE = ROOT / "docs/afternoon.md"
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ADDRESS = "ws://127.0.0.1:5999/"


async def run(block, names):
    """As at the prompt of `python3 -m asyncio`, which takes `await` outside of functions; what it
    printed."""
    code = compile(block, PAGE.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        result = eval(code, names)
        if inspect.isawaitable(result):
            await asyncio.wait_for(result, DEADLINE)
    return printed.getvalue()


async def run_page(blocks, address):
    """(block, its output, the page's output) of each block."""
    names, outcomes = {}, []
    for kind, block in blocks:
        if kind == "text":
            outcomes[-1][2] = block
        else:
            outcomes.append([block, await run(block.replace(ADDRESS, address), names), ""])
    return outcomes


def test_the_page_works_as_written(make_stack):
    stack = make_stack()
    blocks = BLOCK.findall(PAGE.read_text())
    assert [kind for kind, _ in blocks].count("python") > 7
    address = f"ws://{stack.host}:{stack.ports['http']}/"
    for block, printed, said in asyncio.run(run_page(blocks, address)):
        assert printed == said, block
