#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What memprof-report takes for a dump of very many stacks.

Makes a dump as the library writes it, with addresses in the code of real files (python3, cc1, libc
and memprof-report itself, which has debug information), then prints for each verb the seconds, the
peak RSS and that as a multiple of the dump's size. The dump is the same in every run.

usage: big_dump.py [--sites N] [--frames N] [--report build/memprof-report] [--dump FILE]
                   [--verbs "summary,leaks,lines,tree --bottom-up"]

--dump: keeps the dump in FILE; one that is there already is used as it is.
"""
import argparse
import os
import pathlib
import random
import shlex
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PT_LOAD, PT_NOTE, EXECUTABLE, NT_GNU_BUILD_ID = 1, 4, 1, 3
MAX_DEPTH = 200
# What the sites add up to, in the order of a site's members.
SUMS = ("alloc_count", "alloc_bytes", "free_count", "freed_bytes", "live_count", "live_bytes",
        "peak_count", "peak_bytes")
OTHER_TOTALS = ("realloc_count", "failed_count", "temporary_count", "peak_elapsed_ns",
                "peak_error_bytes", "dropped_count", "unknown_free_count", "truncated_stack_count")


def build_id(notes):
    while len(notes) >= 12:
        name_size, size, kind = struct.unpack_from("<III", notes)
        at = 12 + (name_size + 3) // 4 * 4
        if kind == NT_GNU_BUILD_ID and notes[12:16] == b"GNU\0":
            return notes[at:at + size].hex()
        notes = notes[at + (size + 3) // 4 * 4:]
    return None


def module(path, bias):
    """A module of the dump: the executable segment of the 64-bit ELF file PATH."""
    data = path.read_bytes()
    at, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    found, ident = None, None
    for i in range(count):
        kind, flags, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, at + i * size)
        if kind == PT_LOAD and flags & EXECUTABLE:
            found = {"path": str(path), "start": address + bias, "end": address + bias + length,
                     "file_offset": offset, "load_bias": bias}
        elif kind == PT_NOTE:
            ident = ident or build_id(data[offset:offset + length])
    return dict(found, build_id=ident)


def choose_modules(report):
    cc1 = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True,
                         check=True).stdout.strip()
    libc = next(pathlib.Path(line.split()[-1]) for line in open("/proc/self/maps", encoding="ascii")
                if "libc.so" in line)
    paths = (pathlib.Path("/usr/bin/python3").resolve(), pathlib.Path(cc1).resolve(), libc, report)
    fixed = paths[0], paths[1]
    return [module(path, 0 if path in fixed else 0x7f0000000000 + (i << 32))
            for i, path in enumerate(paths) if path.exists()]


def addresses(modules, rng):
    """Return addresses, as offsets in files: (module, offset)."""
    found = []
    for i, m in enumerate(modules):
        size = m["end"] - m["start"]
        for _ in range(min(30000, size // 64)):
            found.append((i, m["file_offset"] + rng.randrange(16, size)))
    return found


def write_sites(out, rng, sites, per_site):
    """Sites on a tree that grows as it goes, a new stack branching off one of the latest. Returns
    each frame's parent, and the sums."""
    parents, depths, sums = [-1], [0], dict.fromkeys(SUMS, 0)
    out.write(',"sites":[\n')
    for i in range(sites):
        frame = max(0, len(parents) - 1 - int(rng.expovariate(0.002)))
        while depths[frame] > MAX_DEPTH - per_site:
            frame = parents[frame]
        for _ in range(rng.randint(1, 2 * per_site - 1)):
            parents.append(frame)
            depths.append(depths[frame] + 1)
            frame = len(parents) - 1
        bits = min(18, 3 + int(rng.expovariate(0.5)))
        size, count = rng.randrange(1 << (bits - 1), 1 << bits), 1 + int(rng.expovariate(0.05))
        live = count if rng.random() < 0.2 else 0
        figures = (count, count * size, count - live, (count - live) * size, live, live * size,
                   live, live * size)
        for name, figure in zip(SUMS, figures):
            sums[name] += figure
        lifetimes = [0] * rng.randint(8, 20) + [1] * (count - live > 0) + [0, 2] * (count > 20)
        members = "".join(',"%s":%d' % pair for pair in zip(SUMS, figures))
        out.write('%s{"frame":%d,"function":"malloc"%s,"max_live_bytes":%d,"threads":1,'
                  '"size_log2":[%s%d],"lifetime_log2_ns":[%s]}\n' % (
                      "," if i else "", frame, members, size * max(1, live), "0," * bits, count,
                      ",".join(map(str, lifetimes))))
    out.write("]\n")
    return parents, sums


def text_of(value):
    if value is None:
        return "null"
    return str(value) if isinstance(value, int) else '"%s"' % value


def write_dump(path, report, sites, frames):
    rng = random.Random(1)
    modules = choose_modules(report)
    code = addresses(modules, rng)
    with open(path, "w", encoding="ascii") as out:
        out.write('{"format":"memprof-dump","version":1,"producer":"big_dump"\n'
                  ',"process":{"pid":1,"ppid":1,"exe":"%s","argv":["python3"],"cwd":"/"}\n'
                  ',"dump":{"reason":"exit","sequence":0,"elapsed_ns":1,"complete":true}\n'
                  ',"mode":{"kind":"exact"}\n' % modules[0]["path"])
        parents, sums = write_sites(out, rng, sites, max(1, frames // sites))
        out.write(',"totals":{%s}\n,"modules":[%s]\n,"frames":[[-1,-1,0]' % (
            ",".join('"%s":%d' % pair for pair in
                     [*sums.items(), *((name, 0) for name in OTHER_TOTALS)]),
            ",".join("{%s}" % ",".join('"%s":%s' % (k, text_of(v)) for k, v in m.items())
                     for m in modules)))
        for parent in parents[1:]:
            out.write("\n,[%d,%d,%d]" % (parent, *code[int(rng.random() * len(code))]))
        out.write(']\n,"signal_frames":[],"interpreted":[],"leaks":null}\n')


def timed(command):
    """Wall seconds, seconds of CPU and peak RSS in bytes of one run."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - start
    process.returncode = status
    if status != 0:
        sys.exit("big_dump.py: %r: status %d" % (command, status))
    return elapsed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def measure(report, dump, verbs):
    size = os.path.getsize(dump)
    print("dump: %.1f MiB\n| verb | seconds | of CPU | peak RSS MiB | times the dump |\n"
          "|---|---:|---:|---:|---:|" % (size / 2**20))
    for verb in verbs:
        elapsed, cpu, rss = timed([str(report), *shlex.split(verb), dump])
        print("| %s | %.2f | %.2f | %.1f | %.2f |" % (verb, elapsed, cpu, rss / 2**20, rss / size),
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sites", type=int, default=1000000)
    parser.add_argument("--frames", type=int, default=3000000)
    parser.add_argument("--report", type=pathlib.Path, default=ROOT / "build/memprof-report")
    parser.add_argument("--dump")
    parser.add_argument("--verbs", default="summary,leaks,lines")
    arguments = parser.parse_args()
    report = arguments.report.resolve()
    if not report.exists():
        sys.exit("big_dump.py: '%s': no such program: build it first" % report)
    with tempfile.TemporaryDirectory() as folder:
        dump = arguments.dump or os.path.join(folder, "big.json")
        if not os.path.exists(dump):
            # In a process of its own: a child's peak RSS starts from its parent's size.
            if os.fork() == 0:
                write_dump(dump, report, arguments.sites, arguments.frames)
                os._exit(0)
            if os.wait()[1] != 0:
                sys.exit("big_dump.py: cannot make the dump")
        measure(report, dump, arguments.verbs.split(","))


main()
