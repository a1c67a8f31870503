#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What an attacker would try: privileged programs, files planted where dumps go, and flags of the
binaries that make faults harder to use."""
import os
import platform
import re
import shutil
import stat
import subprocess

import memprof_test
from memprof_test import need, sample

NOBODY = 65534
PROGRAM = """#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
int main(void)
{
    struct sigaction action;
    char line[256];
    for (int i = 0; i < 100; i++)
        if (malloc(100) == NULL)
            return 1;
    sigaction(SIGTERM, NULL, &action);
    printf("secure %lu\\n", getauxval(AT_SECURE));
    for (FILE *f = fopen("/proc/self/status", "r"); f && fgets(line, sizeof line, f);)
        if (line[0] == 'S' && line[3] == 'C')
            fputs(line, stdout);
    return 7;
}
"""


class Privileged(memprof_test.Test):
    def setUp(self):
        super().setUp()
        need("gcc")
        if os.geteuid() != 0:
            self.skipTest("only root can make programs of others' privileges")
        # Readable by the other user, and writable, so that a dump could be.
        self.dir.chmod(0o777)
        shutil.copy(memprof_test.LIBRARY, self.dir / "libmemprof.so")
        source = self.write("p.c", PROGRAM)
        self.program = self.dir / "program"
        # A dependency is loaded whatever LD_PRELOAD is allowed to do.
        subprocess.run(["gcc", "-w", "-fno-builtin", "-o", self.program, source, "-Wl,--no-as-needed",
                        f"-L{self.dir}", "-l:libmemprof.so", f"-Wl,-rpath,{self.dir}"], check=True)

    def run_as_nobody(self, **extra):
        env = self.environment({"MEMPROF_OUT": f"{self.dir}/out.json", "MEMPROF_VERBOSE": "2",
                                "MEMPROF_SIGNAL": "nonsense", **extra})

        def become_nobody():
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)

        return subprocess.run([self.program], env=env, cwd="/", stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              preexec_fn=become_nobody)

    def test_plain(self):
        """What the next two tests show is not that nothing ever happens."""
        done = self.run_as_nobody()
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn(b"secure 0\n", done.stdout)
        self.assertIn(b"MEMPROF_SIGNAL", done.stderr)
        self.assertTrue((self.dir / "out.json").exists())

    def check_inert(self, mode):
        os.chown(self.program, 1, 1)
        self.program.chmod(mode)
        for extra in ({}, {"LD_PRELOAD": f"{self.dir}/libmemprof.so"}):
            done = self.run_as_nobody(**extra)
            if b"secure 1\n" not in done.stdout:
                self.skipTest("set-id bits have no effect here")
            handled = re.search(rb"SigCgt:\s*([0-9a-f]+)", done.stdout)
            self.assertEqual((done.returncode, int(handled.group(1), 16)), (7, 0))
            # The loader may say that it does not preload, we say nothing.
            self.assertNotIn(b"memprof: ", done.stderr)
            self.assertFalse((self.dir / "out.json").exists())

    def test_set_group_id(self):
        self.check_inert(0o2755)

    def test_set_user_id(self):
        self.check_inert(0o4755)


class Planted(memprof_test.Test):
    """Names that somebody else took before, in a directory that both can write."""

    def dump_to(self, out):
        run = self.profiled([sample("endings"), "_exit"], env={"MEMPROF_OUT": str(out)})
        self.assertEqual(run.status, 7)
        return run.err.decode()

    def check_replaced(self, out, precious):
        """A new file has the name, and what PRECIOUS is has not been touched."""
        self.assertEqual(precious.read_text(), "precious")
        status = out.lstat()
        self.assertEqual((stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode),
                          status.st_nlink), (stat.S_IFREG, 0o600, 1))
        memprof_test.load(out)

    def test_links(self):
        precious = self.dir / "precious"
        for make in (os.symlink, os.link):
            with self.subTest(make=make.__name__):
                precious.write_text("precious")
                out = self.dir / f"{make.__name__}.json"
                make(precious, out)
                self.assertEqual(self.dump_to(out), "")
                self.check_replaced(out, precious)

    def test_dangling_link(self):
        out = self.dir / "x.json"
        out.symlink_to(self.dir / "elsewhere")
        self.assertEqual(self.dump_to(out), "")
        self.assertFalse((self.dir / "elsewhere").exists())
        memprof_test.load(out)

    def test_special_files(self):
        """FIFO, socket, directory: one line, no waiting, and they stay what they are."""
        (self.dir / "directory").mkdir()
        os.mkfifo(self.dir / "fifo")
        os.mknod(self.dir / "socket", stat.S_IFSOCK | 0o600)
        for name in ("directory", "fifo", "socket"):
            with self.subTest(name=name):
                before = (self.dir / name).stat().st_mode
                wrong = ("is a directory, expected the name of a file" if name == "directory"
                         else "is not a regular file")
                self.assertRegex(self.dump_to(self.dir / name),
                                 rf"^memprof: '[^']*/{name}': [^\n]*{wrong}\n$")
                self.assertEqual((self.dir / name).stat().st_mode, before)
        self.assertEqual(sorted(path.name for path in self.dir.iterdir() if path.is_file()), [])

    def test_names_taken_on_the_way(self):
        """What the temporary file would be called is taken by a directory, which cannot be removed:
        another name is found."""
        source = self.write("take.c", """#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char name[4096];
    snprintf(name, sizeof name, "%s.tmp.%d", argv[argc - 1], (int)getpid());
    mkdir(name, 0700);
    return malloc(10) == NULL;
}
""")
        need("gcc")
        subprocess.run(["gcc", "-w", "-fno-builtin", "-o", self.dir / "take", source], check=True)
        out = self.dir / "x.json"
        run = self.profiled([self.dir / "take", out], env={"MEMPROF_OUT": str(out)})
        self.assertEqual((run.status, run.err), (0, b""))
        memprof_test.load(out)
        self.assertEqual(len(list(self.dir.glob("x.json.tmp.*"))), 1)

    def test_umask(self):
        """A daemon's umask of 0 opens neither the dump nor the directories that are made for it."""
        before = os.umask(0)
        try:
            out = self.dir / "a" / "b" / "x.json"
            self.assertEqual(self.dump_to(out), "")
        finally:
            os.umask(before)
        self.assertEqual(stat.S_IMODE(out.stat().st_mode), 0o600)
        for directory in (out.parent, out.parent.parent):
            self.assertEqual(stat.S_IMODE(directory.stat().st_mode), 0o755)


class Binaries(memprof_test.Test):
    def read(self, program, *options):
        need("readelf")
        done = subprocess.run(["readelf", "-W", *options, program], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.environment())
        return done.stdout.decode()

    def test_flags(self):
        """Nothing that is written to can be executed, and what the loader fills in is read-only
        when the program begins; calls that smash the stack are noticed."""
        for name in ("libmemprof.so", "memprof-report", "memprof"):
            with self.subTest(name=name):
                program = memprof_test.BUILD / name
                segments = self.read(program, "-l")
                self.assertRegex(segments, r"GNU_RELRO ")
                self.assertRegex(segments, r"GNU_STACK .* RW ")
                self.assertNotRegex(segments, r"LOAD .* RWE ")
                dynamic = self.read(program, "-d")
                self.assertRegex(dynamic, r"\(FLAGS\).*BIND_NOW|\(BIND_NOW\)")
                self.assertNotRegex(dynamic, r"TEXTREL|RPATH|RUNPATH")
                self.assertRegex(self.read(program, "-h"), r"Type: +DYN ")
                self.assertIn("__stack_chk_fail", self.read(program, "--dyn-syms"))

    def test_checked_functions(self):
        for name in ("memprof-report", "memprof"):
            self.assertRegex(self.read(memprof_test.BUILD / name, "--dyn-syms"),
                             r"__\w+_chk@")

    def test_shadow_stack(self):
        """The library says that it is fit for shadow stacks: else they would be off for the host."""
        if platform.machine() != "x86_64":
            self.skipTest("another processor")
        self.assertRegex(self.read(memprof_test.LIBRARY, "-n"), r"x86 feature:[^\n]*\bSHSTK\b")

    def test_landing_pads(self):
        """The code of the tools has them, and fits shadow stacks. Whether their files say so is up to
        what the system has them linked with."""
        if platform.machine() != "x86_64":
            self.skipTest("another processor")
        for source in ("main.c", "../memprof_report_core.dir/load.c"):
            path = memprof_test.BUILD / f"report/CMakeFiles/memprof-report.dir/{source}.o"
            self.assertRegex(self.read(path, "-n"), r"x86 feature:[^\n]*\bIBT, SHSTK\b", path)
        compiler = os.environ.get("CC", "cc")
        first = subprocess.run([compiler, "-print-file-name=crt1.o"], stdout=subprocess.PIPE,
                               check=True).stdout.decode().strip()
        marked = [bool(re.search(r"x86 feature:[^\n]*\bSHSTK\b", self.read(path, "-n")))
                  for path in (first, memprof_test.BUILD / "memprof")]
        self.assertEqual(marked[0], marked[1], f"{first} and memprof")


if __name__ == "__main__":
    memprof_test.main()
