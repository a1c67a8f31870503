#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What recording costs programs, as factors of the plain run, next to other heap profilers.

Runs each program plain, under libmemprof.so (exact, and sampled if the library can) and under each
peer, in turn, several times, the order changing from round to round: what else the machine does
then falls on all alike. Prints Markdown: medians of wall time, ratios within rounds, CPU time, peak
RSS, and the size of what was written. The stages of recording are counted in instructions.

    run.py --install --peers all     everything, on a machine that has none of the packages
    run.py --only jq,lua*            some programs, under us and heaptrack
    run.py --quick                   small inputs, one round: whether it works, not what it costs
"""
import argparse
import fnmatch
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

import machine
import measure
import peers
import programs
import stages
import table

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_UP_RUNS = 9


def die(message):
    sys.exit(f"run.py: {message}")


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--quick", action="store_true", help="one round with small inputs")
    parser.add_argument("--only", default="*", help="globs of names of programs, with commas")
    parser.add_argument("--group", default="all", choices=["real", "synthetic", "stages", "all"])
    parser.add_argument("--peers", default="heaptrack", metavar="LIST",
                        help=f"of {', '.join(peers.PEERS)}; all; none (default: heaptrack)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build",
                        help="build directory, already configured (default: build)")
    parser.add_argument("--against", type=pathlib.Path, metavar="BUILD",
                        help="another build, measured as 'memprof, other'")
    parser.add_argument("--install", action="store_true", help="install missing packages first")
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="FILE",
                        help="write all samples to it, as JSON")
    arguments = parser.parse_args(words)
    if arguments.runs < 1:
        die(f"'{arguments.runs}': --runs takes 1 or more")
    arguments.runs = 1 if arguments.quick else arguments.runs
    arguments.build = arguments.build.resolve()
    arguments.against = arguments.against and arguments.against.resolve()
    return arguments


def peer_names(text):
    names = {"all": list(peers.PEERS), "none": []}.get(text, text.split(","))
    for name in names:
        if name not in peers.PEERS:
            die(f"'{name}': no such peer; there are {', '.join(peers.PEERS)}")
    return names


def prepare(arguments):
    """Packages, and a build that is up to date."""
    if arguments.install:
        subprocess.run([ROOT / "tools/setup.sh", "bench"], check=True)
    result = subprocess.run(["cmake", "--build", arguments.build, "--target", "bench"],
                            capture_output=True, text=True, check=False)
    if result.returncode != 0:
        die(f"'{arguments.build}': cannot be built:\n{result.stdout}{result.stderr}")
    if arguments.against:
        stages.Build(arguments.against)  # ends the program if it is none


def chosen(arguments, folder):
    """The programs that were asked for."""
    found = []
    if arguments.group in ("real", "all"):
        found += programs.real(folder, arguments.quick)
    if arguments.group in ("synthetic", "all"):
        found += programs.synthetic(arguments.build, arguments.quick)
    return [program for program in found
            if any(fnmatch.fnmatch(program.name, glob) for glob in arguments.only.split(","))]


def save(report, path):
    if path:
        path.write_text(json.dumps(report, indent=1) + "\n")


def measure_programs(report, arguments, variants, folder):
    """Fills in REPORT, and saves it after each program."""
    bench = measure.Bench(arguments.build, folder)
    usable = [variant for variant in variants if not variant.why_not]
    true = programs.Program("/bin/true", "start", ["/bin/true"])
    report["start_up"] = measure.start_up(bench, true, usable, START_UP_RUNS)
    for program in chosen(arguments, folder):
        if program.missing():
            error = f"'{program.missing()}' is not installed"
            found = {variant.name: {"samples": [], "error": error} for variant in usable}
        else:
            found = measure.measure(bench, program, usable, arguments.runs)
        report["programs"].append({"name": program.name, "group": program.group,
                                   "command": program.command, "variants": found})
        save(report, arguments.output)


def print_report(report):
    print(f"# {report['command']}\n\n{machine.as_list(report['machine'])}")
    for name, variant in report["variants"].items():
        print(f"- {name}: {variant['why_not'] or variant['version']}")
    if report["start_up"]:
        print(f"\n{table.start_up(report['start_up'])}")
    shown = [name for name, variant in report["variants"].items()
             if name != "plain" and not variant["why_not"]]
    for group, title in (("real", "Real programs"), ("synthetic", "Synthetic programs")):
        results = [result for result in report["programs"] if result["group"] == group]
        if results:
            print(f"\n{table.group(title, results, shown)}")
    if report["stages"]:
        print(f"\n## Stages: instructions per operation\n\n{stages.as_table(report['stages'])}")
    elif stages.why_not():
        print(f"\n- stages: {stages.why_not()}")


def main():
    arguments = parse(sys.argv[1:])
    names = peer_names(arguments.peers)
    prepare(arguments)
    variants = peers.find(arguments.build, arguments.against, names)
    report = {
        "command": shlex.join(["tools/bench/run.py", *sys.argv[1:]]),
        "machine": machine.describe(ROOT, arguments.build),
        "variants": {v.name: {"version": v.version, "why_not": v.why_not} for v in variants},
        "start_up": {}, "programs": [], "stages": [],
    }
    if arguments.group != "stages":
        with tempfile.TemporaryDirectory(prefix="memprof-bench.") as folder:
            measure_programs(report, arguments, variants, pathlib.Path(folder))
        if not report["programs"]:
            die(f"'{arguments.only}': there is no such program")
    if arguments.group in ("stages", "all") and not stages.why_not():
        only = arguments.only.split(",") if arguments.group == "stages" else ["*"]
        report["stages"] = stages.count(arguments.build, arguments.against, only)
    save(report, arguments.output)
    print_report(report)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        die("interrupted")
