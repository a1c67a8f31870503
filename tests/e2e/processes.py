#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""fork, vfork, exec and spawn: one dump for each process and each program, with its own counts, and
none written over another's."""
import json
import os

import memprof_test
from memprof_test import sample

PROGRAM = "processes"


def own(text):
    """What each process of a sample printed of itself, by name."""
    lines = [json.loads(line) for line in text.decode().splitlines()]
    return {line["name"]: line for line in lines}


class Processes(memprof_test.Test):
    def assert_own(self, line, dump):
        """DUMP has exactly the counts that the process printed."""
        self.assertEqual(dump["process"]["pid"], line["pid"])
        if dump["mode"]["kind"] == "exact":
            self.assert_sound(dump)
        self.assertEqual({name: dump["totals"][name] for name in line["totals"]}, line["totals"],
                         line["name"])

    def by_pid(self, dumps):
        found = {dump["process"]["pid"]: dump for dump in dumps.values()}
        self.assertEqual(len(found), len(dumps), "two dumps of one process")
        return found

    def test_fork_tree(self):
        run = self.profiled([sample(PROGRAM), "tree"])
        self.assertEqual(run.status, 0, run.err)
        lines, dumps = own(run.out), self.by_pid(run.dumps)
        self.assertEqual(set(dumps), {line["pid"] for line in lines.values()})
        for line in lines.values():
            self.assert_own(line, dumps[line["pid"]])
        parents = {"child 0": "parent", "child 1": "parent", "grandchild 0": "child 0",
                   "grandchild 1": "child 1"}
        self.assertIsNone(dumps[lines["parent"]["pid"]]["process"]["parent"])
        for child, parent in parents.items():
            recorded = dumps[lines[child]["pid"]]["process"]
            above = dumps[lines[parent]["pid"]]["process"]
            self.assertEqual(recorded["parent"],
                             {"pid": above["pid"], "start_time": above["start_time"]})
        # What was taken over: 12 blocks of 4000 bytes, less `first`; then also what the child kept.
        for name, live_count, live_bytes in (
                ("child 0", 11, 3000), ("child 1", 11, 3000),
                ("grandchild 0", 11 + 6 - 1, 1000 + 300), ("grandchild 1", 11 + 8 - 1, 1000 + 400)):
            self.assertEqual(dumps[lines[name]["pid"]]["inherited"], {
                "live_count": live_count, "live_bytes": live_bytes, "free_count": 1}, name)

    def test_raw_fork(self):
        """A child by a system call, of which no handler of libc is told: the counts of both are
        their own, and what it inherits is known, also where the instruction is the program's and
        what is recorded is shared with a process that writes snapshots."""
        for how in "clone", "fork", "clone3", "unseen":
            for env in ({}, {"MEMPROF_INTERVAL": "1000"},
                        {"MEMPROF_INTERVAL": "1000", "MEMPROF_SAMPLE": "1"}):
                with self.subTest(how=how, **env):
                    run = self.profiled([sample(PROGRAM), "rawfork", how], env=env)
                    self.assertEqual(run.status, 0, run.err)
                    dumps, lines = self.by_pid(run.dumps), own(run.out)
                    self.assertEqual(set(dumps), {line["pid"] for line in lines.values()})
                    for line in lines.values():
                        self.assert_own(line, dumps[line["pid"]])
                    self.assertEqual(dumps[lines["child"]["pid"]]["inherited"], {
                        "live_count": 10, "live_bytes": 10000, "free_count": 1})

    def test_fork_storm(self):
        """Threads fork while others allocate: no child hangs on what a thread held that it has not,
        and each begins its own counts."""
        run = self.profiled([sample("forkstorm"), 20])
        self.assertEqual((run.status, run.err), (0, b""))
        dumps = self.by_pid(run.dumps)
        self.assertEqual(len(dumps), 1 + 4 * 20)
        for dump in dumps.values():
            self.assert_sound(dump, 50)
            if dump["process"]["parent"]:
                totals = dump["totals"]
                self.assertEqual((totals["alloc_count"], totals["alloc_bytes"],
                                  totals["free_count"], totals["live_bytes"]), (50, 2000, 20, 1200))

    def chain(self, *names):
        links = []
        for name in names:
            path = self.dir / name
            if not path.exists():
                os.link(sample(PROGRAM), path)
            links.append(str(path))
        return self.profiled([links[0], "chain", *links[1:]])

    def test_exec_chain(self):
        run = self.chain("first", "second", "third")
        self.assertEqual(run.status, 9, run.err)
        dumps = [run.of(name) for name in ("first", "second", "third")]
        self.assertEqual([[dump["dump"]["reason"] for dump in found] for found in dumps],
                         [["exec"], ["exec"], ["exit"]])
        self.assertEqual(len({found[0]["process"]["pid"] for found in dumps}), 1)
        for found in dumps:
            self.assertEqual(found[0]["totals"]["alloc_count"], 5)
            self.assertEqual(found[0]["totals"]["alloc_bytes"], 300)

    def test_exec_same_name(self):
        """Same process id, same name: the pattern gives the same path three times."""
        run = self.chain("same", "same", "same")
        self.assertEqual(run.status, 9, run.err)
        self.assertEqual([dump["dump"]["reason"] for dump in run.of("same")],
                         ["exec", "exec", "exit"])

    def test_failed_exec(self):
        run = self.profiled([sample(PROGRAM), "badexec"])
        self.assertEqual(run.status, 0, run.err)
        self.assertEqual(run.dump["dump"]["reason"], "exit")
        self.assert_own(own(run.out)["badexec"], run.dump)

    def test_vfork(self):
        run = self.profiled([sample(PROGRAM), "vfork", "1000"])
        self.assertEqual(run.status, 0, run.err)
        found = run.of(PROGRAM)
        self.assertEqual(len(found), 1, sorted(run.dumps))
        self.assertEqual(found[0]["dump"]["reason"], "exit")
        self.assert_own(own(run.out)["vfork"], found[0])

    def test_spawn(self):
        run = self.profiled([sample(PROGRAM), "spawn", "/bin/sort", "--version"])
        self.assertEqual(run.status, 0, run.err)
        self.assertEqual((len(run.of(PROGRAM)), len(run.of("sort"))), (1, 1))
        found = run.of(PROGRAM)[0]["totals"]
        self.assertEqual((found["alloc_count"], found["live_bytes"]), (1, 20))

    def test_follow(self):
        """Which descendants are recorded: the shell's subshell is a fork, sort is an exec."""
        script = "(a=1; echo $a) | sort; exit 3"
        expected = {"all": {"bash": 3, "sort": 1}, "fork": {"bash": 3, "sort": 0},
                    "exec": {"bash": 1, "sort": 1}, "none": {"bash": 1, "sort": 0}}
        for follow, counts in expected.items():
            with self.subTest(follow=follow):
                run = self.profiled(["bash", "-c", script], env={"MEMPROF_FOLLOW": follow})
                self.assertEqual((run.status, run.out), (3, b"1\n"))
                found = {exe: len(run.of(exe)) for exe in counts}
                self.assertEqual(found["sort"], counts["sort"])
                # The fork that becomes sort is a dump of its own, for what it did before.
                self.assertIn(found["bash"], (counts["bash"], max(counts["bash"] - 1, 1)))
                # Executed in the place of the first program, which nobody recorded started.
                run = self.profiled(["env", "sort", "--version"], env={"MEMPROF_FOLLOW": follow})
                self.assertEqual((len(run.of("env")), len(run.of("sort"))), (1, counts["sort"]))

    def test_fixed_name(self):
        """Descendants do not write over the dump of their ancestor."""
        out = self.dir / "fixed"
        run = self.profiled([sample(PROGRAM), "tree"], env={"MEMPROF_OUT": f"{out}/dump.json"})
        self.assertEqual(run.status, 0, run.err)
        lines, dumps = own(run.out), self.collect(out)
        names = {"dump.json" if name == "parent" else f"dump.{line['pid']}.json": line
                 for name, line in lines.items()}
        self.assertEqual(set(dumps), set(names))
        for name, line in names.items():
            self.assert_own(line, dumps[name])


if __name__ == "__main__":
    memprof_test.main()
