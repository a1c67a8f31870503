#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""memprof check: 0, 1 and 2 as they should be, the program's own failure first, all processes judged,
only what is in each of several runs, and no file left behind."""
import os
import pathlib
import re
import signal
import subprocess

import memprof_test
from memprof_test import sample

LAUNCHER = str(memprof_test.BUILD / "memprof")
LOSING = sample("losing")


class Check(memprof_test.Test):
    def setUp(self):
        super().setUp()
        self.temporary = self.dir / "temporary"
        self.temporary.mkdir()
        self.addCleanup(lambda: self.assertEqual(list(self.temporary.iterdir()), []))

    def environment(self, extra=None):
        return super().environment({"TMPDIR": str(self.temporary), **(extra or {})})

    def check(self, *arguments, status, program=(LOSING,)):
        """Standard output and error of a check that must end with STATUS."""
        done = self.run_host([LAUNCHER, "check", *arguments, "--", *program], self.environment())
        self.assertEqual(done[0], status, done)
        return done[1].decode(), done[2].decode()

    def refused(self, *words, subject):
        """A wrong command line: one line, and the program is not run."""
        status, out, err = self.run_host([LAUNCHER, *words], self.environment())
        self.assertEqual((status, out, err.count(b"\n")), (2, b"", 1), err)
        self.assertIn(subject, err.decode())
        self.assertFalse((self.dir / "ran").exists())


class Verdict(Check):
    def test_pass(self):
        out, err = self.check(status=0)
        self.assertIn("passed: losing", out)
        self.assertEqual(err, "")
        self.check("--max-leak", "1k", status=0, program=[LOSING, "leak=1000"])

    def test_fail(self):
        out, _ = self.check(status=1, program=[LOSING, "leak=1000"])
        line = next(n for n, text in enumerate(pathlib.Path(memprof_test.ROOT / "tests/samples/losing.c")
                                               .read_text(encoding="utf-8").splitlines(), 1)
                    if "lost = malloc(size)" in text)
        self.assertRegex(out, f"losing.c:{line}: 1000 B in 1 block leaked")

    def test_without_options(self):
        """Then -- may be left out."""
        self.assertEqual(self.run_host([LAUNCHER, "check", LOSING], self.environment())[0], 0)
        self.assertEqual(self.run_host([LAUNCHER, "check", LOSING, "leak=8"], self.environment())[0], 1)

    def test_own_failure(self):
        """The program's status, and the verdict all the same."""
        out, _ = self.check(status=7, program=[LOSING, "leak=1000", "status=7"])
        self.assertIn("FAILED: losing", out)
        self.check(status=7, program=[LOSING, "status=7"])
        self.check(status=127, program=["no-such-program"])
        self.check(status=128 + signal.SIGUSR1, program=[LOSING, f"end={int(signal.SIGUSR1)}"])

    def test_all_processes(self):
        out, _ = self.check(status=1, program=[LOSING, "child=77"])
        self.assertIn("77 B in 1 block leaked", out)
        out, _ = self.check("--only", "losing", status=1,
                            program=["bash", "-c", f"{LOSING} leak=50; {LOSING} leak=60; exit 0"])
        self.assertIn("110 B in 2 blocks leaked", out)

    def test_replaced(self):
        """What a process was before exec is not judged; what it became is."""
        for leak, status in (("leak=0", 1), ("status=0", 0)):
            out, _ = self.check(status=status, program=["sh", "-c", f"exec {LOSING} {leak}"])
            self.assertNotIn("dash", out)

    def test_choice(self):
        script = ["bash", "-c", f"{LOSING}; exit 0"]
        self.check(status=1, program=script)  # bash gives little back
        self.check("--skip", "sh,ba*", status=0, program=script)
        self.check("--only=losing", status=0, program=script)
        _, err = self.check("--skip=*", status=2, program=script)
        self.assertIn("left no dump to judge", err)

    def test_nothing_to_judge(self):
        source = self.write("static.c", "int main(void) { return 0; }\n")
        subprocess.run([os.environ.get("CC", "cc"), "-static", "-o", self.dir / "static", source], check=True)
        out, err = self.check(status=2, program=[self.dir / "static"])
        self.assertEqual(out, "")
        self.assertIn("left no dump", err)

    def test_options_first(self):
        """Wrong options, and files that are missing, are told before the program is run."""
        run = (LOSING, "leak=1")
        for option, value in (("--max-leak", "2x"), ("--limits", "none.ini"),
                              ("--suppressions", "none.supp"), ("--baseline", "none.json"),
                              ("--repeat", "0"), ("--repeat", "x"), ("--sample", "x")):
            self.refused("check", option, value, "--", *run, subject=value)
        self.refused("check", "--keep-dumps", "", "--", *run, subject="--keep-dumps")
        self.refused("check", "--nothing", "--", *run, subject="--nothing")
        self.refused("check", "--max-leak", "1", *run, subject="expected --")
        self.refused("check", "--max-leak", "1", "--", subject="no command")
        self.refused("check", subject="no command")

    def test_outputs(self):
        """The judge's own options reach it; its report goes where it was told to."""
        out, _ = self.check("-o", "verdict.txt", "--junit=junit.xml", "--github", status=1,
                            program=[LOSING, "leak=9"])
        self.assertIn("::error ", out)
        self.assertIn("FAILED: losing", (self.dir / "verdict.txt").read_text(encoding="utf-8"))
        self.assertIn("<failure", (self.dir / "junit.xml").read_text(encoding="utf-8"))

    def test_baseline(self):
        self.check("--baseline", "base.json", "--update-baseline", status=0, program=[LOSING, "leak=9"])
        self.check("--baseline", "base.json", status=0, program=[LOSING, "leak=9"])
        self.check("--baseline", "base.json", status=1, program=[LOSING, "leak=9", "child=10"])


class Repeat(Check):
    def test_chance(self):
        """What is not in each run does not count; what is, does."""
        program = [LOSING, "chance=33"]
        self.assertIn("passed: losing", self.check("--repeat", "3", status=0, program=program)[0])
        self.assertTrue((self.dir / "ran").exists())
        self.check(status=1, program=program)
        self.check("--repeat=2", status=1, program=program)

    def test_both(self):
        out, _ = self.check("--repeat", "3", status=1, program=[LOSING, "chance=33", "leak=44"])
        self.assertIn("44 B in 1 block leaked", out)
        self.assertNotIn("33 B", out)
        self.assertIn("3 runs", out)

    def test_limits(self):
        """A limit that only one run passes, and one that each does."""
        self.check("--repeat", "2", "--max-peak", "500", "--max-leak=1M", status=0,
                   program=[LOSING, "chance=4000"])
        (self.dir / "ran").unlink()
        out, _ = self.check("--repeat", "2", "--max-peak", "50", "--max-leak=1M", status=1,
                            program=[LOSING, "chance=4000"])
        self.assertIn("FAILED  max-peak", out)

    def test_own_failure(self):
        """A run that fails is the last one."""
        self.check("--repeat", "3", "--keep-dumps", "kept", status=5, program=[LOSING, "status=5"])
        self.assertEqual(len(list((self.dir / "kept").iterdir())), 1)

    def test_report_alone(self):
        """The report tells runs apart by their directories."""
        for run in ("one", "two"):
            done = self.run_host([LAUNCHER, "run", "-o", f"{run}/%e.json", LOSING, "chance=33"],
                                 self.environment())
            self.assertEqual(done[0], 0)
        self.report("check", "one/losing.json", "two/losing.json", status=1)
        self.report("check", "--repeated", "one/losing.json", "two/losing.json", status=0)


class Files(Check):
    def test_keep(self):
        self.check("--keep-dumps", "a/kept", status=1, program=[LOSING, "child=5"])
        names = sorted(path.name for path in (self.dir / "a/kept").iterdir())
        self.assertEqual(len(names), 2)
        for name in names:
            self.assertRegex(name, r"^losing\.\d+\.json$")
            memprof_test.load(self.dir / "a/kept" / name)
        self.check("--keep-dumps", "runs", "--repeat", "2", status=0)
        self.assertEqual([re.sub(r"\d+\.json", "", path.name) for path in sorted((self.dir / "runs").iterdir())],
                         ["run1.losing.", "run2.losing."])

    def test_place(self):
        """Where there is no place for dumps: one line."""
        done = self.run_host([LAUNCHER, "check", LOSING], self.environment({"TMPDIR": "/proc/none"}))
        self.assertEqual((done[0], done[2].count(b"\n")), (2, 1), done)

    def test_signals(self):
        """Ended by a signal to the launcher: its status, no verdict, no file."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process = subprocess.Popen([LAUNCHER, "check", "--", sample("launched"), "wait"],
                                       env=self.environment(), stdout=subprocess.PIPE, cwd=self.dir)
            with process:
                self.assertEqual(process.stdout.readline()[:6], b"ready ")
                process.send_signal(number)
                self.assertEqual(process.stdout.read(), b"")
                self.assertEqual(process.wait(), 128 + number)

    def test_stopped_server(self):
        """A program that is asked to end, and does so by itself, is judged."""
        process = subprocess.Popen([LAUNCHER, "check", "--max-leak=1M", "--", sample("launched"), "receive"],
                                   env=self.environment(), stdout=subprocess.PIPE, cwd=self.dir)
        with process:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            process.terminate()
            self.assertIn(b"passed: launched", process.stdout.read())
            self.assertEqual(process.wait(), 0)


if __name__ == "__main__":
    memprof_test.main()
