#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every stack equals a plain libunwind walk, frame by frame: MEMPROF_VERIFY=1 compares each one inside
the process, and the dump says how many there were and how many differed."""
import memprof_test
from memprof_test import need, sample


class Stacks(memprof_test.Test):
    def check(self, argv, least, every=True, **options):
        """No stack of ARGV differs, and at least LEAST were compared, unless EVERY is false all: the
        walk to compare with needs more room than stacks of unknown size are sure to have."""
        run = self.profiled(argv, env={"MEMPROF_VERIFY": "1"}, **options)
        self.assertEqual(run.status, 0, run.err)
        self.assert_sound(run.dump)
        verify = run.dump["verify"]
        self.assertEqual(verify["different"], 0, f"{argv}: {verify}")
        self.assertGreaterEqual(verify["compared"], least, argv)
        totals = run.dump["totals"]
        if every:
            self.assertEqual(verify["compared"], totals["alloc_count"] + totals["failed_count"])
        return run

    def test_jq(self):
        need("jq")
        rows = self.write("rows.json", "[%s]" % ",".join(
            '{"id":%d,"tags":["a",{"b":%d}]}' % (i, i % 13) for i in range(1000)))
        self.check(["jq", "def f: if . > 0 then (. - 1 | f) + 1 else 0 end; "
                    "[.[] | .id % 20 | f] | add", rows], 10000)

    def test_lua(self):
        need("lua5.4")
        script = self.write("t.lua", """
            local function t(d) if d == 0 then return {} end return {t(d - 1), t(d - 1)} end
            for i = 1, 5 do t(8) end
            for i = 1, 300 do pcall(function() error({i}) end) end
            local co = coroutine.wrap(function() for i = 1, 100 do coroutine.yield({i}) end end)
            for i = 1, 100 do co() end
            table.sort({3, 1, 2}, function(a, b) return #tostring(a) + a < #tostring(b) + b end)""")
        self.check(["lua5.4", script], 5000)

    def test_python(self):
        script = self.write("t.py", """
import json, re, threading
data = {str(i): [i, {"x": "y" * i}] for i in range(500)}
assert json.loads(json.dumps(data)) == data
sorted(range(300), key=lambda n: len(re.sub("[0-9]", "ab" * 300, str(n))))
threads = [threading.Thread(target=lambda: [bytes(1000 + i) for i in range(300)]) for _ in range(3)]
for t in threads: t.start()
for t in threads: t.join()
def deep(n): return bytes(2000) + deep(n - 1) if n else b''
deep(200)
""")
        self.check(["/usr/bin/python3", "-I", script], 2000)

    def test_exceptions(self):
        self.check([sample("cxx_program"), "fail"], 8000)

    def test_frames(self):
        for variant in ("frames", "frames_avx", "frames_pointer"):
            with self.subTest(variant=variant):
                self.check([sample(variant)], 5000)

    def test_lines(self):
        for variant in ("O0", "O3", "nopie"):
            with self.subTest(variant=variant):
                self.check([sample(f"lines_{variant}")], 500)

    def test_signals(self):
        run = self.check([sample("signals")], 1000)
        dump = run.dump
        in_handler = [site for site in dump["sites"]
                      if site["alloc_bytes"] == 123 * site["alloc_count"]]
        self.assertEqual(sum(site["alloc_count"] for site in in_handler), int(run.out))
        self.assertTrue(dump.get("signal_frames"))

    def test_jumps(self):
        self.check_jumps(self.check([sample("jumps")], 6000).dump)
        self.check_jumps(self.check([sample("jumps"), "tiny"], 4000, every=False).dump)

    def check_jumps(self, dump):
        kept = [site for site in dump["sites"] if site["live_bytes"] % 777 == 0]
        self.assertEqual(sum(site["live_bytes"] for site in kept), 3 * 777)

    def test_threads(self):
        self.check([sample("random_alloc"), 11, 2000, 8], 8000)

    def test_depth(self):
        """Deeper stacks are cut at the outer end and counted; the inner frames stay."""
        run = self.profiled([sample("frames")], env={"MEMPROF_MAX_DEPTH": "10"})
        self.assertEqual(run.status, 0)
        dump = run.dump
        self.assertGreater(dump["totals"]["truncated_stack_count"], 100)
        depths = [0]
        for parent, _, _ in dump["frames"][1:]:
            depths.append(depths[parent] + 1)
        self.assertEqual(max(depths), 10)


if __name__ == "__main__":
    memprof_test.main()
