#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Hosts that hold libc's locks, fork, or shut descriptors and doors at awkward moments go on as
without the profiler."""
import pathlib
import shutil
import subprocess

import memprof_test
from memprof_test import sample

SAID = b"errno 0\ndone\n"


class Surprises(memprof_test.Test):
    def surprise(self, *words, **options):
        run = self.profiled([sample("surprises"), *words], timeout=60, **options)
        self.assertEqual((run.status, run.out), (0, SAID), run.err)
        return run

    def test_locked_thread(self):
        """A thread's first allocation comes from pthread_getattr_np, which holds its lock."""
        run = self.surprise("bounds")
        counts = memprof_test.own_counts(run.dump, "surprises")
        self.assertEqual((counts["alloc_count"], counts["alloc_bytes"]), (2, 101))

    def test_fork_while_dumping(self):
        run = self.surprise("fork", str(self.dir / "other.json"))
        children = [dump for dump in run.dumps.values() if dump["process"]["parent"]]
        self.assertEqual(len(children), 20)
        for dump in children:
            self.assertEqual(memprof_test.own_counts(dump, "surprises")["alloc_bytes"], 1000)

    def test_reused_descriptor(self):
        """Messages never go into a file that got the number of standard error."""
        data = self.dir / "data"
        for env in ({"MEMPROF_OUT": "/proc/nowhere/x.json"}, {"MEMPROF_VERBOSE": "2"}):
            self.surprise("descriptor", str(data), env=env)
            self.assertEqual(data.read_bytes(), b"data\n")

    def test_closed_while_dumping(self):
        """A thread that closes all descriptors, and opens files of its own, while others write dumps:
        nothing of these gets into its files."""
        data = self.dir / "data"
        run = self.profiled([sample("surprises"), "closing", str(data)],
                            env={"MEMPROF_INTERVAL": "0.001"})
        self.assertEqual((run.status, run.out), (0, b"errno 0\nmine\ndone\n"), run.err)
        self.assertRegex(data.read_bytes(), rb"^(data\n){1000,}$")

    def test_bare_children(self):
        """Children by clone without thread-local storage end, and execute programs."""
        for env in ({}, {"MEMPROF_ENABLE": "0"}, {"MEMPROF_INTERVAL": "0.01"}):
            run = self.unchanged([sample("surprises"), "bare"], env=env)
            self.assertEqual(run.status, 0, run.err)
            for dump in run.of("surprises"):
                counts = memprof_test.own_counts(dump, "surprises")
                self.assertEqual((counts["alloc_count"], counts["alloc_bytes"]), (2, 11))

    def test_leaves_a_resize(self):
        """A handler jumps out of libc's reallocarray, in the middle of the realloc that it calls:
        the next realloc is the program's own again."""
        for env in ({}, {"MEMPROF_SAMPLE": "16"}):
            run = self.profiled([sample("surprises"), "leaving"], env=env)
            self.assertEqual((run.status, run.out), (0, b"errno 0\ndone\n"), run.err)
            resized = [site for site in run.dump["sites"] if site["function"] == "realloc"]
            self.assertEqual([(site["alloc_count"], site["alloc_bytes"]) for site in resized],
                             [(1, 4321)])

    def test_own_names(self):
        """A program that has functions of libc's names itself, from which calls go on to the next."""
        run = self.unchanged([sample("own_names")])
        self.assertEqual((run.status, run.out),
                         (7, b"status 0\nstatus 0\n2 1 1, ignored: 1\n"), run.err)
        self.assert_sound(run.of("own_names")[0])

    def test_closed_stderr_file(self):
        """A program that closes standard error at its end, as the coreutils do: the message goes
        where it would have gone, as that has a name."""
        output = self.dir / "messages"
        with open(output, "wb") as err:
            env = self.environment({"LD_PRELOAD": str(memprof_test.LIBRARY),
                                    "MEMPROF_OUT": "/proc/nowhere/x.json"})
            status = subprocess.run(["sort", "/dev/null"], env=env, stderr=err, check=False)
        self.assertEqual(status.returncode, 0)
        self.assertRegex(output.read_text(), r"^memprof: '/proc/nowhere/x.json': [^\n]*\n$")

    def test_daemon(self):
        """Both halves have their dumps: the one that ends inside libc, and the daemon."""
        self.runs += 1
        dumps = self.dumps_directory()
        dumps.mkdir()
        env = self.environment({"LD_PRELOAD": str(memprof_test.LIBRARY),
                                "MEMPROF_OUT": f"{dumps}/%e.%p.json"})
        status, _, err = self.run_host([sample("surprises"), "daemon"], env)
        self.assertEqual(status, 0, err)
        self.wait_for(lambda: len(list(dumps.glob("*.json"))) == 2, "two dumps")
        by_bytes = sorted(memprof_test.own_counts(dump, "surprises")["alloc_bytes"]
                          for dump in self.collect(dumps).values())
        self.assertEqual(by_bytes, [5, 100001])

    def test_sandbox(self):
        """A host that forbids open() lives; what it did before has a dump."""
        run = self.surprise("sandbox")
        self.assertEqual(memprof_test.own_counts(run.dump, "surprises")["alloc_bytes"], 4322)

    def test_signal_taken_over(self):
        """The program installs a handler of its own for the signal that asks for dumps."""
        run = self.surprise("handler", env={"MEMPROF_SIGNAL": "USR2"})
        self.assertEqual([warning["code"] for warning in run.dump["coverage"]["warnings"]],
                         ["signal-taken"])

    def test_verbose(self):
        run = self.surprise("", env={"MEMPROF_VERBOSE": "2"})
        self.assertRegex(run.err, rb"^memprof: '[^']*surprises': recording; allocator glibc [^\n]*\n"
                                  rb"memprof: '[^']*json': dump written\n$")

    def test_loads_in_constant_memory(self):
        library = next(pathlib.Path(sample("")).glob("libplugin_one.so"), None)
        self.assertIsNotNone(library)
        run = self.surprise("load", str(library))
        self.assertLess(run.dump["memory"]["profiler_bytes"], 8 << 20)

    def test_sanitizers(self):
        """Programs under sanitizers, which take libc over themselves."""
        source = self.write("p.c", "#include <stdlib.h>\nint main(void)\n"
                                   "{ void *p = malloc(10); free(p); return p == 0; }\n")
        compiler = shutil.which("gcc") or self.skipTest("no gcc")
        for kind in ("address", "leak", "thread", "undefined"):
            program = str(self.dir / kind)
            made = subprocess.run([compiler, f"-fsanitize={kind}", "-o", program, source],
                                  capture_output=True, check=False)
            if made.returncode != 0:
                continue
            plain = self.plain([program])
            if plain.status != 0:
                continue  # this machine cannot run it
            with self.subTest(kind=kind):
                env = {"ASAN_OPTIONS": "verify_asan_link_order=0"}
                run = self.profiled([program], env=env)
                self.assertEqual((run.status, run.out, run.err), (0, b"", b""))


if __name__ == "__main__":
    memprof_test.main()
