#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Threads that end, are cancelled, load libraries and hold the loader's lock at awkward moments:
nothing hangs, nothing is lost, and nothing is left of threads that are gone."""
import json
import os

import memprof_test
from memprof_test import many, sample

PATIENCE = 100 + many(60)  # seconds until a hang
THREAD_LIMIT = 64 << 10  # bytes for one of many threads


class Locks(memprof_test.Test):
    def storm(self, how, count, *libraries, **preloads):
        """The dump, what the program printed of itself, and what it allocated by the dump."""
        run = self.profiled([sample("storm_threads"), how, count, *libraries], timeout=PATIENCE,
                            **preloads)
        self.assertEqual((run.status, run.err), (0, b""))
        dump, said = run.dump, json.loads(run.out)
        self.assertTrue(dump["dump"]["complete"])
        totals = dump["totals"]
        self.assertEqual(totals["missed_free_count"], 0)
        counts = memprof_test.own_counts(dump, "storm_threads")
        counts["kept"] = counts["alloc_count"] - counts["free_count"]
        return dump, said, counts

    def test_cancelled_threads(self):
        """While they allocate, whose clean-up handlers and thread-specific data own blocks."""
        dump, said, counts = self.storm("cancel", 4 * many(100))
        self.assert_sound(dump)
        self.assertGreater(counts["alloc_count"], said["alloc_count"])
        self.assertEqual(counts["kept"], 1000)

    def test_cancelled_anywhere(self):
        """In the middle of the profiler, too: no lock stays behind, and one block at most."""
        threads = 4 * many(100)
        dump, said, counts = self.storm("async", threads, after=[sample("libsafe_malloc.so")])
        self.assertGreater(counts["alloc_count"], said["alloc_count"])
        self.assertGreaterEqual(counts["kept"], 1000)
        self.assertLessEqual(counts["kept"], 1000 + threads)
        self.assertLessEqual(dump["totals"]["unknown_free_count"], threads)

    def test_short_threads(self):
        """Neither memory nor descriptors grow with the number of threads there were."""
        count = 8 * many(2500)
        dump, said, counts = self.storm("short", count)
        self.assert_sound(dump)
        self.assertEqual((counts["alloc_count"], counts["kept"]), (count * 15 + 1000, 1000))
        half, end = said["resident"]
        self.assertLessEqual(end, half + 512, "KiB")
        self.assertEqual(said["descriptors"][0], said["descriptors"][1])
        self.assertLessEqual(len(dump["threads"]), 4200)

    def test_thread_local_destructors(self):
        """Of C++, also those of objects that another one's destructor brings about: they allocate when
        there is little left of the thread."""
        if not os.path.exists(sample("thread_locals")):
            self.skipTest("no C++ compiler")
        run = self.unchanged([sample("thread_locals"), 16])
        self.assertEqual(run.status, 0)
        self.assert_sound(run.dump)
        counts = memprof_test.own_counts(run.dump, "thread_locals")
        self.assertEqual((counts["alloc_count"], counts["free_count"]), (int(run.out),) * 2)
        self.assertEqual(int(run.out), 17 * 4)

    def test_live_threads(self):
        """4,096 at once take 64 KiB each at the most."""
        threads = 4096
        argv = [sample("storm_threads"), "alive", threads]
        plain = json.loads(self.plain(argv).out)
        dump, said, counts = self.storm("alive", threads)
        self.assert_sound(dump)
        self.assertEqual((counts["alloc_count"], counts["kept"]), (threads + 1000 + 1, 1000))
        more = (said["resident"][0] - plain["resident"][0]) << 10
        self.assertLessEqual(more / threads, THREAD_LIMIT)
        self.assertEqual(said["descriptors"], plain["descriptors"])

    def test_loading_threads(self):
        """8 load and unload libraries, 8 allocate, half of these inside dl_iterate_phdr."""
        libraries = [sample(f"libplugin_{name}.so") for name in ("one", "two")]
        dump, said, counts = self.storm("dlopen", many(1000), *libraries)
        self.assert_sound(dump)
        self.assertEqual(counts["alloc_count"] + 8 * many(1000), said["alloc_count"])
        self.assertEqual(counts["kept"], 1000)


if __name__ == "__main__":
    memprof_test.main()
