#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""MEMPROF_MMAP=1: mappings that programs make themselves, against what they and the kernel know."""
import json
import os

import memprof_test
from memprof_test import need, sample

PAGE = 4096
ON = {"MEMPROF_MMAP": "1"}
CALLS = "mappings_calls"


def own(dump, exe=CALLS):
    """The mapping sites whose innermost frame is in EXE."""
    def inside(site):
        module = dump["frames"][site["frame"]][1]
        return module >= 0 and os.path.basename(dump["modules"][module]["path"]) == exe

    return [site for site in dump["mmap_sites"] if inside(site)]


class Mappings(memprof_test.Test):
    def scene(self, name):
        """Runs a scene with and without the profiler: nothing may differ. Returns the run."""
        run = self.unchanged([sample(CALLS), name], env=ON)
        self.assertEqual(run.status, 0, run.out)
        return run

    def assert_nothing_lost(self, dump):
        totals = dump["mmap_totals"]
        lost = {name: totals[name] for name in
                ("dropped_count", "unknown_free_count", "missed_free_count")}
        self.assertEqual(lost, {name: 0 for name in lost})

    def test_off_by_default(self):
        for name in ("lines", "refused", "shared-memory", "break"):
            run = self.unchanged([sample(CALLS), name])
            self.assertEqual(run.status, 0, run.out)
            self.assertEqual([name for name in run.dump if "mmap" in name], [])
            self.assertEqual(run.dump["settings"]["mmap"], 0)

    def test_random_calls_against_a_model(self):
        for seed in range(1, 9):
            run = self.unchanged([sample("mappings_random"), seed, 4000], env=ON)
            self.assertEqual(run.status, 0, run.out)
            expected = json.loads(run.out)
            totals = run.dump["mmap_totals"]
            self.assertEqual({name: totals[name] for name in expected}, expected, f"seed {seed}")
            self.assertEqual((totals["dropped_count"], totals["missed_free_count"]), (0, 0))
            self.assertGreater(totals["realloc_count"], 20)
            self.assertGreater(totals["failed_count"], 100)

    def test_sampling_does_not_concern_them(self):
        run = self.unchanged([sample("mappings_random"), 9, 4000],
                             env={**ON, "MEMPROF_SAMPLE": "64k"})
        expected = json.loads(run.out)
        self.assertEqual({name: run.dump["mmap_totals"][name] for name in expected}, expected)

    def test_lines_of_the_report(self):
        run = self.scene("lines")
        expected = {int(line): size for line, size in json.loads(run.out).items()}
        path = self.write("dump.json", json.dumps(run.dump))
        lines = json.loads(self.report("lines", "--mmap", "--format=json", "--function", "lines",
                                       path))
        found = {line["line"]: (line["mem_usage_bytes"], line["increment_bytes"])
                 for line in lines if line["line"] in expected}
        self.assertEqual(found, {line: (size, size) for line, size in expected.items()})
        leaks = self.report("leaks", "--mmap", path).decode()
        self.assertIn("1.19 MiB (1249280 bytes) in 3 mappings from 3 stacks", leaks)
        summary = self.report(path).decode()
        self.assertRegex(summary, r"Mapped, peak +1.19 MiB +3 mappings")
        self.assertRegex(self.report("--mmap", path).decode(), "Mode +exact: every mapping")
        for verb in ("summary", "tree"):
            for form in ("csv", "markdown", "json", "text"):
                self.report(verb, "--mmap", f"--format={form}", path)

    def test_a_dump_without_mappings(self):
        run = self.profiled([sample(CALLS), "lines"])
        path = self.write("dump.json", json.dumps(run.dump))
        done = memprof_test.subprocess.run(
            [memprof_test.REPORT, "lines", "--mmap", path], env=self.environment(),
            stdout=memprof_test.subprocess.PIPE, stderr=memprof_test.subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertEqual(done.stderr.decode(),
                         f"memprof-report: '{path}': holds no mappings, expected a dump recorded "
                         "with MEMPROF_MMAP=1\n")

    def test_blocks_do_not_count_twice(self):
        """The same program with and without: the same blocks."""
        off = self.profiled([sample(CALLS), "lines"]).dump
        on = self.profiled([sample(CALLS), "lines"], env=ON).dump
        for name in ("alloc_count", "alloc_bytes", "live_bytes", "peak_bytes"):
            self.assertEqual(on["totals"][name], off["totals"][name], name)
        self.assertTrue(all(site["function"] not in ("mmap", "mremap") for site in on["sites"]))

    def test_refused_calls_stay_refused(self):
        dump = self.scene("refused").dump
        self.assert_nothing_lost(dump)
        totals = dump["mmap_totals"]
        self.assertEqual((totals["live_bytes"], totals["live_count"]), (0, 0))
        self.assertGreater(totals["failed_count"], 15)

    def test_shared_memory(self):
        dump = self.scene("shared-memory").dump
        self.assert_nothing_lost(dump)
        sites = own(dump)
        self.assertEqual({site["function"] for site in sites}, {"shmat"})
        self.assertEqual(sum(site["alloc_bytes"] for site in sites), 9 * PAGE)
        self.assertEqual(sum(site["live_bytes"] for site in sites), 3 * PAGE)

    def test_huge_pages(self):
        """They take whole pages of their size; a machine need not have any."""
        run = self.scene("huge-pages")
        self.assert_nothing_lost(run.dump)
        sizes = sorted(site["alloc_bytes"] for site in own(run.dump) if site["alloc_bytes"])
        self.assertEqual(sizes, sorted(json.loads(run.out)))

    def test_the_program_break(self):
        dump = self.scene("break").dump
        self.assert_nothing_lost(dump)
        sites = own(dump)
        self.assertEqual(sum(site["alloc_bytes"] for site in sites), 10 * PAGE + 7)
        self.assertEqual(sum(site["live_bytes"] for site in sites), 4 * PAGE)
        self.assertEqual({site["function"] for site in sites}, {"sbrk"})

    def test_a_fork_inherits(self):
        run = self.scene("forks")
        parent, child = run.of(CALLS)
        self.assert_nothing_lost(parent)
        self.assert_nothing_lost(child)
        self.assertEqual(sum(site["live_bytes"] for site in own(parent)), 16 * PAGE)
        self.assertEqual(sum(site["alloc_bytes"] for site in own(parent)), 20 * PAGE)
        self.assertEqual(sum(site["alloc_bytes"] for site in own(child)), 3 * PAGE)
        inherited = child["mmap_inherited"]
        self.assertEqual(inherited["live_bytes"] + 14 * PAGE, 20 * PAGE + self.others(parent))
        self.assertEqual(inherited["free_count"], 1)
        self.assertEqual(parent["mmap_inherited"], {"live_count": 0, "live_bytes": 0,
                                                    "free_count": 0})

    @staticmethod
    def others(dump):
        """Live bytes of mappings that are not the sample's own."""
        own_bytes = sum(site["live_bytes"] for site in own(dump))
        return dump["mmap_totals"]["live_bytes"] - own_bytes

    def test_threads_and_forks(self):
        run = self.scene("threads")
        parent, *children = run.of(CALLS)
        self.assertEqual(len(children), 20)
        self.assert_nothing_lost(parent)
        sites = own(parent)
        self.assertEqual(sum(site["alloc_count"] for site in sites), 4 * 3000)
        self.assertEqual(sum(site["live_bytes"] for site in sites), 0)
        for child in children:
            self.assertEqual(sum(site["alloc_count"] for site in own(child)), 1)
            self.assertEqual(sum(site["live_bytes"] for site in own(child)), 0)

    def test_signal_handlers(self):
        dump = self.scene("handlers").dump
        totals = dump["mmap_totals"]
        self.assertEqual(sum(site["live_bytes"] for site in own(dump)), 0)
        self.assertEqual(totals["unknown_free_count"], 0)
        self.assertGreater(totals["alloc_count"], 500)

    def test_real_programs_are_unchanged(self):
        need("perl", "xz", "sort")
        for argv in (["perl", "-e", "print join ',', map { $_ x 3 } 1..1000"],
                     ["sh", "-c", "seq 1 20000 | xz -9 | xz -d | sort -n | tail -1"]):
            run = self.unchanged(argv, env=ON)
            for dump in run.dumps.values():
                self.assert_nothing_lost(dump)

    def check_allocator(self, name, by_public_functions):
        """It maps while it holds its locks, on first calls of threads, too: nothing hangs."""
        library = memprof_test.find_library(name)
        for order in ({"before": [library]}, {"after": [library]}):
            run = self.profiled([sample("random_alloc"), 4, 20000], env=ON, **order)
            self.assertEqual(run.status, 0, run.err)
            self.assertEqual(run.dump["totals"]["dropped_count"], 0)
            inside = own(run.dump, os.path.basename(os.path.realpath(library)))
            self.assertTrue(inside or not by_public_functions)
            run = self.profiled([sample(CALLS), "threads"], env=ON, **order)
            self.assertEqual(run.status, 0, run.err)
            run = self.profiled([sample(CALLS), "lines"], env=ON, **order)
            self.assertGreater(len(own(run.dump)), 2, "the program's own are not seen")

    def test_jemalloc(self):
        self.check_allocator("libjemalloc.so.2", True)

    def test_mimalloc(self):
        """It maps its first memory, which is enough for this, before the recording begins."""
        self.check_allocator("libmimalloc.so.2", False)

    def test_tcmalloc(self):
        """It maps by system calls of its own."""
        self.check_allocator("libtcmalloc_minimal.so.4", False)


if __name__ == "__main__":
    memprof_test.main()
