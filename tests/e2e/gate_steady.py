#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A gate that is green once is green each time: real programs, run again and again, against a
baseline and limits taken from their first run. MEMPROF_RUNS says how often (default: 3)."""
import json
import os
import pathlib

import memprof_test
from gate_test import GateTest

RUNS = int(os.environ.get("MEMPROF_RUNS", "3"))


class Steady(GateTest):
    def dump_of(self, argv, stdin):
        run = self.profiled(argv, stdin=stdin)
        self.assertEqual(run.status, 0, run.err)
        path, = (self.dir / f"dumps{self.runs}").iterdir()
        return str(path), run.dump["totals"]

    def steady(self, *argv, stdin=b""):
        memprof_test.need(argv[0])
        first, totals = self.dump_of(argv, stdin)
        base = self.write("base.json", self.report("baseline", "-q", first))
        options = ["--baseline", base, "--tolerance", "0", "--max-peak", str(totals["peak_bytes"]),
                   "--max-allocs", str(totals["alloc_count"]), "--count-runtime", "-q"]
        verdicts = set()
        for _ in range(RUNS):
            path, _ = self.dump_of(argv, stdin)
            verdict = self.verdict(*options, path, status=0)
            verdicts.add(json.dumps(verdict["checks"], sort_keys=True))
            pathlib.Path(path).unlink()
        self.assertEqual(len(verdicts), 1, argv)

    def test_jq(self):
        self.steady("jq", "map(.a + 1) | add", stdin=json.dumps([{"a": i} for i in range(500)]).encode())

    def test_sqlite(self):
        self.steady("sqlite3", ":memory:", stdin=b"create table t(a, b);\n"
                    b"with recursive c(x) as (select 1 union all select x+1 from c where x < 500)\n"
                    b"insert into t select x, hex(x) from c;\nselect count(*), sum(a) from t;\n")

    def test_lua(self):
        self.steady("lua5.4", "-e", "local t = {} for i = 1, 999 do t[i] = {i} end print(#t)")

    def test_xmllint(self):
        self.steady("xmllint", "--format", "-", stdin=b"<a>" + b"<b c='d'>e</b>" * 300 + b"</a>")

    def test_sed(self):
        self.steady("sed", "-e", "s/a\\(.*\\)b/\\1/;p", stdin=b"xaxyzb\n" * 200)

    def test_grep(self):
        self.steady("grep", "-E", "(ab|cd)+x?", stdin=b"abcdx\nqq\n" * 200)

    def test_sort(self):
        self.steady("sort", "--parallel=1", "-r", stdin=b"".join(b"%d\n" % (i * 7919 % 997)
                                                                  for i in range(997)))

    def test_awk(self):
        self.steady("awk", "{ n[$1 % 7] += $1 } END { for (i = 0; i < 7; i++) print n[i] }",
                    stdin=b"".join(b"%d\n" % i for i in range(500)))

    def test_git(self):
        self.steady("git", "--no-pager", "hash-object", "--stdin", stdin=b"x" * 10000)

    def test_leaky(self):
        self.steady(memprof_test.sample("leaky"), "leak=9x9", "other=3x3", "copy=2", "allocs=99", "runtime")


if __name__ == "__main__":
    memprof_test.main()
