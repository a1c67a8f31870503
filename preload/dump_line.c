/* SPDX-License-Identifier: MIT */
#include "dump_line.h"

#include <string.h>

#include "json.h"
#include "sys.h"

#define BUCKETS MEMPROF_HISTOGRAM_BUCKETS
#define MEMBERS 15
#define KEY_MAX 24

_Static_assert((MEMBERS * (KEY_MAX + JSON_DIGITS)) + ((2 * (size_t)BUCKETS) * (JSON_DIGITS + 1)) <
                   DUMP_LINE_SITE,
               "the line of a site fits");

static inline char *text(char *to, const char *s, size_t length)
{
    memcpy(to, s, length);
    return to + length;
}

#define TEXT(to, literal) text(to, literal, sizeof(literal) - 1)

static inline char *number(char *to, uint64_t n)
{
    return json_digits(to, n <= INT64_MAX ? n : INT64_MAX); /* the format's numbers saturate */
}

#define NUMBER(to, key, n) number(TEXT(to, ",\"" key "\":"), n)
#define NUMBER_NONZERO(to, key, n) ((n) ? NUMBER(to, key, n) : (to))

/* The buckets up to the last one that is not 0; most are 0, many in a row. Nothing if all are. */
static char *buckets(char *to, const char *key, size_t key_length, const struct dump_histogram *h)
{
    static const char zeros[] = "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
                                "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,";
    unsigned written = 0;
    for (uint64_t set = h->set; set != 0; set &= set - 1) {
        const unsigned i = (unsigned)__builtin_ctzll(set);
        if (h->bucket[i] == 0) {
            continue;
        }
        to = written == 0 ? text(to, key, key_length) : TEXT(to, ",");
        to = number(text(to, zeros, 2 * (size_t)(i - written)), h->bucket[i]);
        written = i + 1;
    }
    return written == 0 ? to : TEXT(to, "]");
}

#define HISTOGRAM(to, key, h) buckets(to, ",\"" key "\":[", sizeof(",\"" key "\":[") - 1, h)

char *dump_line_site(char *to, const struct site *site, const struct dump_sums *s)
{
    const char *function = site_function_name[site->function];
    to = number(TEXT(to, "{\"frame\":"), site->frame);
    to = text(TEXT(to, ",\"function\":\""), function, strlen(function));
    to = NUMBER(TEXT(to, "\""), "alloc_count", s->alloc_count);
    to = NUMBER(to, "alloc_bytes", s->alloc_bytes);
    to = NUMBER_NONZERO(to, "free_count", s->free_count);
    to = NUMBER_NONZERO(to, "freed_bytes", s->freed_bytes);
    to = NUMBER_NONZERO(to, "realloc_count", s->realloc_count);
    to = NUMBER_NONZERO(to, "failed_count", s->failed_count);
    to = NUMBER_NONZERO(to, "temporary_count", s->temporary_count);
    to = NUMBER(to, "live_count", s->alloc_count - s->free_count);
    to = NUMBER(to, "live_bytes", s->alloc_bytes - s->freed_bytes);
    to = NUMBER_NONZERO(to, "peak_count", (uint64_t)s->peak_count);
    to = NUMBER(to, "peak_bytes", (uint64_t)s->peak_bytes);
    to = NUMBER_NONZERO(to, "max_live_bytes", (uint64_t)s->max_live_bytes);
    to = NUMBER_NONZERO(to, "threads", s->threads);
    to = HISTOGRAM(to, "size_log2", &s->sizes);
    return HISTOGRAM(to, "lifetime_log2_ns", &s->lifetimes);
}

static void enter_parent(struct dump_line_last *last, uint32_t parent)
{
    last->parent = parent;
    last->parent_length = (unsigned)(number(last->parent_text, parent) - last->parent_text);
}

static void enter_module(struct dump_line_last *last, int32_t module)
{
    char *to = TEXT(last->module_text, ",");
    to = module < 0 ? TEXT(to, "-") : to;
    to = number(to, module < 0 ? 0 - (uint64_t)(int64_t)module : (uint64_t)module);
    last->module = module;
    last->module_length = (unsigned)(TEXT(to, ",") - last->module_text);
}

void dump_line_begin(struct dump_line_last *last)
{
    memset(last, 0, sizeof *last);
    enter_parent(last, 0);
    enter_module(last, 0);
}

char *dump_line_frame(char *to, struct dump_line_last *last, uint32_t parent, int32_t module,
                      uint64_t offset)
{
    _Static_assert(sizeof "4294967295" <= DUMP_LINE_PART &&
                       sizeof ",-2147483648," <= DUMP_LINE_PART,
                   "copied whole");
    char *const digit = &last->parent_text[last->parent_length - 1];
    if (parent == (uint64_t)last->parent + 1 && *digit != '9') {
        last->parent = parent;
        ++*digit;
    } else if (parent != last->parent) {
        enter_parent(last, parent);
    }
    if (unlikely(module != last->module)) {
        enter_module(last, module);
    }
    to = TEXT(to, "[");
    memcpy(to, last->parent_text, DUMP_LINE_PART);
    to += last->parent_length;
    memcpy(to, last->module_text, DUMP_LINE_PART);
    return TEXT(number(to + last->module_length, offset), "]");
}
