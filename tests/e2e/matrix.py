#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""More than 60 hosts, each alone and with jemalloc, tcmalloc and mimalloc preloaded before and after
the profiler, and with MEMPROF_INTERVAL: output, standard error and status are what they are without
the profiler, and so is what programs tell of their environment, descriptors, signals, threads and limits. Usually each host
is run once, with the combinations taking turns; in a soak each is run with all of them."""
import json
import re
import shutil
import unittest

import matrix_hosts
import memprof_test
from memprof_test import LIBRARY, SAMPLES, SOAK, find_library

ALLOCATORS = ("libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2")


class Matrix(memprof_test.Test):
    def setUp(self):
        super().setUp()
        self.files = matrix_hosts.files(self.write)
        self.differences = []
        self.pairs = 0

    def combinations(self):
        """(libraries before, libraries after) of what is installed."""
        found = [((), ())]
        for name in ALLOCATORS:
            try:
                library = find_library(name)
            except unittest.SkipTest:
                continue
            found += [((library,), ()), ((), (library,))]
        return found

    def command(self, host):
        """HOST as a command for the shell; None if its program is not installed."""
        text = host.format(sample=SAMPLES, forking=matrix_hosts.FORKING, deep=matrix_hosts.DEEP,
                           **self.files)
        return text if shutil.which(text.split()[0]) else None

    def run_under(self, command, preload, dumps, extra=None):
        """The shell itself is not preloaded, so that each program of a pipeline is a host."""
        libraries = ":".join(str(path) for path in preload)
        script = f"export LD_PRELOAD={libraries}\n{command}" if libraries else command
        work = self.dir / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        for kept in ("a.o", "s.o"):
            if (self.dir / kept).exists():
                shutil.copy(self.dir / kept, work)
        env = self.environment({"MEMPROF_OUT": f"{dumps}/%e.%p.json", **(extra or {})})
        status, out, err = self.run_host(["/bin/bash", "-c", script], env, cwd=work)
        for kept in ("a.o", "s.o"):
            if (work / kept).exists():
                shutil.copy(work / kept, self.dir)
        return status, out, self.without_chance(err)

    def without_chance(self, text):
        """Without the shell's own job messages, which tell process ids and line numbers."""
        return re.sub(rb"/bin/bash: line \d+: +\d+ ", b"", text)

    def compare(self, host, before, after, extra=None):
        dumps = self.dir / "dumps"
        shutil.rmtree(dumps, ignore_errors=True)
        dumps.mkdir()
        command = self.command(host)
        plain = self.run_under(command, (*before, *after), dumps, extra)
        ours = self.run_under(command, (*before, LIBRARY, *after), dumps, extra)
        self.pairs += 1
        if plain != ours:
            what = [name for name, a, b in zip(("status", "output", "errors"), plain, ours) if a != b]
            self.differences.append(f"{host!r} with {before} before, {after} after: {what}: "
                                    f"{plain!r:.300} against {ours!r:.300}")
        found = sorted(dumps.iterdir())
        if not found:
            self.differences.append(f"{host!r} with {before} before, {after} after: no dump")
        for path in found:
            dump = json.loads(path.read_bytes())
            if path.suffix != ".json" or not dump["dump"]["complete"]:
                self.differences.append(f"{host!r}: {path.name}")

    def test_interval(self):
        """With a process beside each, which writes what is due while the host is idle."""
        present = [host for host in matrix_hosts.hosts() if self.command(host)]
        for host in present[::1 if SOAK > 1 else 4]:
            self.compare(host, (), (), {"MEMPROF_INTERVAL": "0.02"})
        print(f"{self.pairs} hosts with an interval, {len(self.differences)} differences")
        self.assertEqual(self.differences, [])

    def test_matrix(self):
        combinations = self.combinations()
        absent = []
        present = [host for host in matrix_hosts.hosts()
                   if self.command(host) or absent.append(host)]
        for i, host in enumerate(present):
            for k, (before, after) in enumerate(combinations):
                if SOAK > 1 or i % len(combinations) == k:
                    self.compare(host, before, after)
        print(f"{self.pairs} pairs of {len(present)} hosts, {len(combinations)} combinations, "
              f"{len(self.differences)} differences; not installed: {[h.split()[0] for h in absent]}")
        self.assertEqual(self.differences, [])
        self.assertGreaterEqual(len(present), 60)


if __name__ == "__main__":
    memprof_test.main()
