# SPDX-License-Identifier: MIT
"""usage: bench_test.py STAGES LIBRARY

Whether the benchmarks compute what they say, and whether the parts that know the inside of the
library still run. Measures nothing.
"""
import subprocess
import sys
import unittest

import peers
import table

STAGES, LIBRARY = sys.argv.pop(1), sys.argv.pop(1)


def entry(*walls, error=""):
    return {"error": error, "samples": [
        {"round": n, "wall": wall, "user": wall / 2, "system": wall / 4, "rss": 10 * wall,
         "written": 1.0, "rate": 0.0} for n, wall in enumerate(walls)]}


def result(name, **variants):
    names = {"plain": "plain", "memprof": "memprof", "heaptrack": "heaptrack -r"}
    return {"name": name, "group": "real",
            "variants": {names[key]: value for key, value in variants.items()}}


ONE = result("one", plain=entry(1.0, 2.0, 4.0), memprof=entry(1.5, 2.2, 4.4),
             heaptrack=entry(4.0, 4.0, 4.0))
TWO = result("two", plain=entry(1.0), memprof=entry(1.21), heaptrack=entry(error="broke"))


class Table(unittest.TestCase):
    def test_factor_is_of_medians(self):
        self.assertAlmostEqual(table.factor(ONE, "memprof"), 1.1)
        self.assertAlmostEqual(table.factor(ONE, "memprof", "cpu"), 1.1)
        self.assertIsNone(table.factor(TWO, "heaptrack -r"))
        self.assertIsNone(table.factor(TWO, "never run"))

    def test_ratios_are_within_rounds(self):
        self.assertEqual(["%.1f" % r for r in table.paired(ONE, "heaptrack -r")],
                         ["1.0", "2.0", "4.0"])
        self.assertEqual(table.show_paired(ONE, "heaptrack -r"), "2.00 (1.00 to 4.00)")
        self.assertEqual(table.show_paired(TWO, "memprof"), "1.21")
        self.assertEqual(table.show_paired(TWO, "heaptrack -r"), "-")

    def test_mean_is_over_the_programs_that_all_have(self):
        mean, count = table.mean_factor([ONE, TWO], "memprof")
        self.assertAlmostEqual(mean, (1.1 * 1.21) ** 0.5)
        self.assertEqual(count, 2)
        mean, count = table.mean_factor([ONE, TWO], "memprof", ["heaptrack -r"])
        self.assertAlmostEqual(mean, 1.1)
        self.assertEqual(count, 1)

    def test_overheads_are_compared(self):
        self.assertIn("the 1 programs that both have", table.overhead_line([ONE, TWO]))
        self.assertIn("overhead of memprof: 10.0.", table.overhead_line([ONE, TWO]))
        self.assertEqual(table.overhead_line([TWO]), "")

    def test_what_failed_has_no_figure_but_a_note(self):
        text = table.group("Real", [ONE, TWO], ["memprof", "heaptrack -r"])
        self.assertIn("| two | 1.000 | 1.21 | - |", text)
        self.assertIn("- heaptrack -r: broke (two)", text)


class Stages(unittest.TestCase):
    def test_each_runs_and_has_a_base_that_exists(self):
        listed = subprocess.run([STAGES, "--list"], capture_output=True, text=True, check=True)
        stages = [line.split("\t") for line in listed.stdout.splitlines()]
        names = [name for name, _, _ in stages]
        self.assertIn("capture", names)
        for name, base, _ in stages:
            self.assertIn(base, ["", *names])
            subprocess.run([STAGES, name, "100"], check=True)

    def test_an_unknown_one_is_refused(self):
        refused = subprocess.run([STAGES, "nonsense", "1"], capture_output=True, text=True,
                                 check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("'nonsense'", refused.stderr)


class Peers(unittest.TestCase):
    def test_the_library_is_asked_what_it_accepts(self):
        self.assertEqual(peers.ours("memprof", LIBRARY).why_not, "")
        self.assertIn("MEMPROF_SAMPLE",
                      peers.ours("memprof", LIBRARY, MEMPROF_SAMPLE="nonsense").why_not)

    def test_folders_are_filled_in(self):
        variant = peers.Variant("x", prefix=("run", "{out}/raw"), env={"X": "{out}/y"})
        self.assertEqual(variant.command(["jq", "{out}"], "/o"), ["run", "/o/raw", "jq", "{out}"])
        self.assertEqual(variant.environment({"Z": "1"}, "/o")["X"], "/o/y")


if __name__ == "__main__":
    unittest.main()
