#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""However a program ends on its own, its dump is there and complete, static destructors included,
and its status is what it was."""
import json
import signal

import memprof_test
from memprof_test import many, sample


class Endings(memprof_test.Test):
    def check(self, how, status=7):
        run = self.profiled([sample("endings"), how])
        self.assertEqual(run.status, status, run.err)
        self.assert_sound(run.dump)
        self.assertEqual(run.dump["dump"]["reason"], "exit")
        expected = json.loads(run.out)["totals"]
        self.assertEqual(memprof_test.own_counts(run.dump, "endings"), expected)
        return run.dump

    def test_plain(self):
        for how in ("return", "exit", "_exit", "_Exit", "quick_exit"):
            with self.subTest(how=how):
                totals = self.check(how)["totals"]
                self.assertEqual((totals["live_count"], totals["live_bytes"]), (60, 6000))

    def test_handlers(self):
        """atexit handlers and destructors run first."""
        self.assertEqual(self.check("handlers")["totals"]["live_count"], 50)

    def test_pthread_exit(self):
        """main's thread ends first; another thread ends the program."""
        self.check("pthread_exit")

    def test_running_threads(self):
        """main returns while 32 threads allocate."""
        for _ in range(many(40)):
            run = self.profiled([sample("endings"), "threads"])
            self.assertEqual(run.status, 7, run.err)
            self.assertTrue(run.dump["dump"]["complete"])
            counts = memprof_test.own_counts(run.dump, "endings")
            self.assertGreaterEqual(counts["alloc_count"], 100)
            self.assertLessEqual(run.dump["totals"]["live_count"], 60 + 32 + 64)
        print(many(40), "ends with 32 threads")

    def test_several_at_once(self):
        """Four threads end the program at once, or twelve one after the other: those that are not the
        first wait for the dump."""
        for how in ("race", "quick_race", "queue"):
            for _ in range(10):
                run = self.profiled([sample("endings"), how])
                self.assertEqual(run.status, 7, run.err)
                self.assert_sound(run.dump, 1024)
                self.assertEqual(run.dump["dump"]["reason"], "exit")

    def test_system_call(self):
        """exit_group by way of libc's syscall() is seen; made by the program's own instruction it is
        not, and there is no dump: see idle.py for those with MEMPROF_INTERVAL."""
        self.check("syscall")
        run = self.profiled([sample("endings"), "instruction"])
        self.assertEqual((run.status, run.dumps), (7, {}), run.err)

    def test_signals(self):
        """Ended by a signal, which dying.py has more of."""
        for how, number in (("abort", signal.SIGABRT), ("segv", signal.SIGSEGV),
                            ("term", signal.SIGTERM)):
            with self.subTest(how=how):
                run = self.profiled([sample("endings"), how])
                self.assertEqual(run.status, -number, run.err)
                self.assertEqual(run.dump["dump"]["reason"], "fatal")
                self.assertEqual(memprof_test.own_counts(run.dump, "endings"),
                                 json.loads(run.out)["totals"])

    def test_caught_abort(self):
        """A handler of SIGABRT's that returns: abort ends the program where nobody sees it, but the
        launcher."""
        run = self.profiled([sample("endings"), "caught"])
        self.assertEqual((run.status, run.dumps), (-signal.SIGABRT, {}), run.err)
        launched = self.plain([memprof_test.BUILD / "memprof", "run", "-o", "kept/x.json", "--",
                               sample("endings"), "caught"])
        self.assertEqual(launched.status, 128 + signal.SIGABRT, launched.err)
        dump = self.collect(self.dir / "kept")["x.json"]
        self.assertEqual(dump["dump"]["reason"], "recovered")
        self.assertEqual(memprof_test.own_counts(dump, "endings"),
                         json.loads(launched.out)["totals"])

    def test_static_destructors(self):
        """What C++ globals own is given back by their destructors. What stays is not the program's:
        the buffer of stdout and the memory that libstdc++ keeps for exceptions."""
        run = self.unchanged([sample("cxx_program"), "fail"])
        self.assertEqual(run.status, 0, run.err)
        self.assert_sound(run.dump, 8000)
        live = [(site["live_count"], site["live_bytes"]) for site in run.dump["sites"]
                if site["live_count"]]
        self.assertEqual(sorted(live), [(1, 4096), (1, 72704)])
        self.assertGreaterEqual(run.dump["totals"]["failed_count"], 4)


if __name__ == "__main__":
    memprof_test.main()
