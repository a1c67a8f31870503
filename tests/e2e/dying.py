#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A signal that ends a program: a dump of what it held, then the death that it would have died
without the profiler, to the core; and nothing of that is to be seen by the program."""
import os
import pathlib
import re
import resource
import signal
import subprocess
import time

import memprof_test
from memprof_test import need, sample

FATAL = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL,
         signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE,
         signal.SIGALRM, signal.SIGXCPU, signal.SIGXFSZ)
# An allocator that aborts in the middle of a call, and does not bear another one then.
LOCKED = """#include <stdlib.h>
#include <unistd.h>
static _Thread_local int inside;
#define CALL(type, name, parameters, arguments, fails) \\
    extern type __libc_##name parameters; \\
    type name parameters { \\
        if (inside++) { write(2, "called again\\n", 13); _exit(99); } \\
        if (fails) abort(); \\
        type made = __libc_##name arguments; \\
        inside = 0; \\
        return made; }
CALL(void *, malloc, (size_t n), (n), n == 4242)
CALL(void *, calloc, (size_t m, size_t n), (m, n), 0)
CALL(void *, realloc, (void *p, size_t n), (p, n), 0)
extern void __libc_free(void *p);
void free(void *p) { if (inside) { write(2, "freed again\\n", 12); _exit(99); } __libc_free(p); }
"""
KEPT = (50, 5000)  # blocks and bytes that the sample has when it dies


def held(dump):
    counts = memprof_test.own_counts(dump, "dying")
    return (counts["alloc_count"] - counts["free_count"], counts["alloc_bytes"])


class Dying(memprof_test.Test):
    def check(self, *words, number, code=None, env=None):
        """Runs the sample, which must die by signal NUMBER as without us; the dump."""
        run = self.unchanged([sample("dying"), *words], env=env)
        self.assertEqual(run.status, -number, run.err)
        about = run.dump["dump"]
        self.assertEqual((about["reason"], about["signal"]["number"], about["signal"]["name"]),
                         ("fatal", number, number.name))
        if code is not None:
            self.assertEqual(about["signal"]["code"], code)
        self.assert_sound(run.dump)
        self.assertEqual(run.dump["totals"]["missed_free_count"], 0)
        return run.dump

    def test_raised(self):
        """Each signal, by a call of the program's own."""
        for number in FATAL:
            with self.subTest(number=number.name):
                dump = self.check("raise", str(int(number)), number=number)
                self.assertEqual(held(dump), KEPT)
                self.assertEqual(dump["dump"]["signal"]["sender"], dump["process"]["pid"])

    def test_fault(self):
        """Each fault of an instruction."""
        dump = self.check("write", number=signal.SIGSEGV, code=1)  # SEGV_MAPERR
        self.assertEqual(dump["dump"]["signal"]["address"], 0x18)
        self.assertEqual(held(dump), KEPT)
        self.check("illegal", number=signal.SIGILL)
        self.check("divide", number=signal.SIGFPE)
        self.check("bus", number=signal.SIGBUS, code=2)  # BUS_ADRERR

    def test_stack_overflow(self):
        """There is no stack left for a handler, in the first thread and in another."""
        self.assertEqual(held(self.check("deep", number=signal.SIGSEGV)), KEPT)
        self.assertEqual(held(self.check("deep-thread", number=signal.SIGSEGV)), (51, 5007))

    def test_small_stack(self):
        """A thread with the smallest stack that there is."""
        dump = self.check("small-stack", str(int(signal.SIGTERM)), number=signal.SIGTERM)
        self.assertEqual(held(dump), (51, 5007))

    def test_abort(self):
        self.assertEqual(held(self.check("abort", number=signal.SIGABRT)), KEPT)

    def test_corrupt_heap(self):
        """glibc finds its heap damaged and aborts from inside of malloc, holding its lock."""
        for how in ("corrupt", "double-free"):
            with self.subTest(how=how):
                plain = self.plain([sample("dying"), how])
                run = self.profiled([sample("dying"), how])
                self.assertEqual((plain.status, plain.out), (run.status, run.out))
                self.assertEqual(run.status, -signal.SIGABRT)
                # How the heap lies decides what glibc says of it.
                self.assertRegex(plain.err + run.err, rb"\A([^\n]*(corrupt|free)[^\n]*\n){2}\Z")
                self.assertGreaterEqual(held(run.dump)[0], 50)

    def test_abort_inside_of_malloc(self):
        """The allocator, whose lock is held, is not called again."""
        need("gcc")
        library, program = str(self.dir / "liblocked.so"), str(self.dir / "program")
        for path, text, options in ((library, LOCKED, ["-fPIC", "-shared"]),
                                    (program, "#include <stdlib.h>\nint main(void)\n"
                                              "{ return malloc(10) && malloc(4242); }\n", [])):
            source = self.write(os.path.basename(path) + ".c", text)
            subprocess.run(["gcc", "-w", "-fno-builtin", *options, "-o", path, source], check=True)
        run = self.profiled([program], after=[library])
        self.assertEqual((run.status, run.err), (-signal.SIGABRT, b""))
        self.assertEqual(run.dump["dump"]["reason"], "fatal")
        self.assertEqual(memprof_test.own_counts(run.dump, "program")["alloc_count"], 1)

    def test_several_threads_at_once(self):
        """One of them writes, and the process ends once."""
        for _ in range(10):
            dump = self.check("together", number=signal.SIGSEGV)
            self.assertEqual(held(dump), (58, 5056))

    def test_children(self):
        """A child of vfork leaves its parent's dump alone, one of fork has one of its own."""
        run = self.unchanged([sample("dying"), "children", str(int(signal.SIGTERM))])
        self.assertEqual((run.status, run.out), (0, b"ready\nvfork 15\nfork 15\n"))
        ends = sorted((dump["dump"]["reason"], dump["dump"]["sequence"], held(dump))
                      for dump in run.dumps.values())
        self.assertEqual(ends, [("exit", 0, KEPT), ("fatal", 0, (3, 33))])

    def test_fault_of_our_own(self):
        """Where the profiler's memory is gone, the program ends as it would have; no half dump."""
        run = self.unchanged([sample("dying"), "ruined"])
        self.assertEqual((run.status, run.dumps), (-signal.SIGTERM, {}))

    def test_off(self):
        run = self.unchanged([sample("dying"), "abort"], env={"MEMPROF_FATAL": "0"})
        self.assertEqual((run.status, run.dumps), (-signal.SIGABRT, {}))

    def kill_in_storm(self, threads, number, delay):
        self.runs += 1
        dumps = self.dumps_directory()
        dumps.mkdir()
        env = self.environment({"LD_PRELOAD": str(memprof_test.LIBRARY),
                                "MEMPROF_OUT": f"{dumps}/%e.%p.json"})
        with subprocess.Popen([sample("dying"), "storm", str(threads)], env=env, cwd=self.dir,
                              stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(delay)
            process.send_signal(number)
            self.assertEqual(process.wait(60), -number)
        dump, = self.collect(dumps).values()
        self.assertEqual(dump["dump"]["reason"], "fatal")
        self.assertEqual(dump["dump"]["signal"]["sender"], os.getpid())
        self.assert_sound(dump)
        return dump

    def test_killed_in_a_storm(self):
        """Sent at any instant, often inside the recorder: the figures are those between two calls."""
        for i in range(40):
            dump = self.kill_in_storm(0, signal.SIGTERM, i * 0.0003)
            counts = memprof_test.own_counts(dump, "dying")
            self.assertIn(counts["alloc_count"] - counts["free_count"], (50, 51))
        for i in range(8):
            self.kill_in_storm(3, (signal.SIGINT, signal.SIGHUP)[i % 2], i * 0.001)

    def test_killed_by_a_thread(self):
        """The same from within the process, which the kernel tells like a call of raise."""
        for i in range(60):
            run = self.profiled([sample("dying"), "by-thread", str(i * 37 % 2000)])
            self.assertEqual(run.status, -signal.SIGTERM)
            counts = memprof_test.own_counts(run.dump, "dying")
            self.assertIn(counts["alloc_count"] - counts["free_count"], (50, 51))

    def test_killed_on_the_way_to_an_exec(self):
        """The dump before an exec takes its time; a signal that comes meanwhile is not lost."""
        env = dict(os.environ, LD_PRELOAD=str(memprof_test.LIBRARY),
                   MEMPROF_OUT=str(self.dir / "exec.%p.%n.json"))
        for i in range(20):
            with subprocess.Popen(["sh", "-c", "echo ready; exec sleep 5"], stdout=subprocess.PIPE,
                                  env=env) as process:
                process.stdout.readline()
                time.sleep(i * 0.0002)
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(), -signal.SIGTERM)

    def test_ignored(self):
        """What is ignored from the start, as under nohup, stays so."""
        for ignored in (signal.SIGHUP, signal.SIGINT):
            self.assertEqual(signal.signal(ignored, signal.SIG_IGN), signal.SIG_DFL
                             if ignored == signal.SIGHUP else signal.default_int_handler)
            try:
                run = self.unchanged([sample("dying"), "raise", str(int(ignored))])
            finally:
                signal.signal(ignored, signal.SIG_DFL if ignored == signal.SIGHUP
                              else signal.default_int_handler)
            self.assertEqual((run.status, run.dump["dump"]["reason"]), (2, "exit"))

    def test_exit_first(self):
        """A signal that comes when the dump of the end is written already does not replace it."""
        source = self.write("late.c", "#include <signal.h>\n#include <stdlib.h>\n"
                                      "static void late(int s, void *p)\n"
                                      "{ (void)s, (void)p; raise(SIGTERM); }\n"
                                      "__attribute__((constructor(101))) static void early(void)\n"
                                      "{ on_exit(late, 0); }\n"
                                      "int main(void) { return malloc(10) == 0; }\n")
        need("gcc")
        library = str(self.dir / "liblate.so")
        subprocess.run(["gcc", "-w", "-fPIC", "-shared", "-o", library, source], check=True)
        run = self.profiled([sample("dying"), "none"], after=[library])
        self.assertEqual(run.status, -signal.SIGTERM, run.err)
        self.assertEqual(run.dump["dump"]["reason"], "exit")


class Cores(memprof_test.Test):
    """The file that the kernel leaves behind, where it leaves it beside the program."""

    def core_of(self, words, env):
        """Runs the sample at fixed addresses; its status, and what its core says of the death."""
        directory = self.dir / f"core{self.runs}"
        directory.mkdir()
        self.runs += 1
        status = subprocess.run(
            ["setarch", "-R", sample("dying"), *words], env=self.environment(env), cwd=directory,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE,
                                                  (resource.RLIM_INFINITY,) * 2)).returncode
        found = list(directory.glob("core*"))
        if not found:
            return status, None
        notes = subprocess.run(["eu-readelf", "--notes", found[0]], check=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
        # Of the thread that died, which comes first: where, and why.
        where = re.search(r"\b(?:rip|pc): +(\S+)", notes).group(1)
        why = re.search(r"si_signo: *(\S+).*si_errno: *(\S+).*si_code: *(\S+)", notes).groups()
        address = re.search(r"fault address: *(\S+)", notes)
        found[0].unlink()
        return status, (why, where, address and address.group(1))

    def test_core(self):
        need("setarch", "eu-readelf")
        pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text(encoding="ascii").strip()
        if pattern.startswith("|") or "/" in pattern:
            self.skipTest("cores do not stay in the working directory")
        self.runs = 0
        for words in (["write"], ["illegal"], ["bus"], ["deep"], ["raise", "11"], ["raise", "3"],
                      ["deep-thread"]):
            with self.subTest(words=words):
                plain = self.core_of(words, {})
                ours = self.core_of(words, {"LD_PRELOAD": str(memprof_test.LIBRARY),
                                            "MEMPROF_OUT": f"{self.dir}/x.json"})
                self.assertIsNotNone(plain[1])
                # Addresses of mappings differ, those of the program do not.
                kept = {"write": 3, "illegal": 3, "bus": 2}.get(words[0], 1)
                self.assertEqual((plain[0], plain[1][:kept]), (ours[0], ours[1][:kept]))
                self.assertEqual(memprof_test.load(self.dir / "x.json")["dump"]["reason"], "fatal")


if __name__ == "__main__":
    memprof_test.main()
