#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""memprof run between others: signals that are sent to it reach the program, and in pipelines, under
nohup, timeout and setsid, and as the first process of a container it is as the program would be. No
process is left."""
import ctypes
import os
import pathlib
import signal
import subprocess

import memprof_test
from memprof_test import need, sample

LAUNCHER = str(memprof_test.BUILD / "memprof")
SI_USER, SI_QUEUE = 0, -1


class Between(memprof_test.Test):
    def setUp(self):
        super().setUp()
        # By this word in its command line a process of this test is known.
        self.word = str(self.dir)
        self.addCleanup(self.assert_nothing_left)

    def left(self):
        """Processes with the word among their arguments, and zombies of ours."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if self.word.encode() in words and int(path.parent.name) != os.getpid():
                found.append((path.parent.name, words))
        return found

    def assert_nothing_left(self):
        self.wait_for(lambda: not self.left(), "the end of all processes",
                      lambda: f": {self.left()}")

    def variables(self):
        return self.environment({"M": LAUNCHER, "L": sample("launched"), "W": self.word,
                                 "MEMPROF_OUT": f"{self.dir}/%e.%p.json"})

    def shell(self, script):
        """Runs a script of bash; returns status, output, errors."""
        status, out, err = self.run_host(["bash", "-c", script], self.variables())
        return status, out.decode(), err.decode()


class Forwarding(Between):
    def start(self, *arguments, **options):
        """A program that prints what it receives, in a process group of its own."""
        process = subprocess.Popen(
            [LAUNCHER, "run", "--", sample("launched"), *arguments, self.word], env=self.variables(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=self.dir,
            start_new_session=True, **options)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def test_every_signal(self):
        """Each once, and as from whoever sent it."""
        process = self.start("receive")
        numbers = set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM}
        for number in sorted(numbers):
            process.send_signal(number)
            self.assertEqual(process.stdout.readline(), b"%d %d 0\n" % (number, SI_USER))
        process.terminate()
        self.assertEqual(process.stdout.read(), b"%d %d 0\n" % (signal.SIGTERM, SI_USER))
        self.assertEqual(process.wait(), 0)

    def test_value(self):
        """sigqueue's value, and several of one real-time signal, in order."""
        process = self.start("receive")
        libc = ctypes.CDLL(None, use_errno=True)
        number = signal.SIGRTMIN + 3
        for value in (7, -5, 1 << 30):
            self.assertEqual(libc.sigqueue(process.pid, number, ctypes.c_void_p(value & 0xffffffff)), 0)
        for value in (7, -5, 1 << 30):
            self.assertEqual(process.stdout.readline(), b"%d %d %d\n" % (number, SI_QUEUE, value))
        process.terminate()
        self.assertEqual(process.wait(), 0)

    def test_ends_by(self):
        """A signal that the program does not handle ends it, and the status says so."""
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGALRM):
            process = subprocess.Popen([LAUNCHER, "run", sample("launched"), "wait", self.word],
                                       env=self.variables(), stdout=subprocess.PIPE, cwd=self.dir)
            with process:
                self.assertEqual(process.stdout.readline()[:6], b"ready ")
                process.send_signal(number)
                self.assertEqual(process.wait(), 128 + number)

    def test_dump_on_signal(self):
        status, out, err = self.shell(
            '"$M" run --signal USR1 -o "$W/%n.json" python3 -c "'
            'import os, signal; os.kill(os.getppid(), signal.SIGWINCH); '
            'os.kill(os.getpid(), signal.SIGUSR1)"')
        self.assertEqual((status, out, err), (0, "", ""))
        self.assertEqual(len(list(self.dir.glob("[01].json"))), 2)

    def test_stopped_program(self):
        """SIGSTOP to the program alone, with no terminal: the launcher waits until it goes on."""
        process = self.start("receive")
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="utf-8") as file:
            program = int(file.read())
        os.kill(program, signal.SIGSTOP)
        process.terminate()  # stays pending
        os.kill(program, signal.SIGCONT)
        self.assertEqual(process.wait(), 0)


class Company(Between):
    def test_pipeline(self):
        status, out, err = self.shell('"$M" run yes "$W" | head -n 1; echo "${PIPESTATUS[*]}"')
        self.assertEqual((status, out, err), (0, f"{self.word}\n141 0\n", ""))
        status, out, _ = self.shell('seq 100000 | "$M" run sort -rn | "$M" run head -n 1 | "$M" run cat')
        self.assertEqual((status, out), (0, "100000\n"))

    def test_substitution(self):
        """Nobody keeps the pipe open beyond the program's end."""
        self.assertEqual(self.shell('x=$("$M" run echo word "$W"); echo "$? $x"')[1],
                         f"0 word {self.word}\n")

    def test_nohup(self):
        status, out, _ = self.shell(
            'nohup "$M" run "$L" wait "$W" >log 2>&1 & pid=$!\n'
            'for i in $(seq 1500); do grep -q ready log && break; sleep 0.02; done\n'
            'kill -HUP $pid; kill -HUP $pid; kill -TERM $pid; wait $pid; echo $?')
        self.assertEqual((status, out), (0, "143\n"))

    def test_timeout(self):
        """124 as without us, 137 by SIGKILL; nothing is left either way."""
        self.assertEqual(self.shell('timeout 0.3 "$M" run sh -c "sleep 1000; :" "$W"')[0], 124)
        self.assertEqual(self.shell('timeout --foreground 0.3 "$M" run sh -c "exec sleep 1000" "$W"')[0], 124)
        self.assertEqual(self.shell('timeout -s KILL 0.3 "$M" run sh -c "sleep 1000; :" "$W"; exit $?')[0],
                         137)
        self.assertEqual(self.shell('timeout -k 0.3 0.3 "$M" run sh -c "trap : TERM; while :; do sleep 0.1; '
                                    'done" "$W"; exit $?')[0], 137)
        self.assertEqual(self.shell('timeout 1000 "$M" run "$L" exit 5 "$W"')[0], 5)
        self.assertEqual(self.shell('"$M" run timeout 0.3 sleep 1000')[0], 124)

    def test_setsid(self):
        self.assertEqual(self.shell('setsid -w "$M" run "$L" exit 5 "$W"')[0], 5)
        self.assertEqual(self.shell('"$M" run setsid -w "$L" exit 6 "$W"')[0], 6)

    def test_group(self):
        """A program that signals its own group reaches the launcher, and it goes on."""
        for number in ("1", "2", "3", "15", "20", "10"):
            self.assertEqual(self.shell(f'setsid -w "$M" run "$L" group {number} "$W"'), (0, "done\n", ""))
        status, out, err = self.shell('setsid -w "$M" run bash -c \'trap "exit 3" TERM; kill 0; wait\' "$W"')
        self.assertEqual((status, out, err), (3, "", ""))

    def test_nested(self):
        status, out, _ = self.shell('"$M" run -o "$W/out.json" "$M" run -o "$W/in.json" "$L" exit 7 "$W"')
        self.assertEqual((status, out), (7, ""))
        inner = memprof_test.load(next(self.dir.glob("in.*.json")))
        self.assertEqual(os.path.basename(inner["process"]["exe"]), "launched")

    def test_background(self):
        """What the program leaves running is not waited for."""
        status, out, _ = self.shell('"$M" run bash -c "sleep 1000 >/dev/null 2>&1 & echo \\$!; exit 4"; '
                                    'echo "status $?"')
        pid, last = out.splitlines()
        self.assertEqual((status, last), (0, "status 4"))
        os.kill(int(pid), signal.SIGKILL)

    def test_container(self):
        """As the first process of a container: signals are passed on, orphans taken care of, statuses
        kept."""
        need("unshare")
        inside = 'unshare --pid --fork --mount-proc --kill-child "$M" run '
        if self.shell("unshare --pid --fork --mount-proc true")[0]:
            self.skipTest("there are no containers here")
        self.assertEqual(self.shell(inside + '"$L" exit 5 "$W"')[0], 5)
        self.assertEqual(self.shell(inside + 'sh -c "kill -TERM \\$\\$"')[0], 143)
        self.assertEqual(self.shell(inside + 'sh -c "kill -INT \\$\\$"')[0], 130)
        status, out, _ = self.shell(
            inside + 'bash -c \'for i in 1 2 3; do (true &); done; '
            'until ! grep -qs "^State:.Z" /proc/[0-9]*/status; do :; done; echo gone\'')
        self.assertEqual((status, out), (0, "gone\n"))
        process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c",
             'exec "$M" run "$L" receive "$W"'], env=self.variables(), stdout=subprocess.PIPE)
        with process:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="utf-8") as file:
                os.kill(int(file.read()), signal.SIGTERM)
            self.assertEqual(process.wait(), 0)


if __name__ == "__main__":
    memprof_test.main()
