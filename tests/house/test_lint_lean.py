"""lint-lean on small files: faults that it refuses, and forms that it lets pass."""

import pathlib
import subprocess
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "deploy/lint-lean"
LITERAL = "a line of a literal begins as a comment does"
COMMENT = "a comment behind code has more than one line"


class LintLean(unittest.TestCase):
    def run_on(self, **files):
        """The sentences about these files (`a_js`: a.js)."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                (pathlib.Path(folder) / name.replace("_", ".")).write_text(text)
            names = [name.replace("_", ".") for name in files]
            done = subprocess.run([PROGRAM, *names], cwd=folder, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1 if done.stderr else 0, done.stderr)
        return sorted(done.stderr.splitlines())

    def test_literals(self):
        self.assertEqual(
            self.run_on(
                a_js="b();\nconst a = `x\n  // y\n`;\n",
                b_js="const a = `${b} x\n\t/* y ${c}`;\n",
                c_js='const a = "x\\\n// y";\n'),
            [f"a.js:2: {LITERAL}", f"b.js:1: {LITERAL}", f"c.js:1: {LITERAL}"])

    def test_comments_behind_code(self):
        self.assertEqual(
            self.run_on(a_js="a();\nb(); /* c\n// d */ e();\n", b_css="a { } /* b\n */\n"),
            [f"a.js:2: {COMMENT}", f"b.css:1: {COMMENT}"])

    def test_what_is_right(self):
        self.assertEqual(
            self.run_on(
                a_js="const a = /[`]/; // `\n/** @type {A} */\nconst b = `c\nd // e`;\n// `\n/* f\n * g */ h();\n",
                b_css="/* a\n * b */ c { }\n/* d\n */\ne { } /* f */\n"),
            [])


if __name__ == "__main__":
    unittest.main()
