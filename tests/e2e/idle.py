#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""MEMPROF_INTERVAL where the program makes no call of the allocator: snapshots come all the same, and
the program sees nothing of the process that writes them."""
import os
import pathlib
import signal
import subprocess
import time

import memprof_test
from idle_host import INTERVAL, Idle
from memprof_test import PATIENCE, sample


class Snapshots(Idle):
    def test_pause(self):
        """One snapshot, and none again while nothing changes; exact, and with what a live process
        tells."""
        process = self.started("pause")
        dump = self.dump_with(process, 100)
        self.assertEqual(dump["settings"]["kept"], "by a process of its own")
        self.assertGreater(dump["memory"]["rss_bytes"], 500000)
        self.assertEqual(dump["dump"]["sequence"], 0)
        self.assertEqual(dump["totals"]["live_bytes"], dump["totals"]["peak_bytes"])
        path = self.out / f"idle.{process.pid}.json"
        first = path.stat()
        self.assertEqual(first.st_mode & 0o777, 0o600)
        time.sleep(4 * INTERVAL)
        self.assertEqual(path.stat().st_ino, first.st_ino, "written again for nothing")
        self.end(process)
        last = self.dump_with(process, 100, "recovered")
        self.assertEqual(last["sites"], dump["sites"])
        self.nothing_left()
        self.assertEqual(os.listdir(self.out), [path.name])

    def test_busy_without_the_allocator(self):
        process = self.started("compute")
        self.dump_with(process, 100)
        self.end(process)

    def test_threads(self):
        """Of several threads, below deep stacks."""
        process = self.started("threads")
        dump = self.dump_with(process, 100)
        allocating = [thread for thread in dump["threads"] if thread["alloc_count"] >= 25]
        self.assertGreaterEqual(len(allocating), 4)
        parents = dump["frames"]

        def depth(frame):
            return depth(parents[frame][0]) + 1 if frame else 0

        deepest = max(depth(site["frame"]) for site in dump["sites"])
        self.assertGreater(deepest, 40)
        self.end(process)
        self.dump_with(process, 100, "recovered")

    def test_steps(self):
        """What is counted between two pauses is in the next snapshot; stopped, too."""
        process = self.started("step")
        self.dump_with(process, 100)
        for i in range(1, 4):
            process.stdin.write(b"\n")
            process.stdin.flush()
            self.assertEqual(process.stdout.readline(), b"done\n")
            if i == 3:
                process.send_signal(signal.SIGSTOP)
            self.dump_with(process, 100 + i)
        process.send_signal(signal.SIGCONT)
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertEqual(self.dump(process)["dump"]["reason"], "exit")
        self.nothing_left()

    def test_numbered(self):
        """With %n each is a file of its own."""
        process = self.started("step", env={"MEMPROF_OUT": f"{self.out}/%n.json"})
        for i in range(3):
            self.wait_for((self.out / f"{i}.json").exists, f"snapshot {i}")
            process.stdin.write(b"\n")
            process.stdin.flush()
            self.assertEqual(process.stdout.readline(), b"done\n")
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0)
        for name in os.listdir(self.out):
            dump = memprof_test.load(self.out / name)
            self.assertEqual(name, f"{dump['dump']['sequence']}.json")

    def test_sampled_and_mappings(self):
        process = self.started("pause", env={"MEMPROF_SAMPLE": "100"})
        self.wait_for(lambda: self.dump(process), "a sampled snapshot")
        self.end(process)
        process = self.started("pause", env={"MEMPROF_MMAP": "1"})
        dump = self.dump_with(process, 100)
        self.assertIn("mmap_totals", dump)
        self.end(process)


class Unseen(Idle):
    def test_what_a_program_sees(self):
        """Waits, signals, usage of children, groups: nothing of another process."""
        run = self.unchanged([sample("idle"), "sees"], env={"MEMPROF_INTERVAL": "0.05"})
        self.assertEqual(run.status, 0)
        self.assertIn(b"ECHILD", run.out)

    def test_surroundings(self):
        """Descriptors, threads, signals, limits."""
        self.unchanged([sample("surroundings")], env={"MEMPROF_INTERVAL": "0.01"})

    def test_no_more_processes(self):
        """Where none can be had the program goes on as without; so it does with other rights."""
        for path in self.dir, self.out:
            path.chmod(0o777)
        run = self.profiled([sample("idle"), "limited"],
                            env={"MEMPROF_INTERVAL": "0.05",
                                 "MEMPROF_OUT": f"{self.out}/%e.%p.json"})
        if run.status == 77:
            self.skipTest("the limit cannot be set")
        self.assertEqual((run.status, run.out, run.err), (0, b"fork: EAGAIN\n", b""))
        dump, = self.collect(self.out).values()
        self.assertEqual(dump["dump"]["reason"], "exit")

    def test_descriptors(self):
        """The warden has none of the program's, nor its arguments, nor much memory."""
        process = self.started("pause", interval=1000)
        warden, = self.wait_for(self.wardens, "a warden")
        self.wait_for(lambda: pathlib.Path(f"/proc/{warden}/cmdline").read_bytes() == b"",
                      "a warden that has settled")
        kinds = [os.readlink(f"/proc/{warden}/fd/{fd}") for fd in os.listdir(f"/proc/{warden}/fd")]
        for kind in kinds:
            self.assertRegex(kind, r"\Aanon_inode:")
        self.assertEqual(os.readlink(f"/proc/{warden}/cwd"), "/")
        self.end(process)

    def test_under_the_launcher(self):
        """Which holds the memory itself: there is no warden, and one dump."""
        path = self.out / "idle.json"
        with subprocess.Popen([memprof_test.BUILD / "memprof", "run", "-o", path, "--interval",
                               "0.05", self.program, "pause"], env=self.environment(),
                              stdout=subprocess.PIPE) as launcher:
            self.assertEqual(launcher.stdout.readline(), b"ready\n")
            host, = self.processes()
            os.kill(host, signal.SIGKILL)
            self.assertEqual(launcher.wait(PATIENCE), 128 + signal.SIGKILL)
        self.assertEqual(memprof_test.load(path)["dump"]["reason"], "recovered")


if __name__ == "__main__":
    memprof_test.main()
