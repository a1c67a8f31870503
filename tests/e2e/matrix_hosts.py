# SPDX-License-Identifier: MIT
"""The hosts of matrix.py: programs of all kinds with an input for each, such that what they print is
the same in each run. A host is its command line; `{name}` in it is one of the files of `files`, and
`{sample}` the directory of the samples. What is not installed is left out by name."""

FORKING = "for i in 1 2 3 4 5 6; do (echo $i | cat) & done; wait; echo done"
DEEP = "sub f { my $n = shift; return $n ? [f($n - 1)] : [1] } my $x = f(5000); print scalar(@$x)"


def files(write):
    """Writes the inputs with WRITE(name, content), which returns the path; by name."""
    text = "".join(f"{i * 7919 % 4001} word{i % 97} {'x' * (i % 40)}\n" for i in range(4000))
    made = {
        "text": text,
        "other": text.replace("word7", "word8"),
        "c": "#include <stdio.h>\n" + "".join(f"int f{i}(int x) {{ return x * {i}; }}\n"
                                              for i in range(40)) + "int main(void) { return 0; }\n",
        "cc": "#include <map>\n#include <string>\nint main() { std::map<int, std::string> m; "
              "m[1] = \"x\"; return m.size() - 1; }\n",
        "s": ".globl f\nf: ret\n",
        "json": "[" + ",".join(f'{{"i":{i},"s":"{i * i}"}}' for i in range(2000)) + "]",
        "xml": "<r>" + "".join(f"<a n='{i}'>t{i}</a>" for i in range(2000)) + "</r>",
        "sql": "create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n "
               "where i < 5000) insert into t select i, i * 7919 % 5003 from n; "
               "select sum(a), max(b) from t; select b from t order by b limit 9;",
        "lua": "local t = {} for i = 1, 9999 do t[i] = {i, tostring(i)} end print(#t) "
               "print(pcall(error, \"x\")) os.exit(3)",
        "py": "import json, threading\nd = {str(i): [i] * 9 for i in range(999)}\n"
              "t = [threading.Thread(target=lambda: json.dumps(d)) for _ in range(4)]\n"
              "[x.start() for x in t]; [x.join() for x in t]\nprint(len(json.dumps(d)))\n",
        "js": "const a = Array.from({length: 20000}, (_, i) => ({i, s: String(i)}));"
              "console.log(a.length, JSON.stringify(a).length); process.exit(4)",
        "tcl": "for {set i 0} {$i < 3000} {incr i} {lappend l [list $i x$i]}; puts [llength $l]",
        "cmake": "foreach(i RANGE 200)\n  list(APPEND l item${i})\nendforeach()\nmessage(\"${l}\")\n",
        "make": "all: a b c\na b c:\n\t@echo $@ | tr abc xyz\n",
        "ninja": "rule r\n  command = echo made\nbuild x: r\n",
        "patch": "--- text\n+++ text\n@@ -1,1 +1,1 @@\n-0 word0 \n+changed\n",
    }
    return {name: write(f"input.{name}", content) for name, content in made.items()}


# What a program is asked about itself, then programs by what they do. Not asked: which signals the
# kernel sees caught, as those that end a program are, for a last dump (the program itself sees what
# it made of them); and errno in the first call of an allocator, which may set it then.
HOSTS = """
env -0 | sort -z | grep -zvE '^(LD_PRELOAD|_)='
grep -E '^(Threads|SigPnd|SigBlk|SigIgn|ShdPnd|Seccomp|NoNewPrivs|Umask)' /proc/self/status
ls -l /proc/self/fd | grep -c .
cat /proc/self/limits
{sample}/surroundings | grep -vE '^(LD_PRELOAD)='
{sample}/dispositions
{sample}/semantics | grep -v usable
{sample}/signals | grep -c .
{sample}/jumps
{sample}/jumps tiny
{sample}/cxx_program fail
{sample}/surprises bounds | grep -v errno
{sample}/surprises sandbox | grep -v errno
{sample}/surprises handler | grep -v errno
{sample}/forkstorm 3
{sample}/exchange 4 2000 5 | grep -c .
{sample}/random_alloc 3 500 4 | grep -c .
{sample}/endings quick_exit | grep -c .
{sample}/endings pthread_exit | grep -c .
{sample}/endings abort | grep -c .
bash -c '{forking}' | sort
dash -c '{forking}' | sort
bash -c 'exec 3<{text}; read -u 3 x; echo $x; trap "echo bye" EXIT; kill -TERM $$'
perl -e '{deep}'
perl -ne '$h{{$1}}++ if /(word\\d+)/; END {{ print map {{ "$_ $h{{$_}}\\n" }} sort keys %h }}' {text}
/usr/bin/python3 -I {py}
/usr/bin/python3 -I -c 'import os; r = os.fork(); r and os.wait(); os._exit(5 if r else 0)'
mawk '{{ n[$2] += $1 }} END {{ for (i = 0; i < 97; i++) print n["word" i]; exit 3 }}' {text}
sed -E 's/word([0-9]+)/<\\1>/g;$!N;P;D' {text}
grep -P 'x{{30}}$' {text}
find /usr/include -maxdepth 1 -name 's*.h' | sort
tar --sort=name --mtime=@0 --owner=0 -cf - {text} {json} | sha256sum
tar -C / -czf - usr/include/stdio.h | gzip -dc | tar -tv
gzip -nc {text} | sha256sum
xz -T2 --block-size=65536 -c {text} | xz -dc | md5sum
zstd -qc -T2 {text} | zstd -dc | cksum
bzip2 -c {text} | bunzip2 | wc
lz4 -qc {text} | lz4 -dc | sha256sum
zip -qX - {text} | wc -c
openssl dgst -sha256 {text}
openssl rsa -help
curl --version
curl -s file://{text} | tail -n 2
git --version
git diff --no-index --stat {text} {other}
git hash-object {text} {json}
gcc -O2 -c {c} -o a.o
gcc -c {text}
g++ -O1 -c {cc} -o b.o
clang -c {c} -o c.o
as {s} -o s.o
ld -r s.o -o r.o
ar rcD x.a s.o
nm a.o
objdump -d a.o
readelf -WS a.o
strings a.o
eu-readelf -h a.o
c++filt _ZNSt6vectorIiSaIiEE9push_backEOi
make -s -f {make}
cmake -P {cmake}
ninja -f {ninja} -C .
ctest --version
pkg-config --version
sqlite3 :memory: <{sql}
jq -c 'map(.i) | add, length' {json}
jq nonsense {json}
lua5.4 {lua}
tclsh {tcl}
node {js}
xmllint --noout {xml}
xmllint --xpath 'count(//a)' {xml}
redis-server --version
redis-cli --version
gdb -batch -nx -ex 'print 6 * 7'
ssh -V
gpg --version | head -n 3
man --version
ps -o comm= -p 1
vim -u NONE -es -c '%s/word/WORD/g' -c 'w! out.txt' -c 'q' {text}
ed -s {text} <<< '1,3p'
bc -l <<< 'scale=60; a(1) * 4'
diff {text} {other}
diff -y --width=60 {text} {other} | head -n 20
patch --dry-run {text} {patch}
sort --parallel=4 -S 1M -k2,2 -k1n {text}
sort -R --random-source={json} {text} | head -n 9
uniq -c {text} | tail -n 3
join {text} {text}
split -n l/3 {text} part. && cat part.* | cksum
od -c {json} | head
shuf --random-source={text} -n 9 {json}
factor 1234567890123456789
date -d @0 +%c
iconv -f latin1 -t utf-16 {text} | cksum
groff -Tascii -man /dev/null
msgfmt --version
strace -V | head -n 1
valgrind --version
shellcheck --version
timeout 5 true
timeout 0.2 sleep 5
nice -n 1 xargs -n 40 echo <{text}
tee out1 out2 <{text} | cksum
file -b {text} {json}
scdoc </dev/null
less --version
getent passwd root
id -u
"""


def hosts():
    return [line for line in HOSTS.splitlines() if line]
