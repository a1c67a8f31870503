#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""find_package(memprof): a project of 20 ctest tests becomes a leak-checked suite by two lines, in
which exactly the tests that leak fail."""
import os
import re
import shutil
import subprocess

import memprof_test

PROJECT = memprof_test.ROOT / "tests" / "ctest-project"


class Module(memprof_test.Test):
    def setUp(self):
        super().setUp()
        memprof_test.need("cmake", "ctest")
        shutil.copytree(PROJECT, self.dir / "project")
        status, _, err = self.run_host(
            [memprof_test.BUILD / "memprof", "check", "--max-leak=1M", "--", "true"],
            self.environment())
        self.assertIn(status, (0, 2), err)

    def environment(self, extra=None):
        return super().environment({"CC": os.environ.get("CC", "cc"), **(extra or {})})

    def build(self, *options):
        """Configures and builds the project with OPTIONS, in a directory of its own."""
        self.runs += 1
        directory = self.dir / f"build {self.runs}"
        for command in (["cmake", "-S", "project", "-B", directory,
                         f"-Dmemprof_DIR={memprof_test.BUILD}", *options],
                        ["cmake", "--build", directory]):
            status, out, err = self.run_host(command, self.environment())
            self.assertEqual(status, 0, (out + err).decode())
        return directory

    def ctest(self, directory, *options):
        """Names of the tests, and of those that failed."""
        done = subprocess.run(["ctest", "--test-dir", directory, "--output-on-failure", *options],
                              env=self.environment(), stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.STDOUT, timeout=memprof_test.TIMEOUT)
        self.output = done.stdout.decode()
        self.assertNotIn("CMake Warning", self.output)
        found = dict(re.findall(r"Test +#\d+: (\S+) \.*(?: +|\*+)(Passed|Failed|Skipped)",
                                self.output))
        self.assertEqual(done.returncode, 8 if "Failed" in found.values() else 0, self.output)
        return set(found), {name for name, result in found.items() if result == "Failed"}

    def baseline(self):
        """What `suite leak` leaks, as a file of the project."""
        directory = self.build()
        done = self.run_host([memprof_test.BUILD / "memprof", "check", "--baseline",
                              self.dir / "project/known.json", "--update-baseline", "--",
                              directory / "suite", "leak", "", "a;b", "c d"], self.environment())
        self.assertEqual(done[0], 0, done)
        return directory

    def test_suite(self):
        plain = self.baseline()
        names, failed = self.ctest(plain)
        self.assertEqual((len(names), failed), (20, set()), self.output)

        checked = self.build("-DCHECKED=ON", "-DLEAKING=ON")
        names, failed = self.ctest(checked)
        self.assertEqual(len(names), 34, self.output)
        # Whatever ctest makes of the status: output that is looked for, a test that is to fail, one
        # status that says that it was skipped.
        self.assertEqual(failed, {"new_leak", "says_and_leaks", "own_says_and_leaks", "own_too_much",
                                  "own_fails_and_leaks", "fails_and_leaks", "says_not_and_leaks",
                                  "leaks_not_skips"}, self.output)
        self.assertRegex(self.output, r"skips \.*\*\*\*Skipped")
        self.assertRegex(self.output, r"suite.c:38: 64 B in 1 block leaked")
        self.ctest(checked, "-V", "-R", "^(case_3|foreign|known_leak)$")
        wrapped = set(re.findall(r"Test command: \S*/memprof \"?check.* \S*/suite\"? \"(\w+)\"",
                                 self.output))
        self.assertEqual(wrapped, {"3"}, self.output)

    def test_wrong_argument(self):
        text = (self.dir / "project/CMakeLists.txt").read_text(encoding="utf-8")
        self.write("project/CMakeLists.txt", text.replace("MAX_LEAK 0 ", "MAXIMAL_LEAK 0 "))
        status, _, err = self.run_host(["cmake", "-S", "project", "-B", "wrong", "-DCHECKED=ON",
                                        f"-Dmemprof_DIR={memprof_test.BUILD}"], self.environment())
        self.assertNotEqual(status, 0)
        self.assertIn(b"'MAXIMAL_LEAK;0'", err)


if __name__ == "__main__":
    memprof_test.main()
