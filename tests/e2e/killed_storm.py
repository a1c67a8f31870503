# SPDX-License-Identifier: MIT
"""Killing tests/samples/killed.c in the midst of its storm, and comparing the dump that the launcher
wrote of it with the account that it kept: for recovered.py and tools/soak/kills.py."""
import itertools
import mmap
import struct

import memprof_test
from memprof_test import sample

LAUNCHER = str(memprof_test.BUILD / "memprof")
ACCOUNT = struct.Struct("=Q4Q4Q7Q")


class Storm(memprof_test.Test):
    def launched(self, argv, *, options=(), out="%e.%p.json", **how):
        """Runs ARGV under `memprof run` and collects the dumps."""
        self.runs += 1
        dumps = self.dumps_directory()
        dumps.mkdir()
        argv = [LAUNCHER, "run", "-o", f"{dumps}/{out}", *options, "--", *argv]
        how.setdefault("env", self.environment())
        done = self.run_host(argv, **how)
        return memprof_test.Run(*done, self.collect(dumps))

    def states(self, path, threads):
        """For each thread of the account in PATH, what it may have counted when it was killed: as
        (allocs, bytes, frees, freed)."""
        with open(path, "rb") as file:
            book = file.read()
        for thread in range(threads):
            done, *pages = ACCOUNT.unpack_from(book, thread * ACCOUNT.size)[:9]
            pages = [tuple(pages[:4]), tuple(pages[4:])]
            now, following = pages[done % 2], pages[1 - done % 2]
            yield {now, following, now[:2] + following[2:]} if done else {now, following, (0,) * 4}

    def check(self, dump, path, threads, what=""):
        """DUMP has exactly what the threads had done, but for the operation that each was in. WHAT:
        mmap_ if they were mapping."""
        found = memprof_test.own_counts(dump, "killed", f"{what}sites")
        figures = tuple(found[name] for name in
                        ("alloc_count", "alloc_bytes", "free_count", "freed_bytes"))
        if what:  # the book is mapped, too
            figures = figures[0] - 1, figures[1] - mmap.PAGESIZE, *figures[2:]
        possible = {tuple(map(sum, zip(*states)))
                    for states in itertools.product(*self.states(path, threads))}
        self.assertIn(figures, possible)
        self.assertEqual(dump["dump"]["reason"], "recovered")
        self.assert_sound(dump, 0 if what else figures[0])  # 0 where it was killed before its storm
        self.assertEqual(dump[f"{what}totals"]["missed_free_count"], 0)
        self.assertEqual(dump[f"{what}totals"]["dropped_count"], 0)
        return figures

    def killed_after(self, microseconds, threads, options=()):
        book = self.dir / "book"
        run = self.launched([sample("killed"), book, threads, microseconds], options=options)
        self.assertEqual((run.status, run.out, run.err), (128 + 9, b"", b""))
        return self.check(run.dump, book, threads)

    def killed_while_mapping(self, microseconds, threads):
        book = self.dir / "book"
        run = self.launched([sample("killed"), book, threads, microseconds, "maps"],
                            options=("--mmap",))
        self.assertEqual((run.status, run.out, run.err), (128 + 9, b"", b""))
        return self.check(run.dump, book, threads, "mmap_")

    def killed_while_forking(self, microseconds):
        """Returns how many children have counted anything."""
        book = self.dir / "book"
        run = self.launched([sample("killed"), book, 1, microseconds, "forks"])
        self.assertEqual((run.status, run.out, run.err), (128 + 9, b"", b""))
        own = [dump for dump in run.dumps.values() if not dump["process"]["parent"]]
        self.assertEqual(len(own), 1, sorted(run.dumps))
        self.check(own[0], book, 1)
        return len(run.dumps) - 1

    def killed_at(self, step):
        """By a tracer, after STEP instructions. Its own dump is the other one."""
        book = self.dir / "book"
        run = self.launched([sample("killed"), book, 1, 0, step])
        self.assertEqual((run.status, run.out, run.err), (0, b"", b""))
        recovered = [dump for dump in run.dumps.values() if dump["process"]["parent"]]
        self.assertEqual((len(recovered), len(run.dumps)), (1, 2), sorted(run.dumps))
        return self.check(recovered[0], book, 1)
