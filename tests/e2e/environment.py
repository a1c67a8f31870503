#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The process around the library is as without it, and a bad setting is one line on standard error:
it names the variable, the value and what is accepted, and the host runs on."""
import re

import memprof_test
from memprof_test import need, sample

VARIABLES = ("MEMPROF_ENABLE", "MEMPROF_FATAL", "MEMPROF_SAMPLE", "MEMPROF_INTERVAL", "MEMPROF_SIGNAL",
             "MEMPROF_LEAK_CHECK", "MEMPROF_FOLLOW", "MEMPROF_MAX_DEPTH", "MEMPROF_MMAP",
             "MEMPROF_MAX_OVERHEAD", "MEMPROF_DUMP_AT", "MEMPROF_VERIFY", "MEMPROF_VERBOSE",
             "MEMPROF_SCOPES")
OPTIONS = memprof_test.ROOT / "preload" / "options.c"
LONG = "x" * 4096
BINARY = "\x01\x1b]0;title\x07\udcff\udc80"
VALUES = ("", "-1", "1e99", LONG, BINARY)


class Environment(memprof_test.Test):
    def test_surroundings(self):
        """Descriptors, threads, signals, limits, environment."""
        run = self.unchanged([sample("surroundings")])
        self.assertIn(b"Threads:\t1\n", run.out)
        run = self.unchanged([sample("surroundings")],
                             env={"MEMPROF_SIGNAL": "none", "MEMPROF_INTERVAL": "0.01"})
        self.assert_sound(run.dump)

    def test_env(self):
        """What a child gets is what we got."""
        def lines(run):
            return sorted(line for line in run.out.split(b"\0")
                          if not line.startswith((b"LD_PRELOAD=", b"MEMPROF_OUT=")))

        options = {"env": {"A": "1", "MEMPROF_VERBOSE": "0", "EMPTY": ""}}
        for argv in (["env", "-0"], ["bash", "-c", "env -0"]):
            self.assertEqual(lines(self.plain(argv, **options)),
                             lines(self.profiled(argv, **options)))

    def test_empty_environment(self):
        """env -i with nothing but the preload."""
        done = self.run_host([sample("endings"), "return"],
                             {"LD_PRELOAD": str(memprof_test.LIBRARY)})
        self.assertEqual((done[0], done[2]), (7, b""))
        self.assertEqual(len(list(self.dir.glob("memprof.endings.*.json"))), 1)

    def test_memory_layout(self):
        """Libraries behind the loader, as where stacks are unlimited."""
        need("setarch")
        run = self.profiled(["setarch", "--addr-compat-layout", sample("endings"), "return"])
        self.assertEqual(run.status, 7, run.err)
        dump, = run.of("endings")
        self.assert_sound(dump)

    def check_bad(self, variable, value):
        env = {"MEMPROF_VERBOSE": "0", variable: value}
        run = self.profiled([sample("endings"), "return"], env=env)
        self.assertEqual(run.status, 7, run.err)
        self.assertTrue(run.out.startswith(b'{"name": "return"'))
        self.assertEqual(run.err.count(b"\n"), 1, run.err)
        self.assertTrue(run.err.startswith(b"memprof: "), run.err)
        self.assertIn(variable.encode(), run.err)
        self.assertLess(len(run.err), 1024, "the whole long value")
        self.assertFalse(any(byte < 32 and byte != 10 for byte in run.err), "raw control characters")
        if value and value.isprintable():
            self.assertIn(value[:20].encode(), run.err)
        return run

    def test_bad_values(self):
        # An empty value, a long and a binary one are wrong everywhere; -1 and 1e99 are numbers.
        for variable in VARIABLES:
            for value in VALUES:
                with self.subTest(variable=variable, value=value[:20]):
                    run = self.check_bad(variable, value)
                    self.assert_sound(run.dump)
                    self.assertEqual(run.dump["totals"]["alloc_count"], 100)

    def test_bad_out(self):
        """MEMPROF_OUT takes any name: only an unknown %-sequence and too long a name are wrong."""
        for value in (f"{self.dir}/x.%q.json", f"{self.dir}/x.%", f"{self.dir}/{LONG}", ""):
            with self.subTest(value=value[-20:]):
                done = self.run_host([sample("endings"), "return"], self.environment(
                    {"LD_PRELOAD": str(memprof_test.LIBRARY), "MEMPROF_OUT": value}))
                self.assertEqual(done[0], 7)
                self.assertEqual(done[2].count(b"\n"), 1, done[2])
                self.assertIn(b"MEMPROF_OUT", done[2])

    def test_bad_keeper(self):
        """What the launcher sets for its processes: another value is as if there were no launcher."""
        for value in (*VALUES, str(self.dir), "/dev/null", f"{self.dir}/none"):
            with self.subTest(value=value[:20]):
                run = self.profiled([sample("endings"), "return"], env={"MEMPROF_KEEPER": value})
                self.assertEqual((run.status, run.err), (7, b""))
                self.assert_sound(run.dump)
                self.assertEqual(run.dump["totals"]["alloc_count"], 100)

    def test_each_is_tried(self):
        names = set(re.findall(r'\{"(MEMPROF_[A-Z_]+)"', OPTIONS.read_text(encoding="utf-8")))
        self.assertEqual(names, {*VARIABLES, "MEMPROF_OUT", "MEMPROF_KEEPER"})

    def test_unknown_variable(self):
        """A misspelt name is not silently without effect, or it is: but it does not hurt."""
        run = self.profiled([sample("endings"), "return"], env={"MEMPROF_NO_SUCH_THING": "1"})
        self.assertEqual(run.status, 7)
        self.assertLessEqual(run.err.count(b"\n"), 1)

    def test_good_values(self):
        for variable, value in (("MEMPROF_ENABLE", "1"), ("MEMPROF_SAMPLE", "0"),
                                ("MEMPROF_INTERVAL", "2.5"), ("MEMPROF_SIGNAL", "SIGUSR1"),
                                ("MEMPROF_LEAK_CHECK", "none"), ("MEMPROF_FOLLOW", "exec"),
                                ("MEMPROF_MAX_DEPTH", "10"), ("MEMPROF_DUMP_AT", "90%"), ("MEMPROF_VERIFY", "1")):
            with self.subTest(variable=variable):
                run = self.profiled([sample("endings"), "return"], env={variable: value})
                self.assertEqual((run.status, run.err), (7, b""))
                self.assert_sound(run.dump)


if __name__ == "__main__":
    memprof_test.main()
