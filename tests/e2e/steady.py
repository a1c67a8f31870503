#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a profile costs depends on how many stacks and live blocks there are, not on how long the
program ran: twenty times the run takes the same memory and leaves a dump of the same size."""
import memprof_test
from memprof_test import sample

ROUNDS = 4000  # of 1000 allocations
MEMORY = 128 << 10  # for a dump's own needs
DIGITS = 1.2  # times the size: figures grow longer, and more of them are not 0


def size_of(path, dump):
    """But for the timeline, which has its own bound and grows until it is full."""
    return path.stat().st_size - sum(len(str(row)) for row in dump["timeline"]["rows"])


class Steady(memprof_test.Test):
    def check(self, **env):
        """Both dumps are of one process: where blocks lie in memory matters, too, and is chance."""
        out = self.dir / "dumps1" / "%n.json"
        run = self.profiled([sample("steady"), ROUNDS], env={"MEMPROF_OUT": str(out), **env})
        self.assertEqual((run.status, run.err), (0, b""))
        paths = sorted(self.dumps_directory().iterdir())
        early, late = dumps = [run.dumps[path.name] for path in paths]
        self.assertEqual([dump["dump"]["reason"] for dump in dumps], ["api", "exit"])
        ratio = late["totals"]["alloc_count"] / early["totals"]["alloc_count"]
        self.assertGreater(ratio, 19)
        self.assertGreaterEqual(early["totals"]["live_count"], 1000 if not env else 1)
        self.assertEqual(len(late["frames"]), len(early["frames"]))
        memory = [dump["memory"]["profiler_bytes"] for dump in dumps]
        self.assertLessEqual(memory[1], memory[0] + MEMORY, memory)
        sizes = [size_of(path, dump) for path, dump in zip(paths, dumps)]
        self.assertLess(sizes[1], DIGITS * sizes[0], sizes)

    def test_exact(self):
        self.check()

    def test_sampled(self):
        self.check(MEMPROF_SAMPLE="4k")


if __name__ == "__main__":
    memprof_test.main()
