#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The files that the gate reads: suppressions and baselines; what is said of those that are wrong,
and that a rebuilt program is judged by the same baseline."""
import json
import os
import pathlib
import re
import subprocess

import memprof_test
from gate_test import GateTest, SOURCE


class Suppressions(GateTest):
    def supp(self, text):
        return self.write("supp.txt", text)

    def test_leaks_are_suppressed_and_counted(self):
        dump = self.dump("leak=3x100", "other=2x50")
        out = self.check("--suppressions", self.supp("# known\nleak:^inner$\nleak:nothing\n"), dump,
                         status=1)
        self.assertIn("max-leak: 100 B in 2 blocks leaked", out)
        self.assertIn("suppressed  leak:^inner$ (" + str(self.dir / "supp.txt") +
                      ", line 2): 1 stack, 3 blocks, 300 B\n", out)
        self.assertIn("unused      leak:nothing (", out)
        for pattern in ("inner", "middle", "leaky.c", "/leaky", "main", "^malloc$\nleak:calloc"):
            self.check("--suppressions", self.supp(f"leak:{pattern}\nleak:other"), dump)

    def test_several_files(self):
        dump = self.dump("leak=3x100", "other=2x50")
        one, two = self.write("one", "leak:inner\n"), self.write("two", "leak:other\n")
        self.check("--suppressions", one, "--suppressions", two, dump)
        self.check("--suppressions", one, dump, status=1)

    def test_fail_on_unused(self):
        dump = self.dump("leak=3x100")
        path = self.supp("leak:inner\n")
        self.check("--fail-on-unused-suppressions", "--suppressions", path, dump)
        path = self.supp("leak:inner\nleak:gone\n")
        out = self.check("--fail-on-unused-suppressions", "--suppressions", path, dump, status=1)
        self.assertIn("FAILED  unused-suppressions: 1 matched nothing: leak:gone", out)

    def test_anchors(self):
        dump = self.dump("leak=3x100")
        for words, pattern, status in (("top", "inner", 0), ("top", "middle", 1),
                                       ("function", "leaky", 1), ("file", "leaky.c", 0),
                                       ("file", "inner", 1), ("module", "leaky", 0),
                                       ("module", "leaky.c", 1), ("module file", "leaky.c", 0)):
            path = self.supp(f"#memprof: {words}\nleak:{pattern}\n")
            self.check("--suppressions", path, dump, status=status)

    def test_top_is_the_caller_of_the_allocator(self):
        """Of a copy that is strdup, wherever it is defined."""
        dump = self.dump("copy=1")
        self.check("--suppressions", self.supp("#memprof: top\nleak:strdup\n"), dump)
        self.check("--suppressions", self.supp("#memprof: top\nleak:copy\n"), dump, status=1)

    def test_expiry_and_issue(self):
        dump = self.dump("leak=3x100")
        path = self.supp("#memprof: expires 2999-12-31 issue https://example.org/7\nleak:inner\n")
        out = self.check("--suppressions", path, dump)
        self.assertIn("300 B, until 2999-12-31, https://example.org/7\n", out)
        path = self.supp("#memprof: expires 2020-02-29, issue https://example.org/7\nleak:inner\n")
        out = self.check("--suppressions", path, dump, status=1)
        self.assertIn("expired     leak:inner", out)
        self.assertIn("would suppress 1 stack, 3 blocks, 300 B, since 2020-02-29", out)
        # What expired does not stand in the way of what did not.
        path = self.supp("#memprof: expires 2020-02-29\nleak:inner\nleak:middle\n")
        self.check("--suppressions", path, dump)

    def test_allow_list(self):
        dump = self.dump("leak=3x100", "other=2x50")
        for line in ("#memprof: only:^inner$", "only:^inner$"):
            out = self.check("--suppressions", self.supp(line + "\n"), dump, status=1)
            self.assertIn("max-leak: 300 B in 3 blocks leaked", out)
            self.assertIn("not counted outside the allow-list: 1 stack, 2 blocks, 100 B", out)
        self.check("--suppressions", self.supp("only:inner\nleak:middle\n"), dump)
        self.check("--suppressions", self.supp("only:nobody\n"), dump)

    def test_proposals_suppress_what_they_are_for(self):
        dump = self.dump("leak=3x100", "other=2x50", "copy=1")
        verdict = self.verdict("--gen-suppressions", dump, status=1)
        findings = verdict["checks"][0]["findings"]
        proposals = {finding["frames"][0]["function"]: finding["suppression"] for finding in findings}
        self.assertEqual(proposals["inner"], "leak:^inner$")
        self.assertEqual(proposals["other"], "leak:^other$")
        for finding in findings:
            rest = self.verdict("--suppressions", self.supp(finding["suppression"] + "\n"), dump,
                                status=1)
            self.assertEqual(len(rest["checks"][0]["findings"]), 2, finding["suppression"])
        text = "\n".join(finding["suppression"] for finding in findings)
        self.check("--fail-on-unused-suppressions", "--suppressions", self.supp(text), dump)

    def test_a_proposal_is_told_once(self):
        """With the number of stacks that it is for, as a comment that may be copied with it."""
        source = self.write("two.c", """#include <stdlib.h>
            void *volatile lost[2];
            __attribute__((noinline)) static void both(void) {
                lost[0] = malloc(10);
                lost[1] = malloc(20);
            }
            int main(void) { both(); lost[0] = lost[1] = NULL; }
            """)
        program = str(self.dir / "two")
        subprocess.run([os.environ.get("CC", "cc"), "-g", "-o", program, source], check=True)
        self.assertEqual(self.profiled([program]).status, 0)
        dump, = (self.dir / f"dumps{self.runs}").iterdir()
        out = self.check("--gen-suppressions", "--max-leak=0", "--max-leak-per-stack=0", dump, status=1)
        self.assertEqual(re.findall(r"(?:#.*\n)? +leak:.*\n", out),
                         ["# for 2 stacks\n      leak:^both$\n"])
        path = self.supp("# for 2 stacks\nleak:^both$\n")
        self.assertIn(": 2 stacks, 2 blocks, 30 B", self.check("--suppressions", path, dump))

    def test_proposals_outside_of_the_project(self):
        """Of nobody's own functions, it is not the C library's that is taken, if there is another; and
        that is by a name that it has."""
        dump = self.dump("leak=1x100", "copy=1")
        def interpret(dump):
            for frame in dump["frames"][1:]:
                if "leaky" in dump["modules"][frame[1]]["path"]:
                    frame[1:] = [-1, 16]
        for path in (dump, self.changed(dump, interpret)):
            findings = self.verdict("--gen-suppressions", "--project-root", "none", path,
                                    status=1)["checks"][0]["findings"]
            proposals = [finding["suppression"] for finding in findings if finding.get("suppression")]
            out = self.check("--suppressions", self.supp("\n".join(proposals)), path, status=int(path != dump))
            self.assertNotIn("unused ", out)
        self.assertEqual(proposals, ["leak:strdup"])  # the other has no function with a name

    def proposals_for(self, text):
        """What is proposed for a C++ program, each once. Together they suppress all of its leaks."""
        memprof_test.need(os.environ.get("CXX", "c++"))
        source = self.write("cx.cc", text)
        program = str(self.dir / "cx")
        subprocess.run([os.environ.get("CXX", "c++"), "-g", "-O1", "-o", program, source], check=True)
        self.assertEqual(self.profiled([program]).status, 0)
        dump, = map(str, (self.dir / f"dumps{self.runs}").iterdir())
        findings = self.verdict("--gen-suppressions", dump, status=1)["checks"][0]["findings"]
        proposals = sorted({finding["suppression"] for finding in findings})
        self.check("--fail-on-unused-suppressions", "--suppressions",
                   self.supp("\n".join(proposals)), dump)
        return proposals

    def test_proposals_for_templates(self):
        """Names with template arguments, which compilers print in different ways."""
        proposals = self.proposals_for("""
            #include <map>
            #include <string>
            template <class T> struct Cache {
                std::map<int, T *> entries;
                __attribute__((noinline)) void put(int k, T v) { entries[k] = new T(v); }
            };
            __attribute__((noinline)) static std::string *text() { return new std::string(99, 'x'); }
            int main() {
                static auto *volatile cache = new Cache<std::string>;
                static std::string *volatile lost = text();
                cache->put(1, "a text that is too long for the object itself");
                return lost ? 0 : 1;
            }
            """)
        self.assertIn("leak:Cache*::put", proposals)
        self.assertIn("leak:text", proposals)

    def test_proposals_for_closures(self):
        """Names of closures, which compilers number, and of what is within a function."""
        self.proposals_for("""
            #include <cstdlib>
            #define NOINLINE __attribute__((noinline))
            static void *volatile lost;
            template <class F> NOINLINE void call(F f) { f(1); }
            struct Holder {
                NOINLINE void method(int) const {
                    auto f = [this](int n) NOINLINE { lost = malloc(100 + n); };
                    f(1);
                }
            };
            NOINLINE void outer(int) {
                struct Local { NOINLINE void method() { lost = malloc(200); } } local;
                local.method();
                call([](int n) NOINLINE { lost = malloc(300 + n); });
            }
            int main() {
                Holder().method(1);
                outer(1);
                return 0;
            }
            """)

    def test_wrong_files(self):
        dump = self.dump("leak=3x100")
        for text, said in (("leak:a\nthread:b\n", "line 2, column 1: 'thread:b': is not a suppression, expected "),
                           ("leak:\n", "line 1, column 6: expected a pattern"),
                           ("#memprof: expires 2027-13-01\nleak:a\n", "line 1, column 19: '2027-13-01': expected a date"),
                           ("#memprof: upside\nleak:a\n", "line 1, column 11: 'upside': is not known, expected"),
                           ("leak:a\n#memprof: top\n", "line 2, column 11: nothing follows"),
                           ("leak:a\n\0leak:b\n", "line 2, column 1: is a NUL byte")):
            path = self.supp(text)
            self.assertIn(f"'{path}': {said}", self.check("--suppressions", path, dump, status=2))
        for path, said in (("none", "No such file"), (str(self.dir), "is a directory, expected a text"),
                           ("/dev/zero", "is a device, expected a text file")):
            self.assertIn(said, self.check("--suppressions", path, dump, status=2))
            self.assertIn(said, self.check("--limits", path, dump, status=2))


class Baselines(GateTest):
    def baseline(self, *dumps):
        path = self.write("base.json", self.report("baseline", *dumps))
        return path

    def test_the_same_run_passes(self):
        dump = self.dump("leak=3x100", "runtime")
        out = self.check("--baseline", self.baseline(dump), dump)
        self.assertIn("passed  baseline: no stack leaks more than in '", out)
        self.check("--baseline", dump, self.dump("leak=3x100", "runtime"))

    def test_new_and_grown(self):
        base = self.baseline(self.dump("leak=3x100"))
        out = self.check("--baseline", base, self.dump("leak=3x100", "other=1x1"), status=1)
        self.assertIn("baseline: 1 stack leaks more than in", out)
        self.assertIn("leaky.c", out.splitlines()[1])
        self.assertIn(": 1 B in 1 block leaked, new\n    #0 other ", out)
        self.assertNotIn("inner", out)
        out = self.check("--baseline", base, self.dump("leak=4x100"), status=1)
        self.assertIn(": 400 B in 4 blocks leaked, was 300 B in 3 blocks\n", out)
        self.check("--baseline", base, self.dump("leak=3x101"), status=1)
        out = self.check("--baseline", base, self.dump("allocs=1"))
        self.assertIn("1 of its stacks does not leak any more", out)

    def test_tolerance(self):
        base = self.baseline(self.dump("leak=100x100", "peak=1000000", "allocs=1000"))
        more = self.dump("leak=104x100", "peak=1040000", "allocs=1040")
        self.check("--baseline", base, more, status=1)
        self.check("--baseline", base, "--tolerance", "5", more)
        verdict = self.verdict("--baseline", base, "--tolerance=3.5%", more, status=1)
        self.assertEqual({check["name"]: check["failed"] for check in verdict["checks"]},
                         {"baseline": True, "baseline-peak": True, "baseline-allocs": True})
        # Without it only leaks are compared.
        self.check("--baseline", base, self.dump("leak=100x100", "peak=9000000", "allocs=9000"))

    def test_suppressions_and_iterations(self):
        base = self.baseline(self.dump("leak=3x100"))
        more = self.dump("leak=5x100", "other=2x10")
        self.check("--baseline", base, "--suppressions", self.write("s", "leak:main"), more)
        self.check("--baseline", base, "--per-iteration", "3", more)
        self.check("--baseline", base, "--per-iteration", "2", more, status=1)

    def test_update(self):
        base = str(self.dir / "new.json")
        out = self.check("--baseline", base, "--update-baseline", self.dump("leak=3x100"))
        self.assertIn("was written anew: 1 stack", out)
        self.check("--baseline", base, self.dump("leak=3x100"))
        worse = self.dump("leak=9x100")
        self.check("--baseline", base, worse, status=1)
        self.check("--baseline", base, "--update-baseline", worse)
        self.check("--baseline", base, worse)
        # Other limits are judged all the same, and no file is lost by mistake.
        self.check("--baseline", base, "--update-baseline", "--max-leak", "1", worse, status=1)
        for content in ("hello\n", pathlib.Path(worse).read_text()):
            path = self.write("precious", content)
            self.check("--baseline", path, "--update-baseline", worse, status=2)
            self.assertEqual(pathlib.Path(path).read_text(), content)
        self.check("--baseline", worse, "--update-baseline", worse, status=2)
        self.assertEqual([path.name for path in self.dir.iterdir() if path.name.startswith("new.")],
                         ["new.json"])

    def test_unusable(self):
        dump = self.dump("leak=3x100")
        text = pathlib.Path(self.baseline(dump)).read_text()
        whole = json.loads(text)
        for name, content in (("cut", text[:-20]), ("version", json.dumps({**whole, "version": 7})),
                              ("empty", ""), ("format", json.dumps({**whole, "format": "x"})),
                              ("events", json.dumps({**whole, "totals": {}, "entries": []}))):
            path = self.write(f"{name}.json", content)
            self.assertIn(f"'{path}': ", self.check("--baseline", path, dump, status=2))

    def test_rebuilt_program(self):
        """The program is built again with other options, in another place, with its functions
        moved: its known leak stays known, and one new block is found, alone."""
        source = SOURCE.read_text()
        compiler = os.environ.get("CC", "cc")

        def build(directory, text, *options):
            path = self.dir / directory
            path.mkdir()
            (path / "leaky.c").write_text(text)
            subprocess.run([compiler, "-g", *options, "-o", "leaky", "leaky.c", "-lpthread"],
                           cwd=path, check=True)
            return str(path / "leaky")

        def dump_of(program, *words):
            self.assertEqual(self.profiled([program, *words]).status, 0)
            path, = (self.dir / f"dumps{self.runs}").iterdir()
            return str(path)

        base = self.baseline(dump_of(build("one", source, "-O1"), "leak=3x100", "runtime"))
        moved = "\n" * 100 + source.replace("OWN static void other", "OWN static void spare(void)\n{\n"
                                            "    sink = NULL;\n}\n\nOWN static void other")
        moved = moved.replace("    __asm__ volatile(\"\");\n}\n", "    __asm__ volatile(\"\");\n    "
                              "if (!sink)\n        spare();\n}\n", 1)
        moved = moved.replace("OWN static void inner", "OWN static void spare(void);\n\n"
                              "OWN static void inner")
        program = build("two", moved, "-O2")
        self.check("--baseline", base, dump_of(program, "leak=3x100", "runtime"))
        verdict = self.verdict("--baseline", base, dump_of(program, "leak=3x100", "runtime", "other=1x1"),
                               status=1)
        finding, = verdict["checks"][0]["findings"]
        self.assertEqual((finding["frames"][0]["function"], finding["bytes"]), ("other", 1))

    def test_the_same_build(self):
        """Where no code can have moved, a leak that another line of the same function has in place of one that
        is gone is new, also to the byte."""
        text = ["#include <stdlib.h>", "void *volatile kept;", "int main(int argc, char **argv)", "{",
                "    (void)argv;", "    if (argc == 1)", "        kept = malloc(11); /* old */", "    if (argc == 2)",
                "        kept = malloc(11); /* new */", "    return 0;", "}"]
        path = self.write("lines.c", "\n".join(text) + "\n")
        program = str(self.dir / "lines")
        subprocess.run([os.environ.get("CC", "cc"), "-g", "-o", program, path], check=True)
        dumps = []
        for words in ([], ["x"]):
            self.assertEqual(self.profiled([program, *words]).status, 0)
            dumps += map(str, (self.dir / f"dumps{self.runs}").iterdir())
        line = {word: 1 + next(i for i, code in enumerate(text) if f"/* {word} */" in code) for word in ("old", "new")}
        for unit in ("stack", "line"):
            diff = json.loads(self.report("diff", "--by", unit, "--format", "json", *dumps))
            self.assertEqual({change["status"]: change["line"] for change in diff["changes"]},
                             {"new": line["new"], "fixed": line["old"]})
        finding, = self.verdict("--baseline", *dumps, status=1)["checks"][0]["findings"]
        self.assertEqual((finding["frames"][0]["line"], finding["bytes"]), (line["new"], 11))
        self.check("--baseline", dumps[0], dumps[0])


if __name__ == "__main__":
    memprof_test.main()
