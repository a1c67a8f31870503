#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Allocation before the profiler, libc or the program is ready, and with others that interpose in
front of it and behind it: nothing fails, nothing hangs, and what the loader is asked is answered."""
import itertools
import shutil
import unittest

import memprof_test
from memprof_test import LIBRARY, find_library, sample

PATIENCE = 60


class EarlyInit(memprof_test.Test):
    def check_early(self, **env):
        argv = [sample("early")]
        plain = self.plain(argv, env=env)
        run = self.profiled(argv, env=env, timeout=PATIENCE)
        self.assertEqual((run.status, run.out, run.err), (plain.status, plain.out, plain.err))
        self.assertEqual(run.status, 0)
        self.assertIn(b"50 blocks, choice 17 ", run.out)
        self.assert_sound(run.dump)
        kept = [site for site in run.dump["sites"]
                if site["alloc_bytes"] == sum(range(1000, 1050)) and site["alloc_count"] == 50]
        self.assertEqual([site["live_count"] for site in kept], [0])

    def test_first_constructor(self):
        """The first allocation of all comes from newlocale in another library's constructor, with
        libc's lock held; a resolver of the loader allocates, too."""
        self.check_early()

    def test_bound_at_once(self):
        self.check_early(LD_BIND_NOW="1")

    def test_dlsym_allocates(self):
        """10,000 blocks in the lookup of the real calloc: kept apart, known for ever."""
        for mine in ((sample("libearly_dlsym.so"),), (sample("libearly_dlsym.so"), LIBRARY)):
            run = self.profiled([sample("endings"), "return"], before=mine, timeout=PATIENCE)
            self.assertEqual((run.status, run.err), (7, b"10000 pieces\n"))
            self.assertTrue(run.dump["dump"]["complete"])
            self.assertEqual(run.dump["totals"]["unknown_free_count"], 0)

    def wrappers(self):
        """Libraries to preload that interpose on something, and ours under two names."""
        found = [sample("libshim.so"), sample("libtally.so")]
        for name in ("libfaketime.so.1", "libjemalloc.so.2", "libmimalloc.so.2"):
            try:
                found.append(find_library(name))
            except unittest.SkipTest:
                pass
        other = self.dir / "libother.so"
        shutil.copy(LIBRARY, other)
        return found + [str(other)]

    def test_all_orders(self):
        """Each pair of them in each place around the profiler."""
        runs = 0
        for pair in itertools.permutations(self.wrappers(), 2):
            for place in range(3):
                with self.subTest(pair=pair, place=place):
                    run = self.profiled([sample("small_blocks")], before=pair[:place],
                                        after=pair[place:], timeout=PATIENCE)
                    self.assertEqual((run.status, run.err), (0, b""))
                    self.assertIn(b"totals", run.out)
                    runs += 1
        self.assertGreaterEqual(runs, 18)


if __name__ == "__main__":
    memprof_test.main()
