#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sampled profiles against what the program is known to do.

A block of s bytes counts as W blocks with chance p = 1 - exp(-(s + 1) / mean), where W is one of the
two whole numbers next to w = 1/p, with the mean w. So one block's contribution has the mean 1 and,
with f the fraction of w, the variance w + f (1 - f) / w - 1. All bounds here derive from it; seeds are
the system's, so each says how often a correct library would fail it."""
import collections
import math
import os
import re
import subprocess

import memprof_test
from memprof_test import find_library, need, sample

MEAN = 4096
RUNS = 40


def deviation(size, count, mean=MEAN):
    """The standard deviation of the estimate of COUNT blocks of SIZE bytes."""
    weight = -1 / math.expm1(-(size + 1) / mean)
    fraction = weight % 1
    return math.sqrt(count * (weight + fraction * (1 - fraction) / weight - 1))


def expected(run):
    """What a sample said: {(process, size): (blocks, of these freed)}."""
    lines = (line.split() for line in run.out.decode().splitlines())
    return {(name, int(size)): (int(count), int(freed)) for name, size, count, freed in lines}


def by_size(dump):
    """The sites whose innermost frame is the program's, by the buckets their sizes are in."""
    found = {}
    for site in dump["sites"]:
        module = dump["frames"][site["frame"]][1]
        if os.path.basename(dump["modules"][module]["path"]) == "sampled":
            for i, n in enumerate(site["size_log2"]):
                if n:
                    found.setdefault(i, []).append(site)
    return found


def site_of(dump, size):
    """The figures of the place that allocates SIZE bytes; zeros if none of its blocks was sampled."""
    sites = by_size(dump).get(size.bit_length(), [{}])
    assert len(sites) == 1, sites
    return collections.defaultdict(int, sites[0])


class Sampling(memprof_test.Test):
    def sampled(self, *argv, mean=MEAN, **options):
        env = {"MEMPROF_SAMPLE": str(mean), **options.pop("env", {})}
        run = self.profiled([sample("sampled"), *argv], env=env, **options)
        self.assertEqual(run.status, 0, run.err)
        return run

    def check_many(self, mode):
        """RUNS runs: each estimate within its errors, their means close to the truth."""
        runs = [self.sampled(mode) for _ in range(RUNS)]
        beyond = checks = 0
        for (_, size), (count, freed) in expected(runs[0]).items():
            sites = [site_of(run.dump, size) for run in runs]
            self.assertTrue(all(s["alloc_bytes"] == s["alloc_count"] * size for s in sites))
            self.assertTrue(all(s["live_bytes"] == s["live_count"] * size for s in sites))
            for name, truth in (("free_count", freed), ("live_count", count - freed)):
                # The mean of many is normal: beyond 6 deviations once in 5e8 times.
                sigma = deviation(size, truth) / math.sqrt(RUNS)
                mean = sum(s[name] for s in sites) / RUNS
                self.assertLessEqual(abs(mean - truth), 6 * sigma + 1e-9, (size, name, mean))
                checks += RUNS
                for s in sites:
                    variance = s["alloc_count_se"]**2 - s["live_count_se"]**2
                    error = s["live_count_se"] if name == "live_count" else math.sqrt(variance)
                    beyond += abs(s[name] - truth) > 3 * error + 3
            # As many blocks as were sampled decide how sure the error is: some 100 in a run.
            truth = deviation(size, count)**2
            mean = sum(s["alloc_count_se"]**2 for s in sites) / RUNS
            self.assertLessEqual(abs(mean - truth), 0.12 * truth + 1, (size, mean, truth))
            mean = sum(s["live_bytes_se"]**2 for s in sites) / RUNS
            self.assertLessEqual(abs(mean - truth / 2 * size**2), 0.17 * mean + size**2 + 1, size)
        # Free and live blocks are drawn apart, and so are places. With some 50 samples an estimate
        # is beyond 3 of its errors in about 1 of 100 cases; 22 of 480 come once in 1e8 times.
        self.assertLess(beyond, 22, f"of {checks}")

    def test_sizes(self):
        self.check_many("sizes")

    def test_threads(self):
        """Blocks of several threads, freed by another."""
        self.check_many("threads")

    def test_exact_counts(self):
        """What needs no estimate agrees with an exact run, to the last call."""
        for argv in ([sample("sampled"), "sizes"], [sample("sampled"), "threads"],
                     [sample("sampled"), "realloc"], [sample("random_alloc"), 7, 20000]):
            with self.subTest(argv=argv):
                exact = self.profiled(argv).dump
                for mean in (64, 4096, "512k", "1g"):
                    found = self.profiled(argv, env={"MEMPROF_SAMPLE": str(mean)}).dump
                    self.assertEqual(found["mode"]["exact"],
                                     {name: exact["totals"][name] for name in found["mode"]["exact"]})
                    self.assertEqual(sum(t["alloc_count"] for t in found["threads"]),
                                     exact["totals"]["alloc_count"])
                    self.assertEqual(found["totals"]["unknown_free_count"], 0)
                    self.assertEqual(found["totals"]["missed_free_count"], 0)
                    self.assertEqual(found["totals"]["dropped_count"], 0)

    def test_small_mean(self):
        """With a mean far below all sizes nothing is left to chance."""
        run = self.sampled("realloc", mean=1)
        for (_, size), (count, freed) in expected(run).items():
            site = site_of(run.dump, size)
            # exp(-51) of the blocks are missing.
            self.assertEqual((site["alloc_count"], site["free_count"]), (count, freed))
            self.assertEqual(site["alloc_count_se"], 0)

    def test_realloc(self):
        """A block that grows is freed at its old size and allocated at its new one."""
        for _ in range(5):
            run = self.sampled("realloc")
            for (_, size), (count, freed) in expected(run).items():
                site = site_of(run.dump, size)
                # Beyond 7 deviations once in 1e11 times, some 50 samples not being quite normal.
                self.assertLess(abs(site["alloc_count"] - count), 7 * deviation(size, count))
                self.assertLess(abs(site["free_count"] - freed), 7 * deviation(size, freed))
            self.assertEqual(site_of(run.dump, 5000)["realloc_count"],
                             run.dump["totals"]["realloc_count"])

    def test_fork(self):
        """A child counts anew, and knows which of its parent's blocks were sampled."""
        for _ in range(3):
            run = self.sampled("fork")
            parent, child = sorted(run.dumps.values(), key=lambda d: d["process"]["parent"] is not None)
            for (name, size), (count, freed) in expected(run).items():
                dump = child if name == "child" else parent
                site = site_of(dump, size)
                bound = 7 * deviation(size, count)
                self.assertLessEqual(abs(site["alloc_count"] - count), bound, (name, size))
                self.assertLessEqual(abs(site["free_count"] - freed), bound, (name, size))
            inherited = child["inherited"]
            # All but the four arrays that the program keeps its blocks in.
            self.assertEqual(inherited["live_count"], 4)
            self.assertEqual(inherited["free_count"] + 4, parent["totals"]["live_count"])
            blocks = sum(n for (name, _), (n, _) in expected(run).items() if name == "child")
            self.assertEqual(child["mode"]["exact"]["alloc_count"], blocks)
            self.assertEqual(child["mode"]["exact"]["free_count"], blocks)

    def test_hosts(self):
        """Programs do under sampling what they do without, and every stack is libunwind's."""
        need("jq", "lua5.4", "perl")
        data = self.write("rows.json", "[%s]" % ",".join(
            '{"id":%d,"tags":["a","b%d"]}' % (i, i % 13) for i in range(2000)))
        script = self.write("t.lua", "local t = {} for i = 1, 20000 do t[i] = {tostring(i)} end "
                            "print(#t, #string.rep('x', 100000))")
        hosts = (["jq", ".", data], ["lua5.4", script], [sample("cxx_program")],
                 ["perl", "-e", "my %h = map { $_ => [1 .. 5] } 1 .. 3000; print scalar %h"],
                 [sample("random_alloc"), 3, 3000], [sample("random_alloc"), 3, 3000, 8],
                 [sample("frames")])
        for argv in hosts:
            for mean in ("64", "64k"):
                with self.subTest(argv=argv, mean=mean):
                    run = self.unchanged(argv, env={"MEMPROF_SAMPLE": mean, "MEMPROF_VERIFY": "1"})
                    self.assertEqual(run.dump["mode"]["mean_bytes"], 64 << (10 if "k" in mean else 0))
                    self.assertEqual(run.dump["verify"]["different"], 0)
                    self.assertGreaterEqual(run.dump["verify"]["compared"],
                                            run.dump["mode"]["sampled_count"])

    def test_endings(self):
        """Handlers that leave by longjmp, children of children, and ends of all kinds."""
        for argv in ([sample("jumps")], [sample("signals")], [sample("forkstorm")],
                     [sample("unloads")], [sample("small_blocks")], [sample("semantics")]):
            with self.subTest(argv=argv):
                plain = self.plain(argv)
                run = self.profiled(argv, env={"MEMPROF_SAMPLE": "256"})
                self.assertEqual(run.status, plain.status, run.err)

    def test_operators(self):
        """operator new and delete of an allocator that brings its own."""
        library = find_library("libjemalloc.so.2")
        plain = self.plain([sample("cxx_program")], preload=[library])
        run = self.profiled([sample("cxx_program")], after=[library], env={"MEMPROF_SAMPLE": "16"})
        self.assertEqual((plain.status, plain.out), (run.status, run.out), run.err)
        self.assertIn("operator new", {site["function"] for site in run.dump["sites"]})

    def test_max_overhead(self):
        """What the library does depends on the machine; its estimates and its account of it do
        not."""
        for limit in ("0.1", "5", "1000"):
            with self.subTest(limit=limit):
                run = self.profiled([sample("sampled"), "sizes"],
                                    env={"MEMPROF_MAX_OVERHEAD": limit})
                mode, totals = run.dump["mode"], run.dump["totals"]
                self.assertEqual(mode["max_overhead_percent"], float(limit))
                self.assertEqual(mode["kind"], "sampled" if mode["changes"] else "exact")
                if mode["changes"]:
                    self.assertEqual(mode["mean_bytes"], mode["changes"][-1][1] or 1)
                exact = mode.get("exact", totals)
                known = sum(count for count, _ in expected(run).values())
                self.assertEqual(exact["alloc_count"], known + 4)
                # Only bytes: the empty blocks may all have been missed. 16 MiB is the largest mean,
                # and there may be no sample at all, so that nothing is known of the error.
                error = totals.get("alloc_bytes_se", 0) + (1 << 24)
                self.assertLess(abs(totals["alloc_bytes"] - exact["alloc_bytes"]), 7 * error)

    def test_base(self):
        """With both variables the mean never falls below the one that was asked for."""
        run = self.profiled([sample("sampled"), "sizes"],
                            env={"MEMPROF_SAMPLE": "2k", "MEMPROF_MAX_OVERHEAD": "100"})
        mode = run.dump["mode"]
        self.assertEqual(mode["kind"], "sampled")
        self.assertGreaterEqual(min([mode["mean_bytes"]] + [mean for _, mean in mode["changes"]]),
                                2048)

    def instructions(self, env):
        """Of 100,000 pairs of malloc and free, by callgrind."""
        out = self.dir / "callgrind.out"
        argv = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
                "--toggle-collect=pairs", sample("sampled"), "pairs", "100000"]
        done = subprocess.run(argv, env=self.environment(env), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, cwd=self.dir, check=True)
        found = re.search(rb"Collected : (\d+)", done.stderr)
        self.assertIsNotNone(found, done.stderr)
        return int(found.group(1))

    def test_instructions(self):
        """What is not sampled costs next to nothing, some 25 instructions for both calls, and little
        more where nothing is recorded."""
        if (memprof_test.BUILD / "coverage").is_dir():
            self.skipTest("lines are counted in this build, which takes instructions")
        need("valgrind")
        plain = self.instructions({})
        self.assertGreater(plain, 100000)
        for most, env in ((38, {"MEMPROF_SAMPLE": "1g"}), (80, {"MEMPROF_ENABLE": "0"})):
            with self.subTest(env=env):
                more = self.instructions({"LD_PRELOAD": str(memprof_test.LIBRARY),
                                          "MEMPROF_OUT": f"{self.dir}/x.json", **env})
                self.assertLess((more - plain) / 100000, most)


if __name__ == "__main__":
    memprof_test.main()
