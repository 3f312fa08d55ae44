"""C of a table: a header with structures and enums, a source with their descriptions."""
import re
import textwrap

from messages.table import PROGRAMS, SCOPES, sentence

WIDTH = 100


def comment(text, indent=""):
    """The lines of a comment."""
    line = f"{indent}/* {text} */"
    if len(line) <= WIDTH:
        return [line]
    lines = textwrap.wrap(text, WIDTH - len(indent) - 3, break_on_hyphens=False)
    return [f"{indent}/*", *(f"{indent} * {line}" for line in lines), f"{indent} */"]


def with_comments(rows):
    """Lines of (code, its comment): beside it in one column, or above where there is no room."""
    def beside(code, text, column=0):
        return f"    {code:{column}} /* {text} */"

    column = max((len(code) for code, text in rows if len(beside(code, text)) <= WIDTH), default=0)
    for code, text in rows:
        line = beside(code, text, column)
        yield from [line] if len(line) <= WIDTH else [*comment(text, "    "), "    " + code]


def properties(field):
    """What the field's type doesn't say."""
    found = ["required"] if field.required else []
    if field.enum:
        found.append(f"enum {field.enum.name}")
    if field.element:
        found.append(f"of struct {field.element.name}")
    if field.limit and field.limit != "none":
        found.append(f"at most {field.limit} {field.shape()[3]}")
    if field.below_2_53():
        found.append("below 2^53")
    return f" ({', '.join(found)})" if found else ""


def struct_lines(record):
    yield from comment(record.use or sentence(record.help))
    yield f"struct {record.name} {{"
    yield from with_comments([(f"{field.shape()[0]} {field.name};", field.help + properties(field))
                              for field in record.fields])
    yield "};"
    yield f"extern const struct record_desc {record.name}_desc;"
    yield ""


def header_lines(table):
    guard = "PARLEY_" + re.sub(r"\W", "_", stem_of(table)).upper() + "_H"
    yield f"/* Made by deploy/embed-messages from {table.path}: changes belong there. */"
    yield from (f"#ifndef {guard}", f"#define {guard}", "", '#include "common/record.h"', "")
    for constant in table.constants.values():
        yield from comment(sentence(constant.help))
        yield from (f"#define {constant.name} {constant.number}", "")
    for enum in table.enums.values():
        yield from comment(sentence(enum.help))
        yield f"enum {enum.name} {{"
        yield from with_comments([(f"{value.name} = {value.number},", value.help)
                                  for value in enum.values])
        yield from ("};", "")
    for record in table.records.values():
        yield from struct_lines(record)
    for message in table.messages.values():
        yield from comment(f"{message.name}: {message.help}.")
        yield f"extern const struct message_desc {message.symbol()};"
    if table.messages:
        yield ""
    yield "/* All of them, in the order of the table. */"
    for kind, _ in lists_of(table):
        name = list_name(table, kind)
        yield f"extern const struct {kind}_desc *const {name}[];"
        yield f"extern const size_t {name}_count;"
    yield from ("", "#endif")


def stem_of(table):
    return table.path.rsplit(".", 1)[0]


def lists_of(table):
    return [(kind, things) for kind, things in
            (("record", table.records), ("message", table.messages)) if things]


def list_name(table, kind):
    """proto/messages.def -> proto_messages, proto_records"""
    return re.sub(r"\W", "_", table.path.rpartition("/")[0]) + f"_{kind}s"


def field_lines(record, field):
    parts = [f'.name = "{field.name}"', f".type = {field.shape()[1]}"]
    if field.required:
        parts.append(".required = true")
    if field.limit and field.limit != "none":
        parts.append(f".max = {field.limit}")
    if field.below_2_53():
        parts.append(".most = RECORD_NUMBER_MOST")
    if field.element:
        parts.append(f".element = &{field.element.name}_desc")
    offset = f".offset = offsetof(struct {record.name}, {field.name})}},"
    line = f"    {{{', '.join(parts)}, {offset}"
    yield from [line] if len(line) <= WIDTH else [f"    {{{', '.join(parts)},", f"     {offset}"]


def sender_lines(message):
    bits = " | ".join(f"PROGRAM_BIT_{PROGRAMS[name]}" for name in message.senders)
    return textwrap.wrap(bits + ",", WIDTH, initial_indent="        ", subsequent_indent="        ")


def source_lines(table):
    yield f"/* Made by deploy/embed-messages from {table.path}: changes belong there. */"
    yield from (f'#include "{stem_of(table)}.h"', "", '#include "common/program.h"',
                '#include "common/scope.h"', "")
    for record in table.records.values():
        yield f"static const struct record_field {record.name}_fields[] = {{"
        for field in record.fields:
            yield from field_lines(record, field)
        yield from ("};", f"const struct record_desc {record.name}_desc = {{",
                    f'    .name = "{record.name}",', f"    .size = sizeof(struct {record.name}),",
                    f"    .fields = {record.name}_fields,",
                    f"    .field_count = {len(record.fields)},", "};", "")
    for message in table.messages.values():
        yield from (f"const struct message_desc {message.symbol()} = {{",
                    f'    .name = "{message.name}",', f"    .body = &{message.body}_desc,")
        if message.reply:
            yield f"    .reply = &{message.reply}_desc,"
        yield from ("    .senders =", *sender_lines(message))
        if message.scope:
            bits = " | ".join(f"SCOPE_BIT_{SCOPES[name]}" for name in message.scope)
            yield f"    .scope = {bits},"
        if message.noted:
            yield "    .noted = true,"
        yield from ("};", "")
    for kind, things in lists_of(table):
        name = list_name(table, kind)
        yield f"const struct {kind}_desc *const {name}[] = {{"
        for thing in things.values():
            yield f"    &{thing.symbol() if kind == 'message' else thing.name + '_desc'},"
        yield from ("};", f"const size_t {name}_count = {len(things)};", "")
