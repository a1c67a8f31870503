#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Dumps that the gate refuses, so that nothing passes because nothing was looked at; several dumps
judged as one; dumps that are estimates."""
import json
import os
import pathlib
import subprocess

import memprof_test
from gate_test import GateTest


def empty(dump):
    dump["sites"] = []
    for name in dump["totals"]:
        dump["totals"][name] = 0


class Refused(GateTest):
    def test_unusable(self):
        good = self.dump("allocs=10")
        text = pathlib.Path(good).read_text(encoding="utf-8")
        self.check(good)
        for name, content in (("empty", ""), ("cut", text[:len(text) // 2]), ("other", "{}"),
                              ("text", "hello"),
                              ("version", json.dumps({**json.loads(text), "version": 9}))):
            path = self.write(f"{name}.json", content)
            for arguments in ((path,), (good, path), ("--baseline", path, good)):
                line = self.check(*arguments, status=2)
                self.assertIn(f"'{path}': ", line)
        for arguments in (("none.json",), (good, "none.json"), ("--baseline", "none.json", good)):
            self.assertIn("No such file", self.check(*arguments, status=2))

    def test_unusable_whatever_is_asked(self):
        """No option makes a pass, or a failure, of what cannot be judged; and nothing is written."""
        good = self.dump("leak=1x10")
        base, supp, limits = (self.write("base.json", self.report("baseline", good)),
                              self.write("supp", "leak:inner\n"), self.write("limits", "inner max-live 0\n"))
        text = pathlib.Path(good).read_text(encoding="utf-8")
        bad = [self.write("cut.json", text[:-40]), "none.json", self.changed(good, empty),
               self.changed(good, lambda dump: dump.update(version=2)), base]
        options = [("--max-leak", "1G"), ("--max-leak-per-stack", "1G"), ("--max-peak", "1"),
                   ("--max-allocs", "1"), ("--baseline", base), ("--baseline", base, "--tolerance", "50"),
                   ("--baseline", base, "--update-baseline"), ("--errors-for-leak-kinds=live",),
                   ("--suppressions", supp), ("--suppressions", supp, "--fail-on-unused-suppressions"),
                   ("--gen-suppressions",), ("--limits", limits), ("--per-iteration", "1000"),
                   ("--count-runtime",), ("--repeated",), ("--github",), ("--format", "json"),
                   *((f"--{form}", "written") for form in ("junit", "sarif", "markdown", "gitlab", "tap"))]
        before = pathlib.Path(base).read_bytes()
        for option in options:
            for path in bad:
                self.check(*option, path, status=2)
            self.check(*option, good, "none.json", status=2)
        self.assertEqual((pathlib.Path(base).read_bytes(), (self.dir / "written").exists()), (before, False))

    def test_zero_events(self):
        good = self.dump("allocs=10")
        path = self.changed(good, empty)
        self.assertIn("has no events", self.check(path, status=2))
        self.assertIn("has no events", self.check(good, path, status=2))
        self.assertIn("has no events", self.check("--baseline", path, good, status=2))

    def test_incomplete(self):
        path = self.changed(self.dump("leak=1x10"), lambda dump: dump["dump"].update(complete=False))
        self.assertIn("is incomplete", self.check(path, status=2))

    def test_blind(self):
        good = self.dump("leak=1x10")
        for code in ("not-interposed", "static-program", "no-allocations"):
            def warn(dump, code=code):
                dump["coverage"]["warnings"].append({"code": code, "text": "why it is blind"})
            line = self.check(self.changed(good, warn), status=2)
            self.assertIn("the profile is blind: why it is blind", line)
        low = self.changed(good, lambda dump: dump["coverage"].update(percent=49.9))
        self.assertIn("only 49.9 % of the heap was seen", self.check(low, status=2))

    def test_figures_that_do_not_agree(self):
        path = self.changed(self.dump("leak=1x10"), lambda dump: dump["totals"].update(live_bytes=0))
        self.assertIn("add up to", self.check("-q", path, status=2))

    def test_losses_pass_nothing(self):
        """What was recorded can show that a limit is exceeded, not that it is kept."""
        def lose(dump):
            dump["totals"]["dropped_count"] = 3
        clean, leaky = self.dump("allocs=1"), self.dump("leak=1x10")
        self.assertIn("3 events could not be recorded", self.check(self.changed(clean, lose), status=2))
        out = self.check(self.changed(leaky, lose), status=1)
        self.assertIn("3 events could not be recorded", out)

    def reasons(self, path, *reasons):
        for reason in reasons:
            yield self.changed(path, lambda dump, reason=reason: dump["dump"].update(reason=reason))

    def test_snapshots_are_named(self):
        good = self.dump("leak=1x10")
        for path in self.reasons(good, "signal", "api"):
            self.assertIn(f"note: '{path}' is a snapshot", self.check(path, status=1))
        self.assertNotIn("note: ", self.check(good, status=1))

    def test_what_did_not_end_tells_no_leaks(self):
        """Its peak can be judged, and what it held is nobody's leak; but it is no pass."""
        good, fine = self.dump("leak=1x10"), self.dump("allocs=1")
        limits = self.write("limits", "inner max-live 0\n")
        for path in self.reasons(good, "interval", "fatal", "recovered", "exec"):
            for option in ((), ("--max-leak", "1G"), ("--max-leak-per-stack", "1"),
                           ("--limits", limits), ("--baseline", fine)):
                self.assertIn("tells no leaks", self.check(*option, path, status=2))
            self.check("--max-peak", "1G", path)
            self.check("--max-peak", "1", path, status=1)
            self.assertIn(f"note: '{path}' was ", self.check(path, fine).replace("is a snapshot", "was "))
            self.check(path, good, status=1)


class Several(GateTest):
    def test_process_tree(self):
        """A leak counts in whichever process it is; an idle child is no blind profile."""
        dumps = self.dumps("allocs=3", "fork", "leak=5x100")
        self.assertEqual(len(dumps), 3, dumps)
        out = self.check(*dumps, status=1)
        self.assertIn("500 B in 5 blocks leaked", out)
        self.assertIn("FAILED: leaky and 2 more processes", out)
        idle, = [path for path in dumps
                 if json.loads(pathlib.Path(path).read_text())["totals"]["alloc_count"] == 0]
        self.assertIn("has no events", self.check(idle, status=2))

    def test_named_by_the_first_process(self):
        """The program is that which was started first, in whatever order the dumps come."""
        good, start = self.dump("leak=1x1"), "2026-01-01T00:00:01.250Z"
        paths = [self.changed(good, lambda dump, values=values: dump["process"].update(
                     zip(("pid", "exe", "start_time", "parent"), values)))
                 for values in ((8, "/bin/later", "2026-01-01T00:00:01.500Z", None),
                                (9, "/bin/child", start, {"pid": 7, "start_time": start}),
                                (7, "/bin/first", start, None))]
        for order in (paths, paths[::-1]):
            self.assertIn("FAILED: first and 2 more processes", self.check(*order, status=1))

    def test_snapshots_of_one_process(self):
        """The last one tells what was left; a copy of it nothing new."""
        good = self.dump("leak=5x100")

        def at(sequence, elapsed, reason, other=None):
            def change(dump):
                dump["dump"].update(sequence=sequence, elapsed_ns=elapsed, reason=reason)
                dump["process"].update(other or {})
            return self.changed(good, change)
        last = at(3, 3000, "exit")
        for earlier in (at(1, 1000, "interval"), at(2, 2000, "signal"), at(3, 3000, "exit")):
            for arguments in ((earlier, last), (last, earlier)):
                out = self.check("--max-leak", "500", *arguments)
                self.assertRegex(out, "note: '.*' is not judged: '.*' is of the same process\n")
        for another in (at(2, 2000, "exit", {"pid": 1}), at(2, 2000, "exit", {"exe": "/bin/x"}),
                        at(2, 2000, "exit", {"start_time": "2001-01-01T00:00:00Z"})):
            self.check("--max-leak", "500", another, last, status=1)
        # A program that executed another was one by itself.
        self.check("--max-allocs", "5", at(2, 2000, "exec"), last, status=1)

    def test_a_program_that_executes_another(self):
        shell = self.profiled(["sh", "-c", f"exec {memprof_test.sample('leaky')} leak=5x100"])
        self.assertEqual(sorted(dump["dump"]["reason"] for dump in shell.dumps.values()),
                         ["exec", "exit"])
        paths = [str(path) for path in (self.dir / f"dumps{self.runs}").iterdir()]
        self.assertIn("max-leak: 500 B in 5 blocks leaked", self.check(*paths, status=1))

    def test_shards_are_added_up(self):
        one, two = self.dump("leak=5x100", "peak=1000"), self.dump("leak=7x100", "peak=90000")
        verdict = self.verdict("--max-leak", "1100", "--max-leak-per-stack", "1100", "--max-peak",
                               "91000", one, two, status=1)
        self.assertEqual([check["failed"] for check in verdict["checks"]], [True, True, False])
        finding, = verdict["checks"][1]["findings"]
        self.assertEqual((finding["bytes"], finding["blocks"]), (1200, 12))
        self.check("--max-leak", "1200", one, two)


class Estimates(GateTest):
    def estimate(self, live, error):
        """A sampled dump whose one leak has this estimate and standard error."""
        def change(dump):
            dump["mode"] = {"kind": "sampled", "mean_bytes": 1000}
            for part in (dump["totals"], *dump["sites"]):
                if part["live_bytes"]:
                    part["live_bytes_se"] = error
        return self.changed(self.dump(f"leak=1x{live}"), change)

    def test_beyond_three_errors(self):
        near, far = self.estimate(10000, 1000), self.estimate(10000, 900)
        out = self.check("--max-leak", "7100", near)
        self.assertIn("more, but by less than 3 standard errors", out)
        self.assertIn("is sampled, every 1000 B on average: a limit fails only when", out)
        self.assertIn("9.77 KiB \u00b1900 B in 1", self.check("--max-leak", "7100", far, status=1))

    def test_totals_within_the_error(self):
        """More than the baseline allows, by less than the estimate is certain: passes, and says so."""
        def change(dump):
            dump["mode"] = {"kind": "sampled", "mean_bytes": 1000}
            for part in (dump["totals"], *dump["sites"]):
                if part["peak_bytes"] >= 100000:
                    part["peak_bytes_se"] = 5000
        before, now = self.dump("peak=100000"), self.changed(self.dump("peak=110000"), change)
        out = self.check("--baseline", before, "--tolerance", "5", now)
        self.assertIn("5 % tolerated: more, but by less than the figures' error", out)
        self.check("--baseline", before, "--tolerance", "5", self.dump("peak=110000"), status=1)

    def test_where_nothing_was_sampled(self):
        """Alone it cannot be judged; with others it says no more than they do."""
        nothing = self.dump("leak=3x10", env={"MEMPROF_SAMPLE": "1G"})
        self.assertRegex(self.check(nothing, status=2), "has no events: not one of [34] allocations "
                                                        "was sampled, expected a smaller MEMPROF_SAMPLE")
        out = self.check("--max-leak", "1G", nothing, self.estimate(10000, 100))
        self.assertIn("is sampled", out)
        fine = self.changed(self.dump("allocs=9"), lambda dump: dump.update(
            mode={"kind": "sampled", "mean_bytes": 1000}))
        self.assertIn("max-leak: nothing that was sampled leaked", self.check(fine, nothing))

    def test_that_there_is_a_leak_at_all_is_certain(self):
        self.check(self.estimate(10000, 9000), status=1)

    def test_real_samples(self):
        """Of many blocks most are seen often enough."""
        dump = self.dump("leak=20000x100", env={"MEMPROF_SAMPLE": "2k"})
        self.check("--max-leak", "1M", dump, status=1)
        self.check("--max-leak", "4M", dump)


class Mappings(GateTest):
    def run_program(self, *words, env=None):
        source = self.write("maps.c", '''
            #include <stdlib.h>
            #include <sys/mman.h>
            static void *map(size_t pages)
            {
                return mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            }
            int main(int argc, char **argv)
            {
                free(malloc(10));
                if (argc > 1)
                    munmap(map(5), 5 * 4096);
                for (int i = 2; i < argc; i++)
                    map((size_t)atoi(argv[i]));
            }
            ''')
        program = str(self.dir / "maps")
        subprocess.run([os.environ.get("CC", "cc"), "-g", "-w", "-o", program, source], check=True)
        self.assertEqual(self.profiled([program, *words], env=env or {"MEMPROF_MMAP": "1"}).status, 0)
        dump, = (self.dir / f"dumps{self.runs}").iterdir()
        return program, str(dump)

    def test_mappings_are_judged_instead(self):
        _, lost = self.run_program("x", "3")
        _, more = self.run_program("x", "3", "2")
        _, none = self.run_program()
        self.check(lost)
        out = self.check("--mmap", lost, status=1)
        self.assertIn("max-leak: 12.0 KiB in 1 mapping leaked, none allowed\n", out)
        self.assertIn("#0 map ", out)
        self.assertIn("what was mapped is judged, not what was allocated (--mmap)", out)
        self.check("--mmap", "--max-peak", "20k", "--max-leak", "12k", lost)
        self.check("--mmap", "--max-peak", "19k", lost, status=1)
        self.check("--mmap", none)
        base = self.write("mapped.json", self.report("baseline", "--mmap", lost))
        self.check("--mmap", "--baseline", base, lost)
        self.check("--mmap", "--baseline", base, more, status=1)
        self.assertIn("is a baseline of mappings, expected one of blocks",
                      self.check("--baseline", base, lost, status=2))
        blocks = self.write("blocks.json", self.report("baseline", lost))
        self.assertIn("is a baseline of blocks, expected one of mappings",
                      self.check("--mmap", "--baseline", blocks, lost, status=2))
        empty = self.write("empty.json", self.report("baseline", "--mmap", none))
        self.check("--mmap", "--baseline", empty, none)
        self.check("--mmap", "--baseline", empty, lost, status=1)
        diff = json.loads(self.report("diff", "--mmap", "--format", "json", base, more))
        self.assertEqual(diff["counts"]["new"] + diff["counts"]["grown"], 1)

    def test_without_mappings(self):
        program, dump = self.run_program("x", "3", env={"MEMPROF_MMAP": "0"})
        self.assertIn("holds no mappings", self.check("--mmap", dump, status=2))
        for option, status in ((["--mmap"], 1), ([], 0)):
            done = subprocess.run([memprof_test.BUILD / "memprof", "check", *option, "--", program, "x", "3"],
                                  env=self.environment(None), capture_output=True, check=False)
            self.assertEqual(done.returncode, status, done)


if __name__ == "__main__":
    memprof_test.main()
