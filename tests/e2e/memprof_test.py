# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: running host programs with and without the profiler.

A test is a class derived from Test. Its methods run hosts with `self.plain(argv)` and
`self.profiled(argv)`; the latter collects every dump that the run left and has each validated by
tests/validate_dump.py. All files live in `self.dir`, which is removed afterwards, so that tests can
run side by side. A script ends with `memprof_test.main()`: exit status 0, 1, or 77 if every test of
the script was skipped because a program that it needs is not installed.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MEMPROF_BUILD", ROOT / "build")).resolve()
SAMPLES = BUILD / "tests" / "samples"
LIBRARY = BUILD / "libmemprof.so"
REPORT = BUILD / "memprof-report"

sys.path.insert(0, str(ROOT / "tests"))
sys.dont_write_bytecode = True
import validate_dump  # noqa: E402

SCHEMA = json.loads(validate_dump.SCHEMA.read_text(encoding="utf-8"))
TIMEOUT = 120  # seconds that one host may take: a hang, not a measurement
PATIENCE = 60  # seconds that something may take to come about: as above
# How much longer than usual the tests go on that can go on for long: see tools/soak/run.sh.
SOAK = float(os.environ.get("MEMPROF_SOAK", "1"))


def many(n):
    """N as usual, more or fewer in a soak."""
    return max(1, int(n * SOAK))


class Run:
    """How one host ended: status (negative: -signal), what it wrote, and its dumps."""

    def __init__(self, status, out, err, dumps):
        self.status, self.out, self.err, self.dumps = status, out, err, dumps

    @property
    def dump(self):
        """The dump of a host that must have left exactly one."""
        if len(self.dumps) != 1:
            raise AssertionError(f"{len(self.dumps)} dumps instead of one: {sorted(self.dumps)}; "
                                 f"standard error: {self.err[-2000:]!r}")
        return next(iter(self.dumps.values()))

    def of(self, exe):
        """The dumps of the executable with base name EXE, in order of their start."""
        found = [dump for dump in self.dumps.values()
                 if os.path.basename(dump["process"]["exe"]) == exe]
        return sorted(found, key=lambda dump: dump["process"]["start_time"])


def load(path):
    """The dump in PATH, which must be valid."""
    dump = validate_dump.read(str(path))
    wrong = validate_dump.violations(dump, SCHEMA)
    if wrong:
        raise AssertionError(f"{path} is not valid:\n  " + "\n  ".join(wrong))
    return dump


def own_counts(dump, exe, kind="sites"):
    """Sums over the sites whose innermost frame lies in the file EXE: what a sample allocated itself,
    without what libc and the loader allocate for it (threads, for example). KIND: or mmap_sites."""
    def inside(site):
        module = dump["frames"][site["frame"]][1]
        return module >= 0 and os.path.basename(dump["modules"][module]["path"]) == exe

    sites = [site for site in dump[kind] if inside(site)]
    return {name: sum(site.get(name, 0) for site in sites)
            for name in ("alloc_count", "alloc_bytes", "free_count", "freed_bytes")}


def sample(name):
    return str(SAMPLES / name)


def need(*programs):
    """Skips the test if one of PROGRAMS is not installed."""
    for program in programs:
        if not shutil.which(program):
            raise unittest.SkipTest(f"{program} is not installed")


def need_shipped():
    """Skips the test if the library counts its lines, which takes stack and instructions."""
    if os.environ.get("MEMPROF_COUNTED"):
        raise unittest.SkipTest("the library is not as it is shipped")


def find_library(name):
    """Path of a shared library in the system's directories, or skips the test."""
    listing = subprocess.run(["/sbin/ldconfig", "-p"], stdout=subprocess.PIPE, check=True).stdout
    for line in listing.decode().splitlines():
        words = line.split()
        if words and words[0] == name:
            return words[-1]
    raise unittest.SkipTest(f"{name} is not installed")


class Test(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="memprof-e2e."))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.runs = 0

    def environment(self, extra=None):
        """The whole environment of a host: nothing of the caller's but PATH."""
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(self.dir),
               "LC_ALL": "C", "TZ": "UTC"}
        env.update(extra or {})
        return env

    def write(self, name, content):
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def run_host(self, argv, env, cwd=None, stdin=b"", timeout=TIMEOUT):
        """Runs ARGV in a process group of its own, which is killed when the time is over."""
        argv = [str(word) for word in argv]
        with subprocess.Popen(argv, env=env, cwd=cwd or self.dir, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              start_new_session=True) as process:
            try:
                out, err = process.communicate(stdin, timeout=timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                out, err = process.communicate()
                self.fail(f"{argv} did not end within {timeout} s: {err[-2000:]!r}")
        return process.returncode, out, err

    def plain(self, argv, *, preload=(), env=None, **options):
        extra = dict(env or {})
        if preload:
            extra["LD_PRELOAD"] = ":".join(str(path) for path in preload)
        return Run(*self.run_host(argv, self.environment(extra), **options), {})

    def profiled(self, argv, *, before=(), after=(), env=None, **options):
        """Runs ARGV under the profiler, between the preloads BEFORE and AFTER. The dumps are taken
        from where MEMPROF_OUT of this run points, unless ENV has a MEMPROF_OUT of its own."""
        self.runs += 1
        dumps = self.dumps_directory()
        dumps.mkdir()
        extra = {"LD_PRELOAD": ":".join(str(path) for path in (*before, LIBRARY, *after)),
                 "MEMPROF_OUT": f"{dumps}/%e.%p.json", **(env or {})}
        status, out, err = self.run_host(argv, self.environment(extra), **options)
        return Run(status, out, err, self.collect(dumps))

    def wait_for(self, condition, what, told=lambda: ""):
        """What CONDITION returns as soon as that is true. If it does not come about, WHAT and what
        TOLD returns say so."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.01)
        return self.fail(f"{what} did not come about within {PATIENCE} s{told()}")

    def dumps_directory(self, further=0):
        return self.dir / f"dumps{self.runs + further}"

    def collect(self, directory):
        """All dumps in DIRECTORY by file name; nothing else may stay there, which a warden is about
        to take away that has seen its program be killed."""
        def stray():
            return [path.name for path in directory.iterdir() if path.suffix != ".json"]
        self.wait_for(lambda: not stray(), "that only dumps are there", lambda: f": {stray()}")
        return {path.name: load(path) for path in sorted(directory.iterdir())}

    def unchanged(self, argv, *, env=None, err=True, **options):
        """Runs ARGV without and with the profiler, in environments that differ in LD_PRELOAD
        alone: output, status and, unless ERR is false, standard error must be the same. Returns the
        profiled run."""
        out = f"{self.dumps_directory(1)}/%e.%p.json"
        plain = self.plain(argv, env={"MEMPROF_OUT": out, **(env or {})}, **options)
        profiled = self.profiled(argv, env=env, **options)
        self.assertEqual((plain.status, plain.out), (profiled.status, profiled.out),
                         f"{argv}: {plain.err[-500:]!r} against {profiled.err[-500:]!r}")
        if err:
            self.assertEqual(plain.err, profiled.err, f"standard error of {argv}")
        return profiled

    def report(self, *arguments, status=0):
        """Standard output of memprof-report."""
        done = subprocess.run([REPORT, *arguments], env=self.environment(), cwd=self.dir,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
        self.assertEqual(done.returncode, status, f"memprof-report {arguments}: {done.stderr!r}")
        return done.stdout

    def readelf(self, *options):
        """What it tells of the library."""
        need("readelf")
        done = subprocess.run(["readelf", "-W", *options, LIBRARY], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.environment())
        return done.stdout.decode()

    def assert_sound(self, dump, allocations=1):
        """A complete, exact profile in which nothing was lost."""
        self.assertTrue(dump["dump"]["complete"])
        self.assertEqual(dump["mode"], {"kind": "exact"})
        totals = dump["totals"]
        self.assertGreaterEqual(totals["alloc_count"], allocations)
        lost = {name: totals[name] for name in ("dropped_count", "unknown_free_count")}
        self.assertEqual(lost, {name: 0 for name in lost})


def main():
    result = unittest.main(module="__main__", exit=False, argv=sys.argv).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.testsRun and len(result.skipped) == result.testsRun else 0)
