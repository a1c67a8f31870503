#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What recording costs real programs, as factors of the plain run.

Runs each program plain, under libmemprof.so and, where it is installed, under heaptrack in raw mode
(`heaptrack -r`, a peer that also records every allocation with its stack), in turn, several times,
and prints the medians of the whole process's wall time, of its peak RSS, and the size of what was
written. One run in turn with the others, so that a noisy machine is noisy for all.

usage: programs.py [--runs N] [--library build/libmemprof.so] [--only NAME,..]
"""
import argparse
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

LUA = """local function tree(d) if d == 0 then return {} end return {tree(d - 1), tree(d - 1)} end
for i = 1, 16 do tree(14) end"""
PYTHON = """import json
d = [{'id': i, 'name': 'n%d' % i, 'tags': ['a', str(i)]} for i in range(60000)]
for i in range(3): json.loads(json.dumps(d))"""
PERL = """my %h; for my $i (1 .. 300000) { $h{$i % 50000} = [$i, "x$i"]; } print scalar keys %h"""
SQL = """create table t(a integer primary key, b text, c real);
with recursive n(x) as (select 1 union all select x + 1 from n limit 300000)
insert into t select x, hex(x * 7919), x * 0.5 from n;
create index i on t(b); select count(distinct substr(b, 1, 3)), sum(c) from t;"""
CXX = """#include <map>
#include <string>
#include <vector>
int main() { std::map<std::string, std::vector<int>> m;
for (int i = 0; i < 400000; i++) m["key" + std::to_string(i % 30000)].push_back(i);
return m.size() != 30000; }"""


def write_inputs(folder):
    items = [{"id": i, "name": "n%d" % i, "tags": ["a", "b", str(i)], "o": {"x": i, "y": [1, 2]}}
             for i in range(150000)]
    (folder / "in.json").write_text(json.dumps(items))
    (folder / "in.xml").write_text("<a>" + "".join(
        '<b i="%d"><c>t%d</c><d e="f"/></b>' % (i, i) for i in range(120000)) + "</a>")
    (folder / "tree.lua").write_text(LUA)
    (folder / "load.py").write_text(PYTHON)
    (folder / "hash.pl").write_text(PERL)
    (folder / "map.cc").write_text(CXX)
    (folder / "big.c").write_text("#include <stdio.h>\n" + "\n".join(
        "int f%d(int a, const char *s) { for (int i = 0; i < a; i++) if (s[i] == %d) "
        "printf(\"%%d %%s\", a + i * %d, s); return a * %d; }" % (i, i % 120, i, i)
        for i in range(1500)))
    subprocess.run(["gcc", "-E", folder / "big.c", "-o", folder / "big.i"], check=True)
    subprocess.run(["g++", "-O2", "-o", folder / "map", folder / "map.cc"], check=True)


def programs(folder):
    cc1 = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True,
                         check=True).stdout.strip()
    return {
        "jq": ["jq", "-c", "map(.name)|length", str(folder / "in.json")],
        "sqlite3": ["sqlite3", ":memory:", SQL],
        "lua5.4": ["lua5.4", str(folder / "tree.lua")],
        "xmllint": ["xmllint", "--noout", str(folder / "in.xml")],
        "cc1": [cc1, "-quiet", "-O1", str(folder / "big.i"), "-o", "/dev/null"],
        "python3": ["/usr/bin/python3", str(folder / "load.py")],
        "perl": ["perl", str(folder / "hash.pl")],
        "C++ map": [str(folder / "map")],
    }


def timed(command, env=None):
    """Wall seconds and peak RSS in MiB of one run."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - start
    process.returncode = status
    if status != 0:
        sys.exit("programs.py: %r: status %d" % (command[0], status))
    return elapsed, usage.ru_maxrss / 1024


def variants(library, folder, command):
    preloaded = dict(os.environ, LD_PRELOAD=str(library), MEMPROF_OUT=str(folder / "dump.json"))
    found = {"plain": (command, None, None), "memprof": (command, preloaded, folder / "dump.json")}
    if shutil.which("heaptrack"):
        raw = ["heaptrack", "-r", "-o", str(folder / "raw"), *command]
        found["heaptrack -r"] = (raw, None, folder / "raw.raw.zst")
    return found


def size_of(path):
    paths = [path, path.with_suffix(".gz")] if path else []
    return next((p.stat().st_size / 2**20 for p in paths if p.exists()), 0)


def measure(library, folder, command, runs):
    seconds, rss, written = {}, {}, {}
    for run in range(runs + 1):
        for name, (line, env, output) in variants(library, folder, command).items():
            elapsed, peak = timed(line, env)
            if run > 0:  # the first one warms the caches
                seconds.setdefault(name, []).append(elapsed)
                rss.setdefault(name, []).append(peak)
                written[name] = size_of(output)
    median = statistics.median
    return ({n: median(v) for n, v in seconds.items()}, {n: median(v) for n, v in rss.items()},
            written)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--library", type=pathlib.Path, default=ROOT / "build/libmemprof.so")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    library = arguments.library.resolve()
    if not library.exists():
        sys.exit("programs.py: '%s': no such library: build it first" % library)
    factors = {}
    print("| program | plain s | factor memprof | factor heaptrack -r | RSS plain MiB | "
          "RSS memprof MiB | dump MiB |\n|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        # In a process of its own: a child's peak RSS starts from its parent's size.
        if os.fork() == 0:
            write_inputs(folder)
            os._exit(0)
        if os.wait()[1] != 0:
            sys.exit("programs.py: cannot make the inputs")
        for program, command in programs(folder).items():
            if arguments.only and program not in arguments.only.split(","):
                continue
            seconds, rss, written = measure(library, folder, command, arguments.runs)
            plain = seconds["plain"]
            peer = seconds.get("heaptrack -r")
            factors.setdefault("memprof", []).append(seconds["memprof"] / plain)
            if peer:
                factors.setdefault("heaptrack -r", []).append(peer / plain)
            print("| %s | %.2f | %.2f | %s | %.1f | %.1f | %.2f |" % (
                program, plain, seconds["memprof"] / plain,
                "%.2f" % (peer / plain) if peer else "-", rss["plain"], rss["memprof"],
                written["memprof"]), flush=True)
    for name, values in factors.items():
        mean = math.exp(sum(map(math.log, values)) / len(values))
        print("geometric mean, %s: %.2f" % (name, mean))


main()
