#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""deep_stacks.py MEMPROF-REPORT: one recursion of 20,000 frames with a site on each, a small dump
whose stacks have 200 million frames together. Every view of it takes bounded time, memory and
output, and says what it leaves out."""
import json
import os
import resource
import subprocess
import sys
import tempfile

DEPTH = 20000
MEMORY = 1 << 30
SECONDS = 60
OUTPUT = 300 << 20

COUNTERS = ("alloc_count", "alloc_bytes", "free_count", "freed_bytes", "realloc_count",
            "failed_count", "temporary_count", "live_count", "live_bytes", "peak_bytes",
            "peak_count", "peak_elapsed_ns", "peak_error_bytes", "dropped_count",
            "unknown_free_count", "truncated_stack_count")

# The arguments, the most that may come out, and what must be in it.
CASES = (
    (["summary"], 1 << 20, "... (19936 more frames)"),
    (["leaks"], 1 << 20, "19900 more stacks are left out"),
    (["leaks", "--limit", "2", "--frames", "0"], 4 << 20, "    #19999 "),
    (["leaks", "--format", "markdown"], 2 << 20, "19900 more stacks are left out"),
    (["leaks", "--format", "csv", "--frames", "3"], 8 << 20, "... (19997 more frames)"),
    (["leaks", "--format", "json", "--limit", "9"], 4 << 20, '"frames_left_out": 19744'),
    (["tree"], 1 << 20, "Deeper levels are not shown"),
    (["tree", "--depth", "0"], 8 << 20, "[4095] "),
    (["tree", "--depth", "0", "--format", "json"], 32 << 20, '"complete": false'),
    (["tree", "--bottom-up", "--limit", "0"], OUTPUT, "The tree is cut at 500000 lines"),
    (["tree", "--bottom-up", "--limit", "0", "--depth", "3"], 32 << 20, "Deeper levels"),
)


def dump():
    """Every frame at a place of its own, so that no two are merged; the deeper, the more bytes."""
    totals = dict.fromkeys(COUNTERS, 0)
    totals.update(dict.fromkeys(("alloc_count", "live_count", "peak_count"), DEPTH))
    totals.update(dict.fromkeys(("alloc_bytes", "live_bytes", "peak_bytes"),
                                DEPTH * (DEPTH + 1) // 2))
    site = {"function": "malloc", "alloc_count": 1, "live_count": 1, "peak_count": 1}
    return {"format": "memprof-dump", "version": 1, "producer": "test",
            "process": {"pid": 1, "exe": "/nonexistent/deep"},
            "dump": {"reason": "exit", "complete": True}, "mode": {"kind": "exact"},
            "totals": totals, "modules": [],
            "frames": [[-1, -1, 0]] + [[i, -1, 4096 + i] for i in range(DEPTH)],
            "sites": [{"frame": i, **site, "alloc_bytes": i, "live_bytes": i, "peak_bytes": i}
                      for i in range(1, DEPTH + 1)]}


def confine():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT, OUTPUT))


def check(program, folder, arguments, most, wanted):
    out = os.path.join(folder, "out")
    with open(out, "wb") as file:
        done = subprocess.run([program, *arguments, "-q", os.path.join(folder, "deep.json")],
                              stdout=file, stderr=subprocess.PIPE, timeout=SECONDS,
                              preexec_fn=confine, check=False)
    size = os.path.getsize(out)
    with open(out, encoding="utf-8") as file:
        text = file.read()
    if done.returncode != 0 or size > most or wanted not in text:
        sys.exit(f"{arguments}: status {done.returncode}, {size} bytes, expected at most {most} "
                 f"with {wanted!r}: {done.stderr!r}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "deep.json"), "w", encoding="utf-8") as file:
            json.dump(dump(), file)
        for case in CASES:
            check(sys.argv[1], folder, *case)


main()
