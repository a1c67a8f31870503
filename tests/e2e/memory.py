#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the dump says of the profiler's own memory is what the profiler takes: the most that a
program had resident with it, less the most without it, as the kernel told wait4."""
import json
import os
import random
import resource

import memprof_test
from memprof_test import LIBRARY, load, need

MIB = 1 << 20
# What the dump cannot tell from the host's own (see memprof/format.h), and what the resident memory
# of one run differs from that of the next.
BOUND = 2 * MIB
SPREAD = 0.01


class Memory(memprof_test.Test):
    def most_resident(self, argv, env=None):
        """The highest resident set of a run of ARGV, in bytes: more than this process has, whose
        memory the kernel counts as the child's until that runs ARGV."""
        log = os.open(self.dir / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.addCleanup(os.close, log)
        pid = os.posix_spawnp(argv[0], argv, self.environment(env), file_actions=[
            (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)])
        _, status, usage = os.wait4(pid, 0)
        self.assertEqual(status, 0, (self.dir / "output").read_text(errors="replace")[-500:])
        self.assertGreater(usage.ru_maxrss, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return usage.ru_maxrss * 1024

    def lines(self, name, first, lines, last):
        """Writes a file without having all of it in memory."""
        path = self.dir / name
        with path.open("w", encoding="utf-8") as file:
            file.write(first + "\n")
            file.writelines(line + "\n" for line in lines)
            file.write(last + "\n")
        return str(path)

    def compare(self, *argv):
        """Runs ARGV, which must have a heap of 100 MB of small blocks when it ends."""
        need(argv[0])
        plain = self.most_resident(argv)
        path = self.dir / "dump.json"
        with_us = self.most_resident(argv, {"LD_PRELOAD": str(LIBRARY), "MEMPROF_OUT": str(path)})
        dump = load(path)
        memory, totals = dump["memory"], dump["totals"]
        own = memory["profiler_bytes"]
        self.assertGreater(plain, 100e6)
        self.assertGreater(totals["peak_bytes"], 100e6)
        self.assertLess(totals["peak_bytes"], 400 * totals["peak_count"], "not small blocks")
        self.assertLess(abs(with_us - plain - own), BOUND + SPREAD * plain,
                        f"{with_us} with the profiler, {plain} without, by itself {memory}")
        self.assertLessEqual(own, 0.3 * totals["peak_bytes"] + 8 * MIB, f"too much: {memory}")
        self.assertLessEqual(own, memory["rss_bytes"])
        for part in ("live_table", "stacks", "sites", "counters", "rules", "libraries"):
            self.assertGreater(memory["profiler"].get(part + "_bytes", 0), 0, part)
        # The only part that grows with the heap: more than a twentieth of what the heap took.
        self.assertGreater(memory["profiler"]["live_table_bytes"], own / 2)

    def test_jq(self):
        numbers = random.Random(1)
        path = self.lines("a.json", "[", (json.dumps(
            {"id": i, "name": f"n{numbers.randrange(1 << 30)}", "of": [i, numbers.random()],
             "tags": [f"t{numbers.randrange(99)}" for _ in range(6)]}) + ","
            for i in range(100000)), "0]")
        self.compare("jq", "length", path)

    def test_xmllint(self):
        path = self.lines("a.xml", "<r>", (
            f'<item id="{i}" k="{i * 7919 % 10007}"><a>text {i}</a><b><c x="1"/></b></item>'
            for i in range(100000)), "</r>")
        self.compare("xmllint", "--noout", path)

    def test_small_program(self):
        """Little happens in it, little is taken: the pages of two libraries and some tables."""
        need("jq")
        run = self.profiled(["jq", "-n", "1"])
        memory = run.dump["memory"]
        self.assertLess(memory["profiler_bytes"], 8 * MIB, memory)
        self.assertLess(memory["profiler_bytes"], memory["profiler_mapped_bytes"])

    def test_forked_child(self):
        """It begins its counts anew, and has the parent's table of blocks."""
        need("perl")
        run = self.profiled(["perl", "-e", "@a = map { 'x' x 50 } 1..200000; fork; wait"])
        own = [dump["memory"]["profiler"] for dump in run.of("perl")]
        self.assertEqual(len(own), 2)
        self.assertGreater(min(parts["live_table_bytes"] for parts in own), MIB)
        for part in ("libraries_bytes", "threads_bytes", "dump_bytes"):
            self.assertTrue(all(parts.get(part, 0) > 0 for parts in own), (part, own))


if __name__ == "__main__":
    memprof_test.main()
