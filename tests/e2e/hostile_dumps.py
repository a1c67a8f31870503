#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Files that are no dumps, hardly dumps or dumps of nonsense. The names tell what must come of each, as
in other collections of JSON: n_ is refused with exit status 2 and one line that says where and what
was expected, y_ is read, i_ is either. None takes much memory or many instructions."""
import copy
import json
import os
import re
import resource
import subprocess

import memprof_test

BASE = (memprof_test.ROOT / "tests/data/report/summary/dump.json").read_text(encoding="utf-8")
REFUSED = re.compile(rb"memprof-report: '[^\n]*': [^\n]+\n")
# Where it is wrong: what refers to what may come later is found out at the end, by its place.
POSITION = re.compile(rb"line [0-9]+, column [0-9]+|: is empty|: is not a memprof dump|"
                      rb": [a-z]+ is missing|: (sites|frames)\[[0-9]+\]")
MEMORY_FLOOR = 64 << 20  # bytes: the tool itself with its libraries
MEMORY_FACTOR = 10
CPU_SECONDS = 60  # a bound for what never ends, not a measurement


def changed(change):
    """The dump as text after CHANGE of its object."""
    dump = json.loads(BASE)
    change(dump)
    return json.dumps(dump)


def put(value, *path):
    """The dump with VALUE at PATH."""
    def change(dump):
        at = dump
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
    return changed(change)


def text(old, new):
    """The dump with a piece of its text replaced."""
    assert old in BASE, old
    return BASE.replace(old, new, 1)


def sites_at(frames):
    def change(dump):
        site = dump["sites"][0]
        dump["frames"] = frames
        dump["sites"] = [{**copy.deepcopy(site), "frame": len(frames) - 1}]
    return changed(change)


BROKEN = {  # as JSON
    "empty": "", "blank": " \n\t ", "only_bom": b"\xef\xbb\xbf", "bom": b"\xef\xbb\xbf" + BASE.encode(),
    "utf16": BASE.encode("utf-16"), "garbage": bytes(range(256)), "zeroes": b"\0" * 5000,
    "number": "1", "string": '"dump"', "array": "[]", "null": "null", "word": "dump",
    "open": "{", "open_key": '{"format', "open_string": '{"format": "memprof',
    "no_colon": '{"format" "memprof-dump"}', "no_value": '{"format": }', "comma": '{"format": 1,}',
    "two_commas": text('"version": 1,', '"version": 1,,'), "no_comma": text('"version": 1,', '"version": 1'),
    "single_quotes": text('"version"', "'version'"), "comment": text('"version"', '/* */ "version"'),
    "behind": BASE + "x", "second_object": BASE + "{}", "nul_behind": BASE + "\0",
    "nul_between": text('"version"', '\0"version"'), "nul_in_string": text("/nonexistent/bin", "/non\0existent"),
    "escaped_nul": text("/nonexistent/bin", "/non\\u0000existent"),
    "control_in_string": text("/nonexistent/bin", "/non\x01existent"),
    "newline_in_string": text("/nonexistent/bin", "/non\nexistent"),
    "bad_escape": text("/nonexistent/bin", "/non\\xexistent"),
    "short_unicode_escape": text('"memprof 0.1.0"', '"\\u12"'),
    "lone_high_surrogate": text('"memprof 0.1.0"', '"\\ud800"'),
    "lone_low_surrogate": text('"memprof 0.1.0"', '"\\udc00"'),
    "swapped_surrogates": text('"memprof 0.1.0"', '"\\udc00\\ud800"'),
    "bad_utf8": BASE.encode().replace(b"memprof 0.1.0", b"memprof \xff"),
    "overlong_utf8": BASE.encode().replace(b"memprof 0.1.0", b"memprof \xc0\xaf"),
    "utf8_surrogate": BASE.encode().replace(b"memprof 0.1.0", b"memprof \xed\xa0\x80"),
    "cut_utf8": BASE.encode().replace(b"memprof 0.1.0", b"memprof \xe2\x80"),
    "beyond_unicode": BASE.encode().replace(b"memprof 0.1.0", b"memprof \xf4\x90\x80\x80"),
    "nan": text('"version": 1', '"version": NaN'), "infinity": text('"pid": 4711', '"pid": Infinity'),
    "hexadecimal": text('"pid": 4711', '"pid": 0x12'), "leading_zero": text('"pid": 4711', '"pid": 0123'),
    "leading_plus": text('"pid": 4711', '"pid": +1'), "bare_minus": text('"pid": 4711', '"pid": -'),
    "dot_without_digits": text('"pid": 4711', '"pid": 1.'), "exponent": text('"pid": 4711', '"pid": 1e'),
    "huge_exponent": text('"pid": 4711', '"pid": 1e999'),
    "huge_number": text('"pid": 4711', '"pid": ' + "9" * 5000),
    "beyond_64_bits": text('"pid": 4711', '"pid": 18446744073709551616'),
    "duplicate_key": text('"version": 1', '"version": 1, "version": 1'),
    "duplicate_part": text('"version": 1', '"version": 1, "frames": [], "frames": []'),
    "duplicate_in_site": text('"frame": ', '"frame": 1, "frame": '),
    "deep_arrays": "[" * 100000, "deep_objects": '{"a":' * 100000,
    "deep_unknown": text('"version": 1', '"version": 1, "x": ' + "[" * 60000 + "]" * 60000),
    "deep_process": text('"pid": 4711', '"pid": 4711, "x": ' + '{"y":' * 5000 + "1" + "}" * 5000),
    "crowded": text('"pid": 4711', '"pid": 4711, "x": [' + "[]," * 2000000 + "1]"),
    "mixed_brackets": '{"format": ["memprof-dump"}', "closes_twice": BASE + "}",
}
WRONG = {  # as a dump
    "other_format": put("heaptrack", "format"), "no_format": changed(lambda d: d.pop("format")),
    "format_is_number": put(1, "format"), "version_2": put(2, "version"),
    "version_is_string": put("1", "version"), "version_is_real": put(1.0, "version"),
    "version_negative": put(-1, "version"), "no_version": changed(lambda d: d.pop("version")),
    "no_process": changed(lambda d: d.pop("process")), "process_is_list": put([], "process"),
    "no_totals": changed(lambda d: d.pop("totals")), "totals_is_null": put(None, "totals"),
    "no_frames": changed(lambda d: d.pop("frames")), "no_sites": changed(lambda d: d.pop("sites")),
    "no_modules": changed(lambda d: d.pop("modules")), "frames_is_object": put({}, "frames"),
    "frames_empty": put([], "frames"), "sites_is_object": put({}, "sites"),
    "site_is_number": put([1], "sites"), "site_is_null": put([None], "sites"),
    "site_without_frame": changed(lambda d: d["sites"][0].pop("frame")),
    "site_frame_out_of_range": put(10 ** 6, "sites", 0, "frame"),
    "site_frame_negative": put(-1, "sites", 0, "frame"),
    "site_frame_huge": put(2 ** 63 - 1, "sites", 0, "frame"),
    "site_frame_is_string": put("1", "sites", 0, "frame"), "site_frame_is_real": put(1e308, "sites", 0, "frame"),
    "count_negative": put(-5, "sites", 0, "alloc_count"), "count_is_real": put(1.5, "sites", 0, "alloc_count"),
    "count_is_1e308": put(1e308, "sites", 0, "alloc_count"), "count_is_list": put([], "sites", 0, "alloc_count"),
    "total_is_1e308": put(1e308, "totals", "alloc_bytes"), "total_is_string": put("1", "totals", "alloc_bytes"),
    "histogram_is_number": put(3, "sites", 0, "size_log2"),
    "histogram_too_long": put([1] * 1000, "sites", 0, "size_log2"),
    "histogram_of_strings": put(["a"], "sites", 0, "size_log2"),
    "histogram_negative": put([-1], "sites", 0, "size_log2"),
    "frame_is_number": put(7, "frames", 1), "frame_too_short": put([0, 0], "frames", 1),
    "frame_too_long": put([0, 0, 1, 1], "frames", 1), "frame_of_strings": put(["0", 0, 1], "frames", 1),
    "frame_parent_itself": put([1, 0, 16], "frames", 1), "frame_parent_later": put([2, 0, 16], "frames", 1),
    "frame_parent_negative": put([-1, 0, 16], "frames", 1), "frame_parent_huge": put([2 ** 40, 0, 16], "frames", 1),
    "frame_parent_none": put([None, 0, 16], "frames", 1),
    "frame_cycle": sites_at([[-1, -1, 0], [2, 0, 1], [1, 0, 2]]),
    "frame_module_out_of_range": put([0, 99, 16], "frames", 1), "frame_module_negative": put([0, -3, 16], "frames", 1),
    "frame_interpreted_out_of_range": put([0, -2, 99], "frames", 1),
    "frame_module_is_real": put([0, 0.5, 16], "frames", 1),
    "module_is_string": put(["x"], "modules"), "module_without_path": changed(lambda d: d["modules"][0].pop("path")),
    "module_path_is_number": put(3, "modules", 0, "path"), "module_start_negative": put(-1, "modules", 0, "start"),
    "modules_is_object": put({}, "modules"), "argv_is_string": put("x", "process", "argv"),
    "argv_of_numbers": put([1], "process", "argv"),
    "mode_is_string": put("exact", "mode"),
    "timeline_row_too_short": put({"columns": ["elapsed_ns", "live_bytes", "live_count", "rss_bytes"],
                                   "rows": [[1, 2]]}, "timeline"),
    "timeline_row_of_strings": put({"columns": ["elapsed_ns", "live_bytes", "live_count", "rss_bytes"],
                                    "rows": [["a", "b", "c", "d"]]}, "timeline"),
}
READ = {
    "as_it_is": BASE, "compact": json.dumps(json.loads(BASE)), "blanks_around": f"\n\t {BASE}\n\n ",
    "unknown_fields": put({"a": [1, {"b": None}]}, "later"), "many_unknown": put(list(range(20000)), "later"),
    "escaped_slash": BASE.replace("/", "\\/"), "escapes": text('"memprof 0.1.0"', '"\\u0041\\ud83d\\ude00\\n"'),
    "keys_in_other_order": json.dumps(dict(reversed(json.loads(BASE).items()))),
    "escaped_key": text('"version"', '"\\u0076ersion"'), "sums_differ": put(10 ** 9, "totals", "alloc_bytes"),
    "saturated": put(2 ** 63 - 1, "sites", 0, "alloc_bytes"), "depth_within_limit": put(
        json.loads("[" * 500 + "]" * 500), "later"),
}
EITHER = {  # implementations differ, or it is a matter of taste
    "saturated_sums": changed(lambda d: [site.update(alloc_bytes=2 ** 63 - 1) for site in d["sites"]]),
    "frame_of_huge_address": put([0, -1, 2 ** 63 - 1], "frames", 1),
    "module_ends_before_start": put(0, "modules", 0, "end"), "negative_pid": put(-1, "process", "pid"),
    "long_name": put("x" * 300000, "process", "exe"), "date_of_nonsense": put("yesterday", "process", "start_time"),
    "timeline_backwards": put({"columns": ["elapsed_ns", "live_bytes", "live_count", "rss_bytes"],
                               "rows": [[5, 1, 1, 1], [1, 1, 1, 1]]}, "timeline"),
    "deep_stack": sites_at([[-1, -1, 0]] + [[i, 0, 16 + i % 7] for i in range(30000)]),
    "real_zero_exponent": text('"elapsed_ns": 2500000000', '"elapsed_ns": 25e8'),
    "minus_zero": text('"sequence": 1', '"sequence": -0'),
}


class HostileDumps(memprof_test.Test):
    def read(self, name, content, *verb):
        """Status and standard error of a report, which keeps within its bounds."""
        path = self.write(f"{name}.json", content)
        size = len(content if isinstance(content, bytes) else content.encode())

        def limits():
            limit = MEMORY_FLOOR * 4 + MEMORY_FACTOR * size
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

        with subprocess.Popen([memprof_test.REPORT, *verb, path], env=self.environment(), cwd=self.dir,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, preexec_fn=limits) as process:
            out, err = process.stdout.read(), process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = status
        self.assertLess(usage.ru_maxrss * 1024, MEMORY_FLOOR + MEMORY_FACTOR * size, name)
        self.assertTrue(status == 0 or status == 2 << 8, f"{name}: ended with {status:#x}: {err!r}")
        return status >> 8, out, err

    def refused(self, name, content):
        for verb in ((), ("lines", "--format", "json")):
            status, out, err = self.read(name, content, *verb)
            self.assertEqual((status, out), (2, b""), name)
            self.assertTrue(REFUSED.fullmatch(err), f"{name}: {err!r}")
            self.assertTrue(POSITION.search(err), f"{name} does not say where: {err!r}")
        return err

    def test_n_broken(self):
        for name, content in BROKEN.items():
            with self.subTest(n=name):
                self.refused(f"n_{name}", content)

    def test_n_wrong(self):
        for name, content in WRONG.items():
            with self.subTest(n=name):
                self.assertIn(b"expected", self.refused(f"n_{name}", content))

    def test_n_truncated(self):
        """Anywhere, at every 97th byte."""
        for length in range(0, len(BASE) - 2, 97):
            with self.subTest(length=length):
                self.refused("n_truncated", BASE[:length])

    def test_y_read(self):
        for name, content in READ.items():
            with self.subTest(y=name):
                status, out, err = self.read(f"y_{name}", content)
                self.assertEqual(status, 0, err)
                self.assertIn(b"Peak", out)

    def test_i_either(self):
        for name, content in EITHER.items():
            for verb in ((), ("tree",), ("leaks", "--format", "json")):
                with self.subTest(i=name):
                    status, out, err = self.read(f"i_{name}", content, *verb)
                    self.assertEqual(status == 0, bool(out), err)
                    if status:
                        self.assertTrue(REFUSED.fullmatch(err), err)


if __name__ == "__main__":
    memprof_test.main()
