"""Reads a table of messages and checks it; proto/messages.def says how one is written."""
import pathlib
import re

MAX_FIELDS = 32  # RECORD_MAX_FIELDS
NAME = r"[a-z][a-z0-9_]*"
CONSTANT = r"[A-Z][A-Z0-9_]*"

# type -> (C type, how record.h describes it, msgpack type, what `max` counts)
TYPES = {
    "u64": ("uint64_t", "RECORD_U64", "uint", None),
    "number": ("uint64_t", "RECORD_U64", "uint", None),
    "bool": ("bool", "RECORD_BOOL", "bool", None),
    "text": ("struct slice", "RECORD_TEXT", "str", "bytes"),
    "bytes": ("struct slice", "RECORD_BYTES", "bin", "bytes"),
    "u64[]": ("struct u64_list", "RECORD_U64S", "array of uint", "items"),
    "number[]": ("struct u64_list", "RECORD_U64S", "array of uint", "items"),
    "text[]": ("struct slice_list", "RECORD_TEXTS", "array of str", "items"),
    "bytes[]": ("struct slice_list", "RECORD_BLOBS", "array of bin", "items"),
}
LIST = ("struct record_list", "RECORD_LIST", "array of map", "items")


def words_of(header):
    """name -> its word in C, of a list of X(WORD, "name") in common/."""
    path = pathlib.Path(__file__).parents[2] / "common" / header
    return {name: word for word, name in
            re.findall(r'X\((\w+), "(\w+)"', path.read_text(encoding="utf-8"))}


PROGRAMS = words_of("program.h")  # PROGRAM_BIT_...
SCOPES = words_of("scope.h")  # SCOPE_BIT_...


class Field:
    """A member of a record: `element` is the record of a list's items, `enum` that of a number."""

    def __init__(self, line, kind, name, required, limit):
        self.line, self.kind, self.name, self.required = line, kind, name, required
        self.limit = limit  # a number, a constant's name, or None
        self.element = self.enum = None
        self.help = ""

    def shape(self):
        if self.element:
            return LIST
        return TYPES["u64" if self.enum else self.kind]

    def below_2_53(self):
        return self.kind in ("number", "number[]")


class Record:
    """`use`: of which message it is the body or the reply; "" when it stands for itself."""

    def __init__(self, line, name, use):
        self.line, self.name, self.use = line, name, use
        self.fields = []
        self.help = ""


class Message:
    """`body` and `reply` are names of records; an event has no reply. `senders`: names of programs;
    `scope`: names of those of the API keys with which a gateway may send it, too; `noted`: the audit names the key."""

    def __init__(self, line, name, is_request):
        self.line, self.name, self.is_request = line, name, is_request
        self.senders = []
        self.scope, self.noted = None, False
        self.body = self.reply = None
        self.help = ""

    def symbol(self):
        return "message_" + self.name.upper().replace(".", "_")


class Enum:
    def __init__(self, line, name):
        self.line, self.name = line, name
        self.values = []
        self.help = ""


class Value:
    """A value of an enum, or a constant."""

    def __init__(self, line, name, number):
        self.line, self.name, self.number = line, name, number
        self.help = ""


class Mistake(Exception):
    pass


class Table:
    """The declarations of one file, in its order; names are unique over all kinds of things in C."""

    def __init__(self, path):
        self.path = path
        self.constants, self.enums, self.records, self.messages = {}, {}, {}, {}
        self.shared = {}  # name -> fields that records have in common
        self.names = {}  # whatever becomes a name in C -> its line
        self.message = self.fields = self.enum = self.helped = None
        with open(path, encoding="utf-8") as text:
            for self.line, line in enumerate(text, 1):
                self.read(line.rstrip("\n"))
        for helped in self.all_helped():
            self.demand(helped.help, helped.line, f"{helped.name} needs a text in quotes")
        for message in self.messages.values():
            self.check_message(message)
        for record in self.records.values():
            self.check_record(record)

    def demand(self, truth, line, reason):
        if not truth:
            raise Mistake(f"{self.path}:{line}: {reason}")

    def all_helped(self):
        for things in (self.constants, self.enums, self.messages):
            yield from things.values()
        yield from (record for record in self.records.values() if not record.use)
        for record in self.records.values():
            yield from record.fields
        for enum in self.enums.values():
            yield from enum.values

    def declare(self, name, pattern):
        self.demand(re.fullmatch(pattern, name), self.line, f"{name} is no name for this")
        self.demand(name not in self.names, self.line,
                    f"{name} is declared already, in line {self.names.get(name)}")
        self.names[name] = self.line

    def read(self, line):
        match = re.fullmatch(r'(\s*)([^"#]*?)\s*("[^"]*")?\s*(#.*)?', line)
        self.demand(match, self.line, "a text is one pair of quotes, at the end of the line")
        indent, words, text = match[1], match[2].split(), match[3]
        if words:
            self.helped = self.read_words(words, indent)
        if text:
            self.demand(self.helped, self.line, "this text belongs to nothing")
            self.helped.help = f"{self.helped.help} {text[1:-1]}".strip()

    def read_words(self, words, indent):
        """The declaration in the words, which the text behind them explains."""
        if not indent:
            self.message = self.fields = self.enum = None
            readers = {"const": self.read_constant, "enum": self.read_enum,
                       "record": self.read_record, "shared": self.read_shared,
                       "request": self.read_message, "event": self.read_message}
            self.demand(words[0] in readers, self.line,
                        f"{words[0]} begins nothing; these do: {', '.join(readers)}")
            return readers[words[0]](words)
        if words[0] == "from" and self.message:
            return self.read_senders(words)
        if words[0] == "scope" and self.message:
            return self.read_scope(words)
        if words[0] in ("body", "reply") and self.message:
            return self.read_part(words)
        if self.enum:
            return self.read_value(words)
        return self.read_field(words)

    def read_constant(self, words):
        self.demand(len(words) == 3 and words[2].isdecimal(), self.line,
                    'expected: const NAME NUMBER "text"')
        self.declare(words[1], CONSTANT)
        self.constants[words[1]] = Value(self.line, words[1], int(words[2]))
        return self.constants[words[1]]

    def read_enum(self, words):
        self.demand(len(words) == 2, self.line, 'expected: enum NAME "text"')
        self.declare("enum " + words[1], "enum " + NAME)
        self.enum = self.enums[words[1]] = Enum(self.line, words[1])
        return self.enum

    def read_value(self, words):
        self.demand(len(words) == 3 and words[1] == "=" and words[2].isdecimal(), self.line,
                    'expected: NAME = NUMBER "text"')
        value = Value(self.line, words[0], int(words[2]))
        self.declare(value.name, CONSTANT)
        for other in self.enum.values:
            self.demand(other.number != value.number, self.line,
                        f"{value.number} is {other.name} already, in line {other.line}")
        self.enum.values.append(value)
        return value

    def add_record(self, name, use):
        self.declare(name, NAME)
        record = self.records[name] = Record(self.line, name, use)
        self.fields = record.fields
        return record

    def read_record(self, words):
        self.demand(len(words) == 2, self.line, 'expected: record NAME "text"')
        return self.add_record(words[1], "")

    def read_shared(self, words):
        self.demand(len(words) == 2, self.line, "expected: shared NAME")
        self.declare("shared " + words[1], "shared " + NAME)
        self.fields = self.shared[words[1]] = []

    def read_message(self, words):
        self.demand(len(words) == 2, self.line, f'expected: {words[0]} SERVICE.VERB "text"')
        self.declare(words[1], rf"{NAME}\.{NAME}")
        self.message = Message(self.line, words[1], words[0] == "request")
        self.messages[words[1]] = self.message
        return self.message

    def read_senders(self, words):
        self.demand(not self.message.senders, self.line,
                    f"{self.message.name} says already who sends it")
        self.demand(self.message.body is None, self.line, "this stands before the body")
        self.message.senders = " ".join(words[1:]).split(", ")
        for name in self.message.senders:
            self.demand(name in PROGRAMS, self.line,
                        f"{name} is no program; these are: {', '.join(PROGRAMS)}")
        self.demand(len(set(self.message.senders)) == len(self.message.senders), self.line,
                    "a program is named twice")

    def read_scope(self, words):
        self.demand(self.message.scope is None and self.message.body is None and
                    len(words) > 1, self.line,
                    "expected, before the body: scope NAME, NAME..., or the same and noted")
        noted = words[-1] == "noted"
        scopes = " ".join(words[1:len(words) - noted]).split(", ")
        for name in scopes:
            self.demand(name in SCOPES, self.line,
                        f"{name} is no scope; these are: {', '.join(SCOPES)}")
        self.message.scope, self.message.noted = scopes, noted

    def read_part(self, words):
        """`reply` begins the fields of the reply; `reply NAME`, `body NAME` name another record."""
        part, message = words[0], self.message
        self.demand(len(words) <= 2, self.line, f"expected: {part}, or {part} RECORD")
        self.demand(getattr(message, part) is None, self.line,
                    f"{message.name} has its {part} already")
        self.demand(part == "body" or message.is_request, self.line, "an event has no reply")
        self.fields = None
        if len(words) == 2:
            setattr(message, part, words[1])
            return
        self.demand(part == "reply", self.line, "the fields of a body need no such line")
        message.reply = self.record_of(message) + "_reply"
        self.add_record(message.reply, f"The reply to {message.name}.")

    @staticmethod
    def record_of(message):
        return message.name.replace(".", "_")

    def read_field(self, words):
        message = self.message
        if message and message.body is None:
            self.demand(message.reply is None, self.line, "the body stands before the reply")
            message.body = self.record_of(message)
            self.add_record(message.body, f"The body of {message.name}.")
        self.demand(self.fields is not None, self.line, f"{words[0]} belongs to nothing")
        if words[0] == "with":
            self.demand(len(words) == 2 and words[1] in self.shared, self.line,
                        "expected: with NAME, after `shared NAME`")
            for field in self.shared[words[1]]:
                self.add_field(field)
            return None
        match = re.fullmatch(r"(\S+) (\S+) (required|optional)(?: max (\S+))?", " ".join(words))
        self.demand(match, self.line,
                    'expected: TYPE NAME required|optional [max LIMIT] "text"')
        field = Field(self.line, match[1], match[2], match[3] == "required", match[4])
        self.demand(re.fullmatch(NAME, field.name), self.line, f"{field.name} is no field's name")
        self.add_field(field)
        return field

    def add_field(self, field):
        for other in self.fields:
            self.demand(other.name != field.name, self.line,
                        f"there is a field {field.name} already, in line {other.line}")
        self.fields.append(field)
        self.demand(len(self.fields) <= MAX_FIELDS, self.line,
                    f"a record has at most {MAX_FIELDS} fields")

    # ---- checks that need the whole table

    def check_message(self, message):
        self.demand(message.senders, message.line,
                    f"{message.name} does not say who may send it: from PROGRAM, ...")
        self.demand(message.body, message.line, f"{message.name} has no body")
        self.demand(message.reply or not message.is_request, message.line,
                    f"{message.name} has no reply")
        for name in filter(None, (message.body, message.reply)):
            self.demand(name in self.records, message.line, f"there is no record {name}")

    def check_record(self, record):
        self.demand(record.fields, record.line, f"{record.name} has no fields")
        for field in record.fields:
            self.check_field(field)

    def check_field(self, field):
        if field.kind.endswith("[]") and field.kind[:-2] in self.records:
            field.element = self.records[field.kind[:-2]]
        elif field.kind in self.enums:
            field.enum = self.enums[field.kind]
        self.demand(field.element or field.enum or field.kind in TYPES, field.line,
                    f"there is no type {field.kind}")
        counted = field.shape()[3]
        if not counted:
            self.demand(field.limit is None, field.line, f"a {field.kind} has no max")
            return
        self.demand(field.limit, field.line, f"{field.kind} needs a max, in {counted}")
        if field.limit == "none":
            self.demand(counted == "bytes", field.line,
                        "a list needs a limit: a message could become many times as much")
            return
        self.demand(field.limit in self.constants or re.fullmatch("[1-9][0-9]*", field.limit),
                    field.line, f"{field.limit} is no number, no constant of this table, nor `none`")


def sentence(text):
    return text[:1].upper() + text[1:] + "."
