#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""memprof run: the program's status, surroundings and errors are those of the program, its dumps lie
where they were asked for, and nothing is left behind."""
import os
import signal
import subprocess

import memprof_test
from memprof_test import LIBRARY, need, sample

LAUNCHER = str(memprof_test.BUILD / "memprof")
# A variable of the run-time library of clang that counts lines, where the launcher does.
COUNTING = "__LLVM_PROFILE_RT_INIT_ONCE"


class Launcher(memprof_test.Test):
    def launched(self, argv, *, options=(), out="%e.%p.json", env=None, **how):
        """Runs ARGV under `memprof run` and collects the dumps."""
        self.runs += 1
        dumps = self.dumps_directory()
        dumps.mkdir()
        argv = [LAUNCHER, "run", "-o", f"{dumps}/{out}", *options, "--", *argv]
        done = self.run_host(argv, self.environment(env), **how)
        return memprof_test.Run(*done, self.collect(dumps))

    def refused(self, *arguments, status=2):
        done = self.run_host([LAUNCHER, *arguments], self.environment())
        self.assertEqual((done[0], done[1]), (status, b""), done)
        self.assertEqual(done[2].count(b"\n"), 1, done[2])
        self.assertTrue(done[2].startswith(b"memprof: '") or b"expected" in done[2], done[2])
        self.assertEqual(list(self.dir.glob("*.json")), [])
        return done[2].decode()


class Status(Launcher):
    def test_exit(self):
        for status in range(256):
            done = self.run_host([LAUNCHER, "run", "--", sample("launched"), "exit", status],
                                 self.environment({"MEMPROF_ENABLE": "0"}))
            self.assertEqual(done, (status, b"", b""))

    def test_signals(self):
        """Each signal that ends a program: 128+n, no signal death of the launcher, so no core."""
        harmless = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH}
        stops = {signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
        for number in sorted(set(signal.valid_signals()) - stops):
            run = self.launched([sample("launched"), "kill", int(number)])
            expected = 99 if number in harmless else 128 + number
            self.assertEqual((run.status, run.err), (expected, b""), number)

    def test_not_found(self):
        for name in ("no-such-program", "/no/such/program", "./none"):
            self.assertIn(f"'{name}'", self.refused("run", name, status=127))

    def test_not_executable(self):
        plain = self.write("plain", "text\n")
        foreign = self.write("foreign", b"\x7fELF\x02\x01\x01" + bytes(100))
        os.chmod(foreign, 0o755)
        for path in (plain, foreign, str(self.dir)):
            self.assertIn(f"'{path}'", self.refused("run", path, status=126))

    def test_script_without_interpreter(self):
        """As execvp does, and every shell."""
        script = self.write("script", "exit 5\n")
        os.chmod(script, 0o755)
        self.assertEqual(self.launched([script]).status, 5)

    def test_usage(self):
        for arguments in ([], ["run"], ["walk"], ["run", "--"], ["run", "--nothing", "true"],
                          ["run", "-Z", "true"], ["run", "--sample"], ["run", "--m", "true"],
                          ["run", "--mmap=2", "true"], ["run", "--sample", "12q", "true"],
                          ["run", "--follow", "some", "true"], ["run", "--signal=KILL", "true"],
                          ["run", "--max-depth", "0", "true"], ["run", "-o", "", "true"],
                          ["--sample", "1", "run", "true"]):
            self.refused(*arguments)

    def test_about(self):
        for arguments in (["--help"], ["-h"], ["run", "--help"]):
            status, out, err = self.run_host([LAUNCHER, *arguments], self.environment())
            self.assertEqual((status, out[:19], err), (0, b"Usage: memprof run ", b""))
        status, out, err = self.run_host([LAUNCHER, "--version"], self.environment())
        self.assertEqual((status, out.split()[0], err), (0, b"memprof", b""))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([LAUNCHER, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (2, 1))


class Surroundings(Launcher):
    def programs_own(self, text):
        """Lines of TEXT without the variables that the launcher sets."""
        return [line for line in text.split(b"\n")
                if not line.startswith((b"MEMPROF_OUT=", b"MEMPROF_KEEPER=", COUNTING.encode()))]

    def test_same(self):
        """Descriptors, mask and dispositions of signals, limits, environment."""
        plain = self.plain([sample("surroundings")])
        run = self.launched([sample("surroundings")])
        self.assertEqual((plain.status, self.programs_own(plain.out), plain.err),
                         (run.status, self.programs_own(run.out), run.err))
        self.assert_sound(run.dump)

    def test_inherited_signals(self):
        """What is blocked or ignored stays so, SIGCHLD included, and the status is known all the same."""
        need("env")
        dispositions = ["env", "--ignore-signal=CHLD,USR1,HUP", "--block-signal=USR2,WINCH"]
        plain = self.plain([*dispositions, sample("surroundings")])
        self.assertIn(b"SigIgn:\t0000000000010201", plain.out)
        done = self.run_host([*dispositions, LAUNCHER, "run", "-o", f"{self.dir}/%e.json", "--",
                              sample("surroundings")], self.environment())
        self.assertEqual(self.programs_own(done[1]), plain.out.split(b"\n"))
        done = self.run_host([*dispositions, LAUNCHER, "run", sample("launched"), "exit", 9],
                             self.environment())
        self.assertEqual(done[0], 9)

    def test_relations(self):
        """The program is the launcher's child, in its process group and session."""
        run = self.launched([sample("launched"), "relations"])
        words = run.out.split()
        self.assertEqual(words[1], words[3], "not the group of the session's leader")
        self.assertEqual(words[3], words[5], "not the launcher's session")

    def test_environment(self):
        """Nothing but what is documented; a preload that is there stays, behind ours."""
        def variables(env, *options):
            argv = [LAUNCHER, "run", *options, "env", "-0"]
            status, out, err = self.run_host(argv, self.environment(env))
            self.assertEqual((status, err), (0, b""))
            found = dict(line.split("=", 1) for line in out.decode().split("\0") if line)
            found.pop(COUNTING, None)
            for name, value in self.environment(env).items():
                if name not in ("LD_PRELOAD", "MEMPROF_OUT", "MEMPROF_SAMPLE"):
                    self.assertEqual(found.pop(name), value)
            self.assertFalse(os.path.exists(found.pop("MEMPROF_KEEPER")), "is left behind")
            return found

        default = f"{self.dir}/memprof.%e.%p.json"
        self.assertEqual(variables({}), {"LD_PRELOAD": str(LIBRARY), "MEMPROF_OUT": default})
        other = memprof_test.find_library("libjemalloc.so.2")
        self.assertEqual(variables({"LD_PRELOAD": other, "MEMPROF_OUT": "x", "MEMPROF_SAMPLE": "1k"}),
                         {"LD_PRELOAD": f"{LIBRARY}:{other}", "MEMPROF_OUT": "x", "MEMPROF_SAMPLE": "1k"})
        both = f"{other} {LIBRARY}"
        found = variables({"LD_PRELOAD": both, "MEMPROF_SAMPLE": "1k"}, "-o", "/x/y", "--sample", "2k",
                          "--mmap" if self.mmap() else "--verify", "--follow=exec", "-q")
        self.assertEqual(found, {"LD_PRELOAD": both, "MEMPROF_OUT": "/x/y", "MEMPROF_SAMPLE": "2k",
                                 "MEMPROF_FOLLOW": "exec",
                                 "MEMPROF_MMAP" if self.mmap() else "MEMPROF_VERIFY": "1"})

    def mmap(self):
        """Whether this library records mappings."""
        return self.run_host([LAUNCHER, "run", "--mmap", "true"], self.environment())[0] == 0

    def test_out(self):
        """Relative names start where the launcher was started; % in that directory is literal."""
        place = self.dir / "100%p here"
        place.mkdir()
        done = self.run_host([LAUNCHER, "run", "-o", "sub/%e.json", "bash", "-c", "cd /; exec true"],
                             self.environment(), cwd=place)
        self.assertEqual(done, (0, b"", b""))
        self.assertEqual(sorted(path.name for path in place.rglob("*.json"))[-1], "true.json")
        self.assertEqual({path.parent.name for path in place.rglob("*.json")}, {"sub"})
        self.run_host([LAUNCHER, "run", "bash", "-c", "cd /; exec true"], self.environment(), cwd=place)
        self.assertEqual(len(list(place.glob("memprof.true.*.json"))), 1)

    def test_closed_descriptors(self):
        """They are closed for the program, and no message ends up in a file that has their number."""
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-", "<&- 2>&-"):
            self.runs += 1
            listing = 'import os; print(sorted(os.listdir("/proc/self/fd")), file=open("{}", "w"))'
            code = listing.format(self.dir / "plain")
            self.run_host(["bash", "-c", f'exec /usr/bin/python3 -c "$0" {closed}', code], self.environment())
            code = listing.format(self.dir / "launched")
            done = self.run_host(["bash", "-c", f'exec "$1" run -o "$2" /usr/bin/python3 -c "$0" {closed}', code,
                                  LAUNCHER, self.dir / "closed.json"], self.environment())
            self.assertEqual(done[0], 0)
            self.assertEqual((self.dir / "launched").read_text(), (self.dir / "plain").read_text(), closed)
            done = self.run_host(["bash", "-c", f'exec "$0" run no-such-program {closed}', LAUNCHER],
                                 self.environment())
            self.assertEqual(done[0], 127)

    def test_no_descriptors(self):
        """Where nothing is left to watch it with, the program is still run."""
        done = self.run_host(["bash", "-c", 'ulimit -n 4; exec "$0" run -o "$1" "$2" exit 6', LAUNCHER,
                              self.dir / "few.json", sample("launched")], self.environment())
        self.assertEqual((done[0], done[2]), (6, b""))


class Blind(Launcher):
    """Programs that cannot be recorded: one line, and run all the same."""
    def run_blind(self, argv, word):
        run = self.launched(argv)
        self.assertEqual((run.err.count(b"\n"), run.err[:10]), (1, b"memprof: '"), run.err)
        self.assertIn(word, run.err)
        quiet = self.launched(argv, options=["-q"])
        self.assertEqual((quiet.status, quiet.out, quiet.err), (run.status, run.out, b""))
        return run

    def test_static(self):
        source = self.write("static.c", "int main(void) { return 3; }\n")
        program = self.dir / "static"
        subprocess.run([os.environ.get("CC", "cc"), "-static", "-o", program, source], check=True)
        run = self.run_blind([program], b"linked statically")
        self.assertEqual((run.status, run.dumps), (3, {}))

    def test_static_interpreter(self):
        """A script is judged by what runs it."""
        source = self.write("static.c", "int main(void) { return 4; }\n")
        subprocess.run([os.environ.get("CC", "cc"), "-static", "-o", self.dir / "static", source], check=True)
        script = self.write("script", f"#! {self.dir}/static\n")
        os.chmod(script, 0o755)
        self.assertEqual(self.run_blind([script], b"linked statically").status, 4)

    def test_setuid(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to make a program of somebody else's")
        program = self.write("other", memprof_test.pathlib.Path(sample("launched")).read_bytes())
        os.chown(program, 65534, 65534)
        os.chmod(program, 0o4755)
        self.assertEqual(self.run_blind([program, "exit", 8], b"privileges").status, 8)


if __name__ == "__main__":
    memprof_test.main()
