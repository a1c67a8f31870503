#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The examples for continuous integration do what they say: their commands are taken out of the files and
run on a program without and with a leak, as far as that can be done without the servers."""
import json
import os
import re

import memprof_test

EXAMPLES = memprof_test.ROOT / "tools" / "ci-examples"
PROGRAM = """#include <stdio.h>
#include <stdlib.h>
static void *volatile kept;
int main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (!file)
        return 1;
    int first = fgetc(file);
    kept = malloc(24);
    if (LEAKS && first != EOF)
        return fclose(file);
    free(kept);
    return fclose(file);
}
"""
LINE = 1 + PROGRAM[:PROGRAM.index("malloc(24)")].count("\n")


def indented_block(text, start):
    """The lines of a YAML block scalar, or the one line, that begins at START."""
    first, _, rest = text[start:].partition("\n")
    if first.strip() != "|":
        return first.strip()
    lines = rest.split("\n")
    width = len(lines[0]) - len(lines[0].lstrip())
    block = []
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) < width:
            break
        block.append(line[width:])
    return "\n".join(block)


def github_steps():
    text = (EXAMPLES / "github.yml").read_text(encoding="utf-8")
    return {name: indented_block(text, run.end())
            for name, run in ((step.group(1), re.compile(r"\n +run: ").search(text, step.end()))
                              for step in re.finditer(r"- name: (.*)", text))}


def gitlab_script():
    text = (EXAMPLES / "gitlab.yml").read_text(encoding="utf-8")
    return re.findall(r"^    - (.*)$", text[text.index("script:"):text.index("artifacts:")], re.M)


class Examples(memprof_test.Test):
    def setUp(self):
        super().setUp()
        self.write("input.txt", "text\n")
        (self.dir / "bin").mkdir()
        # By links, as an installation might have it; the compiler of this build under its usual name.
        for name in ("memprof", "memprof-report"):
            (self.dir / "bin" / name).symlink_to(memprof_test.BUILD / name)

    def sources(self, leaks):
        self.write("parser.c", f"#define LEAKS {leaks}\n#line 1\n{PROGRAM}")

    def shell(self, script):
        env = self.environment({"GITHUB_STEP_SUMMARY": str(self.dir / "summary.md"),
                                "GITHUB_WORKSPACE": str(self.dir), "CI_PROJECT_DIR": str(self.dir)})
        env["PATH"] = f"{self.dir}/bin:{env['PATH']}"
        status, out, err = self.run_host(["bash", "-e", "-c", script], env)
        return status, out.decode(), err.decode()

    def test_github(self):
        steps = github_steps()
        self.assertEqual(list(steps), ["Install memprof", "Build", "Check for leaks", "Summarize"])
        for leaks in (0, 1):
            self.sources(leaks)
            self.assertEqual(self.shell(steps["Build"])[0], 0)
            status, out, err = self.shell(steps["Check for leaks"])
            self.assertEqual((status, err), (leaks, ""), out)
            self.assertEqual(f"file=parser.c,line={LINE}," in out, leaks == 1, out)
            self.assertEqual(self.shell(steps["Summarize"])[0], 0)
            results = json.loads((self.dir / "leaks.sarif").read_text())["runs"][0]["results"]
            self.assertEqual(len(results), leaks)
        self.assertIn("24 B", (self.dir / "summary.md").read_text())

    def test_github_installs(self):
        """Each program and option of the step that installs is there; it is not run: it needs a network."""
        step = github_steps()["Install memprof"]
        self.assertIn("tools/setup.sh\" build", step)
        self.assertEqual(self.shell(f"bash -n <<'EOF'\n{step}\nEOF\n"), (0, "", ""))
        self.assertTrue(os.access(memprof_test.ROOT / "tools/setup.sh", os.X_OK))

    def test_gitlab(self):
        for leaks in (0, 1):
            self.sources(leaks)
            status, out, err = self.shell("\n".join(gitlab_script()))
            self.assertEqual((status, err), (leaks, ""), out)
            found = json.loads((self.dir / "leaks.json").read_text())
            self.assertEqual([(entry["location"]["path"], entry["location"]["lines"]["begin"])
                              for entry in found], [("parser.c", LINE)] * leaks)
            self.assertEqual("<failure" in (self.dir / "leaks.xml").read_text(), leaks == 1)

    def test_shell_suite(self):
        for leaks, expected in ((0, ["ok 1 - parses", "ok 2 - empty", "1..2"]),
                                (1, ["not ok 1 - parses", "ok 2 - empty", "1..2"])):
            self.sources(leaks)
            self.assertEqual(self.shell(github_steps()["Build"])[0], 0)
            status, out, err = self.shell(f"{EXAMPLES}/suite.sh {self.dir}")
            self.assertEqual((status, err), (leaks, ""), out)
            self.assertEqual([line for line in out.splitlines() if not line.startswith("#")], expected)
            self.assertEqual("24 B in 1 block leaked" in out, leaks == 1)


if __name__ == "__main__":
    memprof_test.main()
