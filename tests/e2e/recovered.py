#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Killed processes: under `memprof run` each leaves a dump all the same, exact up to the operation
that it was in."""
import random

import memprof_test
from killed_storm import Storm


class Kills(Storm):
    """At instants that differ from run to run."""

    def test_one_thread(self):
        done = [self.killed_after(random.randrange(30000), 1) for _ in range(15)]
        self.assertGreater(max(done)[0], 100, "none was killed in its storm")

    def test_threads(self):
        done = [self.killed_after(random.randrange(30000), 3) for _ in range(10)]
        self.assertGreater(max(done)[0], 100, "none was killed in its storm")

    def test_instructions(self):
        """At any instruction, be it in the recorder or not."""
        for _ in range(20):
            self.killed_at(random.randrange(20000))


if __name__ == "__main__":
    memprof_test.main()
