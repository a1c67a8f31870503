#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A program whose every name is hostile (function, source file and its text, executable, directory,
argument, thread) is profiled and reported on by every verb in every format: nothing that comes out
carries a control character, reorders text, or is taken for markup, a formula or a command."""
import csv
import io
import json
import os
import re
import shutil
import subprocess
import unicodedata
import xml.etree.ElementTree

import memprof_test

HOSTILE = ("=\x1b]0;x\x07\x1b[31m<script>alert(1)<\\script>|`*_[x](y)%0A::error::\r\n\u202e\u2066"
           ",\"'&amp;]]>$(id)\x9b2J{{x}}")
SOURCE = """#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
static __attribute__((noinline)) void *FUNCTION(size_t n)
{
    void *p = malloc(n); /* TEXT */
    __asm__ volatile("" : "+r"(p)::"memory");
    return p;
}
static void *thread(void *name)
{
    prctl(PR_SET_NAME, name);
    FUNCTION(100000);
    return NULL;
}
int main(int argc, char **argv)
{
    pthread_t t;
    pthread_create(&t, NULL, thread, argv[argc - 1]);
    pthread_join(t, NULL);
    free(FUNCTION(5000000));
    FUNCTION(3000);
    return FUNCTION(70) == NULL;
}
"""
DEEP_ENTRIES = """
    .section .note.GNU-stack,"",@progbits
    .section .debug_abbrev,"",@progbits
    .byte 1, 0x11, 1, 0x11, 0x01, 0x12, 0x01, 0x03, 0x08, 0, 0  # a unit: from, to, name
    .byte 2, 0x0b, 1, 0, 0, 0  # a block in it, or in another one
    .section .debug_info,"",@progbits
    .long end - begin
begin:
    .value 4
    .long 0
    .byte 8, 1
    .quad f, f + 4096
    .asciz "deep.c"
    .fill 200000, 1, 2
    .fill 200001, 1, 0
end:
"""
FORMATS = ("text", "json", "csv", "markdown")
FILES = ("junit", "sarif", "markdown", "gitlab", "tap")


def placeholder(letter, hostile):
    """A name to compile with, of the length that HOSTILE has in bytes, and that."""
    wanted = hostile.encode()
    return letter * len(wanted), wanted


def refuse(text):
    """What of TEXT may not be printed."""
    return [f"U+{ord(c):04X} in line {text[:i].count(chr(10)) + 1}" for i, c in enumerate(text)
            if (unicodedata.category(c) in ("Cc", "Cs") and c != "\n")
            or c in "\u061c\u200e\u200f\u2028\u2029" or "\u202a" <= c <= "\u202e"
            or "\u2066" <= c <= "\u2069"]


class HostileNames(memprof_test.Test):
    def setUp(self):
        super().setUp()
        compiler = shutil.which("gcc") or self.skipTest("no gcc")
        function, function_bytes = placeholder("F", HOSTILE)
        file, file_bytes = placeholder("S", HOSTILE.replace("/", "") + ".c")
        where = self.dir / ("d" + HOSTILE.replace("/", "")[:60])
        where.mkdir()
        source = SOURCE.replace("FUNCTION", function).replace("TEXT", HOSTILE.replace("\n", ""))
        (where / file).write_text(source, newline="")
        subprocess.run([compiler, "-w", "-g", "-O1", "-pthread", "-o", "program", "-x", "c",
                        file], cwd=where, check=True)
        program = (where / "program").read_bytes()
        self.assertIn(function.encode(), program)
        program = program.replace(function.encode(), function_bytes).replace(file.encode(), file_bytes)
        self.program = where / ("p" + HOSTILE)
        self.program.write_bytes(program)
        self.program.chmod(0o755)
        os.rename(where / file, os.fsencode(where) + b"/" + file_bytes)
        run = self.profiled([self.program, "x", HOSTILE[:15]], cwd=where,
                            env={"MEMPROF_OUT": f"{self.dir}/dump.json"})
        self.assertEqual((run.status, run.err), (0, b""))
        self.dump = self.dir / "dump.json"
        self.assertIn(HOSTILE, memprof_test.load(self.dump)["process"]["exe"])

    def run_report(self, *arguments):
        done = subprocess.run([memprof_test.REPORT, *arguments], env=self.environment(), cwd=self.dir,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        self.assertEqual(refuse(done.stderr.decode()), [], arguments)
        for line in done.stderr.decode().splitlines():
            self.assertTrue(line.startswith("memprof-report: "), line)
        return done.returncode, done.stdout.decode()

    def verbs(self):
        text = self.run_report("--help")[1].split("Verbs:\n")[1].split("\n\n")[0]
        return re.findall(r"^  ([a-z]+) ", text, re.M)

    def check_text(self, text):
        self.assertNotIn("\n::", text)

    def check_json(self, text):
        json.loads(text)

    def check_csv(self, text):
        for block in re.split(r"\n\n", text.strip("\n")):
            rows = list(csv.reader(io.StringIO(block), strict=True))
            self.assertEqual({len(row) for row in rows}, {len(rows[0])}, block)
            for cell in (cell for row in rows for cell in row):
                self.assertFalse(re.match(r"[=+@\t]|-(?![0-9.]*$)", cell), cell)

    def check_markdown(self, text):
        for line in text.split("\n"):
            plain = re.sub(r"\\.", "", line)
            self.assertNotIn("<script", plain)
            if not line.startswith("<"):  # in a block of HTML nothing else is markup
                self.assertNotRegex(plain, r"\[x\]\(y\)", line)
        for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
            columns = {re.sub(r"\\.", "", row).count("|") for row in table.splitlines()}
            self.assertEqual(len(columns), 1, table)

    def check_junit(self, text):
        xml.etree.ElementTree.fromstring(text)

    check_sarif = check_gitlab = check_json

    def check_tap(self, text):
        yaml = False
        for line in text.splitlines():
            yaml = line.strip() == "---" or (yaml and line.strip() != "...")
            self.assertTrue(yaml or re.match(r"TAP version 1[34]$|1\.\.[0-9]+|ok |not ok |#| |$", line), line)

    def check_printed(self, kind, text, where):
        self.assertEqual(refuse(text), [], where)
        with self.subTest(where=where):
            getattr(self, f"check_{kind}")(text)

    def test_verbs(self):
        shown = 0
        for verb in self.verbs():
            dumps = [self.dump] * (2 if verb == "diff" else 1)
            for kind in FORMATS:
                for more in ((), ("--no-demangle",), ("--limit", "0"), ("--project-root", "none")):
                    status, out = self.run_report(verb, "--format", kind, *more, *dumps)
                    if status != 2:
                        shown += "alert(1)" in re.sub(r"\\(.)", r"\1", out)
                        self.check_printed(kind, out, (verb, kind, more))
        self.assertGreater(shown, 12)
        status, out = self.run_report("baseline", self.dump)
        self.assertEqual(status, 0)
        self.check_printed("json", out, "baseline")

    def test_colors(self):
        """The only control characters are those of the colours, and they stand for themselves."""
        for verb in ("summary", "lines", "leaks", "tree"):
            status, out = self.run_report(verb, "--color", "always", self.dump)
            self.assertEqual(status, 0)
            self.assertEqual(refuse(re.sub(r"\x1b\[[0-9;]*m", "", out)), [], verb)
            self.assertNotIn("\x1b[31m<", out)

    def test_gate(self):
        if "check" not in self.verbs():
            self.skipTest("there is no gate")
        names = {kind: self.dir / f"gate.{kind}" for kind in FILES}
        options = [word for kind, path in names.items() for word in (f"--{kind}", path)]
        status, out = self.run_report("check", "--github", "--gen-suppressions", *options, self.dump)
        self.assertEqual(status, 1)
        self.assertEqual(refuse(out), [])
        commands = [line for line in out.splitlines() if line.startswith("::")]
        self.assertGreater(len(commands), 0)
        for line in commands:
            match = re.fullmatch(r"::(error|warning|notice|group|endgroup)( [a-zA-Z]+=[^,:]*"
                                 r"(,[a-zA-Z]+=[^,:]*)*)?::(.*)", line)
            self.assertTrue(match, line)
        for kind, path in names.items():
            text = path.read_bytes().decode()
            self.assertIn("alert", text, kind)
            self.check_printed(kind, text, kind)


class DeepNames(memprof_test.Test):
    """Debug information whose entries lie each within the last one: 200,000 of them."""

    def test_depth(self):
        compiler = shutil.which("gcc") or self.skipTest("no gcc")
        sources = (self.write("deep.s", DEEP_ENTRIES),
                   self.write("p.c", "#include <stdlib.h>\nvoid *f(size_t n);\n"
                                     "int main(void) { return f(1000) == 0; }\n"),
                   self.write("f.c", "#include <stdlib.h>\nvoid *f(size_t n)\n{\n"
                                     "    void *p = malloc(n);\n"
                                     "    __asm__ volatile(\"\" : \"+r\"(p));\n    return p;\n}\n"))
        program = self.dir / "deep"
        subprocess.run([compiler, "-w", "-O1", "-no-pie", "-fno-builtin", "-o", program, *sources],
                       check=True)
        dump = self.dir / "dump.json"
        self.assertEqual(self.profiled([program], env={"MEMPROF_OUT": str(dump)}).status, 0)
        for verb in ("lines", "leaks", "tree"):
            self.assertIn(b"deep", self.report(verb, "--limit", "0", dump))


if __name__ == "__main__":
    memprof_test.main()
