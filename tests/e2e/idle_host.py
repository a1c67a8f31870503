# SPDX-License-Identifier: MIT
"""Running tests/samples/idle.c with MEMPROF_INTERVAL, and finding its dumps and the processes that
write them: for idle.py and idle_ends.py."""
import os
import pathlib
import shutil
import signal
import subprocess

import memprof_test
from memprof_test import PATIENCE, own_counts, sample

INTERVAL = 0.2


class Idle(memprof_test.Test):
    """Hosts are copies in the test's own directory, by which their processes are found."""

    def setUp(self):
        super().setUp()
        self.program = str(self.dir / "idle")
        shutil.copy(sample("idle"), self.program)
        self.out = self.dir / "dumps"
        self.out.mkdir()

    def start(self, *arguments, interval=INTERVAL, env=None, **options):
        env = {"LD_PRELOAD": str(memprof_test.LIBRARY), "MEMPROF_INTERVAL": str(interval),
               "MEMPROF_OUT": f"{self.out}/%e.%p.json", **(env or {})}
        process = subprocess.Popen([self.program, *map(str, arguments)], cwd=self.dir,
                                   env=self.environment(env), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for stream in (process.stdin, process.stdout, process.stderr):
            self.addCleanup(stream.close)
        return process

    def started(self, *arguments, line=b"ready\n", **options):
        process = self.start(*arguments, **options)
        self.assertEqual(process.stdout.readline(), line)
        return process

    def processes(self):
        """Of the program, and of what was started for it: none that has ended."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.readlink(entry / "exe").split(" ")[0] == self.program:
                    found[int(entry.name)] = (entry / "comm").read_text().strip()
            except OSError:
                pass
        return found

    def wardens(self):
        return [pid for pid, name in self.processes().items() if name.startswith("memprof-")]

    def nothing_left(self):
        self.wait_for(lambda: not self.processes(), "the end of all processes")

    def dump(self, process, suffix=""):
        path = self.out / f"idle.{process.pid}{suffix}.json"
        return memprof_test.load(path) if path.exists() else None

    def dump_with(self, process, count, reason="interval"):
        """The dump of PROCESS, once it tells COUNT blocks of the program's own and REASON."""
        def there():
            dump = self.dump(process)
            good = dump and dump["dump"]["reason"] == reason and \
                own_counts(dump, "idle")["alloc_count"] == count
            return dump if good else None

        dump = self.wait_for(there, f"a dump of {count} blocks, {reason}")
        self.assert_sound(dump, count)
        self.assertEqual(own_counts(dump, "idle")["alloc_bytes"], 10 * count)
        return dump

    def end(self, process, number=signal.SIGKILL):
        process.send_signal(number)
        self.assertEqual(process.wait(PATIENCE), -number)
