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
        counts = memprof_test.own_counts(run.dump, "semantics")
        self.assertEqual((counts["free_count"], counts["freed_bytes"]),
                         (counts["alloc_count"], counts["alloc_bytes"]))

    def test_table_sampled(self):
        """Calls that sampling lets pass go to the real functions untouched."""
        for sample_size in ("100", "1G"):
            run = self.unchanged([sample("semantics")], env={"MEMPROF_SAMPLE": sample_size})
            self.assertEqual(run.status, 0)
            self.assertEqual(run.dump["mode"]["kind"], "sampled")

    def test_table_unrecorded(self):
        run = self.unchanged([sample("semantics")], env={"MEMPROF_ENABLE": "0"})
        self.assertEqual((run.status, run.dumps), (0, {}))

    def test_lookup_that_allocates(self):
        """All functions serve a dlsym that calls them while they are being looked up; what they gave
        then can be resized and freed for ever, whether blocks are sampled or not."""
        early = sample("libearly_lookup.so")
        for env in ({}, {"MEMPROF_SAMPLE": "1G"}, {"MEMPROF_ENABLE": "0"}):
            run = self.profiled(["/bin/true"], after=[early], env=env)
            self.assertEqual((run.status, run.out, run.err), (0, b"4009 blocks\n", b""), env)

    def test_free_by_size(self):
        """free_sized and free_aligned_sized of an allocator that has them get each call; otherwise
        free does."""
        for after, calls in (([sample("libsized.so")], b"1000 1000\n"), ([], b"0 0\n")):
            for env in ({}, {"MEMPROF_SAMPLE": "100"}, {"MEMPROF_SAMPLE": "1G"}):
                with self.subTest(after=after, env=env):
                    run = self.profiled([sample("sized_program")], after=after, env=env)
                    self.assertEqual((run.status, run.out, run.err), (0, calls, b""))
                    totals = run.dump["totals"]
                    self.assertEqual(totals["unknown_free_count"], 0)
                    if not env:
                        counts = memprof_test.own_counts(run.dump, "sized_program")
                        self.assertEqual((counts["alloc_count"], counts["free_count"]), (2000, 2000))

    def calls(self, records):
        """What was asked for, in order, without addresses; from main on."""
        first = next(i for i, record in enumerate(records) if record.context)
        return [(record.op, record.function, record.size, record.alignment, bool(record.old),
                 bool(record.new))
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
