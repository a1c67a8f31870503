#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Files of limits: what their subjects are, where the blame is put, and what is said of wrong ones."""
import re

from gate_test import GateTest, SOURCE
import memprof_test


class Limits(GateTest):
    def test_subjects(self):
        self.dump("leak=1x1", env={"LEAKY_LINES": "1"})
        line = self.printed["leak"]
        dump = self.dump("leak=3x100", "other=2x50", "allocs=7")
        for subject, limits, status in (("leaky.c:inner", "max-live 300", 0),
                                        ("leaky.c:inner", "max-live 299", 1),
                                        (f"samples/leaky.c:{line}", "max-live 299", 1),
                                        (f"leaky.c:{line}", "max-live 300", 0),
                                        ("leaky.c:1", "max-live 0", 0),
                                        ("leaky.c", "max-live 400", 0),
                                        ("leaky.c", "max-live 399", 1),
                                        ("inner", "max-live-blocks 2", 1),
                                        ("middle", "max-live-blocks 3", 0),
                                        ("main", "max-allocs 11 max-allocated 8k", 1),
                                        ("main", "max-allocs 12", 0),
                                        ("inner", "max-peak 299", 1),
                                        ("inner", "max-peak 300", 0),
                                        ("*", "max-allocated 100", 1),
                                        ("*", "max-temporary 6", 1),
                                        ("*", "max-temporary 7", 0)):
            path = self.write("limits", f"{subject} {limits}\n")
            self.check("--limits", path, dump, status=status)

    def test_where(self):
        """The blame is put on the line that the limit is about."""
        dump = self.dump("leak=3x100", env={"LEAKY_LINES": "1"})
        path = self.write("limits", "# limits\nleaky.c:middle max-live 1\nother max-live 0\n")
        out = self.check("--limits", path, dump, status=1)
        self.assertRegex(out, r"FAILED  limit leaky\.c:middle max-live: 300 B not freed: 299 B more "
                              r"than the 1 B allowed \(\S+/limits, line 2\)\n"
                              r"  \S+/leaky\.c:\d+: 300 B of the 300 B not freed here\n    #0 inner ")
        blamed = re.search(r"leaky\.c:(\d+): 300 B of", out).group(1)
        self.assertEqual(SOURCE.read_text().splitlines()[int(blamed) - 1].strip(), "inner(size);")
        self.assertIn("passed  limit other max-live: nothing was allocated there, 0 B allowed", out)

    def test_names_written_wrongly(self):
        """A limit of what is not there passes, and is named in a note, whatever else is judged."""
        dump = self.dump("leak=3x100")
        path = self.write("limits", "iner max-live 0 max-allocs 1\nlaeky.c max-peak 0\nleaky.c:1 max-live 0\n"
                                    "leaky.c:middle max-live 300\nmain max-live-blocks 9\n* max-live 1k\n")
        for options in ([], ["--max-leak=300"], ["--max-allocs=99"]):
            out = self.check("--limits", path, *options, dump)
            note, = [line for line in out.splitlines() if line.startswith("note: ")]
            self.assertRegex(note, r"note: 4 limits are of places where nothing was allocated, or whose "
                                   r"names are written wrongly: 'iner' \(\S+, line 1\), 'iner' \(\S+, line 1\), "
                                   r"'laeky.c' \(\S+, line 2\), 'leaky.c:1' \(\S+, line 3\)$")
        # What is freed was allocated.
        freed = self.write("limits", "main max-live 0\n* max-live-blocks 0\n")
        self.assertNotIn("note: ", self.check("--limits", freed, self.dump("allocs=1")))

    def test_one_is_one(self):
        dump = self.dump("leak=1x100")
        path = self.write("limits", "inner max-live-blocks 0 max-allocs 0\n")
        out = self.check("--limits", path, dump, status=1)
        self.assertIn("max-live-blocks: 1 block not freed: 1 more than the 0 allowed", out)
        self.assertIn("max-allocs: 1 allocation: 1 more than the 0 allowed", out)
        self.assertIn(": 1 of the 1 allocation here\n", out)
        self.assertIn("leaked, none allowed in each of 1 iteration\n",
                      self.check("--per-iteration=1", dump, status=1))

    def test_suppressed_leaks_are_within_limits(self):
        dump = self.dump("leak=3x100")
        path = self.write("limits", "inner max-live 0\n")
        self.check("--limits", path, dump, status=1)
        self.check("--limits", path, "--suppressions", self.write("s", "leak:inner\n"), dump)

    def test_byte_order_mark(self):
        path = self.write("limits", "\ufeffinner max-live 0\n")
        self.assertIn("FAILED  limit inner ", self.check("--limits", path, self.dump("leak=1x1"), status=1))

    def test_wrong_files(self):
        dump = self.dump("leak=3x100")
        for text, said in (("f max-live\n", "line 1, column 11: expected a size"),
                           ("\nf max-lives 3\n", "line 2, column 3: 'max-lives': is not a limit, expected one of"),
                           ("f\n", "line 1, column 2: expected a limit, such as max-live 2M"),
                           ("# nothing\n", "has no limit in it, expected lines such as")):
            path = self.write("limits", text)
            self.assertIn(f"'{path}': {said}", self.check("--limits", path, dump, status=2))
        self.check("--limits", "none", dump, status=2)


if __name__ == "__main__":
    memprof_test.main()
