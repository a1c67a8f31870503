#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The forms of a verdict, all written in one run: each is valid, names the line that __LINE__ was
on, and carries nothing through that its readers would obey."""
import json
import pathlib
import re
import subprocess

import jsonschema

import memprof_test
from gate_test import GateTest, SOURCE

DATA = memprof_test.ROOT / "tests" / "data" / "gate"
ROOT = SOURCE.parent
FORMS = ("junit", "sarif", "markdown", "gitlab", "tap")
# What would be obeyed where a form did not escape it.
HOSTILE = "f\x1b]0;x\x07<b>&\"'`|*_::error::%0A\u202e##[x],--\n::warning::]]>"


class Outputs(GateTest):
    def write_all(self, *arguments, status, **options):
        """Every form, as text by name; `github` is what comes on standard output after the report."""
        names = {form: str(self.dir / f"out.{form}") for form in FORMS}
        forms = [word for form, name in names.items() for word in (f"--{form}", name)]
        report = str(self.dir / "out.text")
        github = self.check(*forms, "--github", "-o", report, *arguments, status=status, **options)
        texts = {form: pathlib.Path(name).read_text(encoding="utf-8") for form, name in names.items()}
        return {**texts, "github": github, "text": pathlib.Path(report).read_text(encoding="utf-8")}

    def leaky(self):
        """A dump of a leak, and its line."""
        dump = self.dump("leak=3x100", env={"LEAKY_LINES": "1"})
        return dump, int(self.printed["leak"])

    def xml(self, *arguments):
        done = subprocess.run(["xmllint", *arguments, str(self.dir / "out.junit")], check=False,
                              capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode()

    def check_junit(self, tests, failures):
        memprof_test.need("xmllint")
        self.xml("--noout", "--schema", str(DATA / "junit.xsd"))
        self.assertEqual([self.xml("--xpath", f"string(//testsuite/@{name})").strip()
                          for name in ("tests", "failures")], [str(tests), str(failures)])
        self.assertEqual([self.xml("--xpath", f"count(//{name})").strip()
                          for name in ("testcase", "failure")], [str(tests), str(failures)])

    def check_sarif(self, text, results):
        sarif = json.loads(text)
        jsonschema.validate(sarif, json.loads((DATA / "sarif.schema.json").read_text()))
        run, = sarif["runs"]
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        self.assertEqual(len(run["results"]), results)
        for result in run["results"]:
            self.assertEqual(rules[result["ruleIndex"]], result["ruleId"])
            self.assertEqual(result["level"], "error")
        return run["results"]

    def test_one_run_all_forms(self):
        dump, line = self.leaky()
        out = self.write_all("--max-leak", "0", "--max-peak", "1G", "--project-root", ROOT, dump,
                             status=1)
        place = f"leaky.c:{line}"
        self.check_junit(2, 1)
        self.assertIn(f"{place}: 300 B in 3 blocks leaked", self.xml("--xpath", "string(//failure)"))
        result, = self.check_sarif(out["sarif"], 1)
        physical = result["locations"][0]["physicalLocation"]
        self.assertEqual((physical["artifactLocation"]["uri"], physical["region"]["startLine"]),
                         ("leaky.c", line))
        flow = result["codeFlows"][0]["threadFlows"][0]["locations"]
        functions = [step["location"]["logicalLocations"][0]["fullyQualifiedName"] for step in flow]
        self.assertEqual(functions[-2:], ["middle", "inner"])
        entry, = json.loads(out["gitlab"])
        self.assertEqual(entry["location"], {"path": "leaky.c", "lines": {"begin": line}})
        self.assertEqual(entry["fingerprint"], result["partialFingerprints"]["memprofStack/v1"])
        self.assertRegex(out["github"], f"^::error file=leaky.c,line={line},title=memprof max-leak::"
                                        f"{place}: 300 B in 3 blocks leaked%0A#0 inner {place}%0A")
        # What people read ends where the program begins; `functions` have it all.
        self.assertEqual(functions[-4:-2], ["main", "repeat"])
        self.assertGreater(len(functions), 4)
        for form in ("github", "markdown", "text"):
            self.assertRegex(out[form], r"\bmain leaky\.c:\d+(\n|\Z)")
            self.assertNotIn("_start", out[form])
        self.assertIn(f"<details><summary>max-leak: {place}: 300 B", out["markdown"])
        self.assertIn("| \u2705 | max-peak | ", out["markdown"])
        self.assertTrue(out["tap"].startswith("TAP version 14\n1..2\nnot ok 1 - max-leak: 300 B"))
        self.assertIn("\nok 2 - max-peak: ", out["tap"])
        self.assertIn(f'at: "{place}"', out["tap"])
        self.assertTrue(out["text"].startswith("FAILED  max-leak: "))

    def test_all_passes(self):
        out = self.write_all(self.dump("allocs=10"), status=0)
        self.check_junit(1, 0)
        self.check_sarif(out["sarif"], 0)
        self.assertEqual((out["github"], json.loads(out["gitlab"])), ("", []))
        self.assertEqual(out["tap"], "TAP version 14\n1..1\nok 1 - max-leak: nothing leaked, 0 B allowed\n")

    def test_root_of_the_checkout(self):
        """Annotations are relative to what the CI server calls the checkout."""
        dump, line = self.leaky()
        checkout = memprof_test.ROOT
        for env in ({"GITHUB_WORKSPACE": str(checkout)}, {"CI_PROJECT_DIR": str(checkout)}):
            out = self.write_all("--project-root", ROOT, dump, status=1, env=env)
            self.assertIn(f"file=tests/samples/leaky.c,line={line},", out["github"])
        out = self.write_all(dump, status=1, cwd=checkout)
        self.assertIn(f"file=tests/samples/leaky.c,line={line},", out["github"])
        # What lies outside is named by its whole path.
        out = self.write_all(dump, status=1, env={"GITHUB_WORKSPACE": "/nonexistent"})
        self.assertTrue(out["github"].startswith(f"::error file={SOURCE},line={line},title=memprof max-leak::"
                                                 f"{SOURCE}:{line}"))

    def test_fingerprints_outlast_a_rebuild(self):
        words = ["leak=1x7", "other=1x9"]
        prints = []
        for option in ("-O1", "-O2"):
            directory = self.dir / option
            directory.mkdir()
            source = directory / "leaky.c"
            source.write_text(("" if option == "-O1" else "\n" * 50) + SOURCE.read_text())
            subprocess.run([memprof_test.os.environ.get("CC", "cc"), "-g", option, "-o", "leaky", "leaky.c",
                            "-lpthread"], cwd=directory, check=True)
            self.assertEqual(self.profiled([directory / "leaky", *words]).status, 0)
            dump, = (self.dir / f"dumps{self.runs}").iterdir()
            findings = self.verdict(dump, status=1)["checks"][0]["findings"]
            prints.append({finding["bytes"]: finding["fingerprint"] for finding in findings})
        self.assertEqual(prints[0], prints[1])
        self.assertEqual(len(set(prints[0].values())), 2)

    def test_many_findings(self):
        """Of more than people read, and GitHub shows, the rest is counted."""
        path = self.write("limits", "".join(f"limit{i} max-peak 1\n" for i in range(2000)) +
                          "".join(f"leaky.c:{i} max-peak 1 max-allocated 1 max-allocs 0\n"
                                 for i in range(1, 200)))
        out = self.write_all("--limits", path, self.dump("leak=3x100", "other=1x50", "copy=1"), status=1)
        self.assertLess(len(out["markdown"].encode()), 65536)
        self.assertIn("more lines are left out.\n", out["markdown"])
        errors = out["github"].splitlines()
        self.assertLessEqual(len(errors), 10)
        self.assertTrue(all(line.startswith("::error ") for line in errors))
        failed = out["text"].count("FAILED  ")
        self.assertGreater(failed, 5)
        self.check_junit(2597, int(re.search(r"FAILED: leaky, (\d+) of 2597", out["text"])[1]))
        # On one screen: more is but counted.
        self.assertLess(len(out["text"].splitlines()), 80)
        self.assertRegex(out["text"], r"\nFAILED  \d+ more checks \(--limit 0 shows all\)\n")
        self.assertRegex(out["text"], r"\npassed  \d+ more checks \(--limit 0 shows all\)\n")
        self.assertIn("\n    #0 ", out["text"])
        everything = self.check("--limit", "0", "--limits", path, self.dump("leak=3x100"), status=1)
        self.assertNotIn(" more check", everything)
        self.assertEqual(len(re.findall("^(FAILED|passed)  ", everything, re.M)), 2597)
        entries = json.loads(out["gitlab"])
        self.assertEqual(len({entry["fingerprint"] for entry in entries}), len(entries))

    def test_hostile_names(self):
        """A function, file and program of characters that terminals, browsers and CI servers obey."""
        def change(dump):
            dump["process"]["exe"] = f"/bin/{HOSTILE}"
            dump["interpreted"] = [{"language": "x", "file": f"/src/{HOSTILE}.c", "function": HOSTILE,
                                    "line": 3}]
            for frame in dump["frames"][1:]:
                frame[1:] = [-2, 0]
        dump = self.changed(self.dump("leak=3x100"), change)
        out = self.write_all("--gen-suppressions", "--project-root", "/src", dump, status=1)
        for form, text in out.items():
            controls = set(re.findall(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text))
            self.assertEqual(controls, set(), form)
        self.check_junit(1, 1)
        self.check_sarif(out["sarif"], 1)
        json.loads(out["gitlab"])
        command, = out["github"].splitlines()
        properties, message = re.fullmatch(r"::error (.*?)::(.*)", command).groups()
        self.assertEqual(len(properties.split(",")), 3)
        self.assertNotIn("::warning::\n", message)
        self.assertNotIn("<b>", out["markdown"])
        for line in out["tap"].splitlines():
            self.assertRegex(line, r"^(TAP version 14|1\.\.1|not ok 1 - [^\n]*|  .*)$")
        self.assertNotIn("\n::", out["text"])

    def test_files_are_whole_or_not_there(self):
        dump, _ = self.leaky()
        self.check("--junit", "/nonexistent/x", dump, status=2)
        self.check("--junit", str(self.dir), dump, status=2)
        before = pathlib.Path(dump).read_bytes()
        for option in ("--junit", "--sarif", "--markdown", "--gitlab", "--tap", "-o"):
            self.check(option, dump, dump, status=2)
        supp = self.write("supp", "leak:inner\n")
        self.check("--suppressions", supp, "--tap", supp, dump, status=2)
        self.assertEqual(pathlib.Path(dump).read_bytes(), before)
        # Nothing is written where there is no verdict.
        incomplete = self.changed(dump, lambda dump: dump["dump"].update(complete=False))
        self.check("--junit", str(self.dir / "none.xml"), incomplete, status=2)
        self.assertFalse((self.dir / "none.xml").exists())

    def test_standard_output(self):
        dump, _ = self.leaky()
        out = self.check("--tap", "-", dump, status=1)
        self.assertIn("FAILED  max-leak", out.split("TAP version 14")[0])
        out = self.check("--tap", "-", "--github", "-o", str(self.dir / "report"), dump, status=1)
        self.assertTrue(out.startswith("TAP version 14\n"))
        self.assertIn("\n::error ", out)


if __name__ == "__main__":
    memprof_test.main()
