#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Instructions per operation of each stage of recording, which no busy machine changes.

Each stage is run twice under callgrind, for N operations and for twice as many; what the second
run has more is the operations'. Of that, the calls around them are taken off: see stages.c. For
malloc and free it is what the preloaded library adds.

usage: stages.py [--build DIR] [--against OTHER_BUILD] [--only GLOBS]
"""
import argparse
import fnmatch
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import table

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPERATIONS = 20000
HOOKED = "pair"  # how the names of stages begin that call malloc and free


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
        return [tuple(line.split("\t")) for line in result.stdout.splitlines()]

    def instructions(self, stage, count, preload):
        with tempfile.TemporaryDirectory() as out:
            env = {**os.environ, "MEMPROF_OUT": f"{out}/%p.json", "LC_ALL": "C"}
            if preload:
                env["LD_PRELOAD"] = str(self.library)
            result = subprocess.run(
                ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                 self.stages, stage, str(count)],
                capture_output=True, text=True, check=False, env=env)
        found = re.search(r"Collected : (\d+)", result.stderr)
        if result.returncode != 0 or not found:
            sys.exit(f"stages.py: '{stage}': {result.stderr.strip()[-300:]}")
        return int(found.group(1))

    def each(self, stage, preload=False):
        """Instructions per operation, all in all."""
        if (stage, preload) not in self.known:
            more, less = (self.instructions(stage, count, preload)
                          for count in (2 * OPERATIONS, OPERATIONS))
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--against", type=pathlib.Path, help="another build, to compare with")
    parser.add_argument("--only", default="*", help="globs of stages, with commas")
    arguments = parser.parse_args()
    against = arguments.against and arguments.against.resolve()
    counted = count(arguments.build.resolve(), against, arguments.only.split(","))
    if not counted:
        sys.exit(f"stages.py: '{arguments.only}': there is no such stage, see stages --list")
    print(as_table(counted))


if __name__ == "__main__":
    main()
