#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Other allocators, preloaded after the profiler (which then records what it passes on to them) or
before it (then their functions hide the profiler's, which must say so in the dump if it can record
nothing). The samples check their own blocks, down to 1 and 8 bytes."""
import json

import memprof_test
from memprof_test import find_library, sample

ALLOCATORS = {"jemalloc": "libjemalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4",
              "mimalloc": "libmimalloc.so.2"}


class Allocators(memprof_test.Test):
    def small_blocks(self, **preloads):
        run = self.profiled([sample("small_blocks")], **preloads)
        self.assertEqual((run.status, run.err), (0, b""))
        return json.loads(run.out)["totals"], run.dump

    def test_glibc(self):
        expected, dump = self.small_blocks()
        self.assert_sound(dump)
        self.assertEqual(memprof_test.own_counts(dump, "small_blocks"), expected)

    def check_after(self, name):
        library = find_library(ALLOCATORS[name])
        expected, dump = self.small_blocks(after=[library])
        self.assert_sound(dump)
        self.assertEqual(memprof_test.own_counts(dump, "small_blocks"), expected)
        self.assertIn(name, dump["process"]["allocator"])
        run = self.profiled([sample("random_alloc"), 5, 3000, 8], after=[library])
        self.assertEqual(run.status, 0, run.err)
        self.assert_sound(run.dump, 10000)
        self.check_neighbours(after=[library])
        self.check_operators(library)

    def check_neighbours(self, **preloads):
        """Two threads whose blocks lie in the 32 bytes for which there is one slot."""
        rounds = 4000000
        run = self.profiled([sample("neighbours"), rounds], **preloads)
        self.assertEqual(run.status, 0, run.err)
        self.assert_sound(run.dump)
        self.assertEqual(run.dump["totals"]["missed_free_count"], 0)
        counts = memprof_test.own_counts(run.dump, "neighbours")
        self.assertEqual(counts["alloc_count"], counts["free_count"])
        return run.out

    def check_operators(self, library):
        """An allocator with an operator new of its own, which does not come to malloc: either that
        is recorded all the same, or the dump says that it is not."""
        for words in (["fail"], []):  # it throws through what is put in front of it
            plain = self.plain([sample("cxx_program"), *words], preload=[library])
            run = self.profiled([sample("cxx_program"), *words], after=[library])
            self.assertEqual((run.status, run.out), (plain.status, plain.out))
        self.assertEqual(run.err, plain.err)
        if run.dump["totals"]["alloc_count"] < 8000:
            self.assertLess(run.dump["coverage"]["percent"], 100)
            self.assertTrue(run.dump["coverage"]["warnings"], "partly blind without saying so")

    def check_before(self, name):
        library = find_library(ALLOCATORS[name])
        expected, dump = self.small_blocks(before=[library])
        self.assertEqual(dump["totals"]["unknown_free_count"], 0)
        if memprof_test.own_counts(dump, "small_blocks") != expected:
            self.assertEqual(dump["totals"]["alloc_count"], 0, "neither blind nor seeing")
            self.assertEqual(dump["coverage"]["percent"], 0)
            self.assertTrue(dump["coverage"]["warnings"], "a blind profile does not say why")
        run = self.profiled([sample("random_alloc"), 5, 3000, 8], before=[library])
        self.assertEqual((run.status, run.err), (0, b""))

    def test_own(self):
        """An allocator that the program brings itself: it works, and is seen or said not to be."""
        run = self.profiled([sample("own_allocator")])
        self.assertEqual((run.status, run.err), (0, b""))
        expected = json.loads(run.out)["totals"]
        if run.dump["totals"]["alloc_count"] < expected["alloc_count"]:
            self.assertLess(run.dump["coverage"]["percent"], 100)
            self.assertTrue(run.dump["coverage"]["warnings"], "a blind profile does not say why")

    def test_three(self):
        """All at once, around the profiler."""
        libraries = [find_library(name) for name in ALLOCATORS.values()]
        run = self.profiled([sample("small_blocks")], before=libraries[:1], after=libraries[1:])
        self.assertEqual((run.status, run.err), (0, b""))

    def test_twice(self):
        """The profiler preloaded twice, under two names."""
        other = self.dir / "other.so"
        other.write_bytes(memprof_test.LIBRARY.read_bytes())
        run = self.profiled([sample("small_blocks")], after=[other])
        self.assertEqual(run.status, 0, run.err)


for kind in ALLOCATORS:
    setattr(Allocators, f"test_after_{kind}", lambda self, kind=kind: self.check_after(kind))
    setattr(Allocators, f"test_before_{kind}", lambda self, kind=kind: self.check_before(kind))

if __name__ == "__main__":
    memprof_test.main()
