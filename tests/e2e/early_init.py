#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Allocation before the profiler, libc or the program is ready, and with others that interpose in
front of it and behind it: nothing fails, nothing hangs, and what the loader is asked is answered."""
import itertools
import os
import pathlib
import shutil
import subprocess
import unittest

import memprof_test
from memprof_test import LIBRARY, find_library, need, sample

PATIENCE = 60
EARLY_ERRNO = """#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
int kept;
__attribute__((constructor(101))) static void early(void)
{
    kept = 1;
    if (!getenv("LATE")) {
        errno = 77;
        void *p = malloc(10);
        kept = p && errno == 77 && !dlerror();
        free(p);
    }
    errno = 78;
}
"""
EARLY_ERRNO_MAIN = """#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
int main(void)
{
    int found = errno;
    printf("kept %d, in main %d\\n", *(int *)dlsym(RTLD_DEFAULT, "kept"), found);
    return 0;
}
"""


def find_private(name):
    """A library that is to be preloaded, in a directory of its program's."""
    for path in sorted(pathlib.Path("/usr/lib").glob(f"*/*/{name}")):
        return str(path)
    raise unittest.SkipTest(f"{name} is not installed")


class EarlyInit(memprof_test.Test):
    def check_early(self, **env):
        argv = [sample("early")]
        plain = self.plain(argv, env=env)
        run = self.profiled(argv, env=env, timeout=PATIENCE)
        self.assertEqual((run.status, run.out, run.err), (plain.status, plain.out, plain.err))
        self.assertEqual(run.status, 0)
        self.assertIn(b"50 blocks, choice 17 ", run.out)
        self.assertIn(b", child 1,", run.out)
        self.assert_sound(run.dump)
        kept = [site for site in run.dump["sites"]
                if site["alloc_bytes"] == sum(range(1000, 1050)) and site["alloc_count"] == 50]
        self.assertEqual([site["live_count"] for site in kept], [0])

    def test_first_constructor(self):
        """The first allocation of all comes from newlocale in another library's constructor, with
        libc's lock held; a resolver of the loader allocates, too. A child is made before our
        constructor has run."""
        self.check_early()

    def test_bound_at_once(self):
        self.check_early(LD_BIND_NOW="1")

    def test_errno(self):
        """The first allocation of all, or our constructor, begins the recording, here with so few
        descriptors that some of that fails: nobody notices, before and after it; nor does dlerror
        tell of functions that were looked up in vain."""
        need("gcc")
        library, program = str(self.dir / "liberrno.so"), str(self.dir / "errno")
        for path, text, options in ((library, EARLY_ERRNO, ["-fPIC", "-shared"]),
                                    (program, EARLY_ERRNO_MAIN, [])):
            source = self.write(os.path.basename(path) + ".c", text)
            subprocess.run(["gcc", "-w", "-fno-builtin", *options, "-o", path, source], check=True)
        argv = ["sh", "-c", f"ulimit -n 4; LD_PRELOAD=$ALL exec {program}"]
        for env in ({}, {"LATE": "1"}, {"MEMPROF_SAMPLE": "100"}, {"MEMPROF_ENABLE": "0"}):
            plain = self.plain(argv, env={**env, "ALL": library})
            run = self.plain(argv, env={**env, "ALL": f"{LIBRARY}:{library}"})
            self.assertEqual((plain.status, plain.out, plain.err), (0, b"kept 1, in main 78\n", b""))
            self.assertEqual((run.status, run.out), (0, plain.out), run.err)

    def test_dlsym_allocates(self):
        """10,000 blocks in the lookup of the real calloc: kept apart, known for ever, whatever is
        recorded."""
        for mine in ((sample("libearly_dlsym.so"),), (sample("libearly_dlsym.so"), LIBRARY)):
            for env in ({}, {"MEMPROF_SAMPLE": "64k"}, {"MEMPROF_ENABLE": "0"}):
                run = self.profiled([sample("endings"), "return"], before=mine, env=env,
                                    timeout=PATIENCE)
                self.assertEqual((run.status, run.err), (7, b"10000 pieces\n"), env)
                self.assertEqual(len(run.dumps), 0 if "MEMPROF_ENABLE" in env else 1)
                for dump in run.dumps.values():
                    self.assertTrue(dump["dump"]["complete"])
                    self.assertEqual(dump["totals"]["unknown_free_count"], 0)

    def wrappers(self):
        """Libraries to preload that interpose on something, and ours under two names."""
        found = [sample("libshim.so"), sample("libtally.so")]
        for find, name in ((find_private, "libfaketime.so.1"), (find_private, "libfakechroot.so"),
                           (find_library, "libjemalloc.so.2"), (find_library, "libmimalloc.so.2")):
            try:
                found.append(find(name))
            except unittest.SkipTest:
                pass
        other = self.dir / "libother.so"
        shutil.copy(LIBRARY, other)
        return found + [str(other)]

    def test_all_orders(self):
        """Each pair of them in each place around the profiler."""
        runs = 0
        for pair in itertools.permutations(self.wrappers(), 2):
            if {os.path.basename(path) for path in pair} == {"libfaketime.so.1", "libjemalloc.so.2"}:
                continue  # these two wait for one another without us, too
            for place in range(3):
                with self.subTest(pair=pair, place=place):
                    run = self.profiled([sample("small_blocks")], before=pair[:place],
                                        after=pair[place:], timeout=PATIENCE)
                    self.assertEqual((run.status, run.err), (0, b""))
                    self.assertIn(b"totals", run.out)
                    runs += 1
        self.assertGreaterEqual(runs, 18)

    def test_fakechroot(self):
        """Names of files mean others to the program, and programs that it executes are found below
        the root that it thinks to have: each is recorded, wherever we stand among the preloads; the
        dumps go where MEMPROF_OUT says outside."""
        fakechroot = find_private("libfakechroot.so")
        root = self.dir / "root"
        (root / "bin").mkdir(parents=True)
        for program in ("sh", "cat"):
            shutil.copy(os.path.realpath(f"/bin/{program}"), root / "bin" / program)
        (root / "inside").write_text("inside\n")
        env = {"FAKECHROOT": "true", "FAKECHROOT_BASE": str(root)}
        argv = ["/bin/sh", "-c", "cat /inside; cd /bin; echo *; test -e /etc/passwd || exec cat /inside"]
        shim = sample("libshim.so")
        plain = self.plain(argv, env=env, preload=[fakechroot])
        self.assertEqual((plain.status, plain.out), (0, b"inside\ncat sh\ninside\n"))
        for order in itertools.permutations((fakechroot, shim, LIBRARY)):
            with self.subTest(order=order):
                ours = order.index(LIBRARY)
                run = self.profiled(argv, env=env, before=order[:ours], after=order[ours + 1:],
                                    timeout=PATIENCE)
                self.assertEqual((run.status, run.out, run.err), (0, plain.out, plain.err))
                self.assertEqual(sorted(dump["dump"]["reason"] for dump in run.dumps.values()),
                                 ["exec", "exit", "exit"])
                for dump in run.dumps.values():
                    self.assert_sound(dump)
        self.assertEqual(sorted(path.name for path in root.iterdir()), ["bin", "inside"])


if __name__ == "__main__":
    memprof_test.main()
