/* SPDX-License-Identifier: MIT */
#include "load.h"
#include "input.h"
#include "load_parts.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* The members of a dump: read whole, or, where they may be large, as they come. */
static const struct part {
    const char *name;
    const char *required; /* what is expected; NULL: may be missing */
    int (*whole)(struct loader *, json_t *);
    int (*stream)(struct loader *);
} parts[] = {
    {"format", "a string", load_format, NULL},
    {"version", "a non-negative integer", load_version, NULL},
    {"process", "an object", load_process, NULL},
    {"producer", NULL, load_producer, NULL},
    {"dump", "an object", load_head, NULL},
    {"mode", "an object", load_mode, NULL},
    {"totals", "an object", load_totals, NULL},
    {"memory", NULL, load_memory, NULL},
    {"inherited", NULL, load_inherited, NULL},
    {"mmap_totals", NULL, load_mmap_totals, NULL},
    {"mmap_inherited", NULL, load_mmap_inherited, NULL},
    {"coverage", NULL, load_coverage, NULL},
    {"settings", NULL, load_settings, NULL},
    {"lsan_suppressions", NULL, load_suppressions, NULL},
    {"threads", NULL, NULL, load_threads},
    {"timeline", NULL, NULL, load_timeline},
    {"leaks", NULL, NULL, load_leaks},
    {"modules", "an array", NULL, load_modules},
    {"interpreted", NULL, NULL, load_interpreted},
    {"frames", "an array", NULL, load_frames},
    {"signal_frames", NULL, NULL, load_signal_frames},
    {"sites", "an array", NULL, load_sites},
    {"mmap_sites", NULL, NULL, load_mmap_sites},
};

#define NPARTS (sizeof parts / sizeof *parts)
#define IDENTITY 3u /* bits of the parts that say what the document is */

static size_t find_part(const char *name)
{
    size_t i = 0;
    while (i < NPARTS && strcmp(parts[i].name, name) != 0)
        i++;
    return i;
}

/* What is wrong is in the value of PART that begins at LINE and COLUMN, or ends there, if it was
 * read piece by piece. What the stream itself refused says so already. */
static int add_position(struct loader *l, uint64_t line, uint64_t column)
{
    const struct error wrong = *l->r.error;
    if (l->stream->broken)
        return -1;
    l->r.error->text[0] = '\0';
    return error_set(l->r.error, "line %llu, column %llu: %s", (unsigned long long)line,
                     (unsigned long long)column, wrong.text);
}

static int load_part(struct loader *l, const struct part *part)
{
    uint64_t line, column;
    load_enter(l, NULL);
    if (part->stream) {
        if (part->stream(l) == 0 && !load_failed(l))
            return 0;
        json_stream_where(l->stream, &line, &column);
        return add_position(l, line, column);
    }
    json_stream_peek(l->stream);
    json_stream_where(l->stream, &line, &column);
    json_t *value = json_stream_value(l->stream);
    if (!value)
        return -1;
    json_t *root = json_object();
    json_object_set_new(root, part->name, value);
    int result = part->whole(l, root);
    json_decref(root);
    return result || load_failed(l) ? add_position(l, line, column) : 0;
}

/* Reads the top object; *SEEN are its parts. If something in it is not as expected, the rest is
 * still searched for what says whether this is a dump of ours at all, which is then the better
 * answer; what is wrong is in HELD until then. Returns 0, or -1 when there is no more to be said.
 */
static int load_members(struct loader *l, unsigned *seen, struct error *held)
{
    int more = json_stream_enter(l->stream);
    while (more >= 0 && (more = json_stream_next(l->stream)) > 0) {
        size_t i = find_part(l->stream->key);
        unsigned bit = i < NPARTS ? 1u << i : 0;
        if (*seen & bit)
            return json_stream_refuse_key(l->stream, "duplicate object key");
        *seen |= bit;
        if (!bit || (held->text[0] && !(bit & IDENTITY))) {
            more = json_stream_skip(l->stream);
        } else if (load_part(l, &parts[i])) {
            if (l->stream->broken || bit & IDENTITY)
                return -1;
            *held = *l->r.error;
            l->r.error->text[0] = '\0';
            more = json_stream_leave(l->stream, 1);
        }
        if (held->text[0] && (*seen & IDENTITY) == IDENTITY)
            return 0;
    }
    return more < 0 ? -1 : json_stream_end(l->stream);
}

static int load_object(struct loader *l)
{
    struct error held = {""};
    unsigned seen = 0;
    if (load_members(l, &seen, &held))
        return -1;
    load_enter(l, NULL);
    for (size_t i = 0; i < NPARTS; i++) {
        if (held.text[0] && !(1u << i & IDENTITY))
            return error_set(l->r.error, "%s", held.text);
        if (parts[i].required && !(seen & 1u << i))
            return json_read_refuse(&l->r, parts[i].name, NULL, parts[i].required);
    }
    return load_check_frames(l) || load_check_sites(l) || load_check_mmap_sites(l) ||
                   load_check_leaks(l)
               ? -1
               : 0;
}

static int load_document(struct loader *l)
{
    int c = json_stream_peek(l->stream);
    if (c == '{')
        return load_object(l);
    if (c < 0)
        return error_set(l->r.error, "is empty, expected a memprof dump");
    if (json_stream_skip(l->stream) || json_stream_end(l->stream))
        return -1;
    return error_set(l->r.error, "is not a memprof dump: line 1, expected one JSON object");
}

struct dump *load_input(const char *path, struct input *input, struct error *error)
{
    struct dump *dump = mem_zero(1, sizeof *dump);
    dump->path = path;
    dump->storage = pool_new();
    struct loader l = {.stream = json_stream_new(input, error),
                       .r = {error, dump->storage, NULL, JSON_NO_INDEX},
                       .dump = dump};
    int result = load_document(&l);
    free(l.signal_frames);
    json_stream_free(l.stream);
    input_close(input);
    if (result == 0)
        return dump;
    load_free(dump);
    return NULL;
}

struct dump *load_bytes(const char *path, const char *data, size_t size, struct error *error)
{
    return load_input(path, input_memory(data, size), error);
}

struct dump *load_file(const char *path, input_progress *progress, void *arg, struct error *error)
{
    struct input *input = input_open(path, progress, arg, error);
    return input ? load_input(path, input, error) : NULL;
}

void load_free(struct dump *dump)
{
    if (!dump)
        return;
    free(dump->warnings);
    free(dump->modules);
    free(dump->interpreted);
    free(dump->frames);
    free(dump->sites);
    free(dump->mappings.sites);
    free(dump->errors);
    free(dump->timeline);
    free(dump->threads);
    free(dump->leaks.records);
    pool_free(dump->storage);
    free(dump);
}
