/* SPDX-License-Identifier: MIT */
#include "coverage.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>

#include "process.h"
#include "text.h"

/* A run that is longer than this without a single allocation is suspicious. */
#define LONG_RUN_NS ((uint64_t)1000000000)
#define LARGE_RSS ((uint64_t)64 << 20)

static char static_program[512];
static bool last_before_sandbox;

static void warn(struct json *j, const char *code, const char *text)
{
    json_open(j, NULL, '{');
    json_string(j, "code", code);
    json_string(j, "text", text);
    json_close(j, '}');
}

/* N things, of which ONE or SEVERAL says what they are, and WHAT what is the matter with them. */
static void warn_count(struct json *j, const char *code, uint64_t n, const char *one,
                       const char *several, const char *what)
{
    if (n == 0) {
        return;
    }
    char message[320];
    struct text t = text_begin(message, sizeof message);
    text_number(&t, n);
    text_string(&t, n == 1 ? one : several);
    text_string(&t, what);
    warn(j, code, message);
}

static void warn_about_program(struct json *j, const struct recorder *r,
                               const struct dump_totals *totals, uint64_t rss_bytes)
{
    char message[640];
    if (process.taken_function[0]) {
        struct text t = text_begin(message, sizeof message);
        text_string(&t, process.taken_function);
        text_string(&t, " resolves to ");
        text_string(&t, process.taken_by);
        if (process.rebound) {
            text_string(&t, ", preloaded in front of libmemprof.so: calls were redirected when the "
                            "program started; earlier ones, and those of libraries loaded later, "
                            "are not seen (preload libmemprof.so first)");
            warn(j, "redirected", message);
        } else {
            text_string(&t, ", not to libmemprof.so: calls of it are not seen (an allocator that "
                            "is linked statically)");
            warn(j, "not-interposed", message);
        }
    }
    if (process.operators_rebound) {
        warn(j, "operators-redirected",
             "the allocator brings its own operator new and delete: calls were redirected when the "
             "program started, those of libraries loaded later are not seen");
    }
    if (static_program[0]) {
        struct text t = text_begin(message, sizeof message);
        text_string(&t, "the program that it executed is statically linked and cannot be "
                        "recorded: ");
        text_string(&t, static_program);
        warn(j, "static-program", message);
    }
    if (last_before_sandbox) {
        warn(j, "sandbox",
             "the program entered a sandbox (seccomp) in which no dump can be written: what came "
             "after is not recorded");
    }
    if (totals->alloc_count == 0 && clock_elapsed_ns(&r->clock) > LONG_RUN_NS) {
        warn(j, "no-allocations",
             "not one allocation was seen: the program has an allocator of its own, linked "
             "statically or under other names");
    } else if (rss_bytes > LARGE_RSS && totals->peak_bytes < rss_bytes / 16) {
        warn(j, "mostly-elsewhere",
             "the recorded heap is less than a sixteenth of the resident memory: most of it is "
             "mapped directly, or comes from an allocator under other names");
    }
    if (r->signal_handler && sys_signal_handler(r->options.signal) != r->signal_handler) {
        warn(j, "signal-taken",
             "the program took over the signal of MEMPROF_SIGNAL: it does not trigger dumps any "
             "more");
    }
    if (r->unwind_trouble) {
        struct text t = text_begin(message, sizeof message);
        text_string(&t, "stacks have only their innermost frame: ");
        text_string(&t, r->unwind_trouble);
        warn(j, "no-unwinder", message);
    }
}

void coverage_write(struct json *j, const struct recorder *r, const struct dump_totals *totals,
                    uint64_t rss_bytes)
{
    uint64_t seen = totals->alloc_count;
    uint64_t all = seen + totals->dropped_count + totals->unknown_free_count;
    bool blind = process.taken_function[0] && !process.rebound;
    uint64_t milli =
        all == 0 ? (blind ? 0 : 100000) : (uint64_t)((unsigned __int128)seen * 100000 / all);
    json_open(j, "coverage", '{');
    json_milli(j, "percent", milli);
    json_open(j, "warnings", '[');
    warn_about_program(j, r, totals, rss_bytes);
    warn_count(j, "unknown-frees", totals->unknown_free_count, " block was freed",
               " blocks were freed", " without having been seen being allocated");
    warn_count(j, "missed-frees", totals->missed_free_count, " block was", " blocks were",
               " handed out again without a free having been seen");
    warn_count(j, "dropped", totals->dropped_count, " event", " events",
               " could not be recorded: no memory for the profiler, or a signal handler that "
               "interrupted it");
    warn_count(j, "truncated-stacks", totals->truncated_stack_count, " allocation has",
               " allocations have", " a stack that was cut at its outer end");
    json_close(j, ']');
    json_close(j, '}');
}

bool coverage_is_static_program(const char *path)
{
    union {
        Elf64_Ehdr header;
        char bytes[4096];
    } file;
    int fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) {
        return false;
    }
    ssize_t n = sys_read(fd, file.bytes, sizeof file.bytes);
    sys_close(fd);
    const Elf64_Ehdr *h = &file.header;
    if (n < (ssize_t)sizeof *h || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 ||
        h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_phentsize != sizeof(Elf64_Phdr) ||
        h->e_phoff > (uint64_t)n || h->e_phnum * sizeof(Elf64_Phdr) > (uint64_t)n - h->e_phoff) {
        return false;
    }
    for (unsigned i = 0; i < h->e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, file.bytes + h->e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type == PT_INTERP) {
            return false;
        }
    }
    return true;
}

void coverage_note_sandbox(bool is_last)
{
    last_before_sandbox = is_last;
}

void coverage_note_static(const char *path)
{
    struct text t = text_begin(static_program, sizeof static_program);
    text_string(&t, path);
}
