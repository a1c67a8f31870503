#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What run.sh runs: names, the tests of tests/e2e behind each, and the loop around them."""
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HUNTS = 200  # runs of each program in which something could hang

# Name: what it is about, how many times as long as usual each run goes on, the tests, and how many
# runs of each there are at least.
SOAKS = {
    "oracle": ("16 threads against an independent count, 10^8 calls a run", 10,
               ["ordering.Ordering.test_equal_to_oracle"], 1),
    "signals": ("handlers that allocate, once a millisecond, a minute a run", 20,
                ["signals.Signals.test_handler_allocates"], 1),
    "jumps": ("siglongjmp out of the allocator, 100,000 times a run", 7,
              ["signals.Signals.test_handler_jumps_out"], 1),
    "dlopen": ("8 threads load and unload, 8 allocate", 20,
               ["locks.Locks.test_loading_threads"], 1),
    "threads": ("100,000 short threads, 4,096 at once", 5,
                ["locks.Locks.test_short_threads", "locks.Locks.test_live_threads"], 1),
    "hangs": (f"{HUNTS} runs of each of what could hang", 0.05,
              ["locks.Locks.test_loading_threads", "locks.Locks.test_cancelled_threads",
               "locks.Locks.test_cancelled_anywhere", "processes.Processes.test_fork_storm",
               "processes.Processes.test_fork_tree", "processes.Processes.test_vfork",
               "signals.Signals.test_handler_forks", "signals.Signals.test_handler_allocates",
               "surprises.Surprises.test_fork_while_dumping"], HUNTS),
    "matrix": ("every host under every allocator", 100, ["matrix"], 1),
}


def run_once(test, scale):
    """Returns the numbers of calls that the test printed, summed up; ends the program if it fails."""
    script, _, case = test.partition(".")
    argv = [sys.executable, str(ROOT / "tests" / "e2e" / f"{script}.py"), *([case] if case else [])]
    env = {**os.environ, "MEMPROF_SOAK": str(scale)}
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        print(text)
        sys.exit(f"soak.py: '{test}': status {done.returncode}")
    return sum(int(n) for n in re.findall(r"^(\d+) \w+", text, re.M))


def soak(name, minutes):
    _, scale, tests, least = SOAKS[name]
    begin, runs, counted = time.monotonic(), 0, 0
    while runs < least or time.monotonic() - begin < minutes * 60:
        for test in tests:
            counted += run_once(test, scale)
        runs += 1
        print(f"{name}: {runs} runs of {len(tests)} tests, {counted} counted, "
              f"{(time.monotonic() - begin) / 60:.1f} minutes, 0 failures", flush=True)


def main(arguments):
    if not arguments:
        for name, (about, _, tests, _) in SOAKS.items():
            print(f"{name:10} {about} ({', '.join(tests)})")
        return 0
    name, minutes = arguments[0], arguments[1] if len(arguments) > 1 else "15"
    if name not in SOAKS:
        print(f"soak.py: '{name}': no such soak, expected one of {', '.join(SOAKS)}",
              file=sys.stderr)
        return 2
    if len(arguments) > 2 or not re.fullmatch(r"\d+(\.\d+)?", minutes):
        print(f"soak.py: '{' '.join(arguments[1:])}': not a number of minutes", file=sys.stderr)
        return 2
    soak(name, float(minutes))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
