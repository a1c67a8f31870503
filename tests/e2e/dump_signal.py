#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Signals that ask for dumps: whose they are, many of them in a storm of allocations, and on stacks
that have hardly room for a handler."""
import os
import signal
import subprocess
import time

import memprof_test
from memprof_test import need, sample


class DumpSignal(memprof_test.Test):
    def test_handled_before(self):
        """A handler that is there before us stays, and one line says so."""
        need("gcc")
        source = self.write("early.c", "#include <signal.h>\n#include <unistd.h>\n"
                                       "static void f(int s) { (void)s; write(1, \"f\\n\", 2); }\n"
                                       "__attribute__((constructor(101))) static void early(void)\n"
                                       "{ signal(SIGTERM, f); signal(SIGUSR2, f); }\n")
        library = str(self.dir / "libearly.so")
        subprocess.run(["gcc", "-w", "-fPIC", "-shared", "-o", library, source], check=True)
        for number in (signal.SIGTERM, signal.SIGUSR2):
            run = self.profiled([sample("dying"), "raise", str(int(number))], after=[library],
                                env={"MEMPROF_SIGNAL": "USR2"})
            self.assertEqual((run.status, run.out), (2, b"ready\nf\n"))
            self.assertRegex(run.err, rb"\Amemprof: 'MEMPROF_SIGNAL': the program handles [^\n]*\n\Z")
            self.assertEqual(run.dump["dump"]["reason"], "exit")

    def test_default_again(self):
        """A program that handles the signal for a while, and then no more."""
        run = self.profiled([sample("dispositions"), "dispositions"],
                            env={"MEMPROF_SIGNAL": "USR1"})
        self.assertEqual(run.status, 0)
        codes = [warning["code"] for warning in run.dump["coverage"]["warnings"]]
        self.assertNotIn("signal-taken", codes)

    def test_storm(self):
        """10,000 signals while four threads do nothing but allocate; then one that ends it."""
        self.runs += 1
        dumps = self.dumps_directory()
        dumps.mkdir()
        env = self.environment({"LD_PRELOAD": str(memprof_test.LIBRARY),
                                "MEMPROF_OUT": f"{dumps}/x.json", "MEMPROF_SIGNAL": "USR2"})
        with subprocess.Popen([sample("dying"), "storm", "3"], env=env, cwd=self.dir,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.readline()
            for i in range(10000):
                process.send_signal(signal.SIGUSR2)
                if i % 100 == 0:
                    time.sleep(0.01)
            self.wait_for((dumps / "x.json").exists, "a snapshot")
            self.assertIsNone(process.poll())
            self.assertEqual(memprof_test.load(dumps / "x.json")["dump"]["reason"], "signal")
            process.terminate()
            self.assertEqual(process.wait(60), -signal.SIGTERM)
            self.assertEqual(process.stderr.read(), b"")
        dump, = self.collect(dumps).values()
        self.assertEqual((dump["dump"]["reason"], dump["dump"]["signal"]["sender"]),
                         ("fatal", os.getpid()))
        self.assertGreater(dump["dump"]["sequence"], 1)
        self.assert_sound(dump)

    def test_tiny_stacks(self):
        """Threads and alternate stacks of next to the least size, without and with dumps in them, and
        however blocks are recorded."""
        memprof_test.need_shipped()
        run = self.unchanged([sample("tiny_stacks")])
        made = int(run.out)
        self.assertEqual(made, 20 * 60)
        self.assertEqual(memprof_test.own_counts(run.dump, "tiny_stacks")["alloc_bytes"], made * 77)
        for env in ({"MEMPROF_SAMPLE": "1"}, {"MEMPROF_SAMPLE": "100"}, {"MEMPROF_SAMPLE": "512k"},
                    {"MEMPROF_MAX_OVERHEAD": "1"}, {"MEMPROF_MAX_OVERHEAD": "50"},
                    {"MEMPROF_MMAP": "1"}, {"MEMPROF_VERIFY": "1"}):
            with self.subTest(env=env):
                dump = self.unchanged([sample("tiny_stacks")], env=env).dump
                exact = dump["mode"].get("exact", dump["totals"])
                self.assertGreaterEqual(exact["alloc_count"], made)
        for env in ({}, {"MEMPROF_SAMPLE": "1"}, {"MEMPROF_MAX_OVERHEAD": "50"}):
            with self.subTest("the program's first blocks", env=env):
                run = self.unchanged([sample("tiny_stacks"), "handlers"], env=env)
                self.assertEqual((run.status, run.out), (0, b"400\n"))
                exact = run.dump["mode"].get("exact", run.dump["totals"])
                self.assertGreaterEqual(exact["alloc_count"], 20 * 20)
        for env in ({"MEMPROF_SIGNAL": "USR2"},
                    {"MEMPROF_SIGNAL": "USR2", "MEMPROF_INTERVAL": "0.0001"},
                    {"MEMPROF_SIGNAL": "USR2", "MEMPROF_DUMP_AT": "1%"},
                    {"MEMPROF_SIGNAL": "USR2", "MEMPROF_VERIFY": "1"}):
            with self.subTest(env=env):
                run = self.profiled([sample("tiny_stacks"), "dumps"], env=env)
                self.assertEqual((run.status, run.out, run.err), (0, b"%d\n" % made, b""))
                self.assertGreaterEqual(run.dump["dump"]["sequence"], 20)


if __name__ == "__main__":
    memprof_test.main()
