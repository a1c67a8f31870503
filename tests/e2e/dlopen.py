#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Libraries that come and go, that are found by their own search path, that are bound past the
profiler; the profiler itself as a library that comes and goes; whose unwinder is in charge; and
descriptors that the program runs out of or closes under everybody's feet."""
import json
import os
import shutil
import subprocess

import memprof_test
from memprof_test import LIBRARY, many, need, sample

CYCLES = 1000


class Dlopen(memprof_test.Test):
    def compile(self, name, source, *options):
        """Compiles the C program SOURCE with gcc; returns its path."""
        need("gcc")
        out = self.dir / name
        out.parent.mkdir(parents=True, exist_ok=True)
        path = self.write(name + ".c", source)
        subprocess.run(["gcc", "-D_GNU_SOURCE", "-O1", path, "-o", out, *options], check=True)
        return str(out)

    def test_loader_resizes(self):
        """The loader's own realloc, when libraries have more thread-local storage than a thread's table
        has places for: recorded as the program's calls are, and the modules are looked at anew."""
        library = self.compile("libtls.so", "static __thread int own; int *touch(void) { return &own; }",
                               "-shared", "-fPIC")
        copies = [shutil.copy(library, self.dir / f"libtls{i}.so") for i in range(60)]
        program = self.compile("many", """#include <dlfcn.h>
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        void *handle = dlopen(argv[i], RTLD_NOW);
        int *(*touch)(void) = handle ? dlsym(handle, "touch") : 0;
        if (!touch || (*touch())++ != 0)
            return 1;
    }
}
""")
        run = self.unchanged([program, *copies])
        self.assertEqual(run.status, 0)
        self.assert_sound(run.dump)
        self.assertGreater(run.dump["totals"]["realloc_count"], 0)
        paths = {module["path"] for module in run.dump["modules"]}
        frames = run.dump["frames"]
        callers = {os.path.basename(run.dump["modules"][frames[site["frame"]][1]]["path"])
                   for site in run.dump["sites"] if site["function"] == "realloc"}
        self.assertTrue(any(name.startswith("ld-linux") for name in callers), callers)
        self.assertIn(str(copies[-1]), paths)

    def test_module_replaced(self):
        """Thousands of times a library is unloaded and another takes its place: each allocation is
        charged to the one that made it, and the modules do not add up."""
        rounds = many(CYCLES)
        self.replace_modules(rounds, [], {})
        print(rounds, "modules replaced")

    def test_module_replaced_sampled(self):
        """The same where blocks are sampled, but theirs are so large that none is missed: what the
        loader itself allocates and frees is not, as a rule."""
        self.replace_modules(100, [20000], {"MEMPROF_SAMPLE": "64k"})

    def replace_modules(self, rounds, arguments, env):
        plugins = [sample(f"libplugin_{name}.so") for name in ("one", "two")]
        run = self.profiled([sample("unloads"), *plugins, rounds, *arguments], env=env)
        self.assertEqual((run.status, run.err), (0, b""))
        self.assertGreater(int(run.out), 0, "never the same place")
        if not env:
            self.assert_sound(run.dump)
        self.assertLess(len(run.dump["modules"]), 40)
        path = next(self.dumps_directory().iterdir())
        found = {}
        for row in json.loads(self.report("lines", "--self", "--format", "json", "--limit", "0",
                                          path)):
            if row["function"].startswith("make_in_"):
                found[row["function"]] = found.get(row["function"], 0) + row["occurrences"]
        self.assertEqual(found, {"make_in_one": rounds * 10, "make_in_two": rounds * 20})

    def test_own_search_path(self):
        """A library's dlopen finds what only its own RUNPATH leads to."""
        self.compile("deep/libinner.so", "int inner(void) { return 7; }\n", "-shared", "-fPIC")
        outer = self.compile(
            "libouter.so", "#include <dlfcn.h>\nint outer(void) {\n"
            "void *h = dlopen(\"libinner.so\", RTLD_NOW);\n"
            "return h ? ((int (*)(void))dlsym(h, \"inner\"))() : 0; }\n", "-shared", "-fPIC",
            f"-Wl,--enable-new-dtags,-rpath,{self.dir}/deep")
        program = self.compile("p", "int outer(void);\nint main(void) { return outer(); }\n", outer,
                               f"-Wl,-rpath,{self.dir}")
        run = self.unchanged([program])
        self.assertEqual(run.status, 7)
        self.assert_sound(run.dump, 0)

    def test_bound_past_the_profiler(self):
        """RTLD_DEEPBIND: the library's blocks come from libc behind our back, and their frees are
        counted as unknown, no more; what it frees of the program's is found out when its place is
        given out again, or stays."""
        library = self.compile("libdeep.so", "#include <stdlib.h>\nvoid *make(void) "
                               "{ return malloc(77); }\nvoid take(void *p) { free(p); }\n", "-shared",
                               "-fPIC")
        program = self.compile(
            "p", "#include <dlfcn.h>\n#include <stdlib.h>\nint main(int n, char **v) {\n"
            "void *h = dlopen(v[1], RTLD_NOW | RTLD_DEEPBIND);\n"
            "if (!h) return 2;\nvoid *(*make)(void) = (void *(*)(void))dlsym(h, \"make\");\n"
            "void (*take)(void *) = (void (*)(void *))dlsym(h, \"take\");\n"
            "for (int i = 0; i < 50; i++) free(make());\n"
            "for (int i = 0; i < 40; i++) take(malloc(88));\n"
            "return n == 2 ? 0 : 1; }\n")
        run = self.unchanged([program, library])
        self.assertEqual(run.status, 0)
        self.assertTrue(run.dump["dump"]["complete"])
        self.assertLessEqual(run.dump["totals"]["unknown_free_count"], 50)
        self.assertEqual(run.dump["totals"]["unknown_free_count"] +
                         sum(site["alloc_count"] for site in run.dump["sites"]
                             if site["alloc_bytes"] == 77 * site["alloc_count"]), 50)
        passed = [site for site in run.dump["sites"]
                  if site["alloc_bytes"] == 88 * site["alloc_count"]]
        self.assertEqual(sum(site["alloc_count"] for site in passed), 40)
        self.assertEqual(sum(site["live_count"] for site in passed) +
                         run.dump["totals"]["missed_free_count"], 40)

    def test_loaded_by_the_program(self):
        """Not preloaded, but loaded, used and unloaded by the program itself, over and over."""
        plain = self.plain([sample("surprises"), "load", sample("libplugin_one.so")])
        loaded = self.plain([sample("surprises"), "load", str(LIBRARY)])
        self.assertEqual((loaded.status, loaded.out, loaded.err), (0, plain.out, b""))

    def test_unwinder_of_the_program(self):
        """Exceptions are libgcc's business: libunwind's functions of the same names are not found."""
        env = {"LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": str(self.dir / "bindings")}
        run = self.profiled([sample("cxx_program")], env=env)
        self.assertEqual(run.status, 0)
        lines = b"".join(path.read_bytes() for path in self.dir.glob("bindings.*")).splitlines()
        bound = [line for line in lines if b"`_Unwind_RaiseException'" in line
                 and b"libstdc++" in line.split(b" to ")[0]]
        self.assertTrue(bound)
        self.assertTrue(all(b"libgcc_s" in line.split(b" to ")[1] for line in bound), bound)

    def test_out_of_descriptors(self):
        """Three descriptors and no more: the program runs as without us; there is no dump, and one
        line says so."""
        script = ("import os, resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
                  "x = [bytes(i * 100) for i in range(3000)]\nprint(len(x))\nos._exit(7)\n")
        run = self.unchanged(["/usr/bin/python3", "-u", "-I", "-c", script], err=False)
        self.assertEqual((run.status, run.out), (7, b"3000\n"))
        self.assertEqual((len(run.dumps), run.err.count(b"\n")), (0, 1), run.err)

    def test_descriptors_closed(self):
        """All closed, and files of the program's opened in their places: nothing else is in them."""
        script = self.write("t.py", "import os, sys\nos.closerange(3, 256)\n"
                            "names = [f'{sys.argv[1]}/f{i}' for i in range(40)]\n"
                            "fds = [os.open(n, os.O_RDWR | os.O_CREAT) for n in names]\n"
                            "for n, fd in zip(names, fds):\n    os.write(fd, n.encode() * 99)\n"
                            "x = [bytes(i * 100) for i in range(3000)]\n"
                            "print(fds[0], all(os.pread(fd, 1 << 20, 0) == n.encode() * 99 "
                            "for n, fd in zip(names, fds)))\n")
        files = self.dir / "files"
        files.mkdir()
        run = self.unchanged(["/usr/bin/python3", "-I", script, str(files)],
                             env={"MEMPROF_INTERVAL": "0.01"})
        self.assertEqual((run.status, run.out), (0, b"3 True\n"))
        for path in sorted(files.iterdir()):
            self.assertEqual(path.read_bytes(), str(path).encode() * 99)
        self.assertEqual(len(os.listdir(files)), 40)


if __name__ == "__main__":
    memprof_test.main()
