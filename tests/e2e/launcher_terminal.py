#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""memprof run in a terminal: ^C, ^Z, fg, bg, changes of size and hanging up do what they do to a
program without it."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios

import memprof_test
from memprof_test import need, sample

LAUNCHER = str(memprof_test.BUILD / "memprof")
SI_KERNEL, SI_USER = 128, 0
DEADLINE = 60  # seconds without a word: a hang


class Terminal(memprof_test.Test):
    pid = None

    def start(self, argv):
        """Runs ARGV as the leader of a session of its own, on a terminal of its own."""
        env = self.environment({"PS1": "prompt> ", "HISTFILE": "", "TERM": "dumb", "M": LAUNCHER,
                                "MEMPROF_OUT": f"{self.dir}/%e.%p.json", "MEMPROF_VERBOSE": "0"})
        self.stop()
        self.output, self.status = "", None
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(self.dir)
                os.execve(argv[0], [str(word) for word in argv], env)
            finally:
                os._exit(125)
        self.addCleanup(self.stop)

    def stop(self):
        if self.pid is None:
            return
        for group in {self.pid, *self.group_of_terminal()}:
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.close(self.master)
        if self.status is None:
            os.waitpid(self.pid, 0)
        self.pid = None

    def group_of_terminal(self):
        try:
            group = os.tcgetpgrp(self.master)
        except OSError:
            group = 0
        return [group] if group > 1 else []  # 0 would be our own

    def read(self):
        """Takes what the terminal shows next; False: it was hung up."""
        ready, _, _ = select.select([self.master], [], [], DEADLINE)
        self.assertTrue(ready, f"silent for {DEADLINE} s after {self.output!r}")
        try:
            data = os.read(self.master, 4096)
        except OSError:
            data = b""
        self.output += data.decode(errors="replace").replace("\r", "")
        return bool(data)

    def expect(self, pattern):
        """Reads on to PATTERN and returns what came before it."""
        while not (found := re.search(pattern, self.output)):
            self.assertTrue(self.read(), f"no {pattern!r} in {self.output!r}")
        before, self.output = self.output[:found.start()], self.output[found.end():]
        return before

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        """Reads to the end of the session and returns the leader's status as waitpid has it."""
        while self.read():
            pass
        self.status = os.waitpid(self.pid, 0)[1]
        return self.status

    def state(self, pid):
        """State letter and parent of a process."""
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return fields[0], int(fields[1])

    def child(self, pid):
        """The first child of a process, when it has one."""
        def children():
            with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
                return file.read().split()

        return int(self.wait_for(children, f"a child of {pid}")[0])

    def wait_state(self, pid, letters):
        self.wait_for(lambda: self.state(pid)[0] in letters, f"{pid} in one of the states {letters}")


class Keys(Terminal):
    """The launcher is what the terminal is for."""
    def receive(self):
        self.start([LAUNCHER, "run", "--", sample("launched"), "receive"])
        self.expect("ready\n")

    def test_once(self):
        """The program gets each signal of the terminal once, from the terminal itself."""
        for key, number in (("\x03", signal.SIGINT), ("\x1c", signal.SIGQUIT), ("\x1a", signal.SIGTSTP)):
            with self.subTest(signal=number):
                self.receive()
                self.type(key)
                self.expect(f"(^|\n|[^0-9]){int(number)} {SI_KERNEL} 0\n")
                os.kill(self.pid, signal.SIGUSR2)
                between = self.expect(f"{int(signal.SIGUSR2)} {SI_USER} 0\n")
                self.assertEqual(between, "", "came twice")
                os.kill(self.pid, signal.SIGTERM)
                self.assertEqual(self.end(), 0)

    def test_size(self):
        self.receive()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
        self.expect(f"{int(signal.SIGWINCH)} {SI_KERNEL} 0\n")
        os.kill(self.pid, signal.SIGTERM)
        self.assertNotIn(str(int(signal.SIGWINCH)), self.expect("15 0 0\n"))
        self.assertEqual(self.end(), 0)

    def test_sees_size(self):
        need("stty")
        self.start(["/bin/sh", "-c", 'stty rows 33 cols 77; exec "$M" run stty size'])
        self.expect("33 77\n")
        self.assertEqual(self.end(), 0)

    def test_interrupt(self):
        """Ends both by SIGINT, and with them a script that would go on otherwise."""
        self.start([LAUNCHER, "run", sample("launched"), "wait"])
        self.expect("ready \\d+\n")
        self.type("\x03")
        self.assertEqual(os.waitstatus_to_exitcode(self.end()), -signal.SIGINT)
        self.start(["/bin/bash", "-c", f'for i in 1 2 3; do "$M" run {sample("launched")} wait;'
                                       ' echo status=$?; done; echo not reached'])
        self.expect("ready \\d+\n")
        self.type("\x03")
        self.assertEqual(os.waitstatus_to_exitcode(self.end()), -signal.SIGINT)
        self.assertNotIn("=", self.output)

    def test_interrupt_handled(self):
        """A program that takes ^C for something else goes on, and so does the launcher."""
        self.start([LAUNCHER, "run", "bash", "-c", 'trap "echo taken" INT; echo ready; '
                    'until read -t 0.1 -r line; do :; done; echo "line $line"; exit 4'])
        self.expect("ready\n")
        self.type("\x03")
        self.expect("taken\n")
        self.type("word\n")
        self.expect("line word\n")
        self.assertEqual(os.waitstatus_to_exitcode(self.end()), 4)

    def test_quit(self):
        self.start([LAUNCHER, "run", "sh", "-c", f"ulimit -c 0; exec {sample('launched')} wait"])
        self.expect("ready \\d+\n")
        self.type("\x1c")
        self.assertEqual(os.waitstatus_to_exitcode(self.end()), 128 + signal.SIGQUIT)

    def test_hang_up(self):
        """Nothing is left when the terminal goes away."""
        self.start([LAUNCHER, "run", sample("launched"), "wait"])
        program = int(self.expect("\n").split()[1])
        master, self.master = self.master, os.open("/dev/null", os.O_RDWR)
        os.close(master)
        self.status = os.waitpid(self.pid, 0)[1]
        self.assertIn(os.waitstatus_to_exitcode(self.status), (129, -signal.SIGHUP))
        self.assertFalse(os.path.exists(f"/proc/{program}"))

    def test_raw(self):
        """A program that takes the terminal's settings over has them, and ^C is a character."""
        need("stty")
        self.start([LAUNCHER, "run", "bash", "-c", "stty raw -echo; echo ready; head -c 1 | od -An -tx1; "
                                                   "stty sane; exit 3"])
        self.expect("ready\n")
        self.type("\x03")
        self.expect("03")
        self.assertEqual(os.waitstatus_to_exitcode(self.end()), 3)


class Jobs(Terminal):
    """The launcher is a job of an interactive shell."""
    def shell(self):
        self.start(["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"])
        # Without echo, what is seen was printed by a program.
        self.type("stty -echo; echo s''tarted\n")
        self.expect("started\n")

    def test_stop_and_continue(self):
        self.shell()
        self.type('"$M" run cat\n')
        self.type("one\n")
        self.expect("one\n")
        launcher = self.child(self.pid)
        program = self.child(launcher)
        for word in ("two", "three"):
            self.type("\x1a")
            self.expect("Stopped")
            self.wait_state(launcher, "T")
            self.wait_state(program, "T")
            self.type("fg\n")
            self.wait_state(launcher, "SRD")
            self.type(f"{word}\n")
            self.expect(f"{word}\n")
        self.type("\x04")
        self.type('echo "last=$?"\nexit 0\n')
        self.expect("last=0\n")
        self.assertEqual(self.end(), 0)

    def test_background(self):
        """Reading from the terminal stops both, until they are in the foreground."""
        self.shell()
        self.type('"$M" run cat &\n')
        self.expect("\\] \\d+\n")
        launcher = self.child(self.pid)
        self.wait_state(launcher, "T")
        self.type("jobs\n")
        self.expect("Stopped\\(SIGTTIN\\)|Stopped \\(tty input\\)|Stopped")
        self.type("fg\n")
        self.type("line\n")
        self.expect("line\n")
        self.type("\x04")
        self.type('echo "last=$?"; exit 0\n')
        self.expect("last=0\n")
        self.assertEqual(self.end(), 0)

    def test_stop_of_program(self):
        """A program that stops itself alone: the shell notices."""
        self.shell()
        for number in ("STOP", "TSTP"):
            self.type(f'"$M" run bash -c \'kill -{number} $$; echo continued; exit 6\'\n')
            self.expect("Stopped")
            self.type("fg\n")
            self.expect("continued\n")
            self.type('echo "last=$?"\n')
            self.expect("last=6\n")
        self.type("exit 0\n")
        self.assertEqual(self.end(), 0)

    def test_kill_job(self):
        """The shell's own kill, of the whole group."""
        self.shell()
        self.type(f'"$M" run {sample("launched")} wait &\n')
        self.expect("ready \\d+\n")
        launcher = self.child(self.pid)
        program = self.child(launcher)
        self.type('kill %1; wait %1; echo "last=$?"; exit 0\n')
        self.expect("last=143\n")
        self.end()
        self.assertFalse(os.path.exists(f"/proc/{launcher}") or os.path.exists(f"/proc/{program}"))

    def test_shell_inside(self):
        """A shell with jobs of its own, under the launcher."""
        self.shell()
        self.type('"$M" run bash --norc --noprofile --noediting -i\n')
        self.type("echo inside\n")
        self.expect("inside\n")
        self.type("cat\n")
        self.type("one\n")
        self.expect("one\n")
        self.type("\x1a")
        self.expect("Stopped(.|\n)*prompt> ")
        self.type("fg\n")
        self.type("two\n")
        self.expect("two\n")
        self.type("\x03")
        self.expect("prompt> ")
        self.type("exit 9\n")
        self.expect("prompt> ")
        self.type('echo "last=$?"; exit 0\n')
        self.expect("last=9\n")
        self.assertEqual(self.end(), 0)


if __name__ == "__main__":
    memprof_test.main()
