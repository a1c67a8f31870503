#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""lines.py [--unreached] ROOT LCOV: which lines the tests reached, by file, with totals.

Below ROOT, preload/, report/ and tools/ count, each for itself. The goals: nine lines of ten of the
library and of memprof-report, and every line of the hooks, with the events that are inline in them, and of what handles realloc
and fork, where a path that nobody has run breaks the program that is profiled. Ends with 1 if a goal is missed.
"""
import argparse
import collections
import pathlib
import re
import sys

ROOMS = ("preload", "report", "tools")
GOALS = {"preload": 90.0, "report": 90.0}
CRITICAL_FILES = re.compile(r"^preload/(hook[a-z_]*|event|forks|recorder_fork|vault_copy)\.[ch]$")
CRITICAL_FUNCTIONS = re.compile(r"realloc|fork|_child")


def read(path, root):
    """{file: ({line: count}, {line: function})} of the files below ROOT."""
    files = {}
    counts = functions = None
    for record in path.read_text(encoding="utf-8").splitlines():
        tag, _, value = record.partition(":")
        if tag == "SF":
            name = pathlib.Path(value)
            name = str(name.relative_to(root)) if name.is_relative_to(root) else ""
            counts, functions = files.setdefault(name, (collections.Counter(), {}))
        elif tag == "DA":
            line, count = value.split(",")[:2]
            counts[int(line)] += int(count)
        elif tag == "FN":
            line, name = value.split(",", 1)
            functions[int(line)] = name.split(":")[-1]
    return {name: found for name, found in files.items() if name.split("/")[0] in ROOMS}


def function_of(line, functions):
    before = [start for start in functions if start <= line]
    return functions[max(before)] if before else ""


def spans(lines):
    """Sorted LINES as text, runs of neighbours as FIRST-LAST."""
    runs = []
    for line in sorted(lines):
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def percent(reached, lines):
    return 100.0 * reached / lines if lines else 100.0


def row(reached, lines, what):
    print(f"{lines:6} {reached:6} {percent(reached, lines):7.2f}%  {what}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--unreached", action="store_true")
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("lcov", type=pathlib.Path)
    arguments = parser.parse_args()
    totals = {room: [0, 0] for room in ROOMS}
    missed, critical = collections.defaultdict(list), [0, 0]
    print(f"{'lines':>6} {'reached':>6} {'':>8}")
    for name, (counts, functions) in sorted(read(arguments.lcov, arguments.root.resolve()).items()):
        unreached = sorted(line for line, count in counts.items() if count == 0)
        total = totals[name.split("/")[0]]
        total[0] += len(counts) - len(unreached)
        total[1] += len(counts)
        row(len(counts) - len(unreached), len(counts), name)
        if unreached and arguments.unreached:
            print(f"{'':18}{spans(unreached)}")
        for line, count in counts.items():
            function = function_of(line, functions)
            if CRITICAL_FILES.search(name) or (
                    not name.startswith("report/") and CRITICAL_FUNCTIONS.search(function)):
                critical[0] += count > 0
                critical[1] += 1
                if count == 0:
                    missed[f"{name}: {function}"].append(line)
    print()
    for room, (reached, lines) in totals.items():
        if lines:
            row(reached, lines, f"{room}/")
    row(*critical, "hooks, realloc and fork")
    for where, lines in missed.items():
        print(f"lines.py: '{where}': lines {spans(lines)} were never reached, expected all of hooks, "
              "realloc and fork code")
    low = [room for room, goal in GOALS.items() if percent(*totals[room]) < goal]
    for room in low:
        print(f"lines.py: '{room}/': {percent(*totals[room]):.2f} % of its lines were reached, "
              f"expected {GOALS[room]:.0f} %")
    return 1 if low or missed else 0


if __name__ == "__main__":
    sys.exit(main())
