/* SPDX-License-Identifier: MIT
 *
 * The parts of a dump, one function each, called where the part begins; between load.c and
 * load_parts.c, load_lists.c, load_leaks.c, load_frames.c, load_sites.c and load_mappings.c. Each
 * returns 0, or -1 with the reason in the reader's error. What refers to parts that may come later
 * is checked by load_check_*, when all has been read.
 */
#ifndef REPORT_LOAD_PARTS_H
#define REPORT_LOAD_PARTS_H

#include "dump.h"
#include "json_read.h"
#include "json_stream.h"

/* Of sites, a bit for each member that load_sites.c knows: what any has, and what the last one that
 * was found to have enough had. And which member probably comes next. */
struct loader_sites {
    size_t capacity;
    uint64_t members, sound;
    size_t member;
};

struct loader {
    struct json_stream *stream;
    struct json_reader r;
    struct dump *dump;
    size_t module_capacity, interpreted_capacity, thread_capacity, row_capacity;
    size_t frame_capacity, error_capacity, record_capacity;
    uint32_t *signal_frames;
    size_t nsignal_frames, signal_capacity;
    struct loader_sites sites, mmap_sites;
    bool of_mappings; /* these two, and what the dump has, have changed places */
};

static inline bool load_failed(const struct loader *l)
{
    return l->r.error->text[0] != '\0';
}

/* Errors from here on are about the list or object LIST; NULL: the top. */
void load_enter(struct loader *l, const char *list);

/* Goes into the array or object (OPEN is '[' or '{') that begins here, the value of KEY. Returns 1;
 * 0 if there is a null, which an optional one may be; -1. */
int load_begin(struct loader *l, const char *key, char open, enum json_need need);

/* Reads the list that is the value of KEY, LIST in messages: ELEMENT for each, which must be an
 * object. */
int load_objects(struct loader *l, const char *key, const char *list, enum json_need need,
                 void (*element)(struct loader *, json_t *));

/* Small enough to be read whole. ROOT is an object with only that member. */
int load_format(struct loader *l, json_t *root);
int load_version(struct loader *l, json_t *root);
int load_producer(struct loader *l, json_t *root);
int load_process(struct loader *l, json_t *root);
int load_head(struct loader *l, json_t *root);
int load_mode(struct loader *l, json_t *root);
int load_totals(struct loader *l, json_t *root);
int load_memory(struct loader *l, json_t *root);
int load_inherited(struct loader *l, json_t *root);
int load_mmap_totals(struct loader *l, json_t *root);
int load_mmap_inherited(struct loader *l, json_t *root);
int load_coverage(struct loader *l, json_t *root);
int load_settings(struct loader *l, json_t *root);
int load_suppressions(struct loader *l, json_t *root);

/* As large as may be. */
int load_threads(struct loader *l);
int load_timeline(struct loader *l);
int load_leaks(struct loader *l);
int load_modules(struct loader *l);
int load_interpreted(struct loader *l);
int load_frames(struct loader *l);
int load_signal_frames(struct loader *l);
int load_sites(struct loader *l);
int load_mmap_sites(struct loader *l);

int load_check_frames(struct loader *l);
int load_check_sites(struct loader *l);
int load_check_leaks(struct loader *l);
int load_check_mmap_sites(struct loader *l);

/* The same of any part that has the form of theirs. */
int load_totals_of(struct loader *l, json_t *root, const char *key);
int load_inherited_of(struct loader *l, json_t *root, const char *key);
int load_sites_of(struct loader *l, const char *key);
int load_check_sites_of(struct loader *l, const char *sites, const char *totals);

/* Adds a warning to those that the dump brought along. */
void load_warn(struct dump *dump, const char *code, const char *text);

#endif
