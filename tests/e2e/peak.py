#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every number of a dump equals an oracle's: the same calls, logged by libshim.so and replayed by
oracle.py. With one thread, peak and shares at the peak are exact, over random programs and real
ones; with many threads, counts are exact and the peak is within the bound that the dump states."""
import collections
import os

import memprof_test
import oracle
from memprof_test import sample

SHIM = "libshim.so"


def leaf(dump, site):
    """(module's base name, offset of the innermost frame) of a site in a dump."""
    _, module, offset = dump["frames"][site["frame"]]
    path = os.path.realpath(dump["modules"][module]["path"]) if module >= 0 else ""
    return os.path.basename(path), offset


def site_key(site):
    """The same value that oracle.Counters.key has."""
    sizes = site.get("size_log2", [])
    return (tuple(site.get(name, 0) for name in (*oracle.COUNTERS, "max_live_bytes")),
            tuple(sizes) + (0,) * (64 - len(sizes)))


class Peak(memprof_test.Test):
    def shim_log(self, name):
        return str(self.dir / f"{name}.log")

    def oracle_run(self, argv, **options):
        """Runs ARGV under libshim.so alone; returns its records and the map of its addresses."""
        self.runs += 1
        log = self.shim_log(f"shim{self.runs}")
        run = self.plain(argv, preload=[sample(SHIM)], env={"SHIM_LOG": log}, **options)
        self.assertEqual(run.status, 0, run.err)
        return oracle.read_log(log), oracle.read_maps(log + ".maps")

    def assert_totals(self, replay, totals, names):
        self.assertEqual({name: replay.totals[name] for name in names},
                         {name: totals[name] for name in names})

    def compare(self, argv, **options):
        """One thread: the totals and every site."""
        records, place = self.oracle_run(argv, **options)

        def site_of(record):
            return (*place(record.caller), oracle.FUNCTIONS[record.function], record.context)

        replay = oracle.Replay(records, site_of)
        dump = self.profiled(argv, **options).dump
        self.assert_sound(dump)
        self.assertEqual(replay.unknown, 0)
        self.assertEqual(dump["totals"]["peak_error_bytes"], 0)
        self.assert_totals(replay, dump["totals"], (*oracle.COUNTERS, "realloc_count"))
        return replay, dump

    def assert_sites(self, replay, dump):
        """Each stack has the numbers of one context of the oracle, for every innermost frame."""
        expected, found = (collections.defaultdict(list) for _ in range(2))
        for (name, offset, function, _), counters in replay.sites.items():
            expected[name, offset, function].append(counters.key())
        for site in dump["sites"]:
            found[(*leaf(dump, site), site["function"])].append(site_key(site))
        self.assertEqual(sorted(expected), sorted(found))
        for key, sites in expected.items():
            self.assertEqual(sorted(sites), sorted(found[key]), key)

    def assert_leaves(self, replay, dump, names):
        """Summed over the stacks with the same innermost frame, NAMES agree."""
        expected, found = (collections.defaultdict(collections.Counter) for _ in range(2))
        for (name, offset, function, _), counters in replay.sites.items():
            expected[name, offset, function] += {key: counters[key] for key in names}
        for site in dump["sites"]:
            key = (*leaf(dump, site), site["function"])
            found[key] += {name: site.get(name, 0) for name in names}
        self.assertEqual(expected, found)

    def test_random(self):
        for seed in range(1, 21):
            with self.subTest(seed=seed):
                replay, dump = self.compare([sample("random_alloc"), seed, 200 + seed * 300])
                self.assertGreater(len(replay.sites), 40)
                self.assert_sites(replay, dump)

    def test_programs(self):
        memprof_test.need("jq", "lua5.4", "sort")
        rows = ",".join('{"id":%d,"name":"n%d","tags":["a","b%d"]}' % (i, i * 7, i % 13)
                        for i in range(2000))
        data = self.write("rows.json", f"[{rows}]")
        text = self.write("words", "\n".join(f"word{i * 7919 % 3001}" for i in range(3001)))
        script = self.write("trees.lua", "local function t(d) if d == 0 then return {} end "
                            "return {t(d - 1), t(d - 1), tostring(d)} end "
                            "for i = 1, 5 do t(10) end print(#string.rep('x', 100000))")
        for argv in (["jq", "[.[] | select(.id % 3 == 0) | .name] | length", data],
                     ["lua5.4", script], ["sort", "--parallel=1", text], ["jq", ".", data]):
            with self.subTest(argv=argv):
                replay, dump = self.compare(argv)
                self.assert_leaves(replay, dump, oracle.COUNTERS)

    def test_threads(self):
        for threads, seed in ((4, 1), (4, 2), (16, 3), (16, 4)):
            with self.subTest(threads=threads, seed=seed):
                self.check_threads(threads, seed)

    def check_threads(self, threads, seed):
        """One run under both: the shim is above, so that its view brackets the profiler's."""
        self.runs += 1
        log = self.shim_log(f"threads{self.runs}")
        run = self.profiled([sample("random_alloc"), seed, 4000, threads],
                            before=[sample(SHIM)], env={"SHIM_LOG": log})
        self.assertEqual(run.status, 0, run.err)
        self.assert_sound(run.dump, 4000 * threads // 2)
        totals = run.dump["totals"]
        records = oracle.read_log(log)
        # Before main, the profiler loads what it needs itself: the shim saw that, it did not.
        first = next(i for i, record in enumerate(records) if record.context)
        records = records[first:]
        replay = oracle.Replay(records, lambda record: record.context)
        self.assert_totals(replay, totals, (
            "alloc_count", "alloc_bytes", "free_count", "freed_bytes", "live_count", "live_bytes",
            "failed_count", "realloc_count", "temporary_count"))
        least, most = oracle.peak_bounds(records)
        error = totals["peak_error_bytes"]
        self.assertLessEqual(least - error, totals["peak_bytes"])
        self.assertLessEqual(totals["peak_bytes"], most + error)
        names = ("alloc_count", "alloc_bytes", "free_count")
        expected = {tid: [counters[name] for name in names]
                    for tid, counters in replay.threads.items()}
        found = {thread["tid"]: [thread[name] for name in names]
                 for thread in run.dump["threads"]}
        self.assertEqual(expected, found)


if __name__ == "__main__":
    memprof_test.main()
