# SPDX-License-Identifier: MIT
"""Writes a program in C of some thousand lines in several files, always the same one for the same
number: an interpreter of made-up jobs with static functions, inlined helpers, recursion,
callbacks, tail calls, macros and calls over several lines. Blocks that it keeps are live at its end;
those it drops are freed. Knows the line of everything it wrote.

    base = CodeBase(7)
    base.write(directory)             # the program as it is
    base.write(directory, above=100)  # 100 more lines above the functions of each file
    base.write(directory, order=3)    # functions in another order
    base.leak(5)                      # what is dropped in place 5 is dropped no more
    base.insert(5)                    # one more block, allocated in place 5 and lost
"""
import random

HEADER = """#ifndef BASE_H
#define BASE_H
#include <stdlib.h>
#include <string.h>

struct item {
    struct item *next;
    long key;
    char *name;
    char text[];
};

struct context {
    struct item *kept;
    int depth, seed;
    long sum;
};

#define NEW(type, extra) ((type *)checked(malloc(sizeof(type) + (extra))))

static inline void *checked(void *p)
{
    if (!p)
        abort();
    return p;
}

static inline char *copy_text(const char *text, size_t n)
{
    char *copy = checked(malloc(n + 1));
    memcpy(copy, text, n);
    copy[n] = '\\0';
    return copy;
}

static inline int mix(int a, int b)
{
    unsigned x = (unsigned)a * 31u + (unsigned)b;
    return (int)(x % 1009u);
}

void keep(struct context *c, struct item *i);
void drop(struct context *c, struct item *i);
void look(struct context *c, const void *p);
int each(struct context *c, int n, int (*visit)(struct context *, int));
"""

SHARED = """#include "base.h"

void keep(struct context *c, struct item *i)
{
    i->next = c->kept;
    c->kept = i;
    c->sum += i->key;
}

void drop(struct context *c, struct item *i)
{
    c->sum -= i->key;
    free(i->name);
    free(i);
}

void look(struct context *c, const void *p)
{
    c->sum += p != NULL;
}

int each(struct context *c, int n, int (*visit)(struct context *, int))
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += visit(c, i);
    return sum;
}
"""

NOUNS = ["token", "node", "scope", "frame", "symbol", "module", "buffer", "record", "field", "index"]
VERBS = ["load", "parse", "merge", "scan", "check", "bind", "emit", "fold", "visit", "split"]


class Function:
    """One function: its file, its lines, its name, and whether other files call it."""

    def __init__(self, name, head, body, public):
        self.name, self.head, self.body, self.public = name, head, body, public

    def prototype(self):
        return f"{self.head};"

    def lines(self):
        return [self.head, "{", *self.body, "}", ""]


class CodeBase:
    def __init__(self, seed, files=9, functions=16):
        self.random = random.Random(seed)
        self.drops = 0   # places where something is dropped
        self.files = []  # (name, functions)
        self.leaks, self.inserted = set(), set()
        runs = []        # functions of earlier files that may be called
        for number in range(files):
            made = self.make_file(number, functions, runs)
            self.files.append((f"{NOUNS[number % len(NOUNS)]}{number}.c", made))
            runs += [f for f in made if f.public]
        self.top = [f.name for f in runs]

    def leak(self, place):
        self.leaks.add(place)

    def insert(self, place):
        self.inserted.add(place)

    def make_file(self, number, count, runs):
        makers = []
        noun = NOUNS[number % len(NOUNS)]
        for i in range(4):
            makers.append(self.make_maker(f"{noun}{number}_new_{i}", i, makers))
        own = []
        for i in range(count - 4):
            name = f"{noun}{number}_{VERBS[i % len(VERBS)]}_{i}"
            public = i >= count - 7
            function = self.make_run(name, i, makers, own, runs, public)
            own.append(function)
        return makers + own

    def make_maker(self, name, kind, makers):
        head = f"static struct item *{name}(int n)"
        if kind == 0:
            body = ["    struct item *i = NEW(struct item, 16);",
                    "    i->key = n;",
                    "    i->name = NULL;",
                    "    i->text[0] = 'a';",
                    "    return i;"]
        elif kind == 1:
            body = [f"    struct item *i = {makers[0].name}(n + 1);",
                    "    char digits[] = \"0123456789\";",
                    "    if (n % 2)",
                    "        i->name = copy_text(digits, 4);",
                    "    else",
                    "        i->name = copy_text(",
                    "            digits,",
                    "            9);",
                    "    return i;"]
        elif kind == 2:
            size = self.random.randrange(24, 90)
            body = ["    struct item *i;",
                    "    size_t size = sizeof *i;",
                    "    for (int k = 0; k < n % 5; k++)",
                    "        size += (size_t)mix(k, 3) % 2;",
                    f"    i = calloc(1, size + {size});",
                    "    checked(i);",
                    "    i->key = (long)size;",
                    "    return i;"]
        else:
            body = [f"    return {makers[self.random.randrange(3)].name}(mix(n, {len(name)}));"]
        return Function(name, head, body, False)

    def take(self, maker, argument, body, indent="    "):
        """Calls MAKER and keeps or drops what it makes."""
        what = f"i{len(body)}"
        body.append(f"{indent}struct item *{what} = {maker}({argument});")
        for _ in range(self.random.randrange(3)):
            body.append(f"{indent}c->sum += mix({what}->key > 9, {self.random.randrange(90)});")
        if self.random.random() < 0.4:
            body.append(f"{indent}keep(c, {what});")
        else:
            body.append(f"{indent}drop(c, {what}); /* place {self.drops} */")
            self.drops += 1

    def call(self, function, body, indent="    "):
        arguments = self.random.choice([f"mix(n, {self.random.randrange(9)})", "n + 1", "n"])
        if self.random.random() < 0.25:
            body += [f"{indent}sum += {function}(", f"{indent}    c,", f"{indent}    {arguments});"]
        else:
            body.append(f"{indent}sum += {function}(c, {arguments});")

    def make_run(self, name, index, makers, own, runs, public):
        head = f"{'' if public else 'static '}int {name}(struct context *c, int n)"
        body = ["    int sum = n;"]
        callees = [f.name for f in own[-3:]] + [f.name for f in self.random.sample(runs, min(2, len(runs)))]
        kind = index % 6
        if kind == 0 or not callees:
            body.append("    if (n % 3 != 1) {")
            self.take(self.random.choice(makers).name, "n", body, "        ")
            body.append("    }")
            self.take(self.random.choice(makers).name, "n + 2", body)
        elif kind == 1:
            body += [f"    for (int k = 0; k < {self.random.randrange(1, 3)}; k++) {{"]
            self.take(self.random.choice(makers).name, "k", body, "        ")
            body += ["        sum += c->depth;", "    }"]
            self.call(self.random.choice(callees), body)
        elif kind == 2:
            body += ["    switch (n % 3) {", "    case 0:"]
            self.call(self.random.choice(callees), body, "        ")
            body += ["        break;", "    case 1:"]
            self.call(self.random.choice(callees), body, "        ")
            body += ["        break;", "    default:", "        c->sum++;", "        break;", "    }"]
            self.take(self.random.choice(makers).name, "n", body)
        elif kind == 3:
            body += ["    if (c->depth > 2)", "        return n;", "    c->depth++;"]
            self.take(self.random.choice(makers).name, "sum", body)
            body += [f"    sum += {name}(c, n + 1);", "    c->depth--;"]
        elif kind == 4:
            body.append(f"    sum += each(c, 2, {self.random.choice(callees)});")
            self.take(self.random.choice(makers).name, "n * 3", body)
        else:
            self.call(self.random.choice(callees), body)
            body.append(f"    return {self.random.choice(callees)}(c, sum % 7);")
            return Function(name, head, body, public)
        body.append("    return sum % 101;")
        return Function(name, head, body, public)

    def changed(self, line):
        """LINE, with what was done to its place."""
        if "/* place " not in line:
            return [line]
        place = int(line.split("/* place ")[1].split()[0])
        indent = line[:len(line) - len(line.lstrip())]
        lines = []
        if place in self.inserted:
            lines.append(f"{indent}look(c, checked(malloc(33))); /* lost {place} */")
        if place in self.leaks:
            line = line.replace("drop(", "look(").replace("/* place ", "/* leaks ")
        lines.append(line)
        return lines

    def write(self, directory, above=0, order=0):
        """Writes all files; returns their names."""
        directory.mkdir(parents=True)
        (directory / "base.h").write_text(
            HEADER + "".join(f"int {name}(struct context *c, int n);\n" for name in self.top) +
            "#endif\n")
        (directory / "shared.c").write_text(SHARED)
        names = ["shared.c"]
        for name, functions in self.files:
            functions = list(functions)
            lines = ['#include "base.h"', ""]
            lines += [f.prototype() for f in functions if not f.public] + [""]
            lines += [f"/* Line {i} of what was added. */" for i in range(above)]
            if order:
                random.Random(order).shuffle(functions)
            for function in functions:
                for line in function.lines():
                    lines += self.changed(line)
            (directory / name).write_text("\n".join(lines) + "\n")
            names.append(name)
        lines = ['#include "base.h"', "", "int main(int argc, char **argv)", "{",
                 "    struct context context = {.seed = argc}, *c = &context;",
                 "    (void)argv;"]
        lines += [f"    c->sum += {name}(c, {i});" for i, name in enumerate(self.top)]
        lines += ["    return c->sum == 12345678;", "}"]
        (directory / "main.c").write_text("\n".join(lines) + "\n")
        return [*names, "main.c"]

    def size(self, directory):
        return sum(len(path.read_text().splitlines()) for path in directory.glob("*.[ch]"))
