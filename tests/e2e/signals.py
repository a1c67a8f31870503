#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Signals that interrupt the profiler at any instruction. The programs run over an allocator that may
itself be interrupted anywhere, so that nothing they do in a handler is wrong: see safe_malloc.c."""
import json

import memprof_test
from memprof_test import many, sample

PATIENCE = 100 + many(60)  # seconds until a hang


class Signals(memprof_test.Test):
    def storm(self, how, count, pause, **options):
        """The dump of the process in which COUNT handlers ran, what it printed of itself, and the
        dumps of its children."""
        return self.ended(self.profiled([sample("storm_signals"), how, count, pause],
                                        timeout=PATIENCE, after=[sample("libsafe_malloc.so")],
                                        **options), count)

    def ended(self, run, count):
        self.assertEqual((run.status, run.err), (0, b""))
        said = json.loads(run.out)
        self.assertEqual(said["failures"], 0)
        self.assertGreaterEqual(said["handled"], count)
        children = [dump for dump in run.dumps.values() if dump["process"]["parent"]]
        own, = [dump for dump in run.dumps.values() if not dump["process"]["parent"]]
        self.assertTrue(own["dump"]["complete"])
        self.assertEqual(own["totals"]["unknown_free_count"], 0)
        return own, said, children

    def count_of(self, dump, size):
        return sum(site["alloc_count"] for site in dump["sites"]
                   if site["alloc_bytes"] == size * site["alloc_count"])

    def test_handler_allocates(self):
        """Once a millisecond, also while a stack is walked and counted: what the handler does in the
        middle of that is dropped and said to be, and nothing else."""
        dump, said, _ = self.storm("allocate", many(3000), 1000)
        counts = memprof_test.own_counts(dump, "storm_signals")
        dropped = dump["totals"]["dropped_count"]
        self.assertLessEqual(dropped, 4 * said["handled"])
        self.assertLessEqual(counts["alloc_count"], said["alloc_count"])
        self.assertGreaterEqual(counts["alloc_count"] + dropped, said["alloc_count"])
        self.assertEqual(self.count_of(dump, 2055), 1000)
        if said["handled"] >= 1000:
            self.assertGreater(self.count_of(dump, 1123), 0)
        live = counts["alloc_count"] - counts["free_count"]
        self.assertLessEqual(live, said["kept"])
        self.assertGreaterEqual(live + dropped, said["kept"])

    def test_handler_jumps_out(self):
        """siglongjmp out of malloc, free and realloc wherever they are: the thread goes on being
        recorded, to the last block."""
        dump, said, _ = self.storm("jump", many(15000), 100)
        self.assertEqual(self.count_of(dump, 2055), 1000)
        # At most what the handlers themselves did, and what they cut off.
        self.assertLessEqual(dump["totals"]["dropped_count"], 5 * said["handled"])
        counts = memprof_test.own_counts(dump, "storm_signals")
        self.assertGreater(counts["alloc_count"] + 5 * said["handled"], said["alloc_count"])

    def test_handler_forks(self):
        """By fork, _Fork and the system call: the child begins anew in the middle of anything."""
        for how in ("fork", "_fork", "clone"):
            with self.subTest(how=how):
                dump, said, children = self.storm(how, many(40), 1000)
                self.assertEqual(len(children), said["handled"])
                for child in children:
                    totals = child["totals"]
                    recorded = totals["alloc_count"] + totals["dropped_count"]
                    self.assertEqual(recorded, 10)
                    self.assertTrue(child["dump"]["complete"])
                if len(children) >= 40:  # not each interrupted the profiler
                    self.assertGreater(sum(child["totals"]["alloc_count"] for child in children), 0)
                counts = memprof_test.own_counts(dump, "storm_signals")
                self.assertEqual(counts["alloc_count"], said["alloc_count"])
                self.assertEqual(dump["totals"]["dropped_count"], 0)

    def check_forks(self, kept, dump, said, children):
        """A child in the middle of an event goes on with that, and changes nothing of its parent's."""
        self.assertEqual(dump["settings"]["kept"], kept)
        self.assertEqual(len(children), said["handled"])
        self.assertTrue(all(child["dump"]["complete"] for child in children))
        counts = memprof_test.own_counts(dump, "storm_signals")
        self.assertEqual(counts["alloc_count"], said["alloc_count"])
        self.assertEqual(counts["alloc_count"] - counts["free_count"], said["kept"])
        self.assertEqual(dump["totals"]["dropped_count"], 0)

    def test_handlers_fork_at_once(self):
        """Two threads, with counts in memory that somebody else holds, too: the launcher, or the
        process that writes snapshots. By fork, _Fork and the system call."""
        for how in ("forks", "_forks", "clones"):
            with self.subTest(how=how, kept="by a process of its own"):
                self.check_forks("by a process of its own", *self.storm(
                    how, many(50), 200, env={"MEMPROF_INTERVAL": "0.05"}))
            with self.subTest(how=how, kept="by the launcher"):
                self.check_forks("by the launcher", *self.launched(how, many(50), 200))

    def launched(self, how, count, pause):
        """As storm, under the launcher."""
        self.runs += 1
        dumps = self.dumps_directory()
        dumps.mkdir()
        launcher = [memprof_test.BUILD / "memprof", "run", "-o", f"{dumps}/%e.%p.json", "--"]
        preload = ["env", f"LD_PRELOAD={memprof_test.LIBRARY}:{sample('libsafe_malloc.so')}"]
        done = self.run_host([*launcher, *preload, sample("storm_signals"), how, count, pause],
                             self.environment(), timeout=PATIENCE)
        own = {name: dump for name, dump in self.collect(dumps).items() if "storm" in name}
        return self.ended(memprof_test.Run(*done, own), count)


if __name__ == "__main__":
    memprof_test.main()
