#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What it costs to make a leak-checked suite of 20 ctest tests: tests/ctest-project, plain and with
memprof_wrap_tests, in turns.

    tools/bench/ctest_suite.py [--build BUILD-DIRECTORY] [--rounds N]

Prints the median time of a whole run of each, wall and CPU, and the difference for each wrapped test; on
a machine that has other work only the CPU time says much. The program of
the tests does next to nothing, so that the difference is what recording does not explain: starting the
launcher, its two looks at the options and the dump, and reading debug information.
"""
import argparse
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MOST = ["-E", "known_leak|fails|explicit|too_much|baseline|foreign"]
TESTS = 17  # that are left of the project's, all wrapped


def run(*command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.exit(f"ctest_suite.py: '{command[0]}': failed: {done.stdout.decode()[-2000:]}")


def prepare(directory, build, checked):
    run("cmake", "-S", ROOT / "tests/ctest-project", "-B", directory, f"-Dmemprof_DIR={build}",
        f"-DCHECKED={checked}")
    run("cmake", "--build", directory)


def cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(directory):
    wall, used = time.monotonic(), cpu()
    run("ctest", "--test-dir", directory, *MOST)
    return time.monotonic() - wall, cpu() - used


def main():
    parser = argparse.ArgumentParser(description="what a leak-checked suite of ctest costs")
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    parser.add_argument("--rounds", default=5, type=int)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="memprof-bench.") as scratch:
        suites = {"plain": pathlib.Path(scratch, "plain"), "checked": pathlib.Path(scratch, "checked")}
        for name, directory in suites.items():
            prepare(directory, arguments.build.resolve(), "ON" if name == "checked" else "OFF")
        times = {name: [] for name in suites}
        for _ in range(arguments.rounds):
            for name, directory in suites.items():
                times[name].append(measure(directory))
        medians = {name: [statistics.median(column) for column in zip(*values)]
                   for name, values in times.items()}
        for name, (wall, used) in medians.items():
            print(f"{name:8} {wall:7.3f} s wall {used:7.3f} s CPU")
        more = [(checked - plain) / TESTS * 1000
                for plain, checked in zip(medians["plain"], medians["checked"])]
        print(f"more for each test: {more[0]:.1f} ms wall, {more[1]:.1f} ms CPU")


if __name__ == "__main__":
    main()
