#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Suppression files mean to the gate what they mean to LeakSanitizer: the same program, with its
runtime and without, and the same files; of each of its leaks both must say the same, and count the
same."""
import os
import re
import shutil
import subprocess
import unittest

import memprof_test
from gate_test import GateTest, SOURCE

WORDS = ["leak=3x100", "other=2x50", "copy=1"]
LEAKS = {"inner": 300, "other": 100, "copy": 7}

FILES = """
leak:inner
leak:^inner$
leak:^inne
leak:nner$
leak:^nner
leak:inne$
leak:inn*r
leak:^*nner$
leak:i*n*r$
leak:n*n$
leak:r$
leak:middle
leak:^middle$
leak:main
leak:leaky.c
leak:/leaky.c
leak:^leaky.c
leak:leaky.c$
leak:y.*$
leak:/program
leak:program$
leak:^/*program$
leak:copy
leak:strdup
leak:calloc
leak:malloc
leak:*
leak:^
leak:$
leak:INNER
leak:other   \t
  leak:other
leak:oth er
leak:in^ner
leak:inner$x
leak:e$
leak:libc.so
leak:nothing\\nleak:other\\nleak:inner
# comment\\n\\n#leak:inner\\nleak:copy
#memprof: expires 2999-01-01 issue https://example.org/1\\nleak:inner
#memprof: no words of ours at all would be wrong\\nleak:other
""".strip().splitlines()


class Lsan(GateTest):
    def build(self, compiler, *options):
        """The sample, as the file `program`, in a directory of its own; or None."""
        directory = self.dir / ("with" if options else "without")
        directory.mkdir()
        done = subprocess.run([compiler, "-w", "-g", "-O1", "-o", "program", str(SOURCE), "-lpthread",
                               *options], cwd=directory, check=False, capture_output=True)
        return str(directory / "program") if done.returncode == 0 else None

    def lsan(self, program, path):
        """What LeakSanitizer leaves of the leaks, and what it says each pattern was for."""
        run = self.plain([program, *WORDS], env={
            "LSAN_OPTIONS": f"suppressions={path}:print_suppressions=1:fast_unwind_on_malloc=0:"
                            "use_registers=0:use_stacks=0:use_globals=0:color=never"})
        text = run.err.decode(errors="replace") + run.out.decode(errors="replace")
        left = set()
        for stack in re.split(r"\n\n", text):
            if " leak of " in stack:
                left |= {name for name in LEAKS if f" in {name} " in stack}
        used = {found[2]: (int(found[0]), int(found[1]))
                for found in re.findall(r"^ +(\d+) +(\d+) (.*)$", text, re.M)}
        self.assertEqual(run.status, 23 if left else 0, text)
        return left, used

    def gate(self, dump, path):
        status, out, err = self.run_check("--suppressions", path, "--format", "json", dump)
        self.assertIn(status, (0, 1), err)
        verdict = memprof_test.json.loads(out)
        left = set()
        for finding in verdict["checks"][0]["findings"]:
            names = {frame["function"] for frame in finding["frames"]}
            left |= {name for name in LEAKS if name in names}
        used = {entry["pattern"]: (entry["blocks"], entry["bytes"])
                for entry in verdict["suppressions"] if entry["blocks"]}
        return left, used

    def compare(self, compiler):
        if not shutil.which(compiler):
            raise unittest.SkipTest(f"{compiler} is not installed")
        checked = self.build(compiler, "-fsanitize=leak")
        if not checked:
            raise unittest.SkipTest(f"{compiler} has no runtime of LeakSanitizer")
        probe = self.write("probe", "leak:nothing\n")
        if self.lsan(checked, probe)[0] != set(LEAKS):
            raise unittest.SkipTest("LeakSanitizer does not work here, or has no symbolizer")
        program = self.build(compiler)
        self.assertEqual(self.profiled([program, *WORDS]).status, 0)
        dump, = (self.dir / f"dumps{self.runs}").iterdir()
        for text in FILES:
            content = text.replace("\\n", "\n") + "\n"
            path = self.write("supp", content)
            if "no words of ours" in text:
                self.check("--suppressions", path, dump, status=2)
                continue
            self.assertEqual(self.gate(str(dump), path), self.lsan(checked, path), content)

    def test_clang(self):
        self.compare("clang")

    def test_gcc(self):
        self.compare(os.environ.get("CC", "gcc") if "clang" not in os.environ.get("CC", "") else "gcc")

    def test_what_neither_takes(self):
        """LeakSanitizer ends the program; the gate refuses the file."""
        dump = self.dump("leak=1x1")
        for text in ("inner\n", "leek:inner\n", "race:inner\n", "{\n"):
            self.check("--suppressions", self.write("supp", text), dump, status=2)


if __name__ == "__main__":
    memprof_test.main()
