# SPDX-License-Identifier: MIT
"""What the figures were made on: the machine and the versions of what was measured."""
import os
import pathlib
import platform
import subprocess


def field(path, name):
    for line in pathlib.Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def revision(root):
    result = subprocess.run(["git", "-c", f"safe.directory={root}", "-C", str(root), "describe",
                             "--always", "--dirty"], capture_output=True, text=True, check=False)
    return result.stdout.strip() or "not a git checkout"


def build_type(build):
    return next((line.partition("=")[2] for line in (build / "CMakeCache.txt").open()
                 if line.startswith("CMAKE_BUILD_TYPE:")), "").strip() or "none"


def describe(root, build):
    memory = int(field("/proc/meminfo", "MemTotal").split()[0]) / 2**20
    return {
        "cpu": field("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory": f"{memory:.0f} GiB",
        "kernel": platform.release(),
        "libc": os.confstr("CS_GNU_LIBC_VERSION"),
        "load": "%.1f at the beginning" % os.getloadavg()[0],
        "memprof": f"{revision(root)}, build type {build_type(build)}",
    }


def as_list(description):
    return "".join(f"- {name}: {value}\n" for name, value in description.items())
