#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the resident set is said to consist of, against a program that knows its parts. That the parts
add up to it is checked of every dump of every test, by validate_dump.py."""
import json
import re

import memprof_test
from memprof_test import need, sample

KIB, MIB = 1 << 10, 1 << 20
# What the C library and the loader have of each part, and how far pages are from bytes.
NEAR = 256 * KIB


class Resident(memprof_test.Test):
    def parts(self, env=None, **preloads):
        """What the sample has, what its dump says, and the dump's memory."""
        run = self.profiled([sample("resident_parts"), self.dir / "mapped"], env=env, **preloads)
        self.assertEqual((run.status, run.err), (0, b""))
        memory = run.dump["memory"]
        found = {name[:-len("_bytes")]: size for name, size in memory["resident"].items()}
        self.rss_is_right(memory)
        return json.loads(run.out), found, run.dump

    def rss_is_right(self, memory):
        """The kernel's own counts are a little behind where several threads run."""
        counted = memory["anonymous_bytes"] + memory["file_bytes"] + memory.get("shared_bytes", 0)
        self.assertLess(abs(memory["rss_bytes"] - counted), MIB, memory)

    def near(self, found, expected, what, by=NEAR):
        self.assertLess(abs(found - expected), by, f"{what}: {found} instead of {expected}")

    def counting(self):
        """Bytes of data that the library has more where it counts for tests/coverage which of its
        lines are reached."""
        return sum(int(size, 16) for size in re.findall(
            r" __llvm_prf_data +PROGBITS +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+)", self.readelf("-S")))

    def common_parts(self, has, found):
        for name in ("stack", "shared"):
            self.near(found[name], has[name], name)
        self.near(found["data"], has["data"], "data", NEAR + self.counting())
        self.assertGreaterEqual(found["file"], has["file"])
        self.assertLess(found["file"], has["file"] + 8 * MIB)

    def test_known_parts(self):
        has, found, dump = self.parts()
        self.common_parts(has, found)
        self.near(found["live"], has["live"], "live", 64 * KIB)
        self.near(dump["totals"]["live_bytes"] - found["live"], has["untouched"], "untouched")
        self.near(found["rounding"], has["rounding"], "rounding", 64 * KIB)
        self.near(found["heap_free"], has["holes"], "free")
        self.assertNotIn("mapped", found)
        self.near(found["unattributed"], has["mapped"], "not attributed")

    def test_mappings_are_attributed_if_they_are_recorded(self):
        has, found, _ = self.parts({"MEMPROF_MMAP": "1"})
        self.common_parts(has, found)
        self.assertEqual(found["mapped"], has["mapped"])
        self.assertLess(abs(found["unattributed"]), NEAR)

    def test_sampled_blocks(self):
        """Where the blocks are is not known then; the heap of the main thread and of others is."""
        has, found, _ = self.parts({"MEMPROF_SAMPLE": "64k"})
        self.common_parts(has, found)
        self.assertNotIn("live", found)
        large = 7 * MIB  # these have mappings of their own
        self.near(found["heap"], has["live"] - large + has["rounding"] + has["holes"], "heap")

    def other_allocator(self, name):
        has, found, _ = self.parts({"MEMPROF_MMAP": "1"},
                                   after=[memprof_test.find_library(name)])
        self.common_parts(has, found)
        self.near(found["live"], has["live"], "live", 64 * KIB)
        self.assertGreater(found["heap_free"], has["holes"])
        self.near(found.get("mapped", 0) + found["unattributed"], has["mapped"], "mapped")

    def test_jemalloc(self):
        self.other_allocator("libjemalloc.so.2")

    def test_mimalloc(self):
        self.other_allocator("libmimalloc.so.2")

    def test_forked_child(self):
        """Blocks that it inherited are live, too; they are in its pages."""
        need("perl")
        run = self.profiled(["perl", "-e", "@a = map { 'x' x 50 } 1..200000; fork; wait"])
        for dump in run.of("perl"):
            self.assertGreater(dump["memory"]["resident"]["live_bytes"], 15 * MIB)
            self.rss_is_right(dump["memory"])

    def test_real_programs(self):
        """Next to nothing remains that is not attributed."""
        need("perl", "sort", "xz")
        self.write("lines", "".join(f"{i * 7919 % 10007} line\n" for i in range(50000)))
        for argv in (["perl", "-e", "@a = map { 'x' x $_ } 1..5000; print scalar @a"],
                     ["sort", "-n", "lines"], ["xz", "-k", "-9", "lines"]):
            run = self.profiled(argv, env={"MEMPROF_MMAP": "1"})
            memory = run.dump["memory"]
            self.assertLess(abs(memory["resident"]["unattributed_bytes"]), MIB, memory)

    def test_snapshots_on_an_interval(self):
        """Most tell what was found a while ago: to go over all blocks takes its time."""
        run = self.profiled(["perl", "-e", "$end = time + 2; while (time < $end) { "
                             "@a = map { 'x' x 99 } (1..999) } kill 9, $$"],
                            env={"MEMPROF_INTERVAL": "0.01"})
        self.assertIn(run.dump["dump"]["reason"], ("interval", "recovered"))
        memory = run.dump["memory"]
        at = memory.get("resident_at", {"rss_bytes": memory["rss_bytes"]})
        self.assertEqual(sum(memory["resident"].values()), at["rss_bytes"])
        path = self.write("dump.json", json.dumps(run.dump))
        self.assertRegex(self.report(path).decode(), r"\nHeap and RSS, .*the dump:\n")

    def test_earlier_than_the_dump(self):
        """Each format tells when it was."""
        _, found, dump = self.parts()
        dump["dump"].update(reason="interval", elapsed_ns=5000000000)
        dump["memory"]["resident_at"] = {"elapsed_ns": 3500000000, "rss_bytes": sum(found.values())}
        dump["memory"]["rss_bytes"] += 4096
        path = self.write("dump.json", json.dumps(dump))
        self.assertEqual(json.loads(self.report("--format=json", path))["resident_at"],
                         dump["memory"]["resident_at"])
        self.assertIn("\nHeap and RSS, 1.50 s before the dump:", self.report(path).decode())
        self.assertIn("### Heap and RSS, 1.50 s before the dump",
                      self.report("--format=markdown", path).decode())
        self.assertRegex(self.report("--format=csv", path).decode(),
                         r"\ndump,resident,.*,1\.50 s before the dump\n")
        del dump["memory"]["resident"]
        path = self.write("dump.json", json.dumps(dump))
        self.assertIn("not known: it had not been looked into yet", self.report(path).decode())

    def test_report(self):
        _, found, dump = self.parts()
        path = self.write("dump.json", json.dumps(dump))
        told = json.loads(self.report("--format=json", path))["resident"]
        self.assertEqual({name[:-len("_bytes")]: size for name, size in told.items()}, found)
        text = self.report(path).decode()
        self.assertRegex(text, r"\nHeap and RSS, at the dump:\n\nLive blocks +16\.6 MiB ")
        self.assertRegex(text, r"\nHeap, free +[0-9.]+ MiB +[0-9.]+ %")
        self.assertRegex(text, r"\n= RSS +[0-9.]+ MiB +100\.0 %")
        self.assertIn("| Live blocks | 16.6 MiB |", self.report("--format=markdown", path).decode())
        self.assertIn(f"resident,live,{found['live']},", self.report("--format=csv", path).decode())


if __name__ == "__main__":
    memprof_test.main()
