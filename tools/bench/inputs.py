# SPDX-License-Identifier: MIT
"""What the real programs are given to work on, made anew in a folder for each benchmark.

Sizes are such that a plain run takes about half a second to a second; QUICK makes them a tenth.
"""
import json
import subprocess

LUA = """-- Builds trees of several depths and walks each for a check sum; one large tree stays.
local function build(depth)
  if depth == 0 then return {} end
  return { build(depth - 1), build(depth - 1) }
end

local function check(tree)
  if not tree[1] then return 1 end
  return 1 + check(tree[1]) + check(tree[2])
end

local largest = tonumber(arg[1])
local kept = build(largest)
for depth = 4, largest, 4 do
  local trees, sum = 1 << (largest - depth + 4), 0
  for _ = 1, trees do sum = sum + check(build(depth)) end
  print(trees, depth, sum)
end
print(largest, check(kept))
"""

PYTHON = """import json
import sys
count = int(sys.argv[1])
items = [{'id': i, 'name': 'n%d' % i, 'tags': ['a', str(i)]} for i in range(count)]
for i in range(3):
    items = json.loads(json.dumps(items))
words = {}
for item in items:
    words.setdefault(item['name'][:4], []).append(item['tags'][1] + item['name'])
print(len(words), sum(len(word) for group in words.values() for word in group))
"""

PERL = """my ($count) = @ARGV;
my %group;
for my $i (1 .. $count) {
    $group{$i % 50000} = [$i, "x$i", {key => $i, words => [split / /, "some words of $i"]}];
}
my $sum = 0;
for my $entry (values %group) {
    $sum += $entry->[0] + length($entry->[1]) + @{$entry->[2]{words}};
}
print scalar(keys %group), " $sum\\n";
"""

SQL = """create table t(a integer primary key, b text, c real);
with recursive n(x) as (select 1 union all select x + 1 from n limit {count})
insert into t select x, hex(x * 7919), x * 0.5 from n;
create index i on t(b);
select count(distinct substr(b, 1, 3)), sum(c) from t;
select count(*), max(length(d)) from (select group_concat(b) as d from t group by a % 5000);
"""

C_FUNCTION = """int f%(n)d(int a, const char *s)
{
    int sum = %(n)d;
    for (int i = 0; i < a; i++) {
        if (s[i] == %(n)d %% 120) printf("%%d %%s", a + i * %(n)d, s);
        else sum += s[i] > 'a' ? f%(before)d(i, s + 1) : %(n)d;
    }
    return sum;
}
"""

CXX = """#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <regex>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>
int main() { return std::regex_match("abc", std::regex("a.c")) ? 0 : 1; }
"""
CXX_QUICK = "#include <string>\n#include <vector>\nint main() {}\n"

CMAKE = """cmake_minimum_required(VERSION 3.20)
project(small LANGUAGES NONE)
function(add_module name)
  string(REGEX REPLACE "[^a-z]+" "_" tag "${name}")
  set(words)
  foreach(i RANGE 40)
    string(SHA1 word "${name}/${i}")
    string(SUBSTRING "${word}" 0 12 word)
    list(APPEND words "${tag}_${word}")
  endforeach()
  list(SORT words)
  list(REMOVE_DUPLICATES words)
  string(JOIN "\\n" WORDS ${words})
  configure_file(module.in ${name}.txt @ONLY)
  add_custom_command(OUTPUT ${name}.out COMMAND cmake -E copy ${name}.txt ${name}.out
    DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${name}.txt)
  add_custom_target(${name} ALL DEPENDS ${name}.out)
  set_target_properties(${name} PROPERTIES FOLDER "${tag}" WORDS "${words}")
endfunction()
foreach(n RANGE 1 COUNT)
  add_module(module${n})
endforeach()
"""


def write_json(path, count):
    items = [{"id": i, "name": f"n{i}", "tags": ["a", "b", str(i)], "o": {"x": i, "y": [1, 2]}}
             for i in range(count)]
    path.write_text(json.dumps(items))


def write_xml(path, count):
    path.write_text("<a>" + "".join(
        f'<b i="{i}"><c>t{i}</c><d e="f">some <i>mixed</i> text</d></b>' for i in range(count))
        + "</a>")


def write_c(folder, count):
    """A large translation unit, already preprocessed: for cc1 itself, which does the work."""
    functions = (C_FUNCTION % {"n": n, "before": max(n - 1, 0)} for n in range(count))
    (folder / "big.c").write_text("#include <stdio.h>\n" + "".join(functions))
    subprocess.run(["gcc", "-E", folder / "big.c", "-o", folder / "big.i"], check=True)


def write_cmake(folder, count):
    folder.mkdir()
    (folder / "CMakeLists.txt").write_text(CMAKE.replace("COUNT", str(count)))
    (folder / "module.in").write_text("module @name@\n@WORDS@\n")


def make(folder, quick):
    """Writes all inputs into FOLDER. Returns the sizes that commands take as arguments."""
    part = 10 if quick else 1
    write_json(folder / "in.json", 200000 // part)
    write_xml(folder / "in.xml", 400000 // part)
    write_c(folder, 300 // part)
    write_cmake(folder / "project", 500 // part)
    (folder / "tree.lua").write_text(LUA)
    (folder / "load.py").write_text(PYTHON)
    (folder / "hash.pl").write_text(PERL)
    (folder / "standard.cc").write_text(CXX_QUICK if quick else CXX)
    (folder / "rows.sql").write_text(SQL.format(count=400000 // part))
    return {"lua": 13 if quick else 15, "python": 80000 // part, "perl": 250000 // part,
            "redis": 20000 // part}
