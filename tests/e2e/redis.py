#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A server under load: redis-server, asked for a snapshot by a signal while redis-benchmark runs, then
shut down. Its own port on the loopback, its own directory, nothing stored."""
import pathlib
import socket
import subprocess
import threading

import memprof_test
from memprof_test import PATIENCE, need


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Redis(memprof_test.Test):
    def setUp(self):
        super().setUp()
        need("redis-server", "redis-benchmark", "redis-cli")
        self.port = str(free_port())
        self.out = self.dir / "redis.json"
        env = self.environment({"LD_PRELOAD": str(memprof_test.LIBRARY),
                                "MEMPROF_OUT": str(self.out), "MEMPROF_SIGNAL": "USR2"})
        with open(self.dir / "log", "wb") as log:
            self.server = subprocess.Popen(
                ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "",
                 "--appendonly", "no", "--dir", str(self.dir), "--daemonize", "no"],
                env=env, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        self.wait_for(lambda: self.ask("ping") == b"PONG\n", "an answer")

    def log(self):
        return (self.dir / "log").read_bytes().decode()

    def ask(self, *words):
        return subprocess.run(["redis-cli", "-h", "127.0.0.1", "-p", self.port, *words], check=False,
                              env=self.environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=PATIENCE).stdout

    def wait_for(self, condition, what, told=lambda: ""):
        def running():
            self.assertIsNone(self.server.poll(), f"redis-server ended: {self.log()}")
            return condition()

        return super().wait_for(running, what, lambda: f": {self.log()}{told()}")

    def benchmark(self):
        self.benchmarked = subprocess.run(
            ["redis-benchmark", "-h", "127.0.0.1", "-p", self.port, "-n", "20000", "-c", "20", "-q",
             "-r", "5000", "-t", "set,get,lpush,lrange_100,hset"], env=self.environment(),
            check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)

    def test_under_load(self):
        load = threading.Thread(target=self.benchmark)
        load.start()
        self.wait_for(lambda: int(self.ask("dbsize") or 0) > 1000, "load")
        self.server.send_signal(12)
        self.wait_for(self.out.exists, "a snapshot")
        snapshot = memprof_test.load(self.out)
        kept = self.dir / "snapshot.json"
        kept.write_bytes(pathlib.Path(self.out).read_bytes())
        load.join()
        self.assertEqual(self.benchmarked.returncode, 0, self.benchmarked.stderr)
        keys = int(self.ask("dbsize"))
        self.assertGreater(keys, 1000)
        self.ask("shutdown", "nosave")
        self.assertEqual(self.server.wait(PATIENCE), 0, self.log())
        last = memprof_test.load(self.out)
        self.assertEqual((snapshot["dump"]["reason"], last["dump"]["reason"]), ("signal", "exit"))
        for dump in (snapshot, last):
            self.assert_sound(dump, 5000)
        self.assertLess(snapshot["totals"]["alloc_count"], last["totals"]["alloc_count"])
        # Every key is at least a block that is still there.
        self.assertGreaterEqual(last["totals"]["live_count"], keys)
        self.assertIn(b"redis-", self.report("summary", str(kept)))
        self.assertNotIn("memprof", self.log())


if __name__ == "__main__":
    memprof_test.main()
