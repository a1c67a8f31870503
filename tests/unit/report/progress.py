#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""progress.py MEMPROF-REPORT: on a terminal, reading and looking up symbols are seen to advance once
they take long, and the line is gone before anything else is said; elsewhere there is none."""
import json
import os
import pty
import re
import select
import subprocess
import sys
import time

SECONDS = 60  # before the test gives up
CLEAR = b"\r\033[K"
READING = b"memprof-report: reading the dump: "
SYMBOLS = b"memprof-report: looking up symbols: "


def dump():
    totals = dict.fromkeys(
        ("alloc_count", "alloc_bytes", "free_count", "freed_bytes", "realloc_count", "failed_count",
         "temporary_count", "live_count", "live_bytes", "peak_bytes", "peak_count",
         "peak_elapsed_ns", "peak_error_bytes", "dropped_count", "unknown_free_count",
         "truncated_stack_count"), 0)
    module = {"path": "/nonexistent/module", "build_id": None, "start": 4096, "end": 8192,
              "file_offset": 0, "load_bias": 0}
    return json.dumps({
        "format": "memprof-dump", "version": 1, "process": {"pid": 1, "exe": "/nonexistent/exe"},
        "dump": {"reason": "exit", "complete": True}, "mode": {"kind": "exact"}, "totals": totals,
        "modules": [module], "frames": [[-1, -1, 0], [0, 0, 5000]], "sites": []}).encode()


def seen_on(terminal, wait):
    """What has come to the terminal, None at its end."""
    if not select.select([terminal], [], [], wait)[0]:
        return b""
    try:
        return os.read(terminal, 4096) or None
    except OSError:  # the other end is closed
        return None


def run(program, text, arguments=()):
    """Feeds TEXT slowly, blanks before it until there is progress; what the terminal saw."""
    terminal, end = pty.openpty()
    with subprocess.Popen([program, "lines", *arguments, "-"], stdin=subprocess.PIPE, stderr=end,
                          stdout=subprocess.DEVNULL) as process:
        os.close(end)
        seen, started, part = b"", time.monotonic(), b""
        while READING not in seen and part is not None and time.monotonic() - started < SECONDS:
            if arguments and time.monotonic() - started > 4:
                break  # twice what progress would wait for
            process.stdin.write(b" ")
            process.stdin.flush()
            part = seen_on(terminal, 0.2)
            seen += part or b""
        process.stdin.write(text)
        process.stdin.close()
        while (part := seen_on(terminal, SECONDS)):
            seen += part
        status = process.wait()
    os.close(terminal)
    return status, seen


def expect(condition, what, seen):
    if not condition:
        sys.exit(f"progress.py: {what}: {seen!r}")


def main():
    program, sound = sys.argv[1], dump()
    status, seen = run(program, sound)
    expect(status == 0, f"status {status}", seen)
    expect(READING in seen and SYMBOLS in seen, "no progress", seen)
    expect(seen.index(READING) < seen.index(SYMBOLS), "not in order", seen)
    expect(b"warning" in seen, "no warning of a module that is not there", seen)
    for line in seen.replace(b"\r\n", b"\n").split(b"\n"):
        expect(b"warning" not in line or CLEAR + b"memprof-report: warning" in line,
               "a warning on the line of progress", seen)
    expect(seen.endswith(b"\n") or seen.endswith(CLEAR), "progress is left", seen)

    status, seen = run(program, b"{\"format\": 3}")
    expect(status == 2 and READING in seen, f"status {status}", seen)
    expect(re.search(rb"\r\033\[Kmemprof-report: '-': line 1, column [0-9]+: format is 3, expected "
                     rb"a string\r\n$", seen),
           "the line of progress is not cleared before the error", seen)

    status, seen = run(program, sound, ["--quiet"])
    expect(status == 0 and seen == b"", f"status {status}, although quiet", seen)


main()
