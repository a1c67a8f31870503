#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The gate's limits: for each option status 0, 1 and 2 as it is documented, on real dumps."""
import json
import os
import pathlib
import shutil
import subprocess

import memprof_test
from gate_test import GateTest, SOURCE


class Limits(GateTest):
    def test_no_limit_is_no_leak(self):
        self.assertIn("passed  max-leak: nothing leaked", self.check(self.dump("allocs=10")))
        out = self.check(self.dump("leak=3x100", "copy=1", env={"LEAKY_LINES": "1"}), status=1)
        first, second = out.splitlines()[:2]
        self.assertEqual(first, "FAILED  max-leak: 307 B in 4 blocks leaked, none allowed")
        self.assertEqual(second, f"  {SOURCE}:{self.printed['leak']}: 300 B in 3 blocks leaked")
        self.assertIn(f"  {SOURCE}:{self.printed['copy']}: 7 B in 1 block leaked\n", out)
        self.assertIn(f"#0 inner {SOURCE}:{self.printed['leak']}", out)
        self.assertRegex(out, r"\n    #1 middle .*leaky\.c:\d+\n    #2 ")

    def test_blame_outside_of_the_project(self):
        """Where nothing of a stack is below the root, it is not the C library that is to blame."""
        dump = self.dump("copy=1", env={"LEAKY_LINES": "1"})
        for root in ("/usr", "/nonexistent", "none"):
            out = self.check("--project-root", root, dump, status=1)
            self.assertIn(f"\n  {SOURCE}:{self.printed['copy']}: 7 B in 1 block leaked\n", out)

    def test_blocks_of_no_bytes_are_leaks(self):
        self.check(self.dump("leak=2x0"), status=1)

    def test_max_leak(self):
        dump = self.dump("leak=10x1000", "other=1x2000")
        self.check("--max-leak", "12000", dump)
        out = self.check("--max-leak", "11k", dump, status=1)
        self.assertIn("11.7 KiB in 11 blocks leaked: 736 B more than the 11.0 KiB allowed", out)
        for wrong in ("", "x", "-1", "1.5.2", "1e9"):
            line = self.check("--max-leak", wrong, dump, status=2)
            self.assertIn("expected a size such as", line)

    def test_max_leak_per_stack(self):
        dump = self.dump("leak=10x1000", "other=10x900")
        self.check("--max-leak-per-stack", "10000", dump)
        verdict = self.verdict("--max-leak-per-stack", "9500", dump, status=1)
        check, = verdict["checks"]
        finding, = check["findings"]
        self.assertEqual(finding["bytes"], 10000)
        self.assertEqual(finding["frames"][0]["function"], "inner")
        self.check("--max-leak-per-stack", "nine", dump, status=2)

    def test_max_peak(self):
        dump = self.dump("peak=5000000", env={"LEAKY_LINES": "1"})
        self.check("--max-peak", "6M", dump)
        out = self.check("--max-peak", "4M", dump, status=1)
        self.assertRegex(out, r"FAILED  max-peak: 4\.7\d MiB at the peak: 7\d\d KiB more than the "
                              r"4\.00 MiB allowed\n")
        self.assertIn(f"  {SOURCE}:{self.printed['peak']}: 4.77 MiB held at the peak\n", out)
        self.check("--max-peak", "4X", dump, status=2)

    def test_max_allocs(self):
        dump = self.dump("allocs=1000")
        self.check("--max-allocs", "1100", dump)
        out = self.check("--max-allocs", "500", dump, status=1)
        self.assertIn("1,000 allocations\n    #0 main ", out)
        self.check("--max-allocs", "1k", dump, status=2)

    def test_each_limit_is_a_check(self):
        dump = self.dump("leak=1x10", "peak=100000", "allocs=10")
        verdict = self.verdict("--max-leak", "10", "--max-leak-per-stack", "9", "--max-peak", "1M",
                               "--max-allocs", "0", dump, status=1)
        self.assertEqual([(check["name"], check["failed"]) for check in verdict["checks"]],
                         [("max-leak", False), ("max-leak-per-stack", True), ("max-peak", False),
                          ("max-allocs", True)])

    def test_per_iteration(self):
        dump = self.dump("leak=100x16", "other=3x5000")
        self.check("--per-iteration", "100", dump, status=1)
        out = self.check("--per-iteration", "100", "--max-leak", "16", dump)
        self.assertIn("not counted fewer blocks than iterations: 1 stack, 3 blocks, 14.6 KiB", out)
        self.check("--per-iteration", "100", "--max-leak", "15", dump, status=1)
        self.check("--per-iteration", "101", dump)
        self.check("--per-iteration", "100", "--max-allocs", "3", dump)
        self.check("--per-iteration", "100", "--max-allocs", "1", dump, status=1)
        for wrong in ("0", "-1", "x"):
            self.check("--per-iteration", wrong, dump, status=2)

    def test_runtime_is_named_and_not_counted(self):
        dump = self.dump("runtime")
        out = self.check(dump)
        for name in ("stream buffers", "locale", "name service", "environment"):
            self.assertIn(f"not counted run-time library, {name}: ", out)
        out = self.check("--count-runtime", dump, status=1)
        self.assertIn("counted     run-time library, locale: ", out)

    def test_runtime_of_cxx(self):
        """What streams keep of a locale is the library's, what a stream of the program's holds is not."""
        memprof_test.need(os.environ.get("CXX", "c++"))
        source = self.write("streams.cc", """
            #include <iostream>
            #include <locale>
            #include <sstream>
            #include <thread>
            int main(int argc, char **)
            {
                std::cout.imbue(std::locale("C.UTF-8"));
                std::cout << 3.5 << 7 << std::endl;
                std::thread([] { try { throw 1; } catch (int) { } }).join();
                std::ostringstream *lost = argc > 1 ? new std::ostringstream : nullptr;
                for (int i = 0; lost && i < 999; i++)
                    *lost << i;
            }""")
        program = str(self.dir / "streams")
        subprocess.run([os.environ.get("CXX", "c++"), "-g", "-o", program, source, "-pthread"], check=True)
        for words, status in (((), 0), (("lose",), 1)):
            run = self.profiled([program, *words])
            self.assertEqual(run.status, 0, run.err)
            out = self.check(self.dir / f"dumps{self.runs}" / next(iter(run.dumps)), status=status)
            self.assertIn("not counted run-time library, locale: ", out)
            self.assertIn("not counted run-time library, exception pool: ", out)
        self.assertIn("in 2 blocks leaked, none allowed", out)  # the stream and its text

    def test_what_passes_is_not_looked_up(self):
        """A run without leaks is judged where there is not even the program; one with a leak says
        what it cannot name."""
        copy = self.dir / "gone"
        shutil.copy(memprof_test.sample("leaky"), copy)
        for words, status in ((("runtime", "allocs=9"), 0), (("leak=1x10",), 1)):
            run = self.profiled([copy, *words])
            dump, = (self.dir / f"dumps{self.runs}").iterdir()
            self.assertEqual(run.status, 0)
            copy.rename(self.dir / "away")
            got, _, err = self.run_check(dump)
            (self.dir / "away").rename(copy)
            self.assertEqual((got, f"warning: '{copy}': no such file" in err), (status, status == 1), err)

    def test_kinds(self):
        """A dump that does not tell kinds does not pass because of kinds that are asked for."""
        dump = self.dump("leak=1x10")
        line = self.check("--errors-for-leak-kinds=definite,possible", dump, status=2)
        self.assertIn("MEMPROF_LEAK_CHECK=reachable", line)
        self.check("--errors-for-leak-kinds=definite,live", dump, status=1)
        self.check("--errors-for-leak-kinds=all", dump, status=1)
        line = self.check("--errors-for-leak-kinds", "definite,lost", dump, status=2)
        self.assertIn("column 10: 'lost' is not a kind, expected definite, indirect, possible", line)
        self.check("--errors-for-leak-kinds=", dump, status=2)

    def classify(self, dump, kinds, tell=None, size=1000):
        """DUMP with its one leak of `inner` split into KINDS (name: blocks of 100 bytes)."""
        def change(dump):
            site, = [site for site in dump["sites"] if site["live_bytes"] == size]
            dump["leaks"] = {
                "method": "reachable",
                "kinds": {kind: {"bytes": 100 * n, "count": n} for kind, n in (tell or kinds).items()},
                "records": [{"frame": site["frame"], "kind": kind, "bytes": 100 * n, "count": n}
                            for kind, n in kinds.items()]}
        return self.changed(dump, change)

    def test_classified(self):
        plain = self.dump("leak=10x100")
        dump = self.classify(plain, {"definite": 2, "indirect": 3, "reachable": 5})
        for kinds, leaked in ((None, "500 B in 5 blocks"), ("definite", "200 B in 2 blocks"),
                              ("definite,possible", "200 B in 2 blocks"),
                              ("all", "1000 B in 10 blocks"), ("reachable", "500 B in 5 blocks")):
            option = [f"--errors-for-leak-kinds={kinds}"] if kinds else []
            self.assertIn(f"max-leak: {leaked} leaked", self.check(*option, dump, status=1))
        out = self.check("--errors-for-leak-kinds=possible", dump)
        self.assertIn("of leak kinds that are not judged: 1 stack, 10 blocks, 1000 B", out)
        wrong = self.classify(plain, {"reachable": 5}, tell={"definite": 5, "reachable": 5})
        self.assertIn("do not add up", self.check(wrong, status=2))
        self.assertIn("expected the same of all",
                      self.check(self.dump("leak=10x100"), dump, status=2))

    def test_classified_baseline(self):
        """What could be reached and is lost now is a leak, more that can be reached is none; a baseline
        that tells no kinds cannot say."""
        plain, more = self.dump("leak=10x100"), self.dump("leak=12x100")
        old = self.classify(plain, {"definite": 2, "reachable": 8})
        base, none = (self.write(name, self.report("baseline", "-q", dump))
                      for name, dump in (("base.json", old), ("none.json", plain)))
        lost = self.classify(plain, {"definite": 3, "reachable": 7})
        reached = self.classify(more, {"definite": 2, "reachable": 10}, size=1200)
        for reference in (base, old):
            self.check("--baseline", reference, old)
            out = self.check("--baseline", reference, lost, status=1)
            self.assertIn("1 stack leaks more than in", out)
            self.assertIn("300 B in 3 blocks leaked, was 200 B in 2 blocks", out)
            self.check("--baseline", reference, "--errors-for-leak-kinds=definite", lost, status=1)
            self.check("--baseline", reference, "--errors-for-leak-kinds=possible", lost)
            self.check("--baseline", reference, reached)
            self.check("--baseline", reference, "--errors-for-leak-kinds=all", reached, status=1)
            self.check("--baseline", reference, more, status=1)  # what tells no kinds is compared whole
        for reference in (none, plain):
            self.assertIn("tells no kinds of leaks", self.check("--baseline", reference, lost))
            self.assertIn("(--update-baseline)", self.check(
                "--baseline", reference, "--errors-for-leak-kinds=definite", lost, status=2))
        self.check("--baseline", none, "--update-baseline", lost)
        self.check("--baseline", none, "--errors-for-leak-kinds=definite", lost)
        entry, = [entry for entry in json.loads(pathlib.Path(none).read_text())["entries"]
                  if entry["live_bytes"] == 1000]
        self.assertEqual((entry["definite_count"], entry["reachable_bytes"]), (3, 700))

    def test_bad_records(self):
        plain = self.dump("leak=10x100")
        for member, value, said in (("kind", "lost", "expected definite, indirect"),
                                    ("frame", 10 ** 6, "expected one of"), ("bytes", -1, "non-neg")):
            def change(dump, member=member, value=value):
                record = {"frame": 1, "kind": "definite", "bytes": 1, "count": 1, member: value}
                dump["leaks"] = {"method": "x", "kinds": {"definite": {"bytes": 1, "count": 1}},
                                 "records": [record]}
            line = self.check(self.changed(plain, change), status=2)
            self.assertIn("leaks.records[0]", line)
            self.assertIn(said, line)

    def test_dry_run(self):
        """What can be wrong is told before a program runs for an hour."""
        dump = self.dump("leak=1x10")
        base = self.write("base.json", self.report("baseline", "-q", dump))
        cut = self.write("cut.json", self.report("baseline", "-q", dump)[:-9])
        for arguments in (("--baseline", base), ("--baseline", dump), ("--junit", "a"),
                          ("--update-baseline", "--baseline", "new.json"), ("--junit", "/dev/null")):
            self.assertEqual(self.run_check("--dry-run", *arguments, "none.json"), (0, "", ""))
        for arguments in (("--baseline", cut), ("--baseline", "none"), ("--limits", base),
                          ("--update-baseline", "--baseline", dump), ("--junit", "none/a")):
            self.check("--dry-run", *arguments, "none.json", status=2)
        self.assertEqual([name for name in ("a", "new.json") if (self.dir / name).exists()], [])

    def test_options_that_do_not_agree(self):
        dump = self.dump("allocs=1")
        for arguments in (("--tolerance", "5"), ("--update-baseline",), ("--format", "csv"),
                          ("--fail-on-unused-suppressions",), ("--junit", "a", "--tap", "a"),
                          ("--junit", "a", "--tap", "./a"), ("-o", "a", "--sarif", f"{self.dir}/a"),
                          ("--junit", "-", "--tap", "-"), ("--junit", "none/a"), ("--gitlab", "."),
                          ("--max-leak",), ("--self",), ("--tolerance", "x", "--baseline", "b")):
            self.check(*arguments, dump, status=2)
        self.assertFalse((self.dir / "a").exists())


if __name__ == "__main__":
    memprof_test.main()
