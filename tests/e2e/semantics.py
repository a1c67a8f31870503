#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The allocation functions behave as without the profiler: results, errno, alignment and usable size
of unusual calls; and the allocator below gets the very calls that the program makes."""
import memprof_test
import oracle
from memprof_test import sample


class Semantics(memprof_test.Test):
    def test_table(self):
        run = self.unchanged([sample("semantics")])
        self.assertEqual(run.status, 0)
        self.assertGreater(len(run.out.splitlines()), 45)
        self.assert_sound(run.dump)
        self.assertGreaterEqual(run.dump["totals"]["failed_count"], 15)

    def calls(self, records):
        """What was asked for, in order, without addresses; from main on."""
        first = next(i for i, record in enumerate(records) if record.context)
        return [(record.op, record.function, record.size, bool(record.old), bool(record.new))
                for record in records[first:]]

    def test_same_calls_below(self):
        argv = [sample("random_alloc"), 77, 5000]
        logs = [str(self.dir / name) for name in ("plain.log", "below.log")]
        shim = [sample("libshim.so")]
        plain = self.plain(argv, preload=shim, env={"SHIM_LOG": logs[0]})
        below = self.profiled(argv, after=shim, env={"SHIM_LOG": logs[1]})
        self.assertEqual((plain.status, below.status), (0, 0))
        expected, found = (self.calls(oracle.read_log(log)) for log in logs)
        self.assertGreater(len(expected), 4000)
        self.assertEqual(expected, found)


if __name__ == "__main__":
    memprof_test.main()
