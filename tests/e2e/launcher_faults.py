#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`memprof run` while what it asks of libc fails: each kind of call the first time, the second, and so
on until a run in which nothing fails any more. The program runs as by itself, or it is not run at
all and one line says why; it is never run twice, left behind, or cut short."""
import re
import signal

import memprof_test
from memprof_test import sample

LAUNCHER = memprof_test.BUILD / "tests" / "faults" / "memprof"
# What can fail, as tests/faults/launcher.c has it.
CALLS = ("malloc", "path", "mkdtemp", "read", "write", "recvmsg", "pipe", "socket", "bind", "listen",
         "accept", "epoll", "epoll_ctl", "interrupt", "signalfd", "fork", "spawn")
LINES = re.compile(rb"(memprof: [^\n]+\n)+")
NOT_RUN = (2, 126, 127)


class LauncherFaults(memprof_test.Test):
    def launch(self, argv, fault):
        self.runs += 1
        log = self.dir / "failed"
        log.unlink(missing_ok=True)
        env = self.environment({"MEMPROF_FAULT": f"run.{fault}", "MEMPROF_FAULT_LOG": str(log),
                                "MEMPROF_VERBOSE": "0", "TMPDIR": str(self.dir)})
        out = f"{self.dumps_directory()}/%e.%p.json"
        run = self.run_host([LAUNCHER, "run", "-o", out, "--", *argv], env)
        dumps = self.dumps_directory()
        dumps = self.collect(dumps) if dumps.exists() else {}
        return memprof_test.Run(*run, dumps), log.exists()

    def sweep(self, argv, complete=True):
        plain = self.plain(argv)
        # It becomes the program where it cannot watch over it.
        statuses = {plain.status, 128 - plain.status if plain.status < 0 else plain.status}
        failures = 0
        for name in CALLS:
            n, failed = 0, True
            while failed:
                n += 1
                run, failed = self.launch(argv, f"{name}:{n}")
                failures += failed
                what = f"{name}:{n}: {run.err!r}"
                if run.status in NOT_RUN:
                    self.assertTrue(failed, what)
                    self.assertEqual(run.out, b"", what)
                    self.assertRegex(run.err, LINES, what)
                    continue
                self.assertIn(run.status, statuses, what)
                self.assertEqual(run.out, plain.out, what)
                self.assertRegex(run.err, rb"^(memprof: [^\n]+\n)*$", what)
                self.assertTrue(run.dumps or run.err or not complete, f"{what}: nothing is said")
        self.assertGreater(failures, 20)

    def test_program(self):
        self.sweep([sample("semantics")])

    def test_program_that_is_killed(self):
        """Only the launcher can write the dump: if it cannot, there is none."""
        argv = ["sh", "-c", "echo begun; kill -KILL $$"]
        self.assertEqual(self.plain(argv).status, -signal.SIGKILL)
        self.sweep(argv, complete=False)


if __name__ == "__main__":
    memprof_test.main()
