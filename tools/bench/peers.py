# SPDX-License-Identifier: MIT
"""The ways in which a program is run: plain, under libmemprof.so, under other heap profilers.

A variant that cannot be used here says why, and is left out of the measurement.
"""
import dataclasses
import os
import shutil
import subprocess

SAMPLE = "512k"
TCMALLOC = "libtcmalloc.so.4"
# What would change how a plain run allocates, or what the library does.
FOREIGN = ("MEMPROF_", "MALLOC_", "LD_PRELOAD", "PYTHONMALLOC", "GLIBC_TUNABLES", "HEAPPROFILE")


@dataclasses.dataclass(frozen=True)
class Variant:
    """PREFIX goes before the command; {out} in it and in ENV is a folder for what is written.
    CHATTY: prints more than the program does. SLOW: is run once only."""
    name: str
    version: str = ""
    prefix: tuple = ()
    env: dict = dataclasses.field(default_factory=dict)
    chatty: bool = False
    slow: bool = False
    why_not: str = ""

    def command(self, command, out):
        return [word.format(out=out) for word in self.prefix] + command

    def environment(self, more, out):
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(FOREIGN)}
        own = {name: value.format(out=out) for name, value in self.env.items()}
        return {**kept, "LC_ALL": "C", **more, **own}


def first_line(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return (result.stdout or result.stderr).strip().split("\n")[0]


def ours(name, library, **env):
    """libmemprof.so, unless it says that it does not accept ENV."""
    variant = Variant(name, str(library), env={
        "LD_PRELOAD": str(library), "MEMPROF_OUT": "{out}/%e.%p.json", **env})
    trial = subprocess.run(["/bin/true"], env=variant.environment({}, "/dev/null"),
                           capture_output=True, text=True, check=False)
    complaints = [line for line in trial.stderr.splitlines() if "is not accepted" in line]
    if complaints:
        return dataclasses.replace(variant, why_not=complaints[0])
    return variant


def heaptrack():
    if not shutil.which("heaptrack"):
        return Variant("heaptrack -r", why_not="heaptrack is not installed")
    return Variant("heaptrack -r", first_line("heaptrack", "--version"), chatty=True,
                   prefix=("heaptrack", "-r", "-o", "{out}/raw"))


def valgrind(tool):
    if not shutil.which("valgrind"):
        return Variant(tool, why_not="valgrind is not installed")
    return Variant(tool, first_line("valgrind", "--version"), slow=True,
                   prefix=("valgrind", "-q", f"--tool={tool}", f"--{tool}-out-file={{out}}/%p"))


def gperftools():
    """Its profiler comes with its allocator: the factor is that of both together."""
    trial = first_line("env", f"LD_PRELOAD={TCMALLOC}", "/bin/true")
    if trial:
        return Variant("gperftools", why_not=f"{TCMALLOC} is not installed")
    version = first_line("dpkg-query", "-W", "-f", "${Version}", "libgoogle-perftools4")
    return Variant("gperftools", f"gperftools {version}", slow=True,
                   env={"LD_PRELOAD": TCMALLOC, "HEAPPROFILE": "{out}/heap"})


PEERS = {"heaptrack": heaptrack, "massif": lambda: valgrind("massif"),
         "dhat": lambda: valgrind("dhat"), "gperftools": gperftools}


def find(build, against, names):
    """All variants asked for, usable or not. The plain run is the first."""
    library = build / "libmemprof.so"
    found = [Variant("plain", "glibc's allocator"), ours("memprof", library),
             ours("memprof, sampled", library, MEMPROF_SAMPLE=SAMPLE)]
    if against:
        found.append(ours("memprof, other", against / "libmemprof.so"))
    return found + [PEERS[name]() for name in names]
