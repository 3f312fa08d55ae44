"""limits-page on small trees: its output, and the faults that it refuses."""

import pathlib
import subprocess
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "deploy/limits-page"


class LimitsPage(unittest.TestCase):
    def run_on(self, **files):
        """The outcome on a tree with these files of common/ (`a_h`: a.h)."""
        with tempfile.TemporaryDirectory() as root:
            common = pathlib.Path(root) / "common"
            common.mkdir()
            for name, text in files.items():
                (common / name.replace("_", ".")).write_text(text)
            return subprocess.run([PROGRAM], cwd=root, capture_output=True, text=True, check=False)

    def assert_refused(self, sentence, **files):
        done = self.run_on(**files)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(sentence, done.stderr)

    def assert_row(self, row, **files):
        done = self.run_on(**files)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(row, done.stdout.splitlines())

    def test_a_constant(self):
        self.assert_row(
            "| a thing | 8 KiB | `THING_BYTES` (`common/a.h`) | dropped |",
            a_h="/* limit: service | a thing | {THING_BYTES} | dropped */\n"
                "#define THING_BYTES ((size_t)UNIT << 3)\n#define UNIT 1024\n")

    def test_an_option(self):
        self.assert_row(
            "| a wait | 30 s | `wait_ms` | ended |",
            a_c="/* limit: gateway | a wait | {wait_ms} |\n * ended */\n"
                'CONFIG_U64(struct s, wait_ms, 30000, 1, 60000, "ms", "the wait"),\n')

    def test_a_script(self):
        self.assert_row("| an end | 15 s | `common/a.sh` | killed |",
                        a_sh="# limit: tool | an end | 15 s |\n# killed\nsleep 15\n")

    def test_a_constant_that_nobody_describes(self):
        self.assert_refused("QUEUE_MAX looks like a limit", a_h="#define QUEUE_MAX 5\n")
        self.assertEqual(
            self.run_on(a_h="/* no limit: a range */\n#define QUEUE_MAX 5\n").returncode, 0)

    def test_a_name_of_several_files(self):
        """The constant of the same file is meant; without one there, which is not known."""
        row = "/* limit: service | a pause | {PAUSE_MS} | - */\n"
        self.assert_row("| a pause | 7 ms | `PAUSE_MS` (`common/b.c`) |  |",
                        a_c="#define PAUSE_MS 5\n", b_c=row + "#define PAUSE_MS 7\n")
        self.assert_refused("PAUSE_MS is a constant of several files: common/a.c, common/b.c",
                            a_c="#define PAUSE_MS 5\n", b_c="#define PAUSE_MS 7\n", c_c=row)

    def test_a_name_that_is_not_there(self):
        self.assert_refused("called GONE", a_h="/* limit: service | a thing | {GONE} | - */\n")

    def test_a_value_that_is_not_known(self):
        self.assert_refused("the value of A_MAX",
                            a_h="/* limit: service | a | {A_MAX} | - */\n#define A_MAX sizeof(x)\n")

    def test_a_description_that_is_none(self):
        self.assert_refused("not `limit: SECTION", a_h="/* limit: nowhere | a | 1 | - */\n")
        self.assert_refused("not `limit: SECTION", a_h="/* limit: service | a | 1 */\n")


if __name__ == "__main__":
    unittest.main()
