/* SPDX-License-Identifier: MIT
 *
 * See ledger.h. The stack is per thread, the tables are shared and locked. Fixed tables, no
 * allocation: overflow aborts, for an incomplete ledger is wrong.
 */
#include "ledger.h"
#include "shim.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINES 256
#define MAX_DEPTH 128
#define MAX_BLOCKS 4096

struct charge {
    uint64_t calls, bytes, live, at_peak;
};

struct line {
    const char *file, *function;
    int number;
    struct charge inclusive, self;
};

struct block {
    const void *address;
    uint64_t size;
    int self;                       /* index into lines, or -1 */
    uint8_t charged[MAX_LINES / 8]; /* bit set of lines */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct line lines[MAX_LINES];
static int line_count;
static struct block blocks[MAX_BLOCKS]; /* live ones, in no order */
static int block_count;
static uint64_t live, peak;

static __thread int stack[MAX_DEPTH];
static __thread int depth;

static void require(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "ledger: %s\n", what);
    abort();
}

static int find_line(const char *file, int number, const char *function)
{
    for (int i = 0; i < line_count; i++)
        if (lines[i].number == number && strcmp(lines[i].file, file) == 0 &&
            strcmp(lines[i].function, function) == 0)
            return i;
    require(line_count < MAX_LINES, "too many lines");
    lines[line_count] = (struct line){.file = file, .function = function, .number = number};
    return line_count++;
}

void ledger_push(const char *file, int number, const char *function)
{
    require(depth < MAX_DEPTH, "too deep");
    pthread_mutex_lock(&lock);
    stack[depth++] = find_line(file, number, function);
    pthread_mutex_unlock(&lock);
}

void ledger_pop(int number)
{
    require(depth > 0 && lines[stack[depth - 1]].number == number, "unbalanced");
    depth--;
}

static int is_charged(const struct block *b, int line)
{
    return b->charged[line / 8] >> (line % 8) & 1;
}

static void add(struct charge *c, uint64_t size)
{
    c->calls++;
    c->bytes += size;
    c->live += size;
}

static void note_peak(void)
{
    if (live <= peak)
        return;
    peak = live;
    for (int i = 0; i < line_count; i++) {
        lines[i].inclusive.at_peak = lines[i].inclusive.live;
        lines[i].self.at_peak = lines[i].self.live;
    }
}

/* Whether CALLER lies in the sample's own code: its files are called "lines..". */
static int is_sample(const void *caller)
{
    Dl_info info;
    return dladdr(caller, &info) && strstr(info.dli_fname, "lines") != NULL;
}

static void allocated(const void *caller, const void *address, uint64_t size)
{
    require(block_count < MAX_BLOCKS, "too many blocks");
    struct block *b = &blocks[block_count++];
    *b = (struct block){.address = address, .size = size, .self = -1};
    for (int i = 0; i < depth; i++) {
        if (!is_charged(b, stack[i]))
            add(&lines[stack[i]].inclusive, size);
        b->charged[stack[i] / 8] |= (uint8_t)(1 << (stack[i] % 8));
    }
    if (depth > 0 && is_sample(caller)) {
        b->self = stack[depth - 1];
        add(&lines[b->self].self, size);
    }
    live += size;
    note_peak();
}

static void freed(const void *address)
{
    int at = 0;
    while (at < block_count && blocks[at].address != address)
        at++;
    require(at < block_count, "a block is freed that was never allocated");
    struct block *b = &blocks[at];
    for (int i = 0; i < line_count; i++)
        if (is_charged(b, i))
            lines[i].inclusive.live -= b->size;
    if (b->self >= 0)
        lines[b->self].self.live -= b->size;
    live -= b->size;
    *b = blocks[--block_count];
}

LEDGER_EXPORT void shim_event(const void *caller, const void *old, const void *new, uint64_t size)
{
    pthread_mutex_lock(&lock);
    if (old && (!size || new))
        freed(old);
    if (new)
        allocated(caller, new, size);
    pthread_mutex_unlock(&lock);
}

static void print_charge(char **at, const char *end, const char *name, const struct charge *c)
{
    *at += snprintf(*at, (size_t)(end - *at),
                    ", \"%s\": {\"occurrences\": %" PRIu64 ", \"bytes\": %" PRIu64
                    ", \"increment_bytes\": %" PRIu64 ", \"mem_usage_bytes\": %" PRIu64 "}",
                    name, c->calls, c->bytes, c->live, c->at_peak);
}

void ledger_print(void)
{
    static char text[MAX_LINES * 512];
    const char *end = text + sizeof text;
    char *at = text;
    for (int i = 0; i < line_count; i++) {
        at += snprintf(at, (size_t)(end - at),
                       "%s{\"file\": \"%s\", \"line\": %d, \"function\": \"%s\"", i ? ",\n" : "[",
                       lines[i].file, lines[i].number, lines[i].function);
        print_charge(&at, end, "inclusive", &lines[i].inclusive);
        print_charge(&at, end, "self", &lines[i].self);
        at += snprintf(at, (size_t)(end - at), "}%s", i + 1 < line_count ? "" : "]\n");
    }
    for (const char *p = text; p < at;) {
        ssize_t n = write(1, p, (size_t)(at - p));
        require(n > 0, "cannot write");
        p += n;
    }
}
