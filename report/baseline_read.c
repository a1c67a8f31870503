/* SPDX-License-Identifier: MIT
 *
 * Baselines, read.
 */
#include "baseline.h"
#include "json_read.h"
#include "json_stream.h"
#include "memory.h"
#include "pool.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define STACK_EXPECTED "an array of frames, MODULE`FUNCTION+LINE"

struct baseline_reader {
    struct stackset *set;
    struct json_stream *stream;
    struct json_reader r;
    struct error error;    /* of what is at hand */
    uint64_t line, column; /* where it begins */
    bool has_format, has_version, has_stacks, has_totals, has_entries;
};

/* The standard errors, which figures keep as squares. */
struct errors {
#define X(name) uint64_t name##_se;
    DUMP_ERRORS(X)
#undef X
};

static const struct json_field counter_fields[] = {
#define X(name) {#name, offsetof(struct figures, c.name)},
    DUMP_COUNTERS(X)
#undef X
        {"max_live_bytes", offsetof(struct figures, max_live_bytes)},
    {"threads", offsetof(struct figures, threads)},
};

static const struct json_field error_fields[] = {
#define X(name) {#name "_se", offsetof(struct errors, name##_se)},
    DUMP_ERRORS(X)
#undef X
};

static const struct json_field kind_fields[] = {
#define X(name)                                                                                    \
    {#name "_count",                                                                               \
     offsetof(struct stackset_kinds, count) + DUMP_LEAK_##name * sizeof(uint64_t)},                \
        {#name "_bytes",                                                                           \
         offsetof(struct stackset_kinds, bytes) + DUMP_LEAK_##name * sizeof(uint64_t)},
    DUMP_LEAK_KINDS(X)
#undef X
};

static struct figures read_figures(struct baseline_reader *b, json_t *object)
{
    struct figures f = {0};
    struct errors errors = {0};
    json_read_counts(&b->r, object, counter_fields, LENGTH(counter_fields), JSON_OPTIONAL, &f);
    json_read_counts(&b->r, object, error_fields, LENGTH(error_fields), JSON_OPTIONAL, &errors);
#define X(name) f.variance.name = (double)errors.name##_se * (double)errors.name##_se;
    DUMP_ERRORS(X)
#undef X
    return f;
}

/* Takes the line off the end of FUNCTION, whose end becomes its name's. */
static int32_t take_line(char *function)
{
    char *plus = strrchr(function, '+'), *end;
    if (!plus || !(isdigit((unsigned char)plus[1]) || plus[1] == '-'))
        return IDENTITY_NO_LINE;
    errno = 0;
    long line = strtol(plus + 1, &end, 10);
    if (*end || errno || line <= INT32_MIN || line > INT32_MAX)
        return IDENTITY_NO_LINE;
    *plus = '\0';
    return (int32_t)line;
}

/* The frame that TEXT, which is changed, stands for; false: none. */
static bool read_frame(struct identities *t, char *text, uint32_t *frame)
{
    char *function = strchr(text, '`');
    if (!function)
        return false;
    *function++ = '\0';
    int32_t line = take_line(function);
    *frame = identities_frame(t, *text ? text : NULL, *function ? function : NULL, line);
    return true;
}

/* The node of STACK, an array of frames, innermost first. */
static uint32_t read_stack(struct baseline_reader *b, json_t *stack)
{
    uint32_t node = IDENTITY_ROOT, frame;
    for (size_t i = json_array_size(stack); i-- > 0;) {
        json_t *value = json_array_get(stack, i);
        char *text = json_is_string(value) ? mem_strdup(json_string_value(value)) : NULL;
        bool good = text && read_frame(b->set->identities, text, &frame);
        free(text);
        if (!good) {
            char key[32];
            snprintf(key, sizeof key, "stack[%zu]", i);
            json_read_refuse(&b->r, key, value, "a frame, MODULE`FUNCTION+LINE");
            return IDENTITY_ROOT;
        }
        node = identities_push(b->set->identities, node, frame);
    }
    if (node == IDENTITY_ROOT)
        json_read_refuse(&b->r, "stack", stack, STACK_EXPECTED);
    return node;
}

static int read_entry(struct baseline_reader *b, json_t *entry)
{
    if (!json_is_object(entry))
        return json_read_refuse(&b->r, NULL, entry, "an object");
    json_t *stack = json_read_array(&b->r, entry, "stack", JSON_REQUIRED);
    struct figures f = read_figures(b, entry);
    uint32_t node = stack ? read_stack(b, stack) : IDENTITY_ROOT;
    struct stackset_kinds kinds = {{0}, {0}};
    json_read_counts(&b->r, entry, kind_fields, LENGTH(kind_fields), JSON_OPTIONAL, &kinds);
    if (node != IDENTITY_ROOT)
        stackset_put(b->set, node, &f);
    for (unsigned k = 0; node != IDENTITY_ROOT && k < DUMP_LEAK_KIND_COUNT; k++)
        if (kinds.count[k] || kinds.bytes[k])
            stackset_put_kind(b->set, node, k, kinds.count[k], kinds.bytes[k]);
    return b->error.text[0] ? -1 : 0;
}

/* The whole value at hand, and where it is. NULL: an error. */
static json_t *take_value(struct baseline_reader *b)
{
    if (json_stream_peek(b->stream) >= 0)
        json_stream_where(b->stream, &b->line, &b->column);
    return json_stream_value(b->stream);
}

static int read_entries(struct baseline_reader *b)
{
    int more;
    b->has_entries = true;
    if (json_stream_peek(b->stream) != '[') {
        json_t *value = take_value(b);
        int result = value ? json_read_refuse(&b->r, "entries", value, "an array") : -1;
        json_decref(value);
        return result;
    }
    more = json_stream_enter(b->stream);
    b->r.list = "entries";
    for (b->r.index = 0; more >= 0 && (more = json_stream_next(b->stream)) > 0; b->r.index++) {
        json_t *value = take_value(b);
        if (!value)
            return -1;
        more = read_entry(b, value);
        json_decref(value);
    }
    b->r.list = NULL;
    b->r.index = JSON_NO_INDEX;
    return more;
}

static void read_version(struct baseline_reader *b, json_t *root)
{
    uint64_t version = json_read_count(&b->r, root, "version", JSON_REQUIRED);
    b->has_version = true;
    if (b->error.text[0] == '\0' && version != BASELINE_VERSION)
        error_set(&b->error,
                  "version is %" PRIu64 ", which this memprof-report does not know, expected "
                  "version %d of a baseline",
                  version, BASELINE_VERSION);
}

static void read_totals(struct baseline_reader *b, json_t *root)
{
    json_t *totals = json_read_object(&b->r, root, "totals", JSON_REQUIRED);
    b->r.list = "totals";
    b->set->total = read_figures(b, totals);
    b->set->whole.totals.c = b->set->total.c;
    b->r.list = NULL;
    b->has_totals = true;
}

/* A member of the top object that is not the entries. */
static int read_small(struct baseline_reader *b, const char *key)
{
    json_t *value = take_value(b), *root = json_object();
    if (value)
        json_object_set_new(root, key, value);
    if (value && strcmp(key, "format") == 0) {
        const char *format = json_read_string(&b->r, root, key, JSON_REQUIRED);
        b->has_format = true;
        if (format && strcmp(format, BASELINE_FORMAT) != 0)
            json_read_refuse(&b->r, key, value, "\"" BASELINE_FORMAT "\"");
    } else if (value && strcmp(key, "version") == 0) {
        read_version(b, root);
    } else if (value && strcmp(key, "stacks") == 0) {
        const char *kind = json_read_string(&b->r, root, key, JSON_REQUIRED);
        b->has_stacks = true;
        b->set->live_only = kind && strcmp(kind, "live") == 0;
        if (kind && !b->set->live_only && strcmp(kind, "all") != 0)
            json_read_refuse(&b->r, key, value, "\"live\" or \"all\"");
    } else if (value && strcmp(key, "mean_bytes") == 0) {
        b->set->whole.sample_mean_bytes = json_read_count(&b->r, root, key, JSON_REQUIRED);
        b->set->whole.has_errors = b->set->whole.sample_mean_bytes > 0;
    } else if (value && strcmp(key, "of") == 0) {
        const char *what = json_read_string(&b->r, root, key, JSON_REQUIRED);
        b->set->of_mappings = what && strcmp(what, BASELINE_OF_MAPPINGS) == 0;
        if (what && !b->set->of_mappings)
            json_read_refuse(&b->r, key, value, "\"" BASELINE_OF_MAPPINGS "\"");
    } else if (value && strcmp(key, "leak_kinds") == 0) {
        b->set->classified = json_read_bool(&b->r, root, key, JSON_REQUIRED);
    } else if (value && strcmp(key, "totals") == 0) {
        read_totals(b, root);
    }
    json_decref(root);
    return value && b->error.text[0] == '\0' ? 0 : -1;
}

static int read_members(struct baseline_reader *b)
{
    static const char expected[] = "an object with format \"" BASELINE_FORMAT "\"";
    if (json_stream_peek(b->stream) != '{') {
        json_t *value = take_value(b);
        int result = value ? error_set(&b->error, "expected %s", expected) : -1;
        json_decref(value);
        return result;
    }
    int more = json_stream_enter(b->stream);
    while (more >= 0 && (more = json_stream_next(b->stream)) > 0) {
        char key[JSON_STREAM_KEY];
        strcpy(key, b->stream->key);
        bool entries = strcmp(key, "entries") == 0;
        if (entries ? b->has_entries : (strcmp(key, "totals") == 0 && b->has_totals))
            return json_stream_refuse_key(b->stream, "duplicate object key");
        more = entries ? read_entries(b) : read_small(b, key);
    }
    return more < 0 ? -1 : json_stream_end(b->stream);
}

static int check_members(struct baseline_reader *b)
{
    const struct {
        bool there;
        const char *name, *expected;
    } needed[] = {{b->has_format, "format", "\"" BASELINE_FORMAT "\""},
                  {b->has_version, "version", "a version"},
                  {b->has_stacks, "stacks", "\"live\" or \"all\""},
                  {b->has_totals, "totals", "an object"},
                  {b->has_entries, "entries", "an array"}};
    for (size_t i = 0; i < LENGTH(needed); i++)
        if (!needed[i].there)
            return json_read_refuse(&b->r, needed[i].name, NULL, needed[i].expected);
    return 0;
}

int baseline_read(struct stackset *s, struct input *in, struct error *error)
{
    struct baseline_reader b = {.set = s};
    b.r = (struct json_reader){
        .error = &b.error, .pool = pool_new(), .list = NULL, .index = JSON_NO_INDEX};
    b.stream = json_stream_new(in, error);
    b.stream->document = "memprof baseline";
    s->baseline = true;
    s->whole.path = s->name;
    int result = read_members(&b);
    if (result == 0 && check_members(&b))
        result = error_set(error, "%s", b.error.text);
    else if (result && b.error.text[0])
        result = error_set(error, "line %" PRIu64 ", column %" PRIu64 ": %.400s", b.line, b.column,
                           b.error.text);
    json_stream_free(b.stream);
    pool_free(b.r.pool);
    return result;
}

bool baseline_is_next(struct input *in)
{
    static const char name[] = "\"" BASELINE_FORMAT "\"";
    char head[256];
    struct error error = {""};
    ssize_t n = input_peek(in, head, sizeof head, &error);
    return n > 0 && memmem(head, (size_t)n, name, sizeof name - 1);
}
