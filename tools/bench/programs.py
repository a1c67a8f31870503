# SPDX-License-Identifier: MIT
"""The programs that are measured: what is run, and what it is called in the tables."""
import dataclasses
import shutil
import subprocess

import inputs


@dataclasses.dataclass(frozen=True)
class Program:
    """A command. REQUESTS: it is redis-server, to be sent so many, PIPELINE at a time."""
    name: str
    group: str  # "real" or "synthetic"
    command: list
    env: dict = dataclasses.field(default_factory=dict)
    requests: int = 0
    pipeline: int = 1

    def missing(self):
        """What has to be installed first; None: nothing."""
        needed = [self.command[0]]
        if self.requests:
            needed += ["redis-cli", "redis-benchmark"]
        return next((name for name in needed if not shutil.which(name)), None)


def cc1():
    return subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True,
                          check=True).stdout.strip()


def real(folder, quick):
    size = inputs.make(folder, quick)

    def at(name):
        return str(folder / name)

    def program(name, *command, **more):
        return Program(name, "real", list(command), **more)

    python = ["/usr/bin/python3", at("load.py"), str(size["python"])]
    redis = ["redis-server", "--port", "0", "--unixsocket", at("redis.socket"), "--save", "",
             "--appendonly", "no", "--dir", str(folder)]
    return [
        program("jq", "jq", "-c", "map(.name)|length", at("in.json")),
        program("sqlite3", "sqlite3", ":memory:", f".read {at('rows.sql')}"),
        program("lua5.4", "lua5.4", at("tree.lua"), str(size["lua"])),
        program("xmllint", "xmllint", "--noout", at("in.xml")),
        program("cc1", cc1(), "-quiet", "-O1", at("big.i"), "-o", "/dev/null"),
        program("python3", *python),
        program("python3, PYTHONMALLOC=malloc", *python, env={"PYTHONMALLOC": "malloc"}),
        program("perl", "perl", at("hash.pl"), str(size["perl"])),
        program("cmake", "cmake", "--fresh", "-G", "Unix Makefiles", "-S", at("project"),
                "-B", at("project/out")),
        program("clang++", "clang++", "-std=c++17", "-fsyntax-only", at("standard.cc")),
        program("redis", *redis, requests=size["redis"]),
        program("redis, 16 at a time", *redis, requests=size["redis"] * 8, pipeline=16),
    ]


def synthetic(build, quick):
    part = 20 if quick else 1

    def workload(name, what, count, *more):
        command = [str(build / "bench/synthetic"), what, str(count // part), *map(str, more)]
        return Program(name, "synthetic", command)

    def program(name, binary, count):
        return Program(name, "synthetic", [str(build / "bench" / binary), str(count // part)])

    return [
        *(workload(f"{paths} random paths, {threads} thread{'s' if threads > 1 else ''}",
                   "random-path", 10000000 if threads > 1 else 5000000, paths, threads)
          for paths in (16, 4096) for threads in (1, 2, 16, 64)),
        workload("100 frames deep, 4 paths", "deep", 10000000, 4),
        workload("100 frames deep, 4096 paths", "deep", 4000000, 4096),
        workload("producer and consumer", "producer-consumer", 4000000, 1, 1),
        workload("realloc growth", "realloc-growth", 4000000),
        workload(f"{10 if part == 1 else 0.5:g} million live blocks", "live", 10000000),
        program("C++ exceptions", "exceptions", 100000),
        program("C++ map", "map", 400000),
    ]
