"""Cases as they stand in cases/*.json, and the meaning of the placeholders in their messages.

README.md describes the format. Here a case is read and checked, so that a mistake in a file is
reported as one, and messages are filled in and compared.
"""

import dataclasses
import itertools
import json
import pathlib
import re
import time

FOLDER = pathlib.Path(__file__).parent / "cases"
DIALECTS = ("ourchat", "youim")
TRANSPORTS = ("websocket", "tcp", "binary")
STATES = ("", "away", "logged out", "unregistered")
VERBS = ("says", "hears", "leaves", "returns", "connects", "is cut off", "uploads")
KEYS = {"title", "why", "people", "friends", "groups", "new", "steps", "needs", "transports"}

# Presence. A person who goes offline before the report of going online was sent has done neither; only
# the operator can see that it was sent.
PRESENCE = re.compile(r'"msgType": (107|108|109|110)\b')
PLACEHOLDER = re.compile(r"\$[a-z]+(?:\.[a-z_]+)?(?![a-z])")
SAYS = "$says "
# `time` may differ from this machine's by so many seconds.
CLOCKS_DIFFER = 600


class Mismatch(Exception):
    """A message is not the expected one; the text says where."""


@dataclasses.dataclass
class Person:
    """Somebody of a case: `dialect` is "either" where the case is run with each; `again` names the
    person whose second connection this is."""

    dialect: str
    state: str = ""
    again: str = ""


class Case:
    """One file."""

    def __init__(self, path):
        self.name = path.stem
        content = json.loads(path.read_text())
        assert set(content) <= KEYS, f"{path}: unknown {set(content) - KEYS}"
        self.title, self.why = content["title"], content["why"]
        self.people = {name: self._person(text) for name, text in content["people"].items()}
        self.friends = content.get("friends", [])
        self.groups = content.get("groups", {})
        self.new = content.get("new", [])
        self.needs_operator = content.get("needs") == "operator"
        self.transports = content.get("transports", TRANSPORTS)
        self.steps = [self._step(step) for step in content["steps"]]
        assert self.needs_operator or not PRESENCE.search(json.dumps(content["steps"])), (
            f"{self.name}: the presence that it receives depends on when that is sent: needs operator")

    def _person(self, text):
        first, _, rest = text.partition(" ")
        if rest == "again":
            return Person("", again=first)
        assert first in (*DIALECTS, "either") and rest in STATES, f"{self.name}: {text!r}"
        return Person(first, rest)

    def _step(self, step):
        (words, what), *more = step.items()
        who, _, verb = words.partition(" ")
        assert not more, f"{self.name}: more than one thing in a step: {step}"
        known = who in self.people and verb in VERBS or words == "operator"
        assert known, f"{self.name}: cannot read the step {words!r}"
        return who, verb, what

    def variants(self):
        """Each way to give a dialect to the people who may have either: {person: dialect}."""
        single = {name: person for name, person in self.people.items() if not person.again}
        open_ones = [name for name, person in single.items() if person.dialect == "either"]
        for choice in itertools.product(DIALECTS, repeat=len(open_ones)):
            dialects = {name: person.dialect for name, person in single.items()}
            dialects |= dict(zip(open_ones, choice))
            for name, person in self.people.items():
                if person.again:
                    dialects[name] = dialects[person.again]
            yield dialects


def cases():
    return [Case(path) for path in sorted(FOLDER.glob("*.json"))]


# --- messages


def of_dialect(what, dialect):
    """The message for this dialect, where there is one for each."""
    if isinstance(what, dict) and what and set(what) <= set(DIALECTS):
        return what[dialect]
    return what


def fill_in(what, values):
    """The message to send: placeholders are replaced by their values."""
    if isinstance(what, dict):
        return {key: fill_in(value, values) for key, value in what.items()}
    if isinstance(what, list):
        return [fill_in(value, values) for value in what]
    if not isinstance(what, str):
        return what
    if PLACEHOLDER.fullmatch(what):
        return values[what]
    return PLACEHOLDER.sub(lambda found: str(values[found.group()]), what)


def compare(expected, given, values, where="the message"):
    """Raises Mismatch unless `given` has exactly the fields of `expected`, in its order. A
    placeholder without a value gets it from `given`."""
    if isinstance(expected, dict):
        _compare_objects(expected, given, values, where)
    elif isinstance(expected, list):
        _compare_lists(expected, given, values, where)
    elif isinstance(expected, str) and expected.startswith("$"):
        _compare_placeholder(expected, given, values, where)
    else:
        expected = fill_in(expected, values)
        if type(given) is not type(expected) or given != expected:
            raise Mismatch(f"{where} is not {expected!r}")


def _compare_objects(expected, given, values, where):
    if not isinstance(given, dict) or list(given) != list(expected):
        raise Mismatch(f"the fields of {where} are not {', '.join(expected) or 'none'}")
    for key, value in expected.items():
        compare(value, given[key], values, f"`{key}`")


def _compare_lists(expected, given, values, where):
    if not isinstance(given, list) or len(given) != len(expected):
        raise Mismatch(f"{where} is not a list of {len(expected)}")
    for at, value in enumerate(expected):
        compare(value, given[at], values, f"item {at} of {where}")


def _compare_placeholder(expected, given, values, where):
    if expected == "$time":
        good = type(given) is int and abs(given - time.time()) < CLOCKS_DIFFER
    elif expected == "$text":
        good = isinstance(given, str) and given != ""
    elif expected.startswith(SAYS):
        words = fill_in(expected.removeprefix(SAYS), values)
        good = isinstance(given, str) and words in given
    elif not PLACEHOLDER.fullmatch(expected):
        good = given == fill_in(expected, values)
    elif expected in values:
        good = type(given) is type(values[expected]) and given == values[expected]
        expected = repr(values[expected])
    else:
        kinds = str if expected.endswith((".token", ".file", ".key")) else int
        good = type(given) is kinds and bool(given)
        learn(expected, given, values)
    if not good:
        raise Mismatch(f"{where} is not {expected}")


def learn(placeholder, value, values):
    """Of a number that the server gave, the string id is known too."""
    values[placeholder] = value
    if placeholder.endswith((".ocid", ".group_id")):
        values[placeholder.partition(".")[0] + ".id"] = str(value)
