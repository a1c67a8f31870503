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


class Lines(memprof_test.Test):
    def ledger(self, variant):
        """The sample's own knowledge, from a run under libshim.so and without the profiler."""
        run = self.plain([sample(f"lines_{variant}")], preload=[sample("libshim.so")])
        self.assertEqual((run.status, run.err), (0, b""))
        return json.loads(run.out)

    def expected(self, ledger, kind):
        lines = {}
        for line in ledger:
            charge = line[kind]
            if charge["occurrences"]:
                key = (os.path.basename(line["file"]), line["line"], line["function"])
                lines[key] = {field: charge[field] for field in FIELDS}
        return lines

    def reported(self, dump, files, *options):
        rows = json.loads(self.report("lines", "--format", "json", "--limit", "0", *options, dump))
        lines = {}
        for row in rows:
            name = os.path.basename(row["file"] or "")
            if name not in files or not row["occurrences"]:
                continue
            key = (name, row["line"], row["function"])
            self.assertNotIn(key, lines, "a line is listed twice")
            lines[key] = {field: row[field] for field in FIELDS}
        return lines

    def check(self, variant):
        ledger = self.ledger(variant)
        run = self.profiled([sample(f"lines_{variant}")])
        self.assertEqual(run.status, 0, run.err)
        self.assert_sound(run.dump)
        path = next((self.dir / "dumps1").iterdir())
        files = {os.path.basename(line["file"]) for line in ledger}
        self.assertGreaterEqual(len(files), 6)
        for kind, options, least in (("inclusive", (), 80), ("self", ("--self",), 40)):
            expected = self.expected(ledger, kind)
            self.assertGreaterEqual(len(expected), least)
            self.assertEqual(expected, self.reported(path, files, *options), f"{variant}, {kind}")


for name in ("O0", "O1", "O2", "O3", "lto", "dwarf4", "gz", "nopie"):
    setattr(Lines, f"test_{name}", lambda self, variant=name: self.check(variant))

if __name__ == "__main__":
    memprof_test.main()
