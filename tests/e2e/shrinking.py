#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the library kept for a large heap goes back to the kernel when the heap has shrunk for long,
and no block is lost over it."""
import memprof_test
from memprof_test import sample


class Shrinking(memprof_test.Test):
    def resident(self, run):
        self.assertEqual(run.status, 0, run.err)
        return [int(kib) for kib in run.out.split()]

    def check(self, threads):
        argv = [sample("shrinks"), str(threads)]
        plain_full, plain_end = self.resident(self.plain([*argv, str(1 << 40)]))
        # A table of 4 bytes for each 32 of a heap of 112 MB, and births: more than a third is to go,
        # though every fourth of the table's pages still holds a block.
        enough = plain_end + 10 * 1024
        run = self.profiled([*argv, str(enough)])
        full, end = self.resident(run)
        self.assertGreater(full - plain_full, 15 * 1024)
        self.assertLessEqual(end, enough + 1024, (plain_full, plain_end, full, end))
        dump = run.dump
        self.assert_sound(dump)
        kept = [s for s in dump["sites"] if (s["live_count"], s["live_bytes"]) == (1000, 100000)]
        self.assertEqual(len(kept), 1)
        self.assertEqual(dump["totals"]["unknown_free_count"], 0)
        self.assertEqual(dump["totals"]["dropped_count"], 0)

    def test_of_one_thread(self):
        self.check(0)

    def test_while_threads_go_on(self):
        self.check(2)


if __name__ == "__main__":
    memprof_test.main()
