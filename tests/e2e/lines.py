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
        """The sample's own knowledge, from a run with libshim.so above the profiler. The same two
        are loaded while it is measured, for how much the loader allocates for a thread depends on
        what is loaded; but then libshim.so is below, where it is no frame of any stack."""
        run = self.profiled([sample(f"lines_{variant}")], before=[sample("libshim.so")])
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
        run = self.profiled([sample(f"lines_{variant}")], after=[sample("libshim.so")])
        self.assertEqual(run.status, 0, run.err)
        self.assert_sound(run.dump)
        path = next((self.dir / "dumps2").iterdir())
        files = {os.path.basename(line["file"]) for line in ledger}
        self.assertGreaterEqual(len(files), 6)
        for kind, options, least in (("inclusive", (), 75), ("self", ("--self",), 35)):
            expected = self.expected(ledger, kind)
            self.assertGreaterEqual(len(expected), least)
            found = self.reported(path, files, *options)
            wrong = [f"{key}: {expected.get(key)}, but {found.get(key)} reported"
                     for key in sorted({*expected, *found}) if expected.get(key) != found.get(key)]
            self.assertEqual(wrong, [], f"{variant}, {kind}:\n" + "\n".join(wrong))


for name in ("O0", "O1", "O2", "O3", "lto", "dwarf4", "gz", "nopie"):
    setattr(Lines, f"test_{name}", lambda self, variant=name: self.check(variant))

if __name__ == "__main__":
    memprof_test.main()
