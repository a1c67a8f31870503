#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Instructions per operation of each stage of recording, which no busy machine changes.

Each stage is run twice under callgrind, for N operations and for twice as many; what the second
run has more is the operations'. Of that, the calls around them are taken off: see stages.c. For
malloc and free it is what the preloaded library adds.

usage: stages.py [--build DIR] [--against OTHER_BUILD] [--only GLOBS] [--functions STAGE]
"""
import argparse
import collections
import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import table

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPERATIONS = 20000
HOOKED = "pair"  # how the names of stages begin that call malloc and free


def why_not():
    """What is missing; "": nothing."""
    return "" if shutil.which("valgrind") else "valgrind is not installed: it does the counting"


class Build:
    """The stages of one build, counted when asked for."""

    def __init__(self, folder):
        self.stages = folder / "stages"
        self.library = folder / "libmemprof.so"
        for file in (self.stages, self.library):
            if not file.exists():
                sys.exit(f"stages.py: '{file}': no such file: build it with the target bench")
        self.known = {}

    def list(self):
        """[(name, name of its base, what it is)]."""
        result = subprocess.run([self.stages, "--list"], capture_output=True, text=True, check=True)
        return [tuple(line.split("\t")) for line in result.stdout.splitlines()
                if line.count("\t") == 2]  # an older program does not know the option

    def instructions(self, stage, operations, preload, profile="/dev/null"):
        """Of a whole run; by function, too, in the file PROFILE."""
        with tempfile.TemporaryDirectory() as out:
            env = {**os.environ, "MEMPROF_OUT": f"{out}/%p.json", "LC_ALL": "C"}
            if preload:
                env["LD_PRELOAD"] = str(self.library)
            result = subprocess.run(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}",
                 self.stages, stage, str(operations)],
                capture_output=True, text=True, check=False, env=env)
        found = re.search(r"Collected : (\d+)", result.stderr)
        if result.returncode != 0 or not found:
            sys.exit(f"stages.py: '{stage}': {result.stderr.strip()[-300:]}")
        return int(found.group(1))

    def by_function(self, stage, operations):
        """{function: instructions} of a whole run."""
        with tempfile.TemporaryDirectory() as folder:
            profile = f"{folder}/profile"
            self.instructions(stage, operations, stage.startswith(HOOKED), profile)
            listed = subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=100", profile],
                                    capture_output=True, text=True, check=True)
        found = collections.Counter()
        for number, function in re.findall(r"^ *([\d,]+) \([ \d.]+%\)  \S+:(\S+)", listed.stdout,
                                           re.MULTILINE):
            found[function] += int(number.replace(",", ""))
        return found

    def each(self, stage, preload=False):
        """Instructions per operation, all in all."""
        if (stage, preload) not in self.known:
            more, less = (self.instructions(stage, operations, preload)
                          for operations in (2 * OPERATIONS, OPERATIONS))
            self.known[stage, preload] = (more - less) / OPERATIONS
        return self.known[stage, preload]

    def cost(self, stage, base):
        """Without what it is on top of."""
        if stage.startswith(HOOKED):
            return self.each(stage, True) - self.each(stage)
        return self.each(stage) - (self.each(base) if base else 0)


def count(folder, against, only):
    """[{"stage", "what", "instructions", "against" (None: nothing to compare with)}]."""
    build = Build(folder)
    other = Build(against) if against else None
    listed = build.list()
    bases = {base for _, base, _ in listed}
    others = {name for name, _, _ in other.list()} if other else ()
    found = []
    for name, base, what in listed:
        if name in bases or not any(fnmatch.fnmatch(name, glob) for glob in only):
            continue
        print(f"counting: {name}", file=sys.stderr)
        found.append({"stage": name, "what": what, "instructions": build.cost(name, base),
                      "against": other.cost(name, base) if name in others else None})
    return found


def as_table(counted):
    lines = [["stage", "what", "instructions", "other build", "change"]]
    for row in counted:
        mine, theirs = row["instructions"], row["against"]
        change = (mine / theirs - 1) * 100 if theirs else None
        lines.append([row["stage"], row["what"], "%.1f" % mine, table.show(theirs, "%.1f"),
                      table.show(change, "%+.1f%%")])
    if all(row["against"] is None for row in counted):
        lines = [cells[:3] for cells in lines]
    return table.rows(lines, text=2)


def functions(folder, stage):
    """A table of the functions that a stage's instructions are in, inlined ones with their own."""
    build = Build(folder)
    if stage not in [name for name, _, _ in build.list()]:
        sys.exit(f"stages.py: '{stage}': there is no such stage, see stages --list")
    more = build.by_function(stage, 2 * OPERATIONS)
    more.subtract(build.by_function(stage, OPERATIONS))
    lines = [["function", "instructions"]]
    lines += [[name, "%.1f" % (number / OPERATIONS)] for name, number in more.most_common()
              if number >= OPERATIONS]
    return table.rows(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--against", type=pathlib.Path, help="another build, to compare with")
    parser.add_argument("--only", default="*", help="globs of stages, with commas")
    parser.add_argument("--functions", metavar="STAGE", help="of one stage, in which functions")
    arguments = parser.parse_args()
    if why_not():
        sys.exit(f"stages.py: {why_not()}")
    if arguments.functions:
        print(functions(arguments.build.resolve(), arguments.functions))
        return
    against = arguments.against and arguments.against.resolve()
    counted = count(arguments.build.resolve(), against, arguments.only.split(","))
    if not counted:
        sys.exit(f"stages.py: '{arguments.only}': there is no such stage, see stages --list")
    print(as_table(counted))


if __name__ == "__main__":
    main()
