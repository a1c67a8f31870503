#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares every stack of many programs with a plain libunwind walk (MEMPROF_VERIFY=1): the programs
that run.py measures, and the samples with hard stacks (alloca, arrays of variable length, realigned
frames, longjmp, exceptions, makecontext, signal handlers, libraries that replace each other). Prints
for each how many stacks were compared and how many differ. Exits with 1 if any differs, a program
fails, or fewer were compared than --least. Needs the targets `bench` and all samples."""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import programs
import server
import table

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT = 1800  # seconds for one program: each stack is walked twice
Result = collections.namedtuple("Result", "name compared different trouble")


def samples(build):
    def sample(name, *arguments):
        folder = build / "tests/samples"
        return programs.Program(" ".join((name, *arguments)), "samples",
                                [str(folder / name), *arguments])

    plugins = [str(build / f"tests/samples/libplugin_{name}.so") for name in ("one", "two")]
    return [sample("frames"), sample("frames_avx"), sample("frames_pointer"), sample("jumps"),
            sample("signals"), sample("cxx_program", "fail"),
            programs.Program("unloads", "samples",
                             [str(build / "tests/samples/unloads"), *plugins, "200"]),
            sample("random_alloc", "11", "100000", "8")]


def run(program, library, folder):
    """What the dumps of PROGRAM and of its descendants say."""
    out = folder / "out"
    out.mkdir()
    env = {**os.environ, **program.env, "LD_PRELOAD": str(library), "MEMPROF_VERIFY": "1",
           "MEMPROF_OUT": f"{out}/%e.%p.%n.json"}
    trouble = ""
    with subprocess.Popen(program.command, env=env, cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            if program.requests:
                server.load(program, process, TIMEOUT)
            if process.wait(TIMEOUT) != 0:
                trouble = f"ended with {process.returncode}"
        except (server.Trouble, subprocess.TimeoutExpired) as error:
            process.kill()
            trouble = str(error)
    compared = different = 0
    for path in out.iterdir():
        found = json.loads(path.read_text(errors="replace")).get("verify", {})
        compared += found.get("compared", 0)
        different += found.get("different", 0)
        path.unlink()
    out.rmdir()
    return Result(program.name, compared, different, trouble or ("" if compared else "no stacks"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--least", type=int, default=10**7, help="stacks, in all")
    parser.add_argument("--quick", action="store_true", help="small inputs")
    parser.add_argument("--only", default="", help="programs whose name has this in it")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    results = []
    with tempfile.TemporaryDirectory(prefix="memprof-verify.") as folder:
        folder = pathlib.Path(folder)
        for program in (*programs.real(folder, arguments.quick), *samples(build),
                        *programs.synthetic(build, True)):
            if arguments.only not in program.name:
                continue
            missing = program.missing()
            result = (Result(program.name, 0, 0, f"'{missing}' is not installed") if missing
                      else run(program, build / "libmemprof.so", folder))
            print(f"{result.name}: {result.compared} compared, {result.different} different "
                  f"{result.trouble}".rstrip(), file=sys.stderr, flush=True)
            results.append(result)
    compared = sum(result.compared for result in results)
    different = sum(result.different for result in results)
    lines = [["program", "stacks compared", "different", ""]]
    lines += [[r.name, str(r.compared), str(r.different), r.trouble] for r in results]
    lines.append(["all", str(compared), str(different), ""])
    print(table.rows(lines))
    sys.exit(1 if different or compared < arguments.least or any(r.trouble for r in results) else 0)


if __name__ == "__main__":
    main()
