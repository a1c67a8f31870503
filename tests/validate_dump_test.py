#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests validate_dump.py itself: one sound dump, and one broken in each way that it must notice."""
import copy
import json
import unittest

import validate_dump

SOUND = {
    "format": "memprof-dump", "version": 1, "producer": "memprof 0.1.0",
    "process": {
        "pid": 7, "ppid": 1, "exe": "/bin/app", "argv": ["app"], "cwd": "/", "hostname": "h",
        "start_time": "2024-01-01T00:00:00.5Z", "arch": "x86_64", "allocator": "glibc 2.36",
        "parent": None,
    },
    "dump": {"reason": "exit", "sequence": 0, "elapsed_ns": 1000, "complete": True},
    "mode": {"kind": "exact"},
    "totals": {
        "alloc_count": 3, "alloc_bytes": 111, "free_count": 1, "freed_bytes": 10,
        "realloc_count": 0, "failed_count": 0, "temporary_count": 1, "live_count": 2,
        "live_bytes": 101, "peak_bytes": 101, "peak_count": 2, "peak_elapsed_ns": 900,
        "peak_error_bytes": 0, "dropped_count": 0, "unknown_free_count": 0,
        "truncated_stack_count": 0,
    },
    "memory": {"rss_bytes": 4096, "peak_rss_bytes": 8192, "profiler_bytes": 100,
               "profiler_mapped_bytes": 200,
               "profiler": {"live_table_bytes": 70, "dump_bytes": 30}},
    "modules": [
        {"path": "/bin/app", "build_id": "00ff", "start": 4096, "end": 8192, "file_offset": 4096,
         "load_bias": 0, "loaded_ns": 0, "unloaded_ns": None},
        {"path": "/lib/a.so", "build_id": None, "start": 8192, "end": 12288, "file_offset": 0,
         "load_bias": 8192, "loaded_ns": 10, "unloaded_ns": 20},
        {"path": "/lib/b.so", "build_id": None, "start": 8192, "end": 12288, "file_offset": 0,
         "load_bias": 8192, "loaded_ns": 20, "unloaded_ns": None},
    ],
    "frames": [[-1, -1, 0], [0, 0, 4100], [1, 2, 16], [1, -2, 0]],
    "interpreted": [{"language": "python", "file": "a.py", "function": "f", "line": 3}],
    "sites": [
        {"frame": 2, "function": "malloc", "alloc_count": 2, "alloc_bytes": 110, "free_count": 1,
         "freed_bytes": 10, "temporary_count": 1, "live_count": 1, "live_bytes": 100,
         "peak_count": 1, "peak_bytes": 100, "max_live_bytes": 101,
         "size_log2": [0, 0, 0, 0, 1, 0, 0, 1], "lifetime_log2_ns": [0, 1]},
        {"frame": 3, "function": "calloc", "alloc_count": 1, "alloc_bytes": 1, "live_count": 1,
         "live_bytes": 1, "peak_bytes": 1, "peak_count": 1, "max_live_bytes": 1,
         "size_log2": [0, 1]},
    ],
    "timeline": {"columns": ["elapsed_ns", "live_bytes", "live_count", "rss_bytes"],
                 "rows": [[0, 0, 0, 4096], [900, 101, 2, 8192]]},
    "threads": [{"tid": 7, "name": "app", "alloc_count": 3, "alloc_bytes": 111, "free_count": 1}],
    "leaks": None,
    "coverage": {"percent": 99.5, "warnings": [{"code": "late-load", "text": "loaded late"}]},
}

# Where to put what, and a part of the line that must come of it.
BROKEN = [
    ("version", 2, "version: 1 was expected"),
    ("totals.alloc_count", -1, "totals.alloc_count: -1 is less than the minimum"),
    ("totals.alloc_count", 3.5, "totals.alloc_count: 3.5 is not of type 'integer'"),
    ("totals.alloc_count", 2**63, "is greater than the maximum"),
    ("dump.reason", "bored", "dump.reason: 'bored' is not one of"),
    ("process.start_time", "yesterday", "process.start_time:"),
    ("mode", {"kind": "sampled"}, "mode:"),
    ("memory.other_bytes", "much", "memory.other_bytes:"),
    ("memory.profiler_bytes", 99, "memory.profiler_bytes: 99, but the parts add up to 100"),
    ("memory.profiler", {}, "memory.profiler_bytes: 100, but the parts add up to 0"),
    ("memory.profiler.other_bytes", 1, "memory.profiler_bytes: 100, but the parts add up to 101"),
    ("memory.profiler.dump_bytes", -1, "memory.profiler.dump_bytes: -1 is less than the minimum"),
    ("memory.resident", {"profiler_bytes": 100, "live_bytes": 4000, "unattributed_bytes": -5},
     "memory.rss_bytes: 4096, but memory.resident adds up to 4095"),
    ("memory.resident", {"profiler_bytes": 99, "file_bytes": 4000, "unattributed_bytes": -3},
     "memory.resident.profiler_bytes: is not"),
    ("memory", {"rss_bytes": 4096, "peak_rss_bytes": 4096, "profiler_bytes": 100,
                "profiler_mapped_bytes": 100,
                "resident": {"profiler_bytes": 50, "unattributed_bytes": 5},
                "resident_at": {"elapsed_ns": 0, "rss_bytes": 56}},
     "memory.resident_at.rss_bytes: 56, but memory.resident adds up to 55"),
    ("memory", {"rss_bytes": 4096, "peak_rss_bytes": 4096, "profiler_bytes": 100,
                "profiler_mapped_bytes": 100,
                "resident": {"profiler_bytes": 50, "unattributed_bytes": 5},
                "resident_at": {"elapsed_ns": 1 << 60, "rss_bytes": 55}},
     "memory.resident_at.elapsed_ns: is after the dump"),
    ("memory", {"rss_bytes": 1, "peak_rss_bytes": 1, "profiler_bytes": 1,
                "profiler_mapped_bytes": 2},
     "memory.profiler_bytes: 1 is not what is mapped, 2, and has no parts"),
    ("modules.0.build_id", "XY", "modules.0.build_id:"),
    ("frames.1", [0, 0], "frames.1: [0, 0] is too short"),
    ("coverage.percent", 101, "coverage.percent: 101 is greater"),
    ("coverage.warnings.0.code", "Not An Id", "coverage.warnings.0.code:"),
    ("totals.live_count", 1, "totals.live_count: 1 is not alloc_count - free_count"),
    ("totals.alloc_bytes", 112, "totals.alloc_bytes: 112, but the sites add up to 111"),
    ("totals.peak_bytes", 102, "totals.peak_bytes: 102, but the sites add up to 101"),
    ("totals.peak_bytes", 1, "totals.live_bytes: 101 exceeds peak_bytes 1"),
    ("totals.alloc_bytes_se", 5, "totals.alloc_bytes_se: 5, but the mode is exact"),
    ("totals.alloc_bytes_se", 9, "totals.alloc_bytes_se: 9, but the sites' make 0 to 2"),
    ("sites.0.live_bytes_se", 101, "sites.0.live_bytes_se: 101 exceeds live_bytes 100"),
    ("sites.0.live_bytes_se", 9, "totals.live_bytes_se: 0, but the sites' make 7 to 11"),
    ("mode", {"kind": "sampled", "mean_bytes": 9, "changes": [[5, 1], [4, 2]]},
     "mode.changes.1: 4 is before the last change or after the dump"),
    ("mode", {"kind": "sampled", "mean_bytes": 9, "changes": [[1001, 1]]},
     "mode.changes.0: 1001 is before the last change or after the dump"),
    ("mode", {"kind": "sampled", "mean_bytes": 9, "exact": {}}, "mode:"),
    ("totals.peak_elapsed_ns", 1001, "totals.peak_elapsed_ns: is after the dump"),
    ("totals.failed_count", 1, "totals.failed_count: 1, but the sites add up to 0"),
    ("sites.0.live_bytes", 99, "sites.0.live_bytes: 99 is not alloc_bytes - freed_bytes"),
    ("sites.0.temporary_count", 2, "sites.0.temporary_count: 2 exceeds free_count"),
    ("sites.0.realloc_count", 3, "sites.0.realloc_count: 3 exceeds"),
    ("sites.0.max_live_bytes", 99, "sites.0.max_live_bytes: 99 is below"),
    ("sites.0.max_live_bytes", 102, "sites.0.max_live_bytes: 102 exceeds the peak"),
    ("sites.0.size_log2", [0, 2], "sites.0.size_log2: allows 2 to 2 bytes"),
    ("sites.0.size_log2", [0, 1], "sites.0.size_log2: adds up to 1, but alloc_count is 2"),
    ("sites.0.lifetime_log2_ns", [], "sites.0.lifetime_log2_ns: adds up to 0"),
    ("sites.0.lifetime_log2_ns", [1, 0], "sites.0.lifetime_log2_ns: has trailing zeros"),
    ("sites.0.frame", 4, "sites.0.frame: 4 is not below the number of frames, 4"),
    ("sites.1", SOUND["sites"][0], "sites.1: has the frame and function of sites.0"),
    ("frames.0", [0, -1, 0], "frames.0: [0, -1, 0] is not the root"),
    ("frames.1", [1, 0, 4100], "frames.1: parent 1 is not in 0..0"),
    ("frames.1", [0, 3, 4100], "frames.1: module 3 is not in -2..2"),
    ("frames.1", [0, 0, 4095], "frames.1: offset 0xfff is outside of modules.0"),
    ("frames.2", [1, 2, 4097], "frames.2: offset 0x1001 is outside of modules.2"),
    ("frames.3", [1, -2, 1], "frames.3: interpreted 1 is not in 0..0"),
    ("frames.3", [1, 2, 16], "frames.3: is the same as frames.2"),
    ("signal_frames", [4], "signal_frames.0: 4 is not in 1..3"),
    ("modules.1.unloaded_ns", 21, "modules.2: overlaps modules.1 while both are loaded"),
    ("modules.0.end", 8193, "modules.1: overlaps modules.0"),
    ("modules.1.unloaded_ns", 5, "modules.1.unloaded_ns: is before loaded_ns"),
    ("modules.2.end", 8192, "modules.2: is empty"),
    ("timeline.columns.0", "time", "timeline.columns: does not begin with elapsed_ns"),
    ("timeline.columns.3", "rss", "timeline.columns: lacks rss_bytes"),
    ("timeline.rows.0", [0, 0], "timeline.rows.0: has 2 values for 4 columns"),
    ("timeline.rows.0", [901, 0, 0, 0], "timeline.rows.1: elapsed_ns 900 is before"),
    ("timeline.rows.0", [0, 102, 1, 0], "timeline.rows.0: live_bytes 102 exceeds the peak"),
    ("timeline.rows.1", [1001, 0, 0, 0], "timeline.rows: end after the dump"),
]


def put(dump, path, value):
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        dump = dump[part]
    dump[last] = value


class ValidateDump(unittest.TestCase):
    schema = json.loads(validate_dump.SCHEMA.read_text(encoding="utf-8"))

    def test_schema_is_a_schema(self):
        validate_dump.jsonschema.Draft202012Validator.check_schema(self.schema)

    def test_sound_dump_passes(self):
        self.assertEqual(validate_dump.violations(SOUND, self.schema), [])

    def test_sampled_dump_passes(self):
        dump = copy.deepcopy(SOUND)
        dump["mode"] = {"kind": "sampled", "mean_bytes": 512, "sampled_count": 3,
                        "exact": {"alloc_count": 4, "alloc_bytes": 100, "free_count": 1},
                        "max_overhead_percent": 2.5, "overhead_percent": 0.125,
                        "changes": [[10, 256], [20, 512]], "change_count": 2}
        dump["sites"][0].update(alloc_bytes_se=30, live_bytes_se=7)
        dump["sites"][1].update(alloc_count_se=1)
        dump["totals"].update(alloc_bytes_se=30, live_bytes_se=7, alloc_count_se=1)
        self.assertEqual(validate_dump.violations(dump, self.schema), [])

    def test_mappings(self):
        dump = copy.deepcopy(SOUND)
        dump["mmap_totals"] = copy.deepcopy(SOUND["totals"])
        dump["mmap_sites"] = copy.deepcopy(SOUND["sites"])
        dump["mmap_inherited"] = {"live_count": 0, "live_bytes": 0, "free_count": 0}
        self.assertEqual(validate_dump.violations(dump, self.schema), [])
        for path, value, line in (
                ("mmap_totals.alloc_bytes", 112,
                 "mmap_totals.alloc_bytes: 112, but the sites add up to 111"),
                ("mmap_sites.0.frame", 4, "mmap_sites.0.frame: 4 is not below"),
                ("mmap_totals.peak_error_bytes", 1, "mmap_totals.peak_error_bytes: is not 0"),
                ("mmap_sites.0.live_bytes", -1, "mmap_sites.0.live_bytes: -1 is less than")):
            broken = copy.deepcopy(dump)
            put(broken, path, value)
            found = validate_dump.violations(broken, self.schema)
            self.assertTrue(any(line in entry for entry in found), (path, found))
        del dump["mmap_sites"]
        self.assertEqual(validate_dump.violations(dump, self.schema),
                         ["mmap_sites: is missing beside the other two of mappings"])

    def test_unknown_members_pass(self):
        dump = copy.deepcopy(SOUND)
        for path in ("new", "process.new", "totals.new", "sites.0.new", "memory.heap_bytes"):
            put(dump, path, 1)
        self.assertEqual(validate_dump.violations(dump, self.schema), [])

    def test_each_required_member(self):
        for name in self.schema["required"]:
            dump = {key: value for key, value in SOUND.items() if key != name}
            with self.subTest(missing=name):
                self.assertIn(f"dump: '{name}' is a required property",
                              validate_dump.violations(dump, self.schema))

    def test_broken_dumps_fail(self):
        for path, value, line in BROKEN:
            dump = copy.deepcopy(SOUND)
            put(dump, path, value)
            found = validate_dump.violations(dump, self.schema)
            with self.subTest(path=path, value=value):
                self.assertTrue(any(line in entry for entry in found), found)

    def test_duplicate_members_fail(self):
        with self.assertRaisesRegex(ValueError, "'a' occurs twice"):
            validate_dump.no_duplicates([("a", 1), ("a", 2)])


if __name__ == "__main__":
    unittest.main()
