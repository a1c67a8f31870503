#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Ends that a program cannot tell of, with MEMPROF_INTERVAL: all that was counted is in a last dump,
and no process is left behind."""
import os
import random
import shutil
import signal
import time

import memprof_test
from idle_host import Idle
from killed_storm import Storm
from memprof_test import PATIENCE, many, own_counts, sample


class Ends(Idle, Storm):
    def test_before_the_first_interval(self):
        """Nothing is lost however long the interval is."""
        process = self.started("pause", interval=1000)
        self.end(process)
        self.dump_with(process, 100, "recovered")
        self.nothing_left()

    def test_raw_exit(self):
        process = self.start("raw", 50, interval=1000)
        self.assertEqual(process.wait(PATIENCE), 7)
        self.dump_with(process, 100, "recovered")
        self.nothing_left()

    def test_signals(self):
        """Those that are seen leave the program's own dump."""
        process = self.started("pause")
        self.end(process, signal.SIGTERM)
        self.assertEqual(self.dump(process)["dump"]["reason"], "fatal")
        self.nothing_left()

    def test_pipes(self):
        """Whoever reads from the program comes to the end when it dies, not later."""
        process = self.started("pause", interval=1000)
        self.wait_for(self.wardens, "a warden")
        process.kill()
        self.assertEqual(process.stdout.read(), b"")
        self.assertEqual(process.wait(PATIENCE), -signal.SIGKILL)

    def test_groups(self):
        """Signals for the program's group and session pass the warden by."""
        process = self.started("pause", interval=1000, start_new_session=True)
        warden, = self.wait_for(self.wardens, "a warden")
        self.assertNotEqual(os.getpgid(warden), process.pid)
        self.assertNotEqual(os.getsid(warden), process.pid)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1):
            os.kill(warden, number)
        os.killpg(process.pid, signal.SIGKILL)
        self.dump_with(process, 100, "recovered")
        self.nothing_left()

    def test_children(self):
        """Each of many has a dump, and nobody is left."""
        count = 200
        process = self.started("children", count, interval=1000, start_new_session=True)
        self.wait_for(lambda: len(self.wardens()) == count + 1, "a warden for each")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)

        def all_there():
            dumps = [path for path in self.out.iterdir() if path.suffix == ".json"]
            return dumps if len(dumps) == count + 1 else None

        self.wait_for(all_there, f"{count} dumps")
        self.nothing_left()
        dumps = self.collect(self.out).values()
        self.assertEqual({dump["dump"]["reason"] for dump in dumps}, {"recovered"})
        counts = [own_counts(dump, "idle")["alloc_count"] for dump in dumps]
        self.assertEqual(sorted(counts), list(range(1, count + 2)))

    def test_killed_storms(self):
        """At any instant: what lies there is whole, and the last of it exact to the operation."""
        storms = 0
        for _ in range(many(10)):
            shutil.rmtree(self.out)
            self.out.mkdir()
            book, path = self.dir / "book", self.out / "dump.json"
            env = {"LD_PRELOAD": str(memprof_test.LIBRARY), "MEMPROF_INTERVAL": "0.005",
                   "MEMPROF_OUT": str(path)}
            done = self.run_host([sample("killed"), book, "2", random.randrange(10000, 60000)],
                                 self.environment(env))
            self.assertEqual(done[0], -signal.SIGKILL)

            if not any(book.read_bytes()):
                continue  # the machine let it come no further: it has not allocated, nor a warden
            storms += 1

            def last(path=path):
                dump = memprof_test.load(path) if path.exists() else None
                return dump if dump and dump["dump"]["reason"] == "recovered" else None

            self.check(self.wait_for(last, "the last dump"), book, 2)
            self.wait_for(lambda: os.listdir(self.out) == ["dump.json"], "an end of writing")
        print(storms, "kills")
        self.assertGreater(storms, 0, "none was killed in its storm")

    def test_ends_while_a_snapshot_is_written(self):
        """The program's last dump is the one that stays, and the only file; also afterwards."""
        for _ in range(many(15)):
            process = self.started("step", interval=0.01)
            for _ in range(random.randrange(4)):
                time.sleep(random.random() * 0.02)
                process.stdin.write(b"\n")
                process.stdin.flush()
                self.assertEqual(process.stdout.readline(), b"done\n")
            time.sleep(random.random() * 0.03)
            process.stdin.close()
            self.assertEqual(process.wait(PATIENCE), 0)
            self.assertEqual(os.listdir(self.out), [f"idle.{process.pid}.json"])
            self.assertEqual(self.dump(process)["dump"]["reason"], "exit")
            self.nothing_left()
            self.assertEqual(self.dump(process)["dump"]["reason"], "exit")
            (self.out / f"idle.{process.pid}.json").unlink()
        print(many(15), "ends")

    def test_execs(self):
        """One that fails changes nothing; of one that does not, both programs have a dump, and the
        process has one warden."""
        process = self.started("execs", line=b"failed\n")
        self.dump_with(process, 100)
        for line in b"more\n", b"ready\n":
            process.stdin.write(b"\n")
            process.stdin.flush()
            self.assertEqual(process.stdout.readline(), line)
            self.dump_with(process, 150 if line == b"more\n" else 100)
        former = self.dump(process, ".exec1")
        self.assertEqual((former["dump"]["reason"], own_counts(former, "idle")["alloc_count"]),
                         ("exec", 150))
        self.assertEqual(len(self.wardens()), 1)
        self.end(process)
        self.nothing_left()

    def test_raw_exec(self):
        """The former program's warden sees that it is gone, and tells what it had counted."""
        process = self.started("rawexec", line=b"first\n")
        self.dump_with(process, 100)
        process.stdin.write(b"\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"ready\n")
        former = self.wait_for(lambda: self.dump(process, ".exec1"), "the former program's dump")
        self.assertEqual((former["dump"]["reason"], own_counts(former, "idle")["alloc_count"]),
                         ("recovered", 100))
        self.dump_with(process, 100)
        self.wait_for(lambda: len(self.wardens()) == 1, "the end of the first warden")
        self.end(process)
        self.nothing_left()

    def test_killed_warden(self):
        """Is as if there had been none."""
        process = self.started("step", interval=0.05)
        warden, = self.wait_for(self.wardens, "a warden")
        os.kill(warden, signal.SIGKILL)
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertEqual(self.dump(process)["dump"]["reason"], "exit")
        self.nothing_left()


if __name__ == "__main__":
    memprof_test.main()
