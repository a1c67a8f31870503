#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Modules in the dump: build-ids, and libraries that were unloaded, with others in their place: each
allocation is still charged to the function that made it."""
import json
import os
import subprocess

import memprof_test
from memprof_test import sample

ROUNDS = 5


class Modules(memprof_test.Test):
    def build_id(self, path):
        notes = subprocess.run(["readelf", "-n", path], check=True, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, env=self.environment()).stdout.decode()
        found = [line.split()[-1] for line in notes.splitlines() if "Build ID:" in line]
        return found[0] if found else None

    def test_unloaded(self):
        plugins = [sample(f"libplugin_{name}.so") for name in ("one", "two")]
        run = self.profiled([sample("unloads"), *plugins, ROUNDS])
        self.assertEqual((run.status, run.err), (0, b""))
        self.assertEqual(int(run.out), ROUNDS, "the second library was not where the first had been")
        self.assert_sound(run.dump)
        modules = {name: [] for name in plugins}
        for module in run.dump["modules"]:
            modules.setdefault(module["path"], []).append(module)
        for plugin in plugins:
            self.assertTrue(modules[plugin])
            for module in modules[plugin]:
                self.assertIsNotNone(module["unloaded_ns"])
                self.assertEqual(module["build_id"], self.build_id(plugin))
        path = next(self.dumps_directory().iterdir())
        rows = json.loads(self.report("lines", "--self", "--format", "json", "--limit", "0", path))
        found = {}
        for row in rows:
            if row["function"].startswith("make_in_"):
                self.assertEqual(os.path.basename(row["file"]), "unloaded_plugin.c")
                count, size = found.get(row["function"], (0, 0))
                found[row["function"]] = (count + row["occurrences"],
                                          size + row["increment_bytes"])
        self.assertEqual(found, {"make_in_one": (ROUNDS * 10, ROUNDS * 1000),
                                 "make_in_two": (ROUNDS * 20, ROUNDS * 1000)})

    def test_verified(self):
        """Nothing that was kept of the first library's code is used for the second's."""
        plugins = [sample(f"libplugin_{name}.so") for name in ("one", "two")]
        run = self.profiled([sample("unloads"), *plugins, 20], env={"MEMPROF_VERIFY": "1"})
        self.assertEqual(run.status, 0, run.err)
        self.assertEqual(run.dump["verify"]["different"], 0)
        self.assertGreater(run.dump["verify"]["compared"], 20 * 30)

    def test_build_ids(self):
        """What is loaded at the end: every module that is a file, with its build-id."""
        dump = self.profiled(["sort", "--version"]).dump
        paths = {os.path.realpath(module["path"]): module for module in dump["modules"]}
        for name in ("sort", "libc.so.6"):
            found = [path for path in paths if os.path.basename(path) == name]
            self.assertEqual(len(found), 1, sorted(paths))
            self.assertEqual(paths[found[0]]["build_id"], self.build_id(found[0]))
            self.assertIsNone(paths[found[0]]["unloaded_ns"])


if __name__ == "__main__":
    memprof_test.main()
