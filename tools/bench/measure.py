# SPDX-License-Identifier: MIT
"""Runs programs under all variants in turn, and keeps what each run took."""
import dataclasses
import pathlib
import shutil
import subprocess
import sys

import server

TIMEOUT = 900  # seconds for one run
SETTLE = 30  # more, until spawn itself has to be gone


class Failure(Exception):
    """A run that gives no figure, and why."""


@dataclasses.dataclass
class Sample:
    """One run. WALL is the time of the requests only where the program is a server."""
    round: int
    wall: float
    user: float
    system: float
    rss: float  # MiB
    written: float  # MiB
    rate: float = 0.0  # requests per second

    @property
    def cpu(self):
        return self.user + self.system


class Bench:
    """Where runs take place: BUILD has the helpers, FOLDER what they write."""

    def __init__(self, build, folder):
        self.spawn = str(build / "bench/spawn")
        self.folder = pathlib.Path(folder)
        self.out = self.folder / "out"
        self.output = self.folder / "stdout"

    def run(self, variant, program, round_number):
        """A Sample and what the program printed."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        result = self.folder / "result"
        command = [self.spawn, str(result), str(TIMEOUT),
                   *variant.command(program.command, self.out)]
        env = variant.environment(program.env, self.out)
        with open(self.output, "wb") as output, open(self.folder / "stderr", "wb") as errors:
            process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=errors, cwd=self.folder)
            rate, wall = self.attend(process, program)
        if process.returncode != 0:
            raise Failure("could not be run")
        elapsed, user, system, rss, status = map(float, result.read_text().split())
        if status != 0:
            raise Failure(self.explain(int(status)))
        sample = Sample(round_number, wall or elapsed, user, system, rss / 1024,
                        self.written(), rate)
        if variant.prefix + tuple(variant.env) and not sample.written:
            raise Failure("wrote nothing")
        return sample, self.output.read_bytes()

    def attend(self, process, program):
        """Until the program has ended. Returns requests per second and seconds of a server's."""
        try:
            if program.requests:
                return server.load(program, process, TIMEOUT)
            process.wait(TIMEOUT + SETTLE)
            return 0.0, 0.0
        except server.Trouble as trouble:
            raise Failure(str(trouble)) from None
        finally:
            if process.poll() is None:
                process.terminate()  # spawn then ends its command
                process.wait(SETTLE)

    def explain(self, status):
        if status == 124:
            return f"took longer than {TIMEOUT} s"
        errors = (self.folder / "stderr").read_text(errors="replace").strip().split("\n")
        ended = f"signal {status - 128}" if status > 128 else f"status {status}"
        return f"ended with {ended}: {errors[-1][:120]}"

    def written(self):
        return sum(p.stat().st_size for p in self.out.rglob("*") if p.is_file()) / 2**20


def same_output(program, variant, plain, printed):
    """A server's output is its log, which is never the same twice."""
    if program.requests:
        return True
    return plain in printed if variant.chatty else plain == printed


def measure(bench, program, variants, runs):
    """{variant's name: {"samples": [..], "error": why there is none, or ""}}."""
    found = {variant.name: {"samples": [], "error": ""} for variant in variants}
    plain = variants[0]
    expected = b""
    try:
        expected = bench.run(plain, program, -1)[1]  # warms the caches, too
    except Failure as failure:
        for entry in found.values():
            entry["error"] = f"the plain run: {failure}"
        return found
    for number in range(runs):
        shift = number % len(variants)
        for variant in variants[shift:] + variants[:shift]:
            entry = found[variant.name]
            if entry["error"] or (variant.slow and number > 0):
                continue
            print(f"{program.name}: {variant.name}, {number + 1} of {runs}", file=sys.stderr)
            try:
                sample, printed = bench.run(variant, program, number)
                if not same_output(program, variant, expected, printed):
                    raise Failure("changed what the program prints")
                entry["samples"].append(dataclasses.asdict(sample))
            except Failure as failure:
                entry.update(samples=[], error=str(failure))
    return found


def start_up(bench, true, variants, runs):
    """Seconds that each variant adds to nothing at all: the wall times of /bin/true."""
    found = measure(bench, true, variants, runs)
    return {name: [sample["wall"] for sample in entry["samples"]]
            for name, entry in found.items()}
