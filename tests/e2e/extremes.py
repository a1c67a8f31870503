#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""More events, blocks, frames and address space than programs have, and frames that no table describes:
figures stay exact, what is cut is counted, and what it costs is bounded. tools/soak/run.sh has the
long versions."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import memprof_test
from memprof_test import many, need, own_counts, sample

FAR = sample("libfar_malloc.so")
AUDIT = sample("libaudit.so")
THROWER = sample("throws")
TIB = 1 << 40
WATCHDOG = memprof_test.TIMEOUT * max(1, memprof_test.SOAK)


class Extremes(memprof_test.Test):
    def extreme(self, what, n, *, status=0, env=None, after=()):
        """The own counts of `extremes WHAT N`, and the dump; prints what came of it in a soak."""
        run = self.profiled([sample("extremes"), what, n], after=after, timeout=WATCHDOG,
                            env={"MEMPROF_VERBOSE": "0", **(env or {})})
        self.assertEqual((run.status, run.err), (status, b""), run.out)
        self.assertEqual(int(run.out.split()[0]), n + (what == "deep"))
        self.assertEqual(run.dump["totals"]["dropped_count"], 0)
        self.assertEqual(run.dump["totals"]["unknown_free_count"], 0)
        if memprof_test.SOAK > 1:
            memory = run.dump["memory"]
            print(n, what)
            print(f"  rss {memory['rss_bytes']}, of it the profiler's {memory['profiler_bytes']}, "
                  f"after {run.dump['dump']['elapsed_ns'] / 1e9:.1f} s")
        return own_counts(run.dump, "extremes"), run.dump

    def test_events(self):
        """In the soak more than 2^32, all from one place."""
        n = 1000003 if memprof_test.SOAK == 1 else (1 << 32) + 12345
        counts, dump = self.extreme("events", n)
        self.assertEqual(counts, {"alloc_count": n, "alloc_bytes": 24 * n,
                                  "free_count": n, "freed_bytes": 24 * n})
        self.assertEqual(dump["totals"]["temporary_count"], n)
        site = max(dump["sites"], key=lambda site: site["alloc_count"])
        self.assertEqual(sum(site["size_log2"]), n)

    def test_live(self):
        """In the soak 50 million blocks of 16 bytes: the least that there are."""
        n = many(250001) if memprof_test.SOAK == 1 else 50000000
        counts, dump = self.extreme("live", n)
        freed = n // 2 if n % 2 else 0
        self.assertEqual(counts, {"alloc_count": n, "alloc_bytes": 16 * n,
                                  "free_count": freed, "freed_bytes": 16 * freed})
        # 4 bytes for each 32 of the heap's addresses, births, and what does not depend on the blocks.
        self.assertLess(dump["memory"]["profiler_bytes"], n * 5 + (8 << 20))

    def test_far(self):
        """Blocks of 1 TiB, of which next to nothing is there: 30 TiB live, 60 in all."""
        for env in ({}, {"MEMPROF_MMAP": "1"}, {"MEMPROF_SAMPLE": "1m"}):
            with self.subTest(env=env):
                counts, dump = self.extreme("far", 60, after=[FAR], env=env)
                self.assertEqual(counts["alloc_bytes"], 63 * TIB)  # and one of 1, then 2 TiB
                self.assertEqual(counts["alloc_bytes"] - counts["freed_bytes"], 30 * TIB)
                self.assertEqual(dump["totals"]["peak_bytes"] // TIB, 32)
                largest = max(len(site.get("size_log2", [])) for site in dump["sites"])
                self.assertGreaterEqual(largest, 42)
                self.assertLess(dump["memory"]["profiler_bytes"], 8 << 20)

    def test_scattered(self):
        """No block is near another: the table pays two pages for each, but finds all."""
        n = many(4000)
        counts, dump = self.extreme("scatter", n, after=[FAR])
        kept = n - (n - n // 10)
        self.assertEqual(counts["alloc_count"] - counts["free_count"], kept + 1)
        self.assertEqual(counts["alloc_bytes"], n * 12288 + 8 * n)
        self.assertLess(dump["memory"]["profiler_bytes"], n * 8192 + n * 4096 + (8 << 20))

    def test_deep(self):
        """A million frames: stacks are cut at their outer end, and that is counted."""
        for n in 300, 20000, 1000000:
            with self.subTest(frames=n):
                counts, dump = self.extreme("deep", n)
                self.assertEqual(counts["alloc_bytes"], 2 * 33000)
                self.assertEqual(dump["totals"]["truncated_stack_count"], 1000 if n == 300 else 2000)

    def test_deep_costs(self):
        """What lies beyond what is kept of a stack is not looked at each time."""
        memprof_test.need_shipped()
        need("valgrind")
        def instructions(n):
            out = self.dir / "callgrind.out"
            argv = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
                    "--toggle-collect=at_depth", sample("extremes"), "deep", str(n)]
            env = self.environment({"LD_PRELOAD": str(memprof_test.LIBRARY),
                                    "MEMPROF_OUT": f"{self.dir}/x.json"})
            done = subprocess.run(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  cwd=self.dir, check=True, timeout=memprof_test.TIMEOUT)
            return int(re.search(rb"Collected : (\d+)", done.stderr).group(1))

        self.assertLess(instructions(200000), 3 * instructions(10000))

    def test_odd_frames(self):
        """Generated code, smashed frame pointers, stacks of its own, code without tables."""
        for what in ("generated", "smashed", "pivot", "bare"):
            for env in ({}, {"MEMPROF_VERIFY": "1"}, {"MEMPROF_SAMPLE": "100"}):
                with self.subTest(what=what, env=env):
                    plain = self.plain([sample("odd_frames"), what, many(400)])
                    if plain.status == 77:
                        continue
                    run = self.profiled([sample("odd_frames"), what, many(400)], env=env)
                    self.assertEqual((run.status, run.out, run.err), (0, plain.out, b""))
                    if "MEMPROF_SAMPLE" not in env:
                        made = int(run.out.split()[0])
                        sites = [site for site in run.dump["sites"]
                                 if site["alloc_bytes"] == 55 * site["alloc_count"]]
                        self.assertEqual(sum(site["alloc_count"] for site in sites), made)
                        self.assertLess(len(run.dump["sites"]), 200)

    def test_throws(self):
        """Exceptions through frames with destructors: same output, and little more work."""
        memprof_test.need_shipped()
        need("valgrind")
        if not os.path.exists(THROWER):
            self.skipTest("no C++ compiler")
        n = many(20000) if memprof_test.SOAK == 1 else 1000000
        self.unchanged([THROWER, n], timeout=WATCHDOG)
        if memprof_test.SOAK > 1:
            print(n, "throws")

        def instructions(preload):
            argv = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.dir}/out", THROWER,
                    "1000"]
            env = {"LD_PRELOAD": str(memprof_test.LIBRARY)} if preload else {}
            env = self.environment({**env, "MEMPROF_OUT": f"{self.dir}/x.json"})
            done = subprocess.run(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  cwd=self.dir, check=True, timeout=memprof_test.TIMEOUT)
            return int(re.search(rb"Collected : (\d+)", done.stderr).group(1))

        # Each throw has a dozen allocations and as many frees.
        plain, profiled = instructions(False), instructions(True)
        if memprof_test.SOAK > 1:
            print(f"  {plain} instructions of 1000 throws without, {profiled} with the profiler")
        self.assertLess(profiled, 2 * plain)

    def test_audit(self):
        """An audit library that sees every binding, and allocates in a namespace of its own."""
        for words in ([sample("random_alloc"), 7, 2000, 1], [sample("small_blocks")],
                      [sample("processes"), "tree"], ["/bin/ls", "/"]):
            with self.subTest(words=words):
                alone = self.profiled(words)
                run = self.profiled(words, env={"LD_AUDIT": AUDIT})
                plain = self.plain(words, env={"LD_AUDIT": AUDIT})
                self.assertEqual((run.status, len(run.out)), (plain.status, len(plain.out)))
                self.assertEqual(run.err, plain.err)
                self.assertEqual(len(run.dumps), len(alone.dumps))
                self.assertEqual(self.own(run, words), self.own(alone, words))

    def own(self, run, words):
        name = os.path.basename(words[0])
        return sorted(own_counts(dump, name)["alloc_bytes"] for dump in run.of(name))

    def test_static_allocators(self):
        """An allocator linked into the program: it works, and the profile says that it is blind."""
        compiler = shutil.which(os.environ.get("CC", "gcc")) or self.skipTest("no compiler")
        directory = pathlib.Path(f"/usr/lib/{sys.implementation._multiarch}")
        found = 0
        for name in ("jemalloc", "jemalloc_pic", "tcmalloc_minimal", "mimalloc"):
            archive = directory / f"lib{name}.a"
            if not archive.exists():
                continue
            found += 1
            with self.subTest(archive=name):
                program = str(self.dir / name)
                source = self.write("p.c", "#include <stdlib.h>\n#include <stdio.h>\n"
                                    "int main(void) { for (int i = 1; i < 3000; i++) {\n"
                                    "void *p = malloc(i); __asm__ volatile(\"\" : \"+r\"(p));\n"
                                    "p = realloc(p, 2 * i); if (i % 3) free(p); }\n"
                                    "puts(\"done\"); return 0; }\n")
                subprocess.run([compiler, "-O1", "-o", program, source, "-Wl,--whole-archive",
                                str(archive), "-Wl,--no-whole-archive", "-lpthread", "-ldl", "-lm",
                                "-lstdc++"], check=True, capture_output=True)
                run = self.unchanged([program])
                warnings = [warning["code"] for warning in run.dump["coverage"]["warnings"]]
                self.assertIn("not-interposed", warnings)
                self.assertEqual(run.dump["coverage"]["percent"], 0)
                path = next(self.dumps_directory().iterdir())
                self.report("check", str(path), status=2)
        if not found:
            self.skipTest("no static allocator is installed")


if __name__ == "__main__":
    memprof_test.main()
