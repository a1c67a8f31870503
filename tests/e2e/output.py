#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Where dumps go and when: MEMPROF_OUT, MEMPROF_INTERVAL, MEMPROF_SIGNAL, MEMPROF_ENABLE and
memprof_dump()."""
import json
import os
import re
import select
import signal
import socket
import stat
import subprocess
import time

import memprof_test
from memprof_test import PATIENCE, many, sample


class Output(memprof_test.Test):
    def start(self, argv, env):
        """Starts ARGV under the profiler; it has printed a line when this returns."""
        process = subprocess.Popen(
            argv, env=self.environment({"LD_PRELOAD": str(memprof_test.LIBRARY), **env}),
            cwd=self.dir, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for stream in (process.stdin, process.stdout, process.stderr):
            self.addCleanup(stream.close)
        self.assertTrue(select.select([process.stdout], [], [], PATIENCE)[0], "no output")
        process.stdout.readline()
        return process

    def test_pattern(self):
        out = self.dir / "new" / "and%%" / "%h" / "%e-%p-%n-%t.json"
        run = self.profiled([sample("endings"), "return"], env={"MEMPROF_OUT": str(out)})
        self.assertEqual((run.status, run.err), (7, b""))
        directory = self.dir / "new" / "and%" / socket.gethostname()
        name, = os.listdir(directory)
        dump = memprof_test.load(directory / name)
        self.assertRegex(name, f"^endings-{dump['process']['pid']}-{dump['dump']['sequence']}-.+"
                         r"\.json$")
        self.assertEqual(stat.S_IMODE((directory / name).stat().st_mode), 0o600)

    def test_default_name(self):
        done = self.run_host([sample("endings"), "return"],
                             self.environment({"LD_PRELOAD": str(memprof_test.LIBRARY)}))
        self.assertEqual(done[0], 7)
        name, = os.listdir(self.dir)
        self.assertRegex(name, r"^memprof\.endings\.[0-9]+\.json$")
        memprof_test.load(self.dir / name)

    def test_process(self):
        """What the dump says of the process."""
        run = self.profiled([sample("endings"), "return"])
        process = run.dump["process"]
        self.assertEqual(process["exe"], os.path.realpath(sample("endings")))
        self.assertEqual(process["argv"], [sample("endings"), "return"])
        self.assertEqual(process["cwd"], str(self.dir))
        self.assertEqual(process["hostname"], socket.gethostname())
        self.assertEqual(process["ppid"], os.getpid())
        self.assertEqual(process["arch"], os.uname().machine)
        self.assertTrue(process["allocator"].startswith("glibc "), process["allocator"])

    def test_enable(self):
        run = self.profiled([sample("endings"), "return"], env={"MEMPROF_ENABLE": "0"})
        self.assertEqual((run.status, run.err, run.dumps), (7, b"", {}))

    def test_verbose(self):
        """One line that names the dump; nothing unless asked for, where nobody looks."""
        run = self.profiled([sample("endings"), "return"])
        self.assertEqual(run.err, b"")
        run = self.profiled([sample("endings"), "return"], env={"MEMPROF_VERBOSE": "1"})
        line, = run.err.decode().splitlines()
        self.assertIn(next(iter(run.dumps)), line)

    def test_unwritable(self):
        """The host's status and output stay, one line says what went wrong."""
        taken = self.write("taken", "a file")
        for out in (f"{taken}/dump.json", "/proc/no/such/dump.json", str(self.dir)):
            with self.subTest(out=out):
                run = self.profiled([sample("endings"), "return"], env={"MEMPROF_OUT": out})
                self.assertEqual(run.status, 7)
                line, = run.err.decode().splitlines()
                self.assertIn(out, line)
        self.assertEqual((self.dir / "taken").read_text(), "a file")

    def test_symlink(self):
        """A planted link is replaced, not followed; no temporary file stays."""
        victim = self.write("victim", "precious")
        out = self.dir / "out"
        out.mkdir()
        (out / "dump.json").symlink_to(victim)
        run = self.profiled([sample("endings"), "return"], env={"MEMPROF_OUT": f"{out}/dump.json"})
        self.assertEqual((run.status, run.err), (7, b""))
        self.assertEqual((self.dir / "victim").read_text(), "precious")
        self.assertEqual(os.listdir(out), ["dump.json"])
        memprof_test.load(out / "dump.json")

    def test_interval(self):
        """Snapshots while the program runs, each a whole dump, each in place of the last."""
        out = self.dir / "snap.json"
        process = self.start([sample("steady")],
                             {"MEMPROF_OUT": str(out), "MEMPROF_INTERVAL": "0.05"})
        self.wait_for(out.exists, "a snapshot")
        first = memprof_test.load(out)
        self.assertEqual(first["dump"]["reason"], "interval")

        def later():
            dump = memprof_test.load(out)
            return dump if dump["dump"]["sequence"] > first["dump"]["sequence"] + 2 else None

        second = self.wait_for(later, "a third snapshot")
        self.assertGreater(second["totals"]["alloc_count"], first["totals"]["alloc_count"])
        self.assertGreaterEqual(second["totals"]["live_bytes"], 10000)
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)
        last = memprof_test.load(out)
        self.assertEqual((last["dump"]["reason"], last["totals"]["live_bytes"]), ("exit", 10000))
        self.assertEqual([p.name for p in self.dir.iterdir()], ["snap.json"])

    def test_kill(self):
        """Killed at any moment, a program leaves a whole dump, at most an interval old; the
        last one comes soon after."""
        out = self.dir / "killed" / "snap.json"
        for i in range(8):
            process = self.start([sample("steady")],
                                 {"MEMPROF_OUT": str(out), "MEMPROF_INTERVAL": "0.002"})
            self.wait_for(out.exists, "a snapshot")
            time.sleep(i * 0.003)
            process.kill()
            self.assertEqual(process.wait(PATIENCE), -signal.SIGKILL)
            self.assertIn(memprof_test.load(out)["dump"]["reason"], ("interval", "recovered"))
            self.wait_for(lambda: memprof_test.load(out)["dump"]["reason"] == "recovered",
                          "the last dump")
            out.unlink()

    def test_signal(self):
        for name, number in (("USR2", signal.SIGUSR2), ("SIGUSR1", signal.SIGUSR1),
                             (str(int(signal.SIGHUP)), signal.SIGHUP)):
            with self.subTest(signal=name):
                out = self.dir / f"{name}.json"
                process = self.start([sample("steady")],
                                     {"MEMPROF_OUT": str(out), "MEMPROF_SIGNAL": name})
                self.assertFalse(out.exists())
                process.send_signal(number)
                self.wait_for(out.exists, "a snapshot")
                self.assertEqual(memprof_test.load(out)["dump"]["reason"], "signal")
                process.terminate()
                self.assertEqual(process.wait(PATIENCE), 0)
                self.assertEqual(memprof_test.load(out)["dump"]["reason"], "exit")

    def test_signal_of_the_host(self):
        """A signal that the host handles stays the host's."""
        out = self.dir / "term.json"
        process = self.start([sample("steady")],
                             {"MEMPROF_OUT": str(out), "MEMPROF_SIGNAL": "TERM"})
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertEqual(memprof_test.load(out)["dump"]["reason"], "exit")

    def test_api(self):
        argv = [sample("api"), "now.%e.json"]
        plain = self.plain(argv)
        self.assertEqual((plain.status, plain.out),
                         (0, b"recording 0, dump 1, dump 1, errno kept 1\n"))
        run = self.profiled(argv)
        self.assertEqual((run.status, run.out, run.err),
                         (0, b"recording 1, dump 0, dump 0, errno kept 1\n", b""))
        now = memprof_test.load(self.dir / "now.api.json")
        self.assertEqual(now["dump"]["reason"], "api")
        self.assertEqual((now["totals"]["live_count"], now["totals"]["live_bytes"]), (3, 300))
        self.assertEqual(run.dump["totals"]["live_bytes"], 340)
        run = self.profiled(argv, env={"MEMPROF_ENABLE": "0"})
        self.assertEqual((run.status, run.out),
                         (0, b"recording 0, dump 1, dump 1, errno kept 1\n"))

    def test_api_from_aside(self):
        """A thread that records nothing asks for dumps while the one that does goes on: each adds up
        (load), and the other's figures stay exact."""
        count = many(60)
        dumps = self.dir / "aside"
        dumps.mkdir()
        # Also while how much is sampled changes now and then.
        run = self.profiled([sample("aside"), dumps, count], env={"MEMPROF_MAX_OVERHEAD": "2"})
        self.assertEqual((run.status, run.err), (0, b""))
        self.assertEqual(len(self.collect(dumps)), count)
        run = self.profiled([sample("aside"), dumps, count])
        self.assertEqual((run.status, run.err), (0, b""))
        peaks = []
        for i in range(1, count + 1):
            dump = memprof_test.load(dumps / f"{i}.json")
            self.assertTrue(dump["dump"]["complete"])
            peaks.append(dump["totals"]["peak_bytes"])
        self.assertLess(peaks[0], peaks[-1])
        self.assert_sound(run.dump)
        said, totals = json.loads(run.out), run.dump["totals"]
        self.assertEqual(totals["peak_error_bytes"], 0)
        # What else there is was there all the time: the second thread's own.
        self.assertEqual(totals["peak_bytes"] - said["peak_bytes"],
                         totals["live_bytes"] - said["live_bytes"])
        self.assertEqual(memprof_test.own_counts(run.dump, "aside")["alloc_count"],
                         said["alloc_count"])

    def test_api_fails(self):
        run = self.profiled([sample("api"), "/proc/none/dump.json"])
        self.assertEqual((run.status, run.out), (0, b"recording 1, dump -1, dump 0, errno kept 1\n"))
        self.assertTrue(re.fullmatch(rb"[^\n]*/proc/none/dump\.json[^\n]*\n", run.err), run.err)


if __name__ == "__main__":
    memprof_test.main()
