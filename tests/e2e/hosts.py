#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Programs nobody here wrote behave as without the profiler: the same output, standard error and
status, the same files written. Each leaves a sound dump for every process."""
import hashlib

import memprof_test
from memprof_test import need


class Hosts(memprof_test.Test):
    def host(self, *argv, status=0, least=10, err=True, **options):
        need(argv[0])
        run = self.unchanged(argv, err=err, **options)
        self.assertEqual(run.status, status, run.err)
        self.assertTrue(run.dumps, "no dump")
        for name, dump in run.dumps.items():
            with self.subTest(dump=name):
                self.assert_sound(dump, 0)
        self.assertGreaterEqual(max(dump["totals"]["alloc_count"] for dump in run.dumps.values()),
                                least)
        return run

    def text(self, lines):
        return self.write("text", "".join(f"{i * 7919 % lines} word{i % 97} {'x' * (i % 40)}\n"
                                          for i in range(lines)))

    def test_bash(self):
        run = self.host("bash", "-c", "for i in {1..300}; do echo line $i; done | grep 7 | sort -r | "
                        "tee /dev/stderr | (read first; echo $first; wc -l) | cat; "
                        "x=$(echo a; false) || echo failed; exit 5", status=5)
        self.assertEqual({len(run.of(exe)) for exe in ("grep", "sort", "tee", "wc", "cat")}, {1})
        self.assertGreaterEqual(len(run.of("bash")), 2)

    def test_bash_signals(self):
        """Traps, kills and waits."""
        self.host("bash", "-c", "trap 'echo trapped' USR1; kill -USR1 $$; sleep 30 & kill $!; "
                  "wait $!; echo $?; (kill -9 $BASHPID); echo $?; trap 'echo bye' EXIT; exit 4",
                  status=4, err=False)

    def test_git(self):
        need("git")
        env = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in
               (("NAME", "N"), ("EMAIL", "n@example.org"), ("DATE", "2024-01-01T00:00:00Z"))}
        env |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        run = self.host("bash", "-ec", "rm -rf r; git init -q -b main r; cd r; "
                        "for i in 1 2 3 4; do seq $i 300 > f$i; git add .; git commit -q -m $i; done; "
                        "git checkout -q -b side HEAD~2; echo x > g; git add g; git commit -q -m s; "
                        "git merge -q -m merged main; git log --graph --stat --format='%h %s'; "
                        "git gc -q; git fsck; git clone -q . ../r/clone; git grep -c 9; git rev-parse "
                        "HEAD; git checkout nowhere", status=1, env=env, least=500)
        self.assertGreater(len(run.of("git")), 15)

    def test_gcc(self):
        source = self.write("a.c", "#include <stdio.h>\n#include <stdlib.h>\n" + "".join(
            f"static int f{i}(int x) {{ return x * {i} + x / {i + 1}; }}\n" for i in range(100))
            + "int main(void) { int s = 0;\n" + "".join(f"s += f{i}(s + {i});\n" for i in range(100))
            + 'printf("%d\\n", s); return 0; }\n')
        need("gcc")
        run = self.host("gcc", "-O2", "-g", "-Wall", source, "-o", "a.out", least=1000)
        digest = self.digest("a.out")
        self.assertEqual(self.plain(["gcc", "-O2", "-g", "-Wall", source, "-o", "a.out"]).status, 0)
        self.assertEqual(digest, self.digest("a.out"))
        self.assertEqual(self.plain(["./a.out"]).status, 0)
        by_part = {part: [dump for dump in run.dumps.values()
                          if part in dump["process"]["exe"].rsplit("/", 1)[1].split("-")[-1]
                          or part in dump["process"]["exe"].rsplit("/", 1)[1].split("-")]
                   for part in ("gcc", "cc1", "as", "collect2", "ld.bfd")}
        self.assertEqual({part: len(dumps) for part, dumps in by_part.items()},
                         {part: 1 for part in by_part}, sorted(run.dumps))
        self.assertEqual({dump["dump"]["reason"] for dump in run.dumps.values()}, {"exit"})

    def test_gcc_error(self):
        source = self.write("b.c", "int main(void) { return undeclared; }\n")
        self.host("gcc", "-c", source, status=1)

    def test_gxx(self):
        source = str(memprof_test.ROOT / "tests" / "samples" / "cxx_program.cc")
        need("g++")
        self.host("g++", "-O1", "-c", source, "-o", "c.o", least=10000)

    def test_make(self):
        self.write("Makefile", "all: $(addsuffix .out,1 2 3 4 5 6)\n%.out:\n\t@sort --version > $@; "
                   "echo made $@\n.PHONY: all\nclean:\n\trm -f *.out\n")
        run = self.host("make", "-j1", "-B")
        self.assertEqual(len(run.of("sort")), 6)
        self.host("make", "-s", "-B", "-j3", "-Otarget", "clean")

    def test_cmake(self):
        need("cmake")
        script = self.write("s.cmake", "foreach(i RANGE 300)\n  list(APPEND l item${i})\n"
                            "  string(REGEX REPLACE \"[02468]\" \"e\" r \"${l}\")\nendforeach()\n"
                            "string(SHA256 h \"${r}\")\nmessage(\"${h}\")\n"
                            "file(GLOB f \"/usr/include/s*.h\")\nlist(LENGTH f n)\nmessage(${n})\n")
        self.host("cmake", "-P", script, least=10000)

    def test_python(self):
        script = self.write("t.py", """
import collections, json, re, subprocess, sys, threading, zlib
data = {str(i): [i, {"x": "y" * i}] for i in range(800)}
assert json.loads(json.dumps(data)) == data
print(zlib.crc32(zlib.compress(json.dumps(data).encode())))
print(len(re.findall("[a-z]+", " ".join(data))), sum(collections.Counter("abc" * 999).values()))
results = []
def work(n): results.append(sum(len(bytes(1000 * i)) for i in range(n)))
threads = [threading.Thread(target=work, args=(i * 10,)) for i in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(sorted(results))
print(subprocess.run(["sort", "-r"], input=b"a\\nb\\n", stdout=subprocess.PIPE).stdout)
try: bytes(1 << 62)
except MemoryError as e: print("refused", e)
sys.exit(6)
""")
        run = self.host("/usr/bin/python3", "-I", script, status=6, least=1000)
        self.assertEqual(len(run.of("sort")), 1)

    def test_perl(self):
        self.host("perl", "-e", "my %h; while (<>) { my @w = split; push @{$h{$w[1]}}, $w[0] } "
                  "print map { \"$_ @{$h{$_}}\\n\" } sort keys %h; print `echo child`; "
                  "my $p = fork; if (!$p) { print STDERR 'kid'; exit 2 } wait; exit($? >> 8)",
                  self.text(3000), status=2, least=5000)

    def test_awk(self):
        self.host("mawk", "{ n[$2] += $1; s = s $3 } END { for (i = 0; i < 97; i++) "
                  "print n[\"word\" i]; print length(s); system(\"echo child\"); exit 3 }",
                  self.text(3000), status=3)

    def test_sqlite(self):
        script = ("create table t(a integer primary key, b text);"
                  "with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) "
                  "insert into t select i, 'row ' || i * 7919 % 20011 from n; create index u on t(b);"
                  "select count(*), max(b) from t where b > 'row 2'; select group_concat(b) from "
                  "(select b from t order by b limit 50); select nonsense from nowhere;")
        self.host("sqlite3", "-bail", ":memory:", stdin=script.encode(), status=1, least=1000)

    def test_lua_and_jq(self):
        script = self.write("t.lua", "local t = {} for i = 1, 20000 do t[i] = {i, tostring(i)} end "
                            "print(#t, t[20000][2]) error('the end')")
        self.host("lua5.4", script, status=1, least=20000)
        self.host("jq", "-c", "[range(3000) | {a: ., b: [., tostring]}] | length, .[7]", "-n",
                  least=10000)

    def test_tar_and_xz(self):
        for i in range(40):
            self.write(f"tree/{i % 3}/file{i}", bytes((i * j) % 251 for j in range(i * 300)))
        self.host("tar", "--sort=name", "--mtime=@0", "-cf", "t.tar", "tree")
        digest = self.digest("t.tar")
        self.plain(["tar", "--sort=name", "--mtime=@0", "-cf", "t.tar", "tree"])
        self.assertEqual(digest, self.digest("t.tar"))
        self.host("tar", "-tvf", "t.tar")
        self.host("xz", "-T2", "--block-size=65536", "-c", "t.tar", least=5)
        self.host("bash", "-c", "xz -T2 -c t.tar | xz -dc | cmp - t.tar && tar -cJf - tree | tar -tJ")

    def test_find(self):
        self.host("find", "/usr/include", "-name", "*.h", "-size", "+20k", "-newermt", "1990-01-01")
        self.host("bash", "-c", "find /usr/include -maxdepth 1 -name 's*.h' -print0 | sort -z | "
                  "xargs -0 -n 5 grep -c ''")

    def test_sort(self):
        self.host("sort", "--parallel=4", "-S", "1M", "-k2,2", "-k1n", self.text(60000))

    def test_small_tools(self):
        text = self.text(2000)
        for argv in (["sed", "-E", "s/word([0-9]+)/<\\1>/g;$!N;P;D", text], ["diff", text, text],
                     ["grep", "-P", "x{30}$", text], ["bc", "-l"], ["xmllint", "--version"],
                     ["date", "-d", "@0", "+%c"], ["ls", "-lR", "/usr/include/linux"]):
            with self.subTest(argv=argv):
                self.host(*argv, least=1, stdin=b"scale=50\na(1)\n")

    def digest(self, name):
        return hashlib.sha256((self.dir / name).read_bytes()).hexdigest()


if __name__ == "__main__":
    memprof_test.main()
