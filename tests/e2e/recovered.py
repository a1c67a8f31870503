#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Killed processes: under `memprof run` each leaves a dump all the same, exact up to the operation
that it was in. So does whatever ends without its own last dump."""
import contextlib
import json
import os
import pathlib
import random
import resource
import signal
import subprocess
import time
import unittest

import memprof_test
from killed_storm import LAUNCHER, Storm
from memprof_test import many, own_counts, sample


class Kills(Storm):
    """At instants that differ from run to run."""

    def test_one_thread(self):
        done = [self.killed_after(random.randrange(30000), 1) for _ in range(many(13))]
        print(len(done), "kills")
        self.assertGreater(max(done)[0], 100, "none was killed in its storm")

    def test_threads(self):
        done = [self.killed_after(random.randrange(30000), 3) for _ in range(many(13))]
        print(len(done), "kills of three threads")
        self.assertGreater(max(done)[0], 100, "none was killed in its storm")

    def test_instructions(self):
        """At any instruction, be it in the recorder or not."""
        for _ in range(many(20)):
            self.killed_at(random.randrange(20000))
        print(many(20), "kills at an instruction")

    def test_mappings(self):
        """Which are behind one lock: of all threads at most one is in the middle of an event."""
        done = [self.killed_while_mapping(random.randrange(30000), threads)
                for threads in (1, 3) for _ in range(many(8))]
        print(len(done), "kills of mapping threads")
        self.assertGreater(max(done)[0], 100, "none was killed in its storm")

    def test_while_a_dump_is_written(self):
        """What was half-written is gone, and an older dump is replaced by the last one."""
        for _ in range(many(6)):
            self.killed_after(random.randrange(10000, 60000), 2, ("--interval", "0.001"))
        print(many(6), "kills while writing")

    def killed_while_writing(self):
        """Runs a program that executes another, and kills it as soon as it writes its dump before
        that. Whether it was killed."""
        self.runs += 1
        dumps = self.dumps_directory()
        dumps.mkdir()
        with subprocess.Popen(
                [LAUNCHER, "run", "-o", f"{dumps}/%p.json", "--", "/usr/bin/python3", "-I", "-c",
                 "import json, os, subprocess, unittest; os.execv('/bin/true', ['true'])"],
                env=self.environment(), cwd=self.dir, stderr=subprocess.PIPE) as process:
            while process.poll() is None:
                for name in os.listdir(dumps):
                    if ".exec1.json.tmp." in name:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(int(name.split(".")[-1]), signal.SIGKILL)
            self.assertIn((process.returncode, process.stderr.read()), ((0, b""), (128 + 9, b"")))
        found = self.collect(dumps)
        self.assertEqual({dump["dump"]["reason"] for dump in found.values()},
                         {"recovered"} if process.returncode else {"exec", "exit"})
        return process.returncode != 0

    def test_on_the_way_to_an_exec(self):
        """The dump before it is half-written: that is gone, and there is a whole one."""
        tries = 1
        while not self.killed_while_writing():
            tries += 1
            self.assertLess(tries, 100, "it is through too soon")

    def test_in_a_fork(self):
        """Forks from handlers that may have interrupted the recorder: the children's storms go on in
        the middle of it, and do not show in their parent's counts."""
        children, runs = 0, 0
        while runs < many(4) or children < 4:
            children += self.killed_while_forking(random.randrange(8000, 40000))
            runs += 1
            self.assertLess(runs, many(100), "handlers do not fork")


class Processes(Storm):
    def counts(self, run, status, reasons):
        """Own counts of the dumps of `kept`, in order of their start; that have REASONS."""
        self.assertEqual((run.status, run.out, run.err), (status, b"", b""))
        dumps = run.of("kept")
        self.assertEqual([dump["dump"]["reason"] for dump in dumps], reasons)
        for dump in dumps:
            self.assertTrue(dump["dump"]["complete"])
        found = [own_counts(dump, "kept") for dump in dumps]
        return [(counts["alloc_count"], counts["alloc_bytes"]) for counts in found]

    def test_descendants(self):
        run = self.launched([sample("kept"), "tree"])
        self.assertEqual(self.counts(run, 128 + 9, ["recovered"] * 3),
                         [(101, 1010), (50, 1000), (30, 210)])
        first, second, third = run.of("kept")
        self.assertIsNone(first["process"]["parent"])
        for parent, child in (first, second), (second, third):
            self.assertEqual(child["process"]["parent"],
                             {name: parent["process"][name] for name in ("pid", "start_time")})
        self.assertEqual([dump["inherited"]["live_bytes"] for dump in run.of("kept")],
                         [0, 1000, 2000])

    def test_many(self):
        """More than the launcher may have descriptors, as the limit was."""
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        if before[1] < 400:
            self.skipTest("the limit of descriptors cannot be raised")
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, before[1]))
        try:
            self.runs += 1
            dumps = self.dumps_directory()
            dumps.mkdir()
            argv = [LAUNCHER, "run", "-o", f"{dumps}/%e.%p.json", sample("kept"), "many", 100]
            done = self.run_host(argv, self.environment())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        self.assertEqual(done, (128 + 9, b"", b""))
        run = memprof_test.Run(*done, self.collect(dumps))
        sizes = sorted(own_counts(dump, "kept")["alloc_bytes"] for dump in run.dumps.values())
        self.assertEqual(sizes, sorted([10] + [3 * n for n in range(1, 101)]))

    def test_few_descriptors(self):
        """Where the limit cannot be raised, processes wait until the launcher has room for them."""
        self.runs += 1
        dumps = self.dumps_directory()
        dumps.mkdir()
        done = self.run_host(["sh", "-c", f"ulimit -n 60; exec {LAUNCHER} run -o {dumps}/%p.json "
                                          f"{sample('kept')} many 40"], self.environment())
        self.assertEqual(done, (128 + 9, b"", b""))
        self.assertEqual(len(self.collect(dumps)), 41)

    def test_inheritance(self):
        """As it was at the fork, not when the child begins to count; also where libc does not know
        of the fork, and where nobody does."""
        for way in "fork", "clone", "raw-fork":
            run = self.launched([sample("kept"), way])
            counts = self.counts(run, 128 + 9, ["recovered"] * 2)
            self.assertEqual(counts, [(30090, 100000 + 10 * sum(range(3000))), (5, 250)], way)
            inherited = run.of("kept")[1]["inherited"]
            self.assertEqual((inherited["live_count"], inherited["live_bytes"]), (100, 100000), way)

    def test_exec(self):
        """The program that is given up has its dump; what fails to be executed changes nothing."""
        run = self.launched([sample("kept"), "execute"])
        self.assertEqual(self.counts(run, 7, ["exec", "recovered"]), [(42, 4200), (6, 360)])
        run = self.launched([sample("kept"), "remain"])
        self.assertEqual(self.counts(run, 128 + 9, ["recovered"]), [(42, 4200)])

    def test_raw_exec(self):
        """Without libc's knowledge there is no dump before it."""
        run = self.launched([sample("kept"), "raw"])
        self.assertEqual(self.counts(run, 7, ["recovered"] * 2), [(40, 4000), (6, 360)])
        self.assertEqual(sum(".exec1." in name for name in run.dumps), 1, sorted(run.dumps))

    def test_sampled(self):
        """The estimates, and what is known exactly as of the last sample."""
        run = self.launched([sample("kept"), "fork"], options=("--sample", "10k"))
        self.assertEqual(run.status, 128 + 9)
        first = run.of("kept")[0]
        self.assertEqual(first["dump"]["reason"], "recovered")
        mode = first["mode"]
        self.assertEqual((mode["kind"], mode["mean_bytes"]), ("sampled", 10240))
        self.assertGreater(mode["sampled_count"], 1000)
        self.assertLessEqual(mode["exact"]["alloc_count"], 30200)
        self.assertGreater(mode["exact"]["alloc_count"], 29000)
        self.assertLess(abs(first["totals"]["alloc_bytes"] / (10 * sum(range(3000))) - 1), 0.2)

    def test_normal_end(self):
        """Nothing is recovered of what ended well, and nothing is left behind."""
        file = self.write("file", "")
        run = self.launched([sample("kept"), "await", file], options=("--verbose", "1"))
        self.assertEqual(run.err.count(b"dump written"), 2)
        self.assertEqual([dump["dump"]["reason"] for dump in run.of("kept")], ["exit"] * 2)
        self.assertEqual({dump["settings"]["kept"] for dump in run.of("kept")}, {"by the launcher"})


class Memory(Storm):
    def test_random_mappings(self):
        """All that a dump tells of mappings, against the model of the program itself."""
        for seed in range(1, 5):
            run = self.launched([sample("mappings_random"), seed, 4000, "kill"],
                                options=("--mmap",))
            self.assertEqual((run.status, run.err), (128 + 9, b""))
            expected = json.loads(run.out)
            totals = run.dump["mmap_totals"]
            self.assertEqual({name: totals[name] for name in expected}, expected, f"seed {seed}")
            self.assertEqual(run.dump["dump"]["reason"], "recovered")

    def test_resident_set(self):
        """The process's pages are gone: what it last found of them is told, with the time."""
        run = self.launched([sample("kept"), "resident"])
        self.assertEqual(run.status, 128 + 9, run.err)
        memory, dump = run.dump["memory"], run.dump["dump"]
        at = memory["resident_at"]
        self.assertLess(at["elapsed_ns"], dump["elapsed_ns"])
        self.assertEqual(sum(memory["resident"].values()), at["rss_bytes"])
        self.assertGreater(memory["resident"]["live_bytes"], 20 << 20)
        self.assertGreaterEqual(memory["peak_rss_bytes"], at["rss_bytes"])
        self.assertIn(" before the dump:\n\nLive blocks ", self.report(self.kept(run)).decode())

    def test_killed_too_soon(self):
        """Before anything was looked into the parts are not known, and that is told."""
        run = self.launched([sample("kept"), "tree"])
        memory = run.of("kept")[0]["memory"]
        for name in "resident", "resident_at":  # on a slow machine they are there
            memory.pop(name, None)
        text = self.report(self.kept(run)).decode()
        self.assertIn("What the resident set consisted of is not known: the process was killed", text)

    def kept(self, run):
        """The first dump as a file for the report."""
        return self.write("dump.json", json.dumps(run.of("kept")[0]))


class Limits(Storm):
    def test_launcher_killed(self):
        """The program goes on as if nothing had happened; its children say what they do without."""
        file = self.dir / "go"
        out = self.dir / "dumps"
        argv = [LAUNCHER, "run", "-o", f"{out}/%p.json", sample("kept"), "await", str(file)]
        env = self.environment({"TMPDIR": str(self.dir)})
        with subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, start_new_session=True) as launcher:
            while not list(self.dir.glob("memprof.*/keeper")):
                time.sleep(0.01)
            children = f"/proc/{launcher.pid}/task/{launcher.pid}/children"
            while not (child := pathlib.Path(children).read_text(encoding="ascii").split()) or \
                    os.path.basename(os.readlink(f"/proc/{child[0]}/exe")) != "kept":
                time.sleep(0.01)
            time.sleep(0.2)  # let it begin to record; it also passes if it has not
            launcher.send_signal(signal.SIGKILL)
            launcher.wait()
            file.touch()
            self.assertEqual(launcher.stdout.read(), b"")  # until the program has ended, too
        dumps = sorted(self.collect(out).values(), key=lambda dump: dump["process"]["start_time"])
        self.assertEqual([dump["dump"]["reason"] for dump in dumps], ["exit"] * 2)
        self.assertEqual([own_counts(dump, "kept")["alloc_count"] for dump in dumps], [16, 3])
        self.assertEqual(dumps[1]["settings"]["kept"], "the launcher cannot be reached")
        left, = self.dir.glob("memprof.*")
        done = self.run_host([LAUNCHER, "run", "-o", f"{out}/x.json", "true"], env)
        self.assertEqual((done, left.exists()), ((0, b"", b""), False))
        self.assertEqual(list(self.dir.glob("memprof.*")), [])

    def runs_still(self, pid):
        """Nobody may be there to take note of its end."""
        try:
            return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() != b""
        except OSError:
            return False

    def test_directories_left(self):
        """Those of launchers that were killed go when the next one begins; others stay: of one that
        is alive, of one that is just being made, of other programs, or not even a directory."""
        env = self.environment({"TMPDIR": str(self.dir)})
        work = self.dir / "work"
        work.mkdir()
        for verb, pattern in ("run", "memprof.*"), ("check", ".memprof-check.*"):
            def start(name):
                argv = [LAUNCHER, verb, "--", "sh", "-c", f"echo >{name}; read x"]
                return subprocess.Popen(argv, env=env, cwd=work, stdin=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

            with self.subTest(verb=verb), start("one") as killed, start("two") as alive:
                while not (work / "one").exists() or not (work / "two").exists():
                    time.sleep(0.01)
                for name in ("one", "two"):
                    (work / name).unlink()
                children = f"/proc/{killed.pid}/task/{killed.pid}/children"
                program, = pathlib.Path(children).read_text(encoding="ascii").split()
                killed.kill()
                killed.wait()
                before = set(self.dir.glob(pattern))
                self.run_host([LAUNCHER, verb, "--", "true"], env, cwd=work)
                self.assertEqual(set(self.dir.glob(pattern)), before, "its program is still there")
                killed.stdin.close()
                while self.runs_still(program):
                    time.sleep(0.01)
                prefix = pattern.rstrip("*")
                made, sticky = self.dir / f"{prefix}ABCDEF", self.dir / f"{prefix}other"
                made.mkdir(mode=0o700)
                sticky.mkdir()
                sticky.chmod(0o1700)
                file = self.dir / f"{prefix}file00"
                file.touch()
                link = self.dir / f"{prefix}link00"
                link.symlink_to(sticky)
                self.run_host([LAUNCHER, verb, "--", "true"], env, cwd=work)
                left = set(self.dir.glob(pattern))
                self.assertEqual(left & before, left - {made, sticky, file, link})
                self.assertEqual(len(left & before), 1, "the one that is alive")
                self.assertLessEqual({made, sticky, file, link}, left)
                alive.communicate(b"x\n")
                self.assertEqual(set(self.dir.glob(pattern)), {made, sticky, file, link})

    def test_file_sizes(self):
        """Where files may not grow, neither may this one: the program runs unharmed without."""
        argv = ["sh", "-c", f"ulimit -f 2000; exec {LAUNCHER} run -o {self.dir}/%e.json "
                            f"{sample('kept')} await {self.dir}"]
        self.assertEqual(self.run_host(argv, self.environment()), (0, b"", b""))
        dump = memprof_test.load(self.dir / "kept.json")
        self.assertEqual(dump["settings"]["kept"], "no file for it")
        self.assertEqual(own_counts(dump, "kept")["alloc_count"], 16)

    @unittest.skipUnless(os.geteuid() == 0, "only root may change the root directory")
    def test_chroot(self):
        """A child that cannot see the launcher is recorded as without it."""
        run = self.launched([sample("kept"), "chroot", self.dir])
        self.assertEqual((run.status, run.err), (128 + 9, b""))
        self.assertEqual([dump["dump"]["reason"] for dump in run.dumps.values()], ["recovered"])

    def test_out_of_memory(self):
        """The kernel kills what has used up a memory cgroup."""
        group = "/sys/fs/cgroup/" if os.path.exists("/sys/fs/cgroup/cgroup.procs") else \
            "/sys/fs/cgroup/memory/"
        name = f"{group}memprof-test-{os.getpid()}"
        limit = "memory.max" if group.endswith("cgroup/") else "memory.limit_in_bytes"
        try:
            os.mkdir(name)
            self.addCleanup(os.rmdir, name)
            with open(f"{name}/{limit}", "w", encoding="ascii") as file:
                file.write("50M")
        except OSError as error:
            self.skipTest(f"no memory cgroup can be made: {error}")
        run = self.launched(["sh", "-c", f"echo $$ >{name}/cgroup.procs && exec {sample('kept')} eat"])
        self.assertEqual(run.status, 128 + 9)
        dump = run.of("kept")[0]
        self.assertEqual(dump["dump"]["reason"], "recovered")
        self.assertGreater(dump["totals"]["live_bytes"], 30 << 20)


if __name__ == "__main__":
    memprof_test.main()
