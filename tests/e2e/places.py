#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Places where no dump can be written: the program's status and output stay what they are, one line
says why, and nothing half-written is left."""
import os
import resource
import shutil
import signal
import stat
import subprocess

import memprof_test
from memprof_test import need, sample

LINE = rb"\Amemprof: '[^'\n]*': cannot write the dump: %s\n\Z"


class Places(memprof_test.Test):
    def host(self, out, argv=None, library=memprof_test.LIBRARY, **options):
        """Status, output and messages of the sample, its dump going to OUT."""
        env = self.environment({"LD_PRELOAD": str(library), "MEMPROF_OUT": str(out)})
        argv = argv or [sample("endings"), "return"]
        done = subprocess.run(argv, env=env, cwd=options.pop("cwd", self.dir), check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=memprof_test.TIMEOUT, **options)
        self.assertTrue(done.stdout.startswith(b'{"name": "return"'), done.stderr)
        return done.returncode, done.stderr

    def check(self, out, why, **options):
        status, err = self.host(out, **options)
        self.assertEqual(status, 7)
        self.assertRegex(err, LINE % why)

    def need_mounts(self):
        need("unshare", "mount")
        if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL,
                          check=False).returncode != 0:
            self.skipTest("no mount namespaces here")

    def mounted(self, options, test, before=""):
        """Runs the sample with a file system mounted at "place", between the shell commands BEFORE
        and TEST; what TEST prints."""
        self.need_mounts()
        place = self.dir / "place"
        place.mkdir()
        script = (f"mount {options} {place} || exit 99; {before} "
                  f"LD_PRELOAD={memprof_test.LIBRARY} MEMPROF_OUT={place}/x.json "
                  f"{sample('endings')} return; echo status $?; {test}")
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], env=self.environment(),
                              cwd=self.dir, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=memprof_test.TIMEOUT)
        if done.returncode == 99:
            self.skipTest("nothing can be mounted here")
        lines = done.stdout.decode().splitlines()
        self.assertEqual(lines[1], "status 7")
        return lines[2:], done.stderr

    def test_disk_full(self):
        place = self.dir / "place"
        left, err = self.mounted("-t tmpfs -o size=64k none", f"ls -A {place}",
                                 f"head -c 100000 /dev/zero > {place}/rest 2> /dev/null;")
        self.assertEqual(left, ["rest"])
        self.assertRegex(err, LINE % b"no space left")

    def test_read_only(self):
        _, err = self.mounted("-t tmpfs -o ro none", "true")
        self.assertRegex(err, LINE % b"read-only file system")

    def test_file_too_large(self):
        """A limit on files' sizes, whose signal would end the program."""
        out = self.dir / "large" / "x.json"

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))

        self.check(out, b"file too large", preexec_fn=limit)
        # Where the program goes on after a dump, here to execute another.
        status, _ = self.host(out, ["env", sample("endings"), "return"], preexec_fn=limit)
        self.assertEqual(status, 7)
        self.assertEqual(list(out.parent.iterdir()), [])

    def test_pipe(self):
        """A pipe whose reader is gone, by the name of a descriptor: no SIGPIPE, one line."""
        reader, writer = os.pipe()
        os.close(reader)
        self.check(f"/dev/fd/{writer}", b"is not a regular file", pass_fds=[writer])
        os.close(writer)
        for out in ("/dev/stdout", "/dev/stderr", "/proc/self/fd/1", "/dev/null", "/dev/full"):
            self.check(out, b"is not a regular file")

    def test_fifo(self):
        """Nobody reads it: the program does not wait for that."""
        os.mkfifo(self.dir / "fifo")
        self.check(self.dir / "fifo", b"is not a regular file")
        self.assertTrue(stat.S_ISFIFO((self.dir / "fifo").stat().st_mode))

    def test_directory(self):
        """The name of a directory, or one that ends as such: nothing is made, not by children either."""
        for out in (self.dir, f"{self.dir}/", f"{self.dir}/new/", "new/"):
            self.check(out, b"is a directory, expected the name of a file")
        status, err = self.host("new/", ["sh", "-c", f"{sample('endings')} return; exit 7"])
        self.assertEqual((status, {line.split(b": ", 2)[2] for line in err.splitlines()}),
                         (7, {b"cannot write the dump: is a directory, expected the name of a file"}))
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_snapshots(self):
        """However many cannot be written, it is said once."""
        env = self.environment({"LD_PRELOAD": str(memprof_test.LIBRARY), "MEMPROF_INTERVAL": "0.001",
                                "MEMPROF_OUT": "/proc/none/x.json"})
        status, _, err = self.run_host([sample("random_alloc"), 5, 50000], env)
        self.assertEqual(status, 0)
        self.assertRegex(err, LINE % b"no such directory")

    def test_forbidden(self):
        if os.geteuid() != 0:
            self.skipTest("root is needed to be somebody else")
        closed = self.dir / "closed"
        closed.mkdir(mode=0o755)
        self.dir.chmod(0o755)
        # The build may be where nobody else can go.
        program, library = (shutil.copy(path, self.dir)
                            for path in (sample("endings"), memprof_test.LIBRARY))
        self.check(closed / "x.json", b"permission denied", argv=[program, "return"],
                   library=library, user=65534, group=65534, extra_groups=[])
        self.assertEqual(list(closed.iterdir()), [])

    def test_working_directory_gone(self):
        """A relative name is of the directory that the program began in."""
        gone = self.dir / "gone"
        gone.mkdir()
        status, err = self.host("x.json", ["sh", "-c", f"rmdir {gone}; exec {sample('endings')} "
                                           "return"], cwd=gone)
        self.assertEqual(status, 7)
        self.assertRegex(err, rb"\A(memprof: '[^'\n]*x\.[^'\n]*json': cannot write the dump: "
                              rb"[^\n]*\n)+\Z")

    def test_other_root(self):
        """The program changes its root: the name means something else then, and may not be there."""
        need("gcc")
        if os.geteuid() != 0:
            self.skipTest("only root can change it")
        source = self.write("root.c", """#include <stdlib.h>
#include <unistd.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    puts("{\\"name\\": \\"return\\"");
    return chroot(argv[argc - 1]) != 0 || malloc(10) == NULL ? 1 : 7;
}
""")
        subprocess.run(["gcc", "-w", "-fno-builtin", "-o", self.dir / "root", source], check=True)
        inside = self.dir / "inside"
        (inside / "out").mkdir(parents=True)
        self.assertEqual(self.host("/out/x.json", [self.dir / "root", inside]), (7, b""))
        memprof_test.load(inside / "out" / "x.json")
        self.assertEqual(self.host("/made/new/x.json", [self.dir / "root", inside]), (7, b""))
        memprof_test.load(inside / "made" / "new" / "x.json")

    def test_dying_too(self):
        """The same when a signal ends the program, and not a word more."""
        env = self.environment({"LD_PRELOAD": str(memprof_test.LIBRARY),
                                "MEMPROF_OUT": "/proc/none/x.json"})
        status, out, err = self.run_host([sample("dying"), "write"], env)
        self.assertEqual((status, out), (-signal.SIGSEGV, b"ready\n"))
        self.assertRegex(err, LINE % b"no such directory")


if __name__ == "__main__":
    memprof_test.main()
