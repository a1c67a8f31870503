#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a program sees of its signals, and what it makes of them, is as without the profiler, though
that handles what the program leaves at the default."""
import signal
import subprocess

import memprof_test
from memprof_test import need, sample


class Dispositions(memprof_test.Test):
    def shown(self, *words, env=None):
        return self.unchanged([sample("dispositions"), *words], env=env)

    def test_calls(self):
        """sigaction, signal and their kin tell and do the same, for each signal."""
        run = self.shown("dispositions", env={"MEMPROF_SIGNAL": "USR1"})
        self.assertEqual(run.status, 0)
        self.assertEqual(run.out.count(b"handled "), 13 * 2)
        self.assertEqual(run.out.count(b"\n"), 13 * 2 + 2)
        self.assertNotIn(b"other", run.out)

    def test_alternate_stack(self):
        self.assertIn(b"first: 0 flags 2 size 0\n", self.shown("alternate-stack").out)

    def test_own_handler(self):
        """A handler of the program's that ends in the default: the dump is written then."""
        run = self.shown("cleanly", str(int(signal.SIGTERM)))
        self.assertEqual((run.status, run.out), (-signal.SIGTERM, b"cleaned up\n"))
        self.assertEqual(run.dump["dump"]["reason"], "fatal")

    def test_waiting(self):
        """A signal that is waited for does not come to a handler."""
        run = self.shown("waits", str(int(signal.SIGTERM)))
        self.assertEqual((run.status, run.out), (0, b"got 15\n"))
        self.assertEqual(run.dump["dump"]["reason"], "exit")

    def test_survived_fault(self):
        run = self.shown("survives")
        self.assertEqual((run.status, run.out), (0, b"survived\n"))
        self.assertEqual(run.dump["dump"]["reason"], "exit")

    def test_shell(self):
        """Traps of a shell, what it leaves its children, and how it sees them end."""
        script = ("trap; trap 'echo term' TERM; kill -TERM $$; trap - TERM; trap; "
                  "(trap '' INT; sh -c 'kill -INT $$; echo alive'); "
                  "sh -c 'kill -TERM $$'; echo $?; bash -c 'kill -SEGV $$' 2>/dev/null; echo $?; "
                  "kill -HUP $$; echo not here")
        for shell in ("bash", "sh"):
            with self.subTest(shell=shell):
                run = self.unchanged([shell, "-c", script], err=False)
                self.assertEqual((run.status, run.out),
                                 (-signal.SIGHUP, b"term\nalive\n143\n139\n"))

    def test_python(self):
        """An interpreter that installs handlers, shows tracebacks of faults and starts children."""
        need("python3")
        script = ("import faulthandler, signal, subprocess, sys\n"
                  "print(signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))\n"
                  "print(subprocess.run(['true'],"
                  " preexec_fn=lambda: signal.raise_signal(signal.SIGTERM)).returncode)\n"
                  "sys.stdout.flush()\n"
                  "faulthandler.enable()\n"
                  "signal.raise_signal(signal.SIGABRT)\n")
        run = self.unchanged(["python3", "-c", script], err=False)  # it shows addresses
        self.assertEqual(run.status, -signal.SIGABRT, run.err)
        self.assertIn(b"Fatal Python error: Aborted", run.err)

    def test_first_process(self):
        """What the kernel keeps from the first process of a namespace does not end it."""
        need("unshare")
        argv = ["unshare", "-pf", "--kill-child", "sh", "-c",
                f"exec {sample('dying')} raise {int(signal.SIGTERM)}"]
        if subprocess.run([*argv[:3], "true"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("no namespaces here")
        run = self.unchanged(argv)
        self.assertEqual((run.status, run.out), (2, b"ready\n"))
        dump, = run.of("dying")
        self.assertEqual((dump["process"]["pid"], dump["dump"]["reason"]), (1, "exit"))


if __name__ == "__main__":
    memprof_test.main()
