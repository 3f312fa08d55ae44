"""deploy/embed-messages: its output for a table, and how it names a mistake in one."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "deploy" / "embed-messages"
sys.path.insert(0, str(TOOL.parent))

from messages.table import Mistake, Table

GOOD = """\
# A comment.
const WORD_MAX 7 "most bytes of a word"

enum color "a color"
    COLOR_RED = 0  "like blood" # another comment
    COLOR_BLUE = 4 "like the sky"

shared nonce
    bytes nonce optional max 16 "done once"

record item "an item"
    number cid required "its number"

request house.paint "paints"
  from gateway, parleyctl
    color hue optional "the color"
    item[] items required max 3 "what to paint,"
        "in order"
    text word optional max WORD_MAX "a word"
    text story optional max none "a long one"
    with nonce
  reply
    u64[] numbers required max 2 "numbers"

request house.repaint "paints again"
  from parleyctl
  body house_paint
  reply house_paint_reply

event house.painted "it is done"
  from auth
    bool well optional "whether it looks well"

request house.leave "leaves it"
  from auth
  scope groups noted
  body item
  reply item
"""


# (a part of GOOD, its replacement, the mistake that is named)
MISTAKES = (
    ("const WORD", "constant WORD", "2: constant begins nothing; these do: const, enum, record, "
     "shared, request, event"),
    ("const WORD_MAX 7", "const WORD_MAX seven", '2: expected: const NAME NUMBER "text"'),
    ("const WORD_MAX", "const word_max", "2: word_max is no name for this"),
    ('7 "most bytes of a word"', "7", "2: WORD_MAX needs a text in quotes"),
    ('"most bytes of a word"', '"most "bytes" of a word"',
     "2: a text is one pair of quotes, at the end of the line"),
    ("COLOR_BLUE = 4", "COLOR_BLUE 4", '6: expected: NAME = NUMBER "text"'),
    ("COLOR_BLUE = 4", "COLOR_BLUE = 0", "6: 0 is COLOR_RED already, in line 5"),
    ("COLOR_BLUE = 4", "COLOR_RED = 4", "6: COLOR_RED is declared already, in line 5"),
    ("shared nonce\n", "\n", '9: expected: NAME = NUMBER "text"'),
    ("enum color \"a color\"\n", "", "4: COLOR_RED belongs to nothing"),
    ('"done once"', "", "9: nonce needs a text in quotes"),
    ("number cid required", "number cid", '12: expected: TYPE NAME required|optional [max LIMIT] '
     '"text"'),
    ("number cid required", "required number cid", '12: expected: TYPE NAME required|optional '
     '[max LIMIT] "text"'),
    ("number cid required", "number Cid required", "12: Cid is no field's name"),
    ("number cid required", "integer cid required", "12: there is no type integer"),
    ("number cid required", "number cid required max 4", "12: a number has no max"),
    ("number cid required", "bool[] cid required max 4", "12: there is no type bool[]"),
    ("number cid required", "bytes cid required", "12: bytes needs a max, in bytes"),
    ("item[] items required max 3", "item[] items required", "17: item[] needs a max, in items"),
    ("item[] items required max 3", "item[] items required max none",
     "17: a list needs a limit: a message could become many times as much"),
    ("item[] items required max 3", "item[] items max 3 required",
     '17: expected: TYPE NAME required|optional [max LIMIT] "text"'),
    ("item[] items", "thing[] items", "17: there is no type thing[]"),
    ("max WORD_MAX", "max WORDS_MAX", "19: WORDS_MAX is no number, no constant of this table, nor "
     "`none`"),
    ("max WORD_MAX", "max 0", "19: 0 is no number, no constant of this table, nor `none`"),
    ("text story", "text word", "20: there is a field word already, in line 19"),
    ("text story", "text nonce", "21: there is a field nonce already, in line 20"),
    ("with nonce", "with once", "21: expected: with NAME, after `shared NAME`"),
    ("  reply\n", "  reply numbers of them\n", "22: expected: reply, or reply RECORD"),
    ("  body house_paint\n", "  reply done\n", "28: house.repaint has its reply already"),
    ("  body house_paint\n", "", "25: house.repaint has no body"),
    ("  body house_paint\n", "  body house_paint\n    bool well optional \"?\"\n",
     "28: bool belongs to nothing"),
    ("  body house_paint\n", "  body house_print\n", "25: there is no record house_print"),
    ("  body house_paint\n", "  body\n", "27: the fields of a body need no such line"),
    ("  reply house_paint_reply\n", "", "25: house.repaint has no reply"),
    ("house.repaint", "house.paint", "25: house.paint is declared already, in line 14"),
    ("house.repaint", "repaint", "25: repaint is no name for this"),
    ("record item", "record house_paint", "16: house_paint is declared already, in line 11"),
    ('"it is done"\n', '"it is done"\n  reply house_paint\n', "31: an event has no reply"),
    ('    bool well optional "whether it looks well"\n', "", "30: house.painted has no body"),
    ('    number cid required "its number"\n', "", "11: item has no fields"),
    ('"its number"\n', '"its number"\n' + "".join(f'    u64 n{i} optional "?"\n' for i in range(32)),
     "44: a record has at most 32 fields"),
    ("  from gateway, parleyctl\n", "", "14: house.paint does not say who may send it: from "
     "PROGRAM, ..."),
    ("gateway, parleyctl", "gateway, edge", "15: edge is no program; these are: gateway, auth, "
     "session, group, delivery, files, hooks, parleyctl"),
    ("gateway, parleyctl", "gateway, gateway", "15: a program is named twice"),
    ("  from parleyctl\n", "  from parleyctl\n  from auth\n",
     "27: house.repaint says already who sends it"),
    ("  from parleyctl\n  body house_paint\n", "  body house_paint\n  from parleyctl\n",
     "27: this stands before the body"),
    ("  scope groups noted\n", "  scope paint\n", "36: paint is no scope; these are: accounts, logins, "
     "groups, messages, system, people, sessions, files, audit, status, hooks"),
    ("  scope groups noted\n", "  scope groups twice\n", "36: groups twice is no scope; these are: accounts, "
     "logins, groups, messages, system, people, sessions, files, audit, status, hooks"),
    ("  scope groups noted\n  body item\n", "  body item\n  scope groups\n",
     "37: expected, before the body: scope NAME, NAME..., or the same and noted"),
)


class Tables(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.path = self.folder / "house" / "messages.def"
        self.path.parent.mkdir()

    def call(self, table, *arguments):
        self.path.write_text(table, encoding="utf-8")
        return subprocess.run([TOOL, *arguments], cwd=self.folder, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def made(self, *what):
        result = self.call(GOOD, *what, "house/messages.def")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def assert_all_in(self, texts, whole):
        for text in texts:
            self.assertIn(text, whole)

    def test_the_header_has_structures_and_enums(self):
        self.assert_all_in((
            "/* Most bytes of a word. */\n#define WORD_MAX 7\n",
            "/* A color. */\nenum color {\n"
            "    COLOR_RED = 0,  /* like blood */\n"
            "    COLOR_BLUE = 4, /* like the sky */\n};\n",
            "/* The body of house.paint. */\nstruct house_paint {\n"
            "    uint64_t hue;       /* the color (enum color) */\n"
            "    /* what to paint, in order (required, of struct item, at most 3 items) */\n"
            "    struct record_list items;\n"
            "    struct slice word;  /* a word (at most WORD_MAX bytes) */\n"
            "    struct slice story; /* a long one */\n"
            "    struct slice nonce; /* done once (at most 16 bytes) */\n};\n"
            "extern const struct record_desc house_paint_desc;\n",
            "/* The reply to house.paint. */\nstruct house_paint_reply {\n",
            "extern const struct message_desc message_HOUSE_PAINTED;\n",
            "extern const struct message_desc *const house_messages[];\n"), self.made("header"))

    def test_the_source_has_their_descriptions(self):
        self.assert_all_in((
            '    {.name = "items", .type = RECORD_LIST, .required = true, .max = 3, '
            ".element = &item_desc,\n     .offset = offsetof(struct house_paint, items)},\n",
            '    {.name = "story", .type = RECORD_TEXT, .offset = offsetof(struct house_paint, story)},',
            '    {.name = "cid", .type = RECORD_U64, .required = true, .most = RECORD_NUMBER_MOST,\n',
            "const struct message_desc message_HOUSE_REPAINT = {\n"
            '    .name = "house.repaint",\n    .body = &house_paint_desc,\n'
            "    .reply = &house_paint_reply_desc,\n    .senders =\n"
            "        PROGRAM_BIT_CTL,\n};\n",
            "const struct message_desc message_HOUSE_PAINTED = {\n"
            '    .name = "house.painted",\n    .body = &house_painted_desc,\n'
            "    .senders =\n        PROGRAM_BIT_AUTH,\n};\n",
            '    .reply = &item_desc,\n    .senders =\n        PROGRAM_BIT_AUTH,\n'
            "    .scope = SCOPE_BIT_GROUPS,\n    .noted = true,\n};\n",
            "const size_t house_messages_count = 4;\n"), self.made("source"))

    def test_the_page_has_messages_parts_enums_and_errors(self):
        page = self.made("page", ROOT / "common" / "error.h")
        self.assert_all_in((
            "\n## house\n\n### house.paint\n\nRequest: paints.\n\n"
            "From: gateway, parleyctl.\n\nBody:\n",
            "| `items` | array of map [`item`](#item) | yes | 3 items | what to paint, in order |\n",
            "| `hue` | uint [`color`](#color) |  |  | the color |\n",
            "| `word` | str |  | 7 bytes | a word |\n",
            "\n### house.painted\n\nEvent: it is done.\n",
            "From: auth; a gateway with an API key of the scope `groups`; the audit names the key.\n",
            "\n### item\n\nAn item.\n", "| 4 | `COLOR_BLUE` | like the sky |\n",
            "| `bad_login` | the account or the password is wrong |\n"), page)

    def test_a_mistake_is_named_with_its_line(self):
        for old, new, fault in MISTAKES:
            with self.subTest(fault):
                self.assertIn(old, GOOD)
                self.path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
                with self.assertRaises(Mistake) as caught:
                    Table(str(self.path))
                self.assertEqual(str(caught.exception), f"{self.path}:{fault}")

    def test_a_mistake_ends_the_build(self):
        result = self.call("messages\n", "header", "house/messages.def")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertTrue(result.stderr.startswith("house/messages.def:1: messages begins nothing"))

    def test_a_wrong_call_is_answered_with_the_usage(self):
        for arguments in ((), ("paint", "house/messages.def"), ("page", "house/messages.def")):
            result = self.call(GOOD, *arguments)
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertIn("usage: embed-messages", result.stderr)


if __name__ == "__main__":
    unittest.main()
