#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What run.sh runs: names, the tests of tests/e2e behind each, and the loop around them."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HUNTS = 200  # runs of each program in which something could hang
WATCHDOG = 120  # seconds until one of them counts as hanging
SAFE = "libsafe_malloc.so"  # what may be interrupted anywhere, see tests/samples/safe_malloc.c

# Command lines of samples, with what they are to be run over.
HUNTED = (
    ("storm_threads dlopen 60 {samples}/libplugin_one.so {samples}/libplugin_two.so", None),
    ("storm_threads cancel 40", None),
    ("storm_threads async 40", SAFE),
    ("storm_signals allocate 100 500", SAFE),
    ("storm_signals jump 100 500", SAFE),
    ("storm_signals fork 10 500", SAFE),
    ("storm_signals _fork 10 500", SAFE),
    ("storm_signals clone 10 500", SAFE),
    ("forkstorm 4", None),
    ("processes tree", None),
    ("processes vfork 1000", None),
    ("surprises fork other.json", None),
)

# Name: what it is about, how many times as long as usual each run goes on, the tests, and how many
# runs of each there are at least.
SOAKS = {
    "oracle": ("16 threads against an independent count, 10^8 calls a run", 10,
               ["ordering.Ordering.test_equal_to_oracle"], 1),
    "billion": ("the same, 10^9 calls in a run", 100, ["ordering.Ordering.test_equal_to_oracle"], 1),
    "modules": ("a library in another one's place, 10,000 times a run", 10,
                ["dlopen.Dlopen.test_module_replaced"], 1),
    "ends": ("main returns while 32 threads allocate, 1,000 times a run", 25,
             ["endings.Endings.test_running_threads"], 1),
    "signals": ("handlers that allocate, once a millisecond, a minute a run", 20,
                ["signals.Signals.test_handler_allocates"], 1),
    "jumps": ("siglongjmp out of the allocator, 100,000 times a run", 7,
              ["signals.Signals.test_handler_jumps_out"], 1),
    "dlopen": ("8 threads load and unload, 8 allocate", 20,
               ["locks.Locks.test_loading_threads"], 1),
    "threads": ("100,000 short threads, 4,096 at once", 5,
                ["locks.Locks.test_short_threads", "locks.Locks.test_live_threads"], 1),
    "kills": ("300 kills at random instants, half of them of several threads, 240 at an instruction",
              12, ["recovered.Kills"], 1),
    "events": ("2^32 events from one place, and more", 15, ["extremes.Extremes.test_events"], 1),
    "blocks": ("50 million live blocks of 16 bytes", 2, ["extremes.Extremes.test_live"], 1),
    "throws": ("a million exceptions", 2, ["extremes.Extremes.test_throws"], 1),
    "far": ("blocks of 1 TiB, blocks all over the address space", 5,
            ["extremes.Extremes.test_far", "extremes.Extremes.test_scattered"], 1),
    "wardens": ("300 kills and 450 ends at random instants, with a snapshot every few milliseconds", 30,
                ["idle_ends"], 1),
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


def hunt(build):
    """Runs each of HUNTED often, with a watchdog."""
    samples = build / "tests" / "samples"
    for command, over in HUNTED:
        words = command.format(samples=samples).split()
        with tempfile.TemporaryDirectory(prefix="memprof-soak.") as directory:
            preload = [str(build / "libmemprof.so"), *([str(samples / over)] if over else [])]
            env = {"PATH": os.environ["PATH"], "LD_PRELOAD": ":".join(preload),
                   "MEMPROF_OUT": f"{directory}/out/%p.json"}
            for run in range(1, HUNTS + 1):
                done = subprocess.run(["timeout", "-s", "KILL", str(WATCHDOG),
                                       str(samples / words[0]), *words[1:]], env=env, cwd=directory,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
                dumps = len(os.listdir(f"{directory}/out"))
                if done.returncode != 0 or dumps == 0:
                    sys.exit(f"soak.py: '{command}': status {done.returncode}, {dumps} dumps in run "
                             f"{run}, expected 0 and some")
                shutil.rmtree(f"{directory}/out")
        print(f"hangs: {HUNTS} runs of '{words[0]} {words[1]}', 0 hangs", flush=True)


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
        print(f"{'hangs':10} {HUNTS} runs, however long, of each of {len(HUNTED)} programs in which "
              "something could hang")
        return 0
    name, minutes = arguments[0], arguments[1] if len(arguments) > 1 else "15"
    if name == "hangs":
        hunt(pathlib.Path(os.environ.get("MEMPROF_BUILD", ROOT / "build")).resolve())
        return 0
    if name not in SOAKS:
        print(f"soak.py: '{name}': no such soak, expected one of {', '.join(SOAKS)}, hangs",
              file=sys.stderr)
        return 2
    if len(arguments) > 2 or not re.fullmatch(r"\d+(\.\d+)?", minutes):
        print(f"soak.py: '{' '.join(arguments[1:])}': not a number of minutes", file=sys.stderr)
        return 2
    soak(name, float(minutes))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
