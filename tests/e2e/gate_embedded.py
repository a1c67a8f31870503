#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Suppressions that a program brings for LeakSanitizer are in its dump, and the gate applies them."""
import json
import pathlib

import memprof_test
from gate_test import GateTest


class Embedded(GateTest):
    def run_sample(self, *words):
        run = self.profiled([memprof_test.sample("embedded"), *words])
        self.assertEqual(run.status, 0)
        paths = sorted(str(path) for path in (self.dir / f"dumps{self.runs}").iterdir())
        return run, paths

    def test_applied(self):
        run, (path,) = self.run_sample()
        self.assertEqual(run.err, b"asked 1\n")
        self.assertEqual(run.dump["lsan_suppressions"], "# of the program's own\nleak:^known$\n")
        # What it allocates for the profiler is not the program's.
        self.assertEqual(run.dump["totals"]["alloc_count"], 2)
        self.assertEqual(run.dump["totals"]["dropped_count"], 0)
        out = self.check(path, status=1)
        self.assertIn("max-leak: 10 B in 1 block leaked", out)
        self.assertIn("suppressed  leak:^known$ (in the program, line 2): 1 stack, 1 block, 100 B", out)
        supp = self.write("supp", "leak:unknown\n")
        self.check("--suppressions", supp, "--fail-on-unused-suppressions", path)

    def test_asked_only_at_a_normal_exit(self):
        for how in ("quick", "_exit"):
            run, _ = self.run_sample(how)
            self.assertEqual(run.err, b"")
            self.assertNotIn("lsan_suppressions", run.dump)

    def test_a_process_tree_asks_once(self):
        run, paths = self.run_sample("fork")
        self.assertEqual(run.err, b"asked 1\n")
        told = [json.loads(pathlib.Path(path).read_text()).get("lsan_suppressions") for path in paths]
        self.assertEqual(sorted(map(bool, told)), [False, True])
        out = self.check(*paths, status=1)
        self.assertIn("2 stacks, 2 blocks, 200 B", out)
        self.assertIn("max-leak: 10 B in 1 block leaked", out)

    def test_a_program_without(self):
        run = self.profiled([memprof_test.sample("leaky"), "leak=1x1"])
        self.assertNotIn("lsan_suppressions", run.dump)

    def test_bad_ones(self):
        _, (path,) = self.run_sample()
        bad = self.changed(path, lambda dump: dump.update(lsan_suppressions="leak:a\nlaek:b\n"))
        self.assertIn("lsan_suppressions: line 2, column 1: 'laek:b': is not a suppression",
                      self.check(bad, status=2))
        bad = self.changed(path, lambda dump: dump.update(lsan_suppressions=7))
        self.assertIn("lsan_suppressions is 7, expected a string", self.check(bad, status=2))


if __name__ == "__main__":
    memprof_test.main()
