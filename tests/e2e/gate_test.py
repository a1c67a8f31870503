# SPDX-License-Identifier: MIT
"""What the tests of the gate share: dumps of the sample `leaky`, and running `memprof-report check`."""
import json
import pathlib
import subprocess

import memprof_test

SOURCE = memprof_test.ROOT / "tests" / "samples" / "leaky.c"


class GateTest(memprof_test.Test):
    def dump(self, *words, env=None):
        """The dump of `leaky WORD..`."""
        paths = self.dumps(*words, env=env)
        self.assertEqual(len(paths), 1, paths)
        return paths[0]

    def dumps(self, *words, env=None):
        run = self.profiled([memprof_test.sample("leaky"), *words], env=env)
        self.assertEqual(run.status, 0, run.err)
        self.printed = dict(line.split() for line in run.out.decode().splitlines()
                            if len(line.split()) == 2)
        return [str(path) for path in sorted((self.dir / f"dumps{self.runs}").iterdir())]

    def changed(self, path, change):
        """A copy of the dump at PATH that CHANGE, a function of the dump, has changed."""
        dump = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        change(dump)
        self.copies = getattr(self, "copies", 0) + 1
        return self.write(f"changed{self.copies}.json", json.dumps(dump))

    def run_check(self, *arguments, env=None, cwd=None):
        done = subprocess.run([memprof_test.REPORT, "check", *map(str, arguments)],
                              env=self.environment(env), cwd=cwd or self.dir,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=memprof_test.TIMEOUT, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def check(self, *arguments, status=0, **options):
        """Standard output of the gate, which must end with STATUS; with 2, what it complained of:
        one line that begins with the program's name, and nothing on standard output."""
        got, out, err = self.run_check(*arguments, **options)
        self.assertEqual(got, status, f"check {arguments}: {out}{err}")
        if status == 2:
            lines = err.splitlines()
            self.assertEqual((out, len(lines)), ("", 1), err)
            self.assertTrue(lines[0].startswith("memprof-report: '"), err)
            return lines[0]
        return out

    def verdict(self, *arguments, status):
        return json.loads(self.check("--format", "json", *arguments, status=status))
