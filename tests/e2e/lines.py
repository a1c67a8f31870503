#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The per-line table is exact: the sample `lines` knows from __LINE__ what each of its lines is
charged (tests/samples/ledger.h), and memprof-report must say the same, inclusive and self, however
the sample was compiled."""
import json
import os

import memprof_test
from memprof_test import sample

FIELDS = ("occurrences", "increment_bytes", "mem_usage_bytes")


def summed(rows):
    """{key: fields} of (key, fields) pairs; those with equal keys are added up."""
    lines = {}
    for key, fields in rows:
        line = lines.setdefault(key, {field: 0 for field in FIELDS})
        for field in FIELDS:
            line[field] += fields[field]
    return lines


class Lines(memprof_test.Test):
    def ledger(self, program):
        """The sample's own knowledge, from a run with libshim.so above the profiler. The same two
        are loaded while it is measured, for how much the loader allocates for a thread depends on
        what is loaded; but then libshim.so is below, where it is no frame of any stack."""
        run = self.profiled([program], before=[sample("libshim.so")])
        self.assertEqual((run.status, run.err), (0, b""))
        return json.loads(run.out)

    def reported(self, dump, files, key, *options):
        rows = json.loads(self.report("lines", "--format", "json", "--limit", "0", *options, dump))
        rows = [{**row, "file": os.path.basename(row["file"] or "")} for row in rows]
        return summed((key(row), row) for row in rows if row["file"] in files and row["occurrences"])

    def built(self, name):
        if not os.path.exists(sample(name)):
            self.skipTest(f"{name} was not built: no C++ compiler, or one that cannot")
        return sample(name)

    def check(self, name, key, *least):
        """LEAST: how many lines must have been charged, inclusive and, if it is compared, self."""
        program = self.built(name)
        ledger = [{**line, "file": os.path.basename(line["file"])} for line in self.ledger(program)]
        run = self.profiled([program], after=[sample("libshim.so")])
        self.assertEqual(run.status, 0, run.err)
        self.assert_sound(run.dump)
        path = next(self.dumps_directory().iterdir())
        files = {line["file"] for line in ledger}
        for kind, options, at_least in zip(("inclusive", "self"), ((), ("--self",)), least):
            expected = summed((key(line), line[kind]) for line in ledger
                              if line[kind]["occurrences"])
            self.assertGreaterEqual(len(expected), at_least)
            found = self.reported(path, files, key, *options)
            wrong = [f"{line}: {expected.get(line)}, but {found.get(line)} reported"
                     for line in sorted({*expected, *found})
                     if expected.get(line) != found.get(line)]
            self.assertEqual(wrong, [], f"{name}, {kind}:\n" + "\n".join(wrong))

    def check_c(self, variant):
        """Function names too, and no line in two rows: the sums above are of one row each."""
        self.check(f"lines_{variant}", lambda row: (row["file"], row["line"], row["function"]), 75, 35)
        path = next(self.dumps_directory().iterdir())
        rows = json.loads(self.report("lines", "--format", "json", "--limit", "0", path))
        keys = [(row["file"], row["line"], row["function"]) for row in rows if row["line"]]
        self.assertEqual(len(keys), len(set(keys)))

    def check_cxx(self, variant):
        """A line of a template has a row for each instance, which are added up. Inclusive only: who
        calls operator new is often a line of the standard library's headers."""
        self.check(f"lines_cxx_{variant}", lambda row: (row["file"], row["line"]), 28)


    def check_whole(self, variant):
        """Each piece of the listing begins where a function does, and ends with its brace, as the
        source has them: at the left margin."""
        run = self.profiled([self.built(f"lines_{variant}")])
        self.assertEqual(run.status, 0, run.err)
        path = next(self.dumps_directory().iterdir())
        text = self.report("lines", "--file", "lines.c", path)
        if isinstance(text, bytes):
            text = text.decode()
        table = text.split("Line Contents\n")[1].split("\n", 1)[1].split("\n\n")[0]
        column = text.split("\n")[2].index("Line Contents")
        pieces = [piece.split("\n") for piece in table.split("   ...\n")]
        self.assertGreaterEqual(len(pieces), 2)
        for piece in pieces:
            lines = [line[column:] for line in piece if line]
            self.assertNotIn(lines[0][:1], (" ", "{", "}", ""), piece)
            self.assertEqual(lines[-1], "}", piece)


for each in ("O0", "O2", "O3", "lto", "dwarf4"):
    setattr(Lines, f"test_whole_{each}", lambda self, variant=each: self.check_whole(variant))
for each in ("O0", "O1", "O2", "O3", "lto", "dwarf4", "gz", "nopie"):
    setattr(Lines, f"test_{each}", lambda self, variant=each: self.check_c(variant))
for each in ("O0", "O2", "O3"):
    setattr(Lines, f"test_cxx_{each}", lambda self, variant=each: self.check_cxx(variant))

if __name__ == "__main__":
    memprof_test.main()
