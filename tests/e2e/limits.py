#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Memory that runs out: snapshots when a limit comes near (MEMPROF_DUMP_AT) and when an allocation
fails, and a host that goes on as it would where the profiler's own tables cannot grow."""
import os
import pathlib
import resource
import signal
import subprocess

import memprof_test
from memprof_test import sample

MIB = 1 << 20


class Limits(memprof_test.Test):
    def limited(self, words, limits, env=None):
        """A profiled run under resource LIMITS, with a dump for each snapshot, in their order."""
        self.runs += 1
        dumps = self.dumps_directory()
        dumps.mkdir()
        environment = self.environment({"LD_PRELOAD": str(memprof_test.LIBRARY),
                                        "MEMPROF_OUT": f"{dumps}/%n.json", **(env or {})})

        def set_limits():
            for name, value in limits.items():
                resource.setrlimit(name, (value, value))

        done = subprocess.run([sample("grows"), *map(str, words)], env=environment, cwd=self.dir,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, preexec_fn=set_limits, check=False,
                              timeout=memprof_test.TIMEOUT)
        found = self.collect(dumps)
        return memprof_test.Run(done.returncode, done.stdout, done.stderr,
                                {int(name.split(".")[0]): found[name] for name in found})

    def triggers(self, run):
        """What asked for each dump but the last, which is that of the end."""
        self.assertEqual((run.status, run.err), (0, b""))
        dumps = [run.dumps[i] for i in range(len(run.dumps))]
        self.assertEqual([dump["dump"]["reason"] for dump in dumps],
                         ["interval"] * (len(dumps) - 1) + ["exit"])
        return [dump["dump"].get("trigger") for dump in dumps[:-1]]

    def check_near(self, trigger, kind, limit, at):
        self.assertEqual((trigger["kind"], trigger["limit_bytes"]), (kind, limit))
        self.assertGreaterEqual(trigger["used_bytes"], at)

    def test_size(self):
        """Once for each time that the size is passed."""
        found = self.triggers(self.limited(["up", 60 * MIB, 65536, 3], {},
                                           {"MEMPROF_DUMP_AT": "30m"}))
        self.assertEqual(len(found), 3)
        for trigger in found:
            self.check_near(trigger, "size", 30 * MIB, 30 * MIB)
            self.assertLess(trigger["used_bytes"], 80 * MIB)

    def test_size_untouched(self):
        """What is allocated counts, resident or not; and what is resident, when it is more."""
        run = self.limited(["up", 10 * MIB, 65536, 1], {}, {"MEMPROF_DUMP_AT": "8m"})
        trigger, = self.triggers(run)
        self.check_near(trigger, "size", 8 * MIB, 8 * MIB)

    def test_never(self):
        run = self.limited(["up", 10 * MIB, 65536, 1], {}, {"MEMPROF_DUMP_AT": "1g"})
        self.assertEqual(self.triggers(run), [])
        run = self.limited(["up", 10 * MIB, 65536, 1], {})
        self.assertEqual(self.triggers(run), [])

    def test_address_space(self):
        run = self.limited(["up", 200 * MIB, 65536, 1], {resource.RLIMIT_AS: 400 * MIB},
                           {"MEMPROF_DUMP_AT": "50%"})
        trigger, = self.triggers(run)
        self.check_near(trigger, "address-space", 400 * MIB, 200 * MIB)

    def test_data(self):
        run = self.limited(["up", 120 * MIB, 65536, 1], {resource.RLIMIT_DATA: 200 * MIB},
                           {"MEMPROF_DUMP_AT": "62.5%"})
        trigger, = self.triggers(run)
        self.check_near(trigger, "data", 200 * MIB, 125 * MIB)

    def group(self, limit):
        """A memory control group of this test's own with LIMIT bytes, or skips it."""
        name = f"memprof-test-{os.getpid()}"
        for root, files in ((pathlib.Path("/sys/fs/cgroup/memory"), ("memory.limit_in_bytes",)),
                            (pathlib.Path("/sys/fs/cgroup"), ("memory.max", "memory.swap.max"))):
            group = root / name
            try:
                group.mkdir()
            except OSError:
                continue
            self.addCleanup(group.rmdir)
            for file in files:
                try:
                    (group / file).write_text(str(limit if "swap" not in file else 0))
                except OSError:
                    self.assertIn("swap", file)
            if (group / files[0]).exists():
                return group
        return self.skipTest("no control group can be made here")

    def test_control_group(self):
        """The kernel kills at the limit: what there was shortly before is kept."""
        group = self.group(80 * MIB)
        out = self.dir / "last.json"
        env = self.environment({"LD_PRELOAD": str(memprof_test.LIBRARY), "MEMPROF_OUT": str(out),
                                "MEMPROF_DUMP_AT": "75%"})
        with subprocess.Popen([sample("grows"), "on", "4096"], env=env, cwd=self.dir,
                              preexec_fn=lambda: (group / "cgroup.procs").write_text("0")
                              ) as process:
            status = process.wait(memprof_test.TIMEOUT)
        self.wait_for(lambda: not (group / "cgroup.procs").read_text(), "an empty group")
        if status != -signal.SIGKILL:
            self.skipTest(f"the kernel does not kill at the limit here: status {status}")
        dump = memprof_test.load(out)
        self.check_near(dump["dump"]["trigger"], "cgroup", 80 * MIB, 60 * MIB)
        self.assertGreater(dump["totals"]["live_bytes"], 20 * MIB)
        self.assertEqual([path.name for path in self.dir.iterdir()], ["last.json"])

    def test_failed_allocation(self):
        """A snapshot of what was held when there was no memory for more: one, however often."""
        run = self.limited(["null", 1000000], {resource.RLIMIT_AS: 256 * MIB})
        self.assertEqual(run.out, b"errno 12 12 12\n")
        trigger, = self.triggers(run)
        self.assertEqual(trigger, {"kind": "failed-allocation", "requested_bytes": 1000000})
        self.assertGreater(run.dumps[0]["totals"]["live_bytes"], 100 * MIB)
        self.assertEqual(run.dumps[1]["totals"]["live_bytes"], 4096)
        self.assertGreaterEqual(run.dumps[1]["totals"]["failed_count"], 300)

    def test_not_a_page_left(self):
        """Small blocks take the last of the address space: the dump has room set aside."""
        run = self.limited(["null", 2000], {resource.RLIMIT_AS: 128 * MIB})
        self.assertEqual(run.out, b"errno 12 12 12\n")
        trigger, = self.triggers(run)
        self.assertEqual(trigger["kind"], "failed-allocation")

    def test_nonsense(self):
        """What no machine has does not ask for a snapshot when it fails."""
        run = self.limited(["nonsense"], {})
        self.assertEqual(run.out, b"1111212\n")
        self.assertEqual(self.triggers(run), [])
        self.assertEqual(run.dumps[0]["totals"]["failed_count"], 4)

    def missing(self, dump):
        """What DUMP says that it does not have; with a warning."""
        dropped = dump["totals"]["dropped_count"]
        codes = [warning["code"] for warning in dump["coverage"]["warnings"]]
        self.assertEqual("dropped" in codes, dropped > 0)
        return dropped

    def test_sweep(self):
        """Under less and less address space the host lives; what is missing is counted."""
        for limit in range(12, 61, 2):
            with self.subTest(limit=limit):
                run = self.limited(["up", 24 * MIB, 24, 1], {resource.RLIMIT_AS: limit * MIB})
                self.assertEqual(run.status, 0, run.err)
                self.assertIn(run.out, (b"done\n", b"no memory\n"))
                missing = [self.missing(run.dumps[i]) for i in range(len(run.dumps))]
                if run.out == b"done\n" and not run.err:
                    self.assertGreaterEqual(run.dumps[len(missing) - 1]["totals"]["alloc_count"]
                                            + missing[-1], MIB)

    def test_no_room_for_tables(self):
        """The allocator has memory left and the profiler cannot get any: all else is counted."""
        run = self.limited(["inside", 48 * MIB, 24], {})
        self.assertEqual((run.status, run.err), (0, b""))
        count = int(run.out)
        self.assertGreater(count, MIB)
        dump = run.dumps[len(run.dumps) - 1]
        missing = self.missing(dump)
        self.assertGreater(missing, 0)
        totals = dump["totals"]
        self.assertGreaterEqual(totals["alloc_count"] + missing, count)
        self.assertLess(totals["alloc_count"] + missing, count + 100)
        self.assertEqual(totals["free_count"], totals["alloc_count"] - totals["live_count"])


if __name__ == "__main__":
    memprof_test.main()
