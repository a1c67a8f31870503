# SPDX-License-Identifier: MIT
"""Load for a redis-server that another program has started, and a clean end of it."""
import csv
import subprocess
import time

TESTS = ("set", "get", "lpush", "lpop")


class Trouble(Exception):
    """The server or its load did not do what it should."""


def ask(socket, *words):
    return subprocess.run(["redis-cli", "-s", socket, *words], capture_output=True, text=True,
                          check=False).stdout.strip()


def wait_until_up(socket, process, seconds):
    end = time.monotonic() + seconds
    while ask(socket, "ping") != "PONG":
        if process.poll() is not None:
            return  # its status says more
        if time.monotonic() > end:
            raise Trouble("the server did not answer")
        time.sleep(0.02)


def request_rates(socket, requests, pipeline, seconds):
    """The requests per second of each test."""
    command = ["redis-benchmark", "-s", socket, "-t", ",".join(TESTS), "-r", "100000",
               "-n", str(requests), "-P", str(pipeline), "-d", "64", "--csv"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False,
                                timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Trouble(f"redis-benchmark took longer than {seconds} s") from None
    rows = list(csv.DictReader(result.stdout.splitlines()))
    if result.returncode != 0 or len(rows) != len(TESTS):
        raise Trouble(f"redis-benchmark: {result.stderr.strip()[:120]}")
    return [float(row["rps"]) for row in rows]


def load(program, process, seconds):
    """Sends the requests of PROGRAM, whose server PROCESS is or waits for. Returns requests per
    second over all, and the seconds that they took."""
    socket = program.command[program.command.index("--unixsocket") + 1]
    wait_until_up(socket, process, seconds)
    if process.poll() is not None:
        return 0.0, 0.0
    rates = request_rates(socket, program.requests, program.pipeline, seconds)
    ask(socket, "shutdown", "nosave")
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise Trouble("the server did not end") from None
    taken = sum(program.requests / rate for rate in rates)
    return program.requests * len(rates) / taken, taken
