#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""memprof-report while its allocations and system calls fail: each kind the first time, the second,
and so on until a run in which nothing fails any more. The report is the right one, or the exit
status is 2 and one line says why; lines of source and names may be missing if a warning says so. A
file is written whole or not at all."""
import re
import shutil
import subprocess

import memprof_test
from memprof_test import sample

SHIM = memprof_test.BUILD / "tests" / "faults" / "libtool_faults.so"
DATA = memprof_test.ROOT / "tests" / "data" / "report"
CALLS = ("open", "read", "mmap", "write", "close", "rename", "unlink", "stat", "lseek", "chmod",
         "readdir", "readlink", "interrupt", "short")
WARNINGS = re.compile(rb"(memprof-report: warning: [^\n]+\n)+")
ERROR = re.compile(rb"memprof-report: [^\n]+\n")


class ToolFaults(memprof_test.Test):
    def setUp(self):
        super().setUp()
        self.output = self.dir / "out" / "report.txt"
        self.output.parent.mkdir()
        self.log = self.dir / "failed"

    def run_tool(self, arguments, fault):
        self.log.unlink(missing_ok=True)
        env = self.environment({"LD_PRELOAD": str(SHIM), "MEMPROF_FAULT": fault,
                                "MEMPROF_FAULT_LOG": str(self.log)})
        status, out, err = self.run_host([memprof_test.REPORT, *arguments], env)
        if status == 77:
            self.skipTest("system calls cannot be trapped here")
        return status, out, err, self.log.exists()

    def check(self, fault, expected, status, out, err):
        written = self.output.read_bytes() if self.output.exists() else None
        if status == 0 and err:
            self.assertRegex(err, b"^" + WARNINGS.pattern + b"$", fault)
        elif status == 0:
            self.assertEqual(out or written, expected, fault)
        else:
            self.assertEqual(status, 2, f"{fault}: {err!r}")
            self.assertRegex(err, b"^(" + WARNINGS.pattern + b")?" + ERROR.pattern + b"$", fault)
            self.assertIsNone(written, f"{fault}: a file was written all the same")
        kept = [path.name for path in self.output.parent.iterdir()]
        if not fault.startswith("unlink"):
            self.assertEqual(kept, [self.output.name] if written is not None else [], fault)
        for path in self.output.parent.iterdir():
            path.unlink()

    def sweep(self, arguments, classes, step=1):
        status, expected, err, failed = self.run_tool(arguments, "none:1")
        self.assertEqual((status, err, failed), (0, b"", False))
        expected = expected or self.output.read_bytes()
        self.assertGreater(len(expected), 100)
        self.output.unlink(missing_ok=True)
        failures = 0
        for name in classes:
            n, failed = 1, True
            while failed:
                fault = f"{name}:{n}"
                *result, failed = self.run_tool(arguments, fault)
                self.check(fault, expected, *result)
                failures += failed
                n += step
        self.assertGreater(failures, 5)

    def dump(self):
        run = self.profiled([sample("semantics")])
        self.assertEqual(run.status, 0)
        return next(self.dumps_directory().iterdir())

    def test_calls(self):
        self.sweep([self.dump()], CALLS)

    def test_calls_to_a_file(self):
        self.sweep(["tree", "--format", "json", "-o", self.output, self.dump()], CALLS)

    def test_calls_compressed(self):
        memprof_test.need("zstd")
        dump = self.dump()
        subprocess.run(["zstd", "-q", dump], check=True)
        self.sweep(["summary", "--format", "csv", f"{dump}.zst"], ("open", "read", "mmap", "short"))

    def test_memory(self):
        """Every allocation, of a dump whose programs are not here."""
        dump = shutil.copy(DATA / "summary" / "dump.json", self.dir)
        self.sweep(["-q", dump], ("malloc",))
        self.sweep(["lines", "-q", "-o", self.output, "--format", "markdown", dump], ("malloc",))

    def test_memory_for_symbols(self):
        """One allocation in many, of those that reading debug information takes."""
        self.sweep([self.dump()], ("malloc",), step=307)


if __name__ == "__main__":
    memprof_test.main()
