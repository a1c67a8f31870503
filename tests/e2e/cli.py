#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""memprof-report given what it cannot use: exit status 2, nothing on standard output, and exactly one
line on standard error that names the subject."""
import json
import os
import subprocess

import memprof_test
from memprof_test import sample


class Cli(memprof_test.Test):
    def setUp(self):
        super().setUp()
        self.profiled([sample("endings"), "return"])
        self.good, = (self.dir / "dumps1").iterdir()
        self.text = self.good.read_text()

    def refuse(self, *arguments, subject=None, prefix=()):
        done = subprocess.run([*prefix, memprof_test.REPORT, *arguments], cwd=self.dir,
                              env=self.environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              timeout=memprof_test.TIMEOUT)
        error = done.stderr.decode()
        self.assertEqual((done.returncode, done.stdout), (2, b""), f"{arguments}: {error}")
        self.assertEqual(error.count("\n"), 1, error)
        self.assertTrue(error.startswith("memprof-report: "), error)
        if subject is not None:
            self.assertIn(f"'{subject}'", error)
        return error

    def refuse_file(self, name, content):
        path = self.write(name, content)
        for verb in ("summary", "lines", "leaks", "tree"):
            error = self.refuse(verb, path, subject=path)
        return error

    def test_good(self):
        """Against a test that only ever sees errors."""
        self.report(str(self.good))
        self.report("lines", str(self.good))

    def test_missing(self):
        self.assertIn("No such file", self.refuse("lines", "none.json", subject="none.json"))
        self.refuse("none.json", subject="none.json")

    def test_empty(self):
        self.refuse_file("empty.json", "")

    def test_truncated(self):
        for size in (1, len(self.text) // 2, len(self.text.rstrip()) - 1):
            self.assertRegex(self.refuse_file("cut.json", self.text[:size]), "line|byte|column|position")

    def test_wrong_version(self):
        dump = json.loads(self.text)
        dump["version"] = 7
        error = self.refuse_file("new.json", json.dumps(dump))
        self.assertIn("7", error)
        self.assertIn("1", error.split("new.json")[1])

    def test_not_a_dump(self):
        for content in ("{}", "[]", "null", "3", '"memprof-dump"', "hello\n", '{"format": "other"}',
                        b"\x7fELF\x02\x01\x01\x00\xff\xfe", "\x00" * 100, "[" * 100000):
            self.refuse_file("other.json", content)

    def test_damaged(self):
        """A dump with one member gone or of the wrong type."""
        for member in ("process", "totals", "modules", "frames", "sites"):
            for value in (None, 7, "text", [7]):
                dump = json.loads(self.text)
                dump[member] = value
                self.refuse_file("damaged.json", json.dumps(dump))
        dump = json.loads(self.text)
        dump["sites"][0]["frame"] = len(dump["frames"])
        self.refuse_file("damaged.json", json.dumps(dump))

    def test_directory(self):
        self.refuse("lines", str(self.dir), subject=str(self.dir))

    def test_unreadable(self):
        prefix = ()
        if os.geteuid() == 0:
            memprof_test.need("setpriv")
            prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                      "--inh-caps=-all")
            if subprocess.run([*prefix, "test", "-x", memprof_test.REPORT], check=False).returncode:
                self.skipTest("the build directory is closed to other users")
        self.dir.chmod(0o755)
        path = self.write("secret.json", self.text)
        os.chmod(path, 0)
        error = self.refuse("lines", path, subject=path, prefix=prefix)
        self.assertIn("Permission denied", error)

    def test_device(self):
        self.refuse("lines", "/dev/null", subject="/dev/null")

    def test_options(self):
        good = str(self.good)
        for arguments in (["--no-such-option", good], ["lines", "--no-such-option", good],
                          ["lines", "-Q", good], ["lines"], [], ["lines", "--format"]):
            self.refuse(*arguments)
        for option, value in (("--format", "yaml"), ("--format", ""), ("--limit", "many"),
                              ("--limit", "-1"), ("--limit", "99999999999999999999999"),
                              ("--sort", "nothing"), ("--columns", "nothing"),
                              ("--color", "maybe")):
            error = self.refuse("lines", option, value, good)
            self.assertIn(option, error)
            self.assertIn(value, error)

    def test_output_is_an_input(self):
        """Under any name; the dump stays as it was."""
        link = self.dir / "link.json"
        link.symlink_to(self.good)
        for name in (self.good, link):
            error = self.refuse("lines", str(self.good), "-o", str(name), subject=name)
            self.assertIn("is one of the dumps", error)
        self.assertEqual(self.good.read_text(), self.text)

    def test_output_dash(self):
        self.assertEqual(self.report("lines", "-o", "-", str(self.good)),
                         self.report("lines", str(self.good)))
        self.assertFalse((self.dir / "-").exists())

    def test_output(self):
        self.refuse("lines", "-o", "/proc/none/out", str(self.good), subject="/proc/none/out")


if __name__ == "__main__":
    memprof_test.main()
