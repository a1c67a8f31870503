/* SPDX-License-Identifier: MIT */
#include "occasion.h"
#include "units.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Words put together; what does not fit is cut off. */
struct words {
    char *text;
    size_t n;
};

static void add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *w, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(w->text + w->n, OCCASION_MAX - w->n, format, arguments);
    va_end(arguments);
    if (n > 0)
        w->n += (size_t)n < OCCASION_MAX - w->n ? (size_t)n : OCCASION_MAX - w->n - 1;
}

static void add_signal(struct words *w, const struct dump_signal *s)
{
    if (s->name)
        add(w, "%.60s", s->name);
    else
        add(w, "signal %" PRIu64, s->number);
    if (s->code <= 0 && s->sender)
        add(w, ", sent by process %" PRIu64 ",", s->sender);
    add(w, " ended the program");
    if (s->has_address)
        add(w, ": the address 0x%" PRIx64 " could not be used", s->address);
}

/* The limits that MEMPROF_DUMP_AT is about. */
static const char *limit_named(const char *kind)
{
    static const struct {
        const char *kind, *words;
    } limits[] = {
        {"address-space", "the limit of address space (RLIMIT_AS)"},
        {"data", "the limit of data (RLIMIT_DATA)"},
        {"cgroup", "the control group's limit of memory"},
        {"machine", "the machine's memory"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (strcmp(kind, limits[i].kind) == 0)
            return limits[i].words;
    return NULL;
}

static void add_trigger(struct words *w, const struct dump_trigger *t)
{
    char used[UNITS_MAX], limit[UNITS_MAX];
    const char *named = limit_named(t->kind);
    units_human(used, t->used_bytes);
    units_human(limit, t->limit_bytes);
    if (strcmp(t->kind, "failed-allocation") == 0)
        add(w, "an allocation of %s failed", units_human(used, t->requested_bytes));
    else if (strcmp(t->kind, "size") == 0)
        add(w, "memory passed the size that was to be watched: %s in use, %s allowed", used, limit);
    else if (named)
        add(w, "%s came near: %s in use of %s", named, used, limit);
    else
        add(w, "\"%.60s\" asked for it", t->kind);
    add(w, "; the program went on");
}

static const char *usual_words(const char *reason)
{
    static const struct {
        const char *reason, *words;
    } reasons[] = {
        {"exit", "the program ended"},
        {"signal", "a signal asked for a snapshot; the program went on"},
        {"interval", "a snapshot was due; the program went on"},
        {"api", "the program asked for it, and went on"},
        {"exec", "the process executed another program"},
        {"fatal", "a signal ended the program"},
        {"recovered", "the process ended without a word; this was written of what it left"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(reason, reasons[i].reason) == 0)
            return reasons[i].words;
    return "of something that is not known here";
}

const char *occasion_words(char buffer[OCCASION_MAX], const struct dump *dump)
{
    struct words w = {buffer, 0};
    *buffer = '\0';
    if (dump->signal.number)
        add_signal(&w, &dump->signal);
    else if (dump->trigger.kind)
        add_trigger(&w, &dump->trigger);
    else
        add(&w, "%s", usual_words(dump->reason));
    if (dump->sequence)
        add(&w, " (%" PRIu64 " dump%s of it before)", dump->sequence,
            dump->sequence == 1 ? "" : "s");
    return buffer;
}

const char *occasion_resident(char buffer[OCCASION_MAX], const struct dump *dump)
{
    char before[UNITS_MAX];
    const uint64_t at = dump->resident_ns < dump->elapsed_ns ? dump->resident_ns : dump->elapsed_ns;
    if (dump->resident_earlier)
        snprintf(buffer, OCCASION_MAX, "%s before the dump",
                 units_duration(before, dump->elapsed_ns - at));
    else
        snprintf(buffer, OCCASION_MAX, "at the dump");
    return buffer;
}

const char *occasion_resident_unknown(const struct dump *dump)
{
    if (dump->has_resident || dump->of_mappings)
        return NULL;
    if (strcmp(dump->reason, "recovered") == 0)
        return "What the resident set consisted of is not known: the process was killed before it "
               "was looked into.";
    if (strcmp(dump->reason, "interval") == 0)
        return "What the resident set consisted of is not known: it had not been looked into yet.";
    return NULL;
}
