#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What memprof-report reads and writes may be a pipe: another side that is slow is waited for, one
that nobody opens is not waited for without end."""
import errno
import os
import shlex
import subprocess
import time

from gate_test import GateTest
import memprof_test
from memprof_test import REPORT

SILENT = "is a FIFO that nobody opened to write within 10 seconds, expected one with a writer"
DEAF = "is a FIFO that nobody opened to read within 10 seconds, expected one with a reader"


class Pipes(GateTest):
    def fifo(self, name):
        os.mkfifo(self.dir / name)
        return str(self.dir / name)

    def start(self, *arguments):
        return subprocess.Popen([REPORT, *arguments], env=self.environment(), cwd=self.dir,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end(self, process):
        with process:
            out, err = process.communicate(timeout=memprof_test.TIMEOUT)
        return process.returncode, out.decode(), err.decode()

    def test_nobody_writes(self):
        """Wherever a file is read: one line, status 2. All at once, as each takes its time."""
        dump, fifo = self.dump("leak=3x100"), self.fifo("fifo")
        running = [self.start(*arguments, *rest) for arguments, rest in (
            (("summary", fifo), ()), (("diff", dump, fifo), ()), (("baseline", fifo), ()),
            (("check", "--limits", fifo), (dump,)), (("check", "--suppressions", fifo), (dump,)),
            (("check", "--baseline", fifo), (dump,)), (("check", fifo), ()))]
        for process in running:
            self.assertEqual(self.end(process), (2, "", f"memprof-report: '{fifo}': {SILENT}\n"))

    def test_nobody_reads(self):
        """Wherever a file is written: the same."""
        dump, fifo = self.dump("leak=3x100"), self.fifo("fifo")
        running = [self.start(*arguments, fifo, dump) for arguments in (
            ("summary", "-o"), ("baseline", "-o"), ("check", "--output"), ("check", "--junit"),
            ("check", "--sarif"))]
        for process in running:
            status, _, err = self.end(process)
            self.assertEqual((status, err), (2, f"memprof-report: '{fifo}': {DEAF}\n"))

    def test_a_slow_reader(self):
        """That begins late, and reads a little at a time: it gets all of it."""
        dump, fifo = self.dump("leak=3x100"), self.fifo("fifo")
        expected = self.report("summary", "--format", "csv", dump)
        process = self.start("summary", "--format", "csv", "-o", fifo, dump)
        time.sleep(2)
        self.assertIsNone(process.poll())
        got = b""
        with open(fifo, "rb", buffering=0) as file:
            while piece := file.read(7):
                got += piece
        self.assertEqual(self.end(process), (0, "", ""))
        self.assertEqual(got, expected)

    def open_for(self, fifo):
        """The end to write to, once somebody reads."""
        def opened():
            try:
                return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                self.assertEqual(error.errno, errno.ENXIO)
                return None

        return self.wait_for(opened, "a reader")

    def test_a_slow_writer(self):
        """That has begun, but says nothing for longer than one that has not is waited for; and that
        writes a little at a time."""
        path = self.dump("leak=3x100")
        with open(path, "rb") as file:
            content = file.read()
        fifo = self.fifo("slow")
        process = self.start("leaks", fifo)
        writer = self.open_for(fifo)
        time.sleep(11)
        os.set_blocking(writer, True)
        half = len(content) // 2
        os.write(writer, content[:half])
        time.sleep(0.5)
        os.write(writer, content[half:])
        os.close(writer)
        status, out, err = self.end(process)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("300 B", out)
        # One that comes and goes without a word is no dump.
        process = self.start(fifo)
        os.close(self.open_for(fifo))
        self.assertEqual(self.end(process),
                         (2, "", f"memprof-report: '{fifo}': is empty, expected a memprof dump\n"))

    def test_process_substitution(self):
        memprof_test.need("bash", "gzip")
        dump = shlex.quote(self.dump("leak=3x100"))
        report = shlex.quote(str(REPORT))
        whole = self.report("leaks", shlex.split(dump)[0])
        for command in (f"{report} leaks <(cat {dump})", f"{report} leaks <(sleep 1; cat {dump})",
                        f"{report} leaks <(gzip -c {dump} | zcat)", f"cat {dump} | {report} leaks -",
                        f"{report} leaks - < <(sleep 1; cat {dump})",
                        f"cat {dump} | {report} leaks /dev/stdin"):
            status, out, err = self.run_host(["bash", "-c", command], self.environment())
            self.assertEqual((status, out, err), (0, whole, b""), command)
        status, out, err = self.run_host(["bash", "-c", f"{report} <(true)"], self.environment())
        self.assertEqual((status, out), (2, b""))
        self.assertRegex(err, rb"\Amemprof-report: '/dev/fd/\d+': is empty, expected a memprof dump\n\Z")


if __name__ == "__main__":
    memprof_test.main()
