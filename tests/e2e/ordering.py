#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""16 threads that free and resize each other's blocks: nothing is lost and nothing is made up. What
the dump says of each place in the program that allocates equals what libtally.so counted there, an
oracle that shares nothing with the profiler; so the live sets are equal."""
import collections
import json
import os

import memprof_test
from memprof_test import find_library, many, sample

THREADS = 16
ROUNDS = many(500000)  # of each thread: 1.3 calls of the allocator in each
COUNTERS = ("alloc_count", "alloc_bytes", "free_count", "freed_bytes")
PATIENCE = 200 + many(60)  # seconds until a hang


def by_place(dump):
    """The counters of what was called through libtally.so, by the return address in exchange."""
    places = collections.defaultdict(collections.Counter)

    def file(frame):
        module = dump["frames"][frame][1]
        return os.path.basename(dump["modules"][module]["path"]) if module >= 0 else ""

    for site in dump["sites"]:
        caller = dump["frames"][site["frame"]][0]
        if file(site["frame"]) == "libtally.so" and file(caller) == "exchange":
            places[dump["frames"][caller][2]].update(
                {name: site.get(name, 0) for name in COUNTERS})
    return {offset: {name: counts[name] for name in COUNTERS}
            for offset, counts in places.items()}


class Ordering(memprof_test.Test):
    def check(self, rounds=ROUNDS, **preloads):
        """Returns how many calls there were."""
        told = self.dir / "told"
        run = self.profiled([sample("exchange"), THREADS, rounds, os.getpid()], timeout=PATIENCE,
                            before=[sample("libtally.so")], env={"TALLY_OUT": str(told)}, **preloads)
        self.assertEqual((run.status, run.err), (0, b""))
        expected = {}
        for line in told.read_text().splitlines():
            place = json.loads(line)
            expected[place.pop("offset")] = place
        self.assertGreaterEqual(len(expected), 6)
        self.assertEqual(by_place(run.dump), expected)
        self.assert_sound(run.dump, THREADS * rounds // 2)
        self.assertEqual(run.dump["totals"]["missed_free_count"], 0)
        live = sum(place["alloc_count"] - place["free_count"] for place in expected.values())
        self.assertGreater(live, 40000)
        self.assertGreaterEqual(int(run.out), sum(
            place["alloc_count"] + place["free_count"] for place in expected.values()) // 2)
        return int(run.out)

    def test_equal_to_oracle(self):
        calls = self.check()
        print(f"{calls} calls of the allocator by {THREADS} threads: equal")

    def test_equal_over_other_allocators(self):
        """Which give an address out again sooner or later than glibc, and share slots of 16 bytes."""
        for name in ("libjemalloc.so.2", "libmimalloc.so.2"):
            with self.subTest(name=name):
                self.check(rounds=ROUNDS // 10, after=[find_library(name)])


if __name__ == "__main__":
    memprof_test.main()
