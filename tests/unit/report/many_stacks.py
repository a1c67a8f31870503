#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""many_stacks.py MEMPROF-REPORT: a dump of 60,000 stacks, every one of which holds something, is read
within about twice its size of memory by every verb."""
import json
import os
import resource
import subprocess
import sys
import tempfile

SITES = 60000
BASE = 32 << 20  # what the tool maps for a dump of one stack, with its libraries
SECONDS = 120
COUNTERS = ("alloc_count", "alloc_bytes", "live_count", "live_bytes", "peak_count", "peak_bytes")
OTHERS = ("free_count", "freed_bytes", "realloc_count", "failed_count", "temporary_count",
          "peak_elapsed_ns", "peak_error_bytes", "dropped_count", "unknown_free_count",
          "truncated_stack_count")


def dump():
    """Stacks of up to 100 frames, three of their own each, at 2,000 addresses."""
    frames, sites = [[-1, -1, 0]], []
    for i in range(SITES):
        parent = max(0, len(frames) - 1 - i % 50) if i % 33 else 0
        for k in range(3):
            frames.append([parent, -1, 4096 + (i * 7 + k * 311) % 2000])
            parent = len(frames) - 1
        figures = dict(zip(COUNTERS, (1, 100 + i, 1, 100 + i, 1, 100 + i)))
        sites.append({"frame": parent, "function": "malloc", **figures, "max_live_bytes": 100 + i,
                      "threads": 1, "size_log2": [0] * 12 + [1], "lifetime_log2_ns": [0] * 20})
    size = SITES * 100 + SITES * (SITES - 1) // 2
    totals = dict.fromkeys(OTHERS, 0)
    totals.update(zip(COUNTERS, (SITES, size, SITES, size, SITES, size)))
    return json.dumps({
        "format": "memprof-dump", "version": 1, "process": {"pid": 1, "exe": "/nonexistent/many"},
        "dump": {"reason": "exit", "complete": True}, "mode": {"kind": "exact"}, "sites": sites,
        "totals": totals, "modules": [], "frames": frames}, separators=(",", ":"))


def check(program, arguments, path, memory, wanted):
    def confine():
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    done = subprocess.run([program, *arguments, path], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=SECONDS, preexec_fn=confine, check=False)
    if done.returncode != 0 or done.stderr or wanted not in done.stdout:
        sys.exit(f"{arguments} in {memory} bytes: status {done.returncode}, {done.stderr!r}, "
                 f"expected {wanted!r} in {done.stdout[:400]!r}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "many.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(dump())
        size = os.path.getsize(path)
        memory = BASE + 2 * size
        check(sys.argv[1], ["summary"], path, memory, b"60,000 blocks")
        check(sys.argv[1], ["leaks", "--limit", "2"], path, memory, b"59998 more stacks")
        check(sys.argv[1], ["lines", "--format", "csv"], path, memory, b"0x1000")
        check(sys.argv[1], ["tree"], path, memory, b"0x1")
        check(sys.argv[1], ["tree", "--bottom-up"], path, memory, b"2000 more")


main()
