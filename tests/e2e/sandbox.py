#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Programs that put themselves into a sandbox (seccomp) which ends them at the first system call that
they do not make themselves: they live, whatever they do in it. What is recorded depends on whether a
dump can be written in there, and whether a launcher holds the counts."""
import json
import re
import shutil
import subprocess

import memprof_test
from killed_storm import LAUNCHER
from memprof_test import own_counts, sample

DONE = (3, b"done\n", b"")
BEFORE = (2, 100077)  # what tests/samples/sandboxed.c allocates before it enters
LOOP = (4000, 2000 * 1010)
THREADS = (16000, 8000 * 1010)
GROWN = (2000, sum(1 << i % 18 for i in range(2000)))
ALL = ("loop", "grow", "threads", "fork")


def plus(*counts):
    return tuple(map(sum, zip(*counts)))


def counted(dump):
    own = own_counts(dump, "sandboxed")
    return own["alloc_count"], own["alloc_bytes"]


def warnings(dump):
    return [warning["code"] for warning in dump["coverage"]["warnings"]]


class Sandbox(memprof_test.Test):
    def enter(self, *words, status=3, out=b"done\n", **options):
        """The same host without and with the profiler, which must not show."""
        argv = [sample("sandboxed"), *words]
        plain = self.plain(argv)
        self.assertEqual((plain.status, plain.out), (status, out), f"{argv} without the profiler")
        run = self.profiled(argv, **options)
        self.assertEqual((run.status, run.out, run.err), (status, out, b""), argv)
        return run

    def launched(self, *words, env=None):
        self.runs += 1
        dumps = self.dumps_directory()
        dumps.mkdir()
        argv = [LAUNCHER, "run", "-o", f"{dumps}/%e.%p.json", "--", sample("sandboxed"), *words]
        done = self.run_host(argv, self.environment(env))
        self.assertEqual(done, DONE, argv)
        return memprof_test.Run(*done, self.collect(dumps))

    def test_nothing_but_its_own(self):
        """The last dump is the one from before, and says so."""
        for how in ("prctl", "syscall", "twice"):
            for words in (*([word] for word in ALL), ALL):
                with self.subTest(how=how, words=words):
                    dump = self.enter(how, "kill", *words).dump
                    self.assertEqual(counted(dump), BEFORE)
                    self.assertEqual(dump["dump"]["reason"], "exit")
                    self.assertEqual(warnings(dump), ["sandbox"])

    def test_strict_mode(self):
        for how in ("strict", "strict-call"):
            dump = self.enter(how, "kill", "loop").dump
            self.assertEqual((counted(dump), warnings(dump)), (BEFORE, ["sandbox"]), how)

    def test_room_for_dumps(self):
        """The sandbox allows what a dump takes: nothing is lost, in no thread and no child."""
        for how in ("prctl", "syscall", "twice"):
            with self.subTest(how=how):
                run = self.enter(how, "room", *ALL)
                parent, = [dump for dump in run.dumps.values() if not dump["process"]["parent"]]
                child, = [dump for dump in run.dumps.values() if dump["process"]["parent"]]
                self.assertEqual(counted(parent), plus(BEFORE, LOOP, GROWN, THREADS))
                self.assertEqual(counted(child), LOOP)
                self.assertEqual(warnings(parent), [])
                self.assert_sound(parent)
                self.assertEqual(parent["totals"]["truncated_stack_count"], 0)

    def test_launcher(self):
        """It holds what is counted in there, without a system call."""
        run = self.launched("prctl", "kill", *ALL)
        self.assertEqual(run.dump["dump"]["reason"], "recovered")
        self.assertEqual(counted(run.dump), plus(BEFORE, LOOP, GROWN, THREADS))
        self.assert_sound(run.dump)
        self.assertEqual(run.dump["totals"]["truncated_stack_count"], 0)

    def test_settings(self):
        """None of them brings system calls of its own into the sandbox."""
        for setting in ("SAMPLE=1k", "MAX_OVERHEAD=1", "MMAP=1", "INTERVAL=0.001", "DUMP_AT=1k",
                        "VERIFY=1", "SIGNAL=USR2", "FOLLOW=none", "VERBOSE=2"):
            name, _, value = setting.partition("=")
            with self.subTest(setting=setting):
                env = {f"MEMPROF_{name}": value}
                if name != "VERBOSE":
                    self.enter("prctl", "kill", *ALL, env=env)
                    self.launched("prctl", "kill", *ALL, env=env)
                else:
                    run = self.profiled([sample("sandboxed"), "prctl", "kill", *ALL], env=env)
                    self.assertEqual((run.status, run.out), DONE[:2])

    def test_errors_instead(self):
        """A sandbox that lets unknown calls fail. Where it was not seen coming there is no dump, and
        no way to tell."""
        for how in ("prctl", "syscall"):
            dump = self.enter(how, "errno", *ALL).dump
            self.assertEqual((counted(dump), warnings(dump)), (BEFORE, ["sandbox"]))
        argv = [sample("sandboxed"), "raw", "errno", *ALL]
        run = self.profiled(argv)
        self.assertEqual((run.status, run.out, run.err, run.dumps), (*DONE, {}))

    def test_refused(self):
        """The kernel does not take the filter, or it is a child's of vfork: no sandbox."""
        for how in ("bad", "before"):
            with self.subTest(how=how):
                dump = self.enter(how, "kill", "loop", "threads").dump
                self.assertEqual(counted(dump), plus(BEFORE, LOOP, THREADS))
                self.assertEqual(warnings(dump), [])

    def test_fatal_signal(self):
        """It ends the program as without us, and with a dump where there is room for that."""
        run = self.enter("prctl", "kill", "loop", "abort", status=-6, out=b"")
        self.assertEqual(run.dump["dump"]["reason"], "exit")
        run = self.enter("prctl", "room", "loop", "abort", status=-6, out=b"")
        self.assertEqual(run.dump["dump"]["reason"], "fatal")
        self.assertEqual(counted(run.dump), plus(BEFORE, LOOP))

    def test_real_program(self):
        """file(1), whose sandbox allows a few dozen calls."""
        memprof_test.need("file")
        if b"sandbox" not in subprocess.run(["file", "--help"], stdout=subprocess.PIPE,
                                            check=False).stdout:
            self.skipTest("file has no sandbox here")
        run = self.unchanged(["file", "-b", shutil.which("file")])
        self.assertRegex(run.out, b"^ELF")
        self.assertEqual(run.dump["dump"]["reason"], "exit")

    def test_report(self):
        """The report tells why there is no more, and the gate does not judge half a run."""
        run = self.enter("prctl", "kill", "loop")
        path = self.write("one.json", json.dumps(run.dump))
        text = self.report(path).decode()
        self.assertTrue(re.search("sandbox", text), text[:500])
        self.report("check", path, status=2)


if __name__ == "__main__":
    memprof_test.main()
