#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The file libmemprof.so: what it needs, exports and reserves."""
import re

import memprof_test

HOOKS = memprof_test.ROOT / "preload" / "hooks.def"
MAP_HOOKS = memprof_test.ROOT / "preload" / "hooks_map.def"
API = {"memprof_dump", "memprof_recording"}
TLS_LIMIT = 256


class Library(memprof_test.Test):
    def test_needs_only_libc(self):
        needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", self.readelf("-d")))
        self.assertIn("libc.so.6", needed)
        self.assertLessEqual(needed, {"libc.so.6", "ld-linux-x86-64.so.2",
                                      "ld-linux-aarch64.so.1"})

    def test_flags(self):
        dynamic = self.readelf("-d")
        self.assertRegex(dynamic, r"\(FLAGS_1\).*NODELETE")
        self.assertNotIn("TEXTREL", dynamic)
        self.assertNotIn("RPATH", dynamic)
        self.assertNotIn("RUNPATH", dynamic)

    def test_thread_local_storage(self):
        self.assertNotIn("__tls_get_addr", self.readelf("--dyn-syms"))
        sizes = [int(size, 16) for size in
                 re.findall(r"^\s+TLS(?:\s+0x[0-9a-f]+){4}\s+(0x[0-9a-f]+)", self.readelf("-l"), re.M)]
        self.assertEqual(len(sizes), 1)
        self.assertLessEqual(sizes[0], TLS_LIMIT)

    def test_exports(self):
        hooks = set(re.findall(r"^(?:ALLOC|OTHER)\((\w+),", HOOKS.read_text(), re.M))
        self.assertGreaterEqual(hooks, {
            "malloc", "calloc", "realloc", "reallocarray", "free", "posix_memalign",
            "aligned_alloc", "memalign", "valloc", "pvalloc", "free_sized", "free_aligned_sized"})
        mapping = set(re.findall(r"^MAP\((\w+),", MAP_HOOKS.read_text(), re.M))
        self.assertGreaterEqual(mapping, {"mmap", "munmap", "mremap"})
        hooks |= mapping | {"mmap64"}
        exported = {words[7].split("@")[0] for words in
                    (line.split() for line in self.readelf("--dyn-syms").splitlines())
                    if len(words) >= 8 and words[6] not in ("UND", "Ndx", "ABS")}
        rest = exported - hooks
        self.assertEqual(hooks - exported, set())
        self.assertGreaterEqual(rest, API)
        # Beside the allocator, the calls that end, replace or multiply a process.
        allowed = {name for name in rest if name.startswith("memprof_")}
        allowed |= rest & {"_exit", "_Exit", "quick_exit", "execve", "execv", "execvp", "execvpe",
                           "execl", "execlp", "execle", "fexecve", "execveat", "posix_spawn",
                           "posix_spawnp", "daemon", "_Fork",
                           # and those by which it goes into a sandbox.
                           "prctl", "syscall",
                           # and those that wait for children of any kind.
                           "waitpid", "wait3", "wait4", "waitid",
                           # and those that tell what becomes of a signal.
                           "sigaction", "__sigaction", "signal", "ssignal", "bsd_signal",
                           "sysv_signal", "__sysv_signal", "sigset", "sigaltstack"}
        self.assertEqual(rest - allowed, set())

    def test_own_exports_are_not_looked_up(self):
        """The library never calls a function that it exports by its name, which may be the program's
        in whose way it is then in a circle."""
        exported = {words[7].split("@")[0] for words in
                    (line.split() for line in self.readelf("--dyn-syms").splitlines())
                    if len(words) >= 8 and words[6] not in ("UND", "Ndx", "ABS")}
        looked_up = set(re.findall(r"R_\w+\s+[0-9a-f]+\s+(\w+)", self.readelf("-r")))
        self.assertIn("dlsym", looked_up)
        # It ends programs that it is called in, for the sake of leak checkers.
        self.assertNotIn("__libc_freeres", looked_up)
        self.assertEqual(exported & looked_up, set())

    def test_stack_not_executable(self):
        self.assertRegex(self.readelf("-l"), r"GNU_STACK.* RW ")


if __name__ == "__main__":
    memprof_test.main()
