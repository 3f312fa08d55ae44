"""deploy/lint-house finds faults that are put in on purpose: each test builds a small tree and breaks it."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

LINT = os.path.join(os.path.dirname(__file__), "..", "..", "deploy", "lint-house")

# Two folders, of which `proto` may use `common`; in each, the first module uses the second.
TREE = {
    "common/README.md": "May use: nothing else of the project.\n",
    "common/top.h": '#include "common/base.h"\nint top(void);\n',
    "common/top.c": '#include "common/base.h"\n#include "common/top.h"\n'
                    "int top(void) { return base(); }\n",
    "common/base.h": "int base(void);\n",
    "common/base.c": '#include "common/base.h"\nint base(void) { return 1; }\n',
    "proto/README.md": "# proto\n\nMay use: `common`.\n",
    "proto/ids.h": "int ids(void);\n",
    "proto/ids.c": '#include "common/top.h"\n#include "proto/ids.h"\n'
                   "int ids(void) { return top(); }\n",
}



def object_of(path):
    return os.path.join("build/obj", path.removeprefix("build/")[:-1] + "o")


def write(root, files):
    """Writes the files and compiles the sources among them."""
    for path, text in files.items():
        for folder in (path, object_of(path)):
            os.makedirs(os.path.dirname(os.path.join(root, folder)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as file:
            file.write(text)
    for path in files:
        if path.endswith(".c"):
            subprocess.run(["cc", "-I", root, "-c", os.path.join(root, path), "-o",
                            os.path.join(root, object_of(path))], check=True)


class LintHouse(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sound = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.sound.cleanup)
        write(cls.sound.name, TREE)

    def lint(self, changes):
        """The exit status and the faults of TREE with these files in place of its own."""
        with tempfile.TemporaryDirectory() as root:
            shutil.copytree(self.sound.name, root, dirs_exist_ok=True)
            write(root, changes)
            run = subprocess.run([sys.executable, LINT, os.path.join(root, "build"), root],
                                 stderr=subprocess.PIPE, text=True)
            return run.returncode, run.stderr

    def expect(self, changes, *faults):
        status, found = self.lint(changes)
        self.assertEqual(status, 1 if faults else 0, found)
        for fault in faults:
            self.assertIn(fault, found)

    def test_a_sound_tree(self):
        self.expect({})

    def test_a_circle_of_sources(self):
        self.expect({"common/base.c": "int top(void);\nint base(void) { return top(); }\n"},
                    "a circle of sources, by their symbols: common/base common/top",
                    "common/base uses common/top (top)", "common/top uses common/base (base)")

    def test_a_circle_by_a_variable(self):
        self.expect({"common/top.c": "int base(void);\nint level = 3;\n"
                                     "int top(void) { return base(); }\n",
                     "common/base.c": "extern int level;\nint base(void) { return level; }\n"},
                    "common/base uses common/top (level)")

    def test_a_circle_of_headers(self):
        self.expect({"common/base.h": '#ifndef BASE\n#define BASE\n#include "common/top.h"\n'
                                      "int base(void);\n#endif\n"},
                    "a circle of headers: common/base.h common/top.h")

    def test_a_circle_of_modules(self):
        self.expect({"common/base.c": '#include "common/top.h"\nint base(void) { return 1; }\n'},
                    "a circle of modules, by their includes: common/base common/top",
                    "common/base uses common/top (common/base.c:1)")

    def test_a_circle_through_a_private_header(self):
        self.expect({"common/top_private.h": "struct top;\n",
                     "common/base.c": '#include "common/top_private.h"\n'
                                      "int base(void) { return 1; }\n"},
                    "a circle of modules, by their includes: common/base common/top")

    def test_a_folder_that_is_not_allowed_by_symbol(self):
        self.expect({"common/base.c": "int other(void);\nint base(void) { return other(); }\n",
                     "proto/other.c": "int other(void) { return 2; }\n"},
                    "common/base uses proto/other (other), but common/README.md doesn't allow it")

    def test_a_folder_that_is_not_allowed_by_include(self):
        self.expect({"common/base.c": '#include "proto/ids.h"\nint base(void) { return 1; }\n'},
                    "common/base.c uses proto/ids.h (line 1), but common/README.md")

    def test_what_the_build_makes_belongs_to_its_folder(self):
        self.expect({"build/gen/common/made.h": "int made(void);\n",
                     "build/gen/common/made.c": "int ids(void);\n"
                                                "int made(void) { return ids(); }\n"},
                    "common/made uses proto/ids (ids), but common/README.md doesn't allow it")

    def test_shipped_code_that_uses_a_test(self):
        self.expect({"tests/help.h": "\n", "proto/ids.h": '#include "tests/help.h"\n'},
                    "proto/ids.h uses tests/help.h (line 1)")

    def test_a_folder_whose_readme_does_not_say(self):
        self.expect({"proto/README.md": "# proto\n"}, "proto/README.md: needs one line `May use: `")

    def test_a_folder_that_is_allowed_and_not_used(self):
        self.expect({"common/README.md": "May use: `proto`.\n"},
                    "common/README.md allows proto, which nothing there uses")

    def test_nothing_to_check(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "common"))
            with open(os.path.join(root, "common", "base.c"), "w", encoding="utf-8"):
                pass
            self.assertEqual(subprocess.run([sys.executable, LINT, root, root],
                                            stderr=subprocess.DEVNULL).returncode, 2)


if __name__ == "__main__":
    unittest.main()
