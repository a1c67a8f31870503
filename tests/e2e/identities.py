#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A baseline outlives changes of the program that are none of its leaks. A code base of more than
2,000 lines (code_base.py) is built by the compiler at -O1 and its baseline is taken. Then lines are
inserted above its functions, these are put in another order, the directory is renamed, other options and
another compiler are used: nothing may be new, grown or fixed. And a real leak of one block is
found in each case, alone, at the line where it was written."""
import json
import os
import shutil
import subprocess
import sys

import memprof_test
from code_base import CodeBase

SEED = 7
INSERTED, NOT_DROPPED = 50, 67  # places that are reached by one stack, once
CC = os.environ.get("CC", "cc")


class Build:
    """One build of the code base; SHOWN: what debug information calls its directory."""

    def __init__(self, test, name, options=(), compiler=CC, shown=None, seed=SEED, **how):
        self.test, self.options, self.compiler, self.how = test, list(options), compiler, how
        self.directory = test.dir / name
        self.shown = shown or self.directory
        if shown:
            self.options.append(f"-ffile-prefix-map={self.directory}={shown}")
        self.names = CodeBase(seed).write(self.directory, **how)
        self.compile(self.names)

    def compile(self, names):
        for name in names:
            subprocess.run([self.compiler, "-g", *self.options, "-c", name, "-o", f"{name}.o"],
                           cwd=self.directory, check=True)
        subprocess.run([self.compiler, "-o", "jobs", *(f"{name}.o" for name in self.names)],
                       cwd=self.directory, check=True)

    def change(self, base):
        """Writes and compiles BASE instead, as far as it differs."""
        elsewhere = self.test.dir / "changed"
        base.write(elsewhere, **self.how)
        changed = [name for name in self.names
                   if (elsewhere / name).read_text() != (self.directory / name).read_text()]
        for name in changed:
            shutil.copy(elsewhere / name, self.directory / name)
        shutil.rmtree(elsewhere)
        self.compile(changed)
        return changed

    def dump(self):
        """Runs it; the path of its dump."""
        run = self.test.profiled([self.directory / "jobs"])
        self.test.assertEqual(run.status, 0, run.err)
        self.live = run.dump["totals"]["live_count"]
        return self.test.dumps_directory() / next(iter(run.dumps))

    def line_of(self, text):
        """File and line of the only line that has TEXT."""
        found = [(name, number)
                 for name in self.names
                 for number, line in enumerate((self.directory / name).read_text().splitlines(), 1)
                 if text in line]
        self.test.assertEqual(len(found), 1, f"{text}: {found}")
        return found[0]


class Identities(memprof_test.Test):
    def diff(self, old, new):
        return json.loads(self.report("diff", "--format", "json", old, new))

    def setUp(self):
        super().setUp()
        base = Build(self, "base", ["-O1"])
        self.assertGreater(CodeBase(SEED).size(base.directory), 2000)
        dump = base.dump()
        self.baseline = str(self.dir / "base.json")
        self.report("baseline", "-o", self.baseline, str(dump))
        self.blocks = base.live
        text = (self.dir / "base.json").read_text()
        self.assertNotIn(str(self.dir), text)
        self.assertNotIn("0x", text)

    def survives(self, name, options=("-O1",), **how):
        """NAME, a build, has the stacks of the baseline, and nothing else but what leaks."""
        build = Build(self, name, options, **how)
        diff = self.diff(self.baseline, str(build.dump()))
        counts = diff["counts"]
        print(f"{name}: {counts['same']} the same, {counts['moved']} of them not exactly",
              file=sys.stderr)
        self.assertEqual(diff["changes"], [], name)
        self.assertGreater(counts["same"], 50)
        self.finds(build, "insert", INSERTED)
        self.finds(build, "leak", NOT_DROPPED)
        return counts

    def finds(self, build, kind, place):
        """One block that leaks at PLACE is found, and nothing else is called new or different."""
        base = CodeBase(SEED)
        getattr(base, kind)(place)
        changed = build.change(base)
        self.assertEqual(len(changed), 1)
        dump = str(build.dump())
        self.assertEqual(build.live, self.blocks + 1)
        changes = self.diff(self.baseline, dump)["changes"]
        what = f"{build.directory.name}, {kind}: {changes}"
        self.assertEqual([change["status"] for change in changes], ["new"], what)
        self.assertEqual(changes[0]["live_count_change"], 1, what)
        stack = [(spot["file"], spot["line"]) for spot in changes[0]["stack"]]
        if kind == "insert":
            name, line = build.line_of(f"/* lost {place} */")
            expected = f"{build.shown}/{name}", line
            self.assertEqual((changes[0]["file"], changes[0]["line"]), expected, what)
        else:
            expected = self.call_before(build, place)
        self.assertIn(expected, stack, what)
        build.change(CodeBase(SEED))

    def call_before(self, build, place):
        """Where the block is made that is not dropped: a few lines above."""
        name, line = build.line_of(f"/* leaks {place} */")
        lines = (build.directory / name).read_text().splitlines()
        while "struct item *" not in lines[line - 1]:
            line -= 1
        return f"{build.shown}/{name}", line

    def test_code_that_moves(self):
        exact = [self.survives("above", above=100), self.survives("reordered", order=3),
                 self.survives("another/name/of/it")]
        self.assertEqual([counts["moved"] for counts in exact], [0, 0, 0])

    def test_other_options(self):
        self.assertEqual(self.survives("plain", ["-O0"])["moved"], 0)
        self.survives("optimized", ["-O2"])
        self.survives("mapped", shown="/home/somebody/else")

    def test_calls_that_became_jumps(self):
        """Programs in which optimizers make jumps of calls by which stacks differ: what these held together
        is at one of them then, and none has grown."""
        memprof_test.need("clang")
        for seed in (8, 12):
            base = self.write(f"base{seed}.json",
                              self.report("baseline", str(Build(self, f"{seed}", ["-O1"], seed=seed).dump())))
            for compiler, options in ((CC, ["-O2"]), ("clang", ["-O2"]), (CC, ["-Os"])):
                build = Build(self, f"{seed}{compiler}{options[0]}", options, compiler, seed=seed)
                self.assertEqual(self.diff(base, str(build.dump()))["changes"], [], build.directory)

    def test_another_compiler(self):
        memprof_test.need("clang")
        self.survives("clang1", ["-O1"], compiler="clang")
        self.survives("clang2", ["-O2"], compiler="clang")


if __name__ == "__main__":
    memprof_test.main()
