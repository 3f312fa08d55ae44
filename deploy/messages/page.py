"""The reference page of tables of messages."""
import re

from messages.table import Mistake, sentence

INTRODUCTION = """\
# Internal messages

Made by `make docs` from `proto/messages.def`, `common/messages.def` and `common/error.h`.

## Envelope

A service binds one ZeroMQ ROUTER; a caller holds a DEALER to each instance. A message is one frame
that holds two msgpack objects, one after the other:

1. the header, an array `[kind, id, name]`, of a request `[kind, id, name, trace, wait_ms, credential]`; further
   elements are ignored. `kind` is an [`envelope_kind`](#envelope_kind). `id` is chosen by the caller
   of a request and repeated in the reply; an event has 0. `trace` is a number that a gateway gave to
   the client's request behind it, for logs. `wait_ms` says how long the caller waits for the reply;
   work that has not begun by then is dropped. 0 or absent: not known. `credential` is the API key for
   which a gateway sends the request; absent: none;
2. the body, a map with string keys. Keys that a reader does not know are ignored; a key that is
   absent counts as 0, false or empty, unless it is required.

How long a frame and a name may be and how deep maps nest: [limits.md](limits.md).

The body of an error:
"""
NUMBERS = """
Accounts, groups and conversations are numbers. The string form of an account or group travels
beside its number as `..._id`, only where it is not the number's decimal form.
"""


def cell(text):
    return text.replace("|", "\\|")


def limit_text(field, constants):
    found = []
    if field.limit and field.limit != "none":
        number = constants[field.limit].number if field.limit in constants else field.limit
        found.append(f"{number} {field.shape()[3]}")
    if field.below_2_53():
        found.append("each below 2^53" if found else "below 2^53")
    return ", ".join(found)


def page_fields(record, constants):
    yield from ("", "| key | type | required | limit | meaning |", "| --- | --- | --- | --- | --- |")
    for field in record.fields:
        other = field.element or field.enum
        link = f" [`{other.name}`](#{other.name})" if other else ""
        yield (f"| `{field.name}` | {field.shape()[2]}{link} | {'yes' if field.required else ''} | "
               f"{limit_text(field, constants)} | {cell(field.help)} |")


def page_record(what, name, table):
    record = table.records[name]
    if record.use:
        yield from ("", f"{what}:")
        yield from page_fields(record, table.constants)
    else:
        yield from ("", f"{what}: [`{name}`](#{name}).")


def scope_text(message):
    """Who else may send it."""
    if not message.scope:
        return ""
    noted = "; the audit names the key" if message.noted else ""
    scopes = " or ".join(f"`{name}`" for name in message.scope)
    others = "" if "gateway" in message.senders else "; a gateway"
    return f"{others} with an API key of the scope {scopes}{noted}"


def page_messages(table):
    section = None
    for message in table.messages.values():
        service = message.name.partition(".")[0]
        if service != section:
            yield from ("", f"## {service}")
            section = service
        kind = "Request" if message.is_request else "Event"
        yield from ("", f"### {message.name}", "", f"{kind}: {message.help}.", "",
                    f"From: {', '.join(message.senders)}{scope_text(message)}.")
        yield from page_record("Body", message.body, table)
        if message.reply:
            yield from page_record("Reply", message.reply, table)


def page_errors(path):
    with open(path, encoding="utf-8") as text:
        rows = re.findall(r'X\(\w+,\s*"(\w+)",\s*"([^"]*)"\)', text.read().replace("\\\n", " "))
    if not rows or rows[0][0] != "ok":
        raise Mistake(f"{path}: holds no table of errors")
    yield from ("", "| error | text, where the service has none of its own |", "| --- | --- |")
    for word, text in rows[1:]:
        yield f"| `{word}` | {cell(text)} |"


def page_lines(errors, tables):
    yield INTRODUCTION.rstrip("\n")
    for table in tables:
        if "envelope_error" in table.records:
            yield from page_fields(table.records["envelope_error"], table.constants)
    yield from page_errors(errors)
    yield NUMBERS.rstrip("\n")
    for table in tables:
        yield from page_messages(table)
    yield from ("", "## Parts", "",
                "Maps that several messages have as body or reply, or that travel within messages: as",
                "items of an array, or packed into a bin.")
    for table in tables:
        for record in table.records.values():
            if not record.use and record.name != "envelope_error":
                yield from ("", f"### {record.name}", "", sentence(record.help))
                yield from page_fields(record, table.constants)
    yield from ("", "## Enums", "", "Numbers that have names.")
    for table in tables:
        for enum in table.enums.values():
            yield from ("", f"### {enum.name}", "", sentence(enum.help), "",
                        "| number | name | meaning |", "| --- | --- | --- |")
            yield from (f"| {value.number} | `{value.name}` | {cell(value.help)} |"
                        for value in enum.values)
