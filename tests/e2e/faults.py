#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the library asks of the kernel, the loader and libc fails: each kind of call the first time,
the second, and so on until a run in which nothing fails any more. Hosts run as without the profiler.
What is missing is counted in their dumps, or there is no dump and a line that says so; nothing is
left half-written. The library is the one of tests/faults, the same sources with these calls wrapped.
"""
import re

import memprof_test
import validate_dump
from memprof_test import sample

LIBRARY = memprof_test.BUILD / "tests" / "faults" / "libmemprof.so"

# What can fail, as tests/faults/library.c has it; and, further down, what is no failure.
FAILURES = ("mmap", "open", "write", "close", "rename", "unlink", "mkdir", "readlink", "getcwd",
            "madvise", "mincore", "membarrier", "sleep", "futex", "ioctl", "sigaltstack",
            "sigtimedwait", "dlopen", "pthread", "exit", "sigaction", "mprotect", "stat",
            "getrlimit", "dladdr", "uname")
MANY = ("read", "clock", "dlsym")  # are asked for more often, and fail alike
HARMLESS = ("interrupt", "short")
SQL = ("create table t(a); insert into t select value from generate_series(1, 30000);"
       "select count(*) from t;")
LINE = re.compile(rb"memprof: [^\n]+\n")


def normal(out):
    """Output without process numbers, and without an order among processes."""
    return sorted(re.sub(rb'"pid": [0-9]+', b"", out).splitlines())


def depth(dump):
    """Frames of the deepest stack."""
    frames = dump["frames"]

    def length(frame):
        n = 0
        while frame > 0:
            frame, n = frames[frame][0], n + 1
        return n

    return max((length(site["frame"]) for site in dump["sites"]), default=0)


class Faults(memprof_test.Test):
    def collect(self, directory):
        """As usual, but that the schema is checked by other tests: it takes longer than the hosts."""
        found = {}
        for path in sorted(directory.iterdir()) if directory.exists() else ():
            if self.fault.startswith("unlink") and ".json.tmp." in path.name:
                continue  # nothing can be done about it
            self.assertEqual(path.suffix, ".json", f"stray file {path.name} of {self.fault}")
            found[path.name] = validate_dump.read(str(path))
            self.assertEqual(validate_dump.violations(found[path.name], {}), [], self.fault)
        return found

    def faulty(self, argv, fault, env):
        """The run of ARGV, and whether anything did fail."""
        log = self.dir / "failed"
        log.unlink(missing_ok=True)
        self.fault = fault
        self.runs += 1
        run_env = {"LD_PRELOAD": str(LIBRARY), "MEMPROF_FAULT": fault,
                   "MEMPROF_FAULT_LOG": str(log),
                   "MEMPROF_OUT": f"{self.dumps_directory()}/%e.%p.json", **env}
        status, out, err = self.run_host(argv, self.environment(run_env))
        dumps = self.collect(self.dumps_directory())
        return memprof_test.Run(status, normal(out), err, dumps), log.exists()

    def compare(self, whole, run):
        """RUN, in which something failed, with WHOLE, in which nothing did."""
        self.assertEqual((run.status, run.out), (whole.status, whole.out), self.fault)
        said = LINE.findall(run.err)
        self.assertEqual(b"".join(said), run.err, self.fault)
        self.assertLessEqual(len(said), 2 * len(whole.dumps), (self.fault, run.err))
        if len(run.dumps) < len(whole.dumps):
            self.assertGreater(len(said), 0, f"{self.fault}: a dump is missing, nothing was said")
            return
        if self.fault.startswith("unlink"):
            return  # a dump that was to be withdrawn is there, too
        if said and any(dump["dump"]["reason"] == "interval" for dump in run.dumps.values()):
            return  # the snapshot before the dump that could not be written
        if any(dump["mode"]["kind"] == "sampled" for dump in run.dumps.values()):
            return  # estimates depend on what was sampled
        def total(name):
            return sum(dump["totals"][name] for dump in run.dumps.values())

        # A free, too, may have been dropped.
        expected = sum(dump["totals"]["alloc_count"] for dump in whole.dumps.values())
        self.assertLessEqual(total("alloc_count"), expected, self.fault)
        self.assertGreaterEqual(total("alloc_count") + total("dropped_count"), expected, self.fault)
        flat = [dump for dump in run.dumps.values() if dump["sites"] and depth(dump) < 2]
        for dump in flat:
            self.assertTrue(dump["totals"]["truncated_stack_count"] or
                            dump["coverage"]["warnings"] or said, f"{self.fault}: stacks are cut")

    def sweep(self, argv, classes, env=None, step=1):
        env = {"MEMPROF_VERBOSE": "0", **(env or {})}
        plain = self.plain(argv)
        whole, failed = self.faulty(argv, "none:1", env)
        self.assertFalse(failed)
        self.assertEqual((whole.status, whole.out, whole.err), (plain.status, normal(plain.out), b""))
        self.assertGreater(len(whole.dumps), 0)
        failures = 0
        for name in classes:
            n, failed = 0, True
            while failed:
                n += step
                run, failed = self.faulty(argv, f"{name}:{n}", env)
                self.compare(whole, run)
                failures += failed
        self.assertGreater(failures, len(classes) // 3)

    def test_odd_calls(self):
        """A table of unusual calls of the allocation functions, with errno."""
        self.sweep([sample("semantics")], FAILURES + MANY + HARMLESS)

    def test_tree_of_processes(self):
        self.sweep([sample("processes"), "tree"], FAILURES + MANY)

    def test_chain_of_programs(self):
        self.sweep([sample("processes"), "chain", sample("processes"), sample("processes")],
                   FAILURES + MANY)

    def test_failing_execs(self):
        self.sweep([sample("processes"), "badexec"], FAILURES)

    def test_vforks(self):
        self.sweep([sample("processes"), "vfork", "3"], FAILURES)

    def test_jq(self):
        memprof_test.need("jq")
        self.sweep(["jq", "-n", "[range(1000) | {a: ., b: [.]}] | length"], FAILURES + HARMLESS)

    def test_sampled(self):
        self.sweep([sample("semantics")], FAILURES, {"MEMPROF_SAMPLE": "512"})

    def test_threads(self):
        self.sweep([sample("surprises"), "bounds"], FAILURES)

    def test_snapshots(self):
        self.sweep(["sqlite3", ":memory:", SQL], FAILURES,
                   {"MEMPROF_INTERVAL": "0.02", "MEMPROF_SIGNAL": "USR2"})

    def test_verified(self):
        self.sweep([sample("semantics")], FAILURES, {"MEMPROF_VERIFY": "1"})


if __name__ == "__main__":
    memprof_test.main()
