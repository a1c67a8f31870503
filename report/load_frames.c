/* SPDX-License-Identifier: MIT
 *
 * The calling-context tree. The modules that frames refer to may come later.
 */
#include "load_parts.h"
#include "memory.h"

#include <memprof/format.h>

#define TRIPLE "[parent, module, offset]"
#define MODULE_LIMIT (INT64_C(1) << 30) /* far more than there can be */

/* VALUE is number K of the frame that R is at. */
static int refuse_number(struct loader *l, size_t k, int64_t value, const char *expected)
{
    static const char *const key[] = {"[0]", "[1]", "[2]"};
    json_t *number = json_integer(value);
    json_read_refuse(&l->r, key[k], number, expected);
    json_decref(number);
    return -1;
}

/* A frame that is not three plain integers: says why, unless they are merely long ones. */
static int read_odd(struct loader *l, int64_t value[3])
{
    static const char *const key[] = {"[0]", "[1]", "[2]"};
    json_t *triple = json_stream_value(l->stream);
    if (triple && (!json_is_array(triple) || json_array_size(triple) != 3))
        json_read_refuse(&l->r, NULL, triple, TRIPLE);
    for (size_t k = 0; k < 3 && triple && !load_failed(l); k++) {
        json_t *number = json_array_get(triple, k);
        if (!json_is_integer(number))
            json_read_refuse(&l->r, key[k], number, "an integer");
        value[k] = json_integer_value(number);
    }
    json_decref(triple);
    return load_failed(l) ? -1 : 0;
}

/* Checks what can be checked of the frame alone. */
static int check_frame(struct loader *l, size_t id, const int64_t value[3])
{
    char expected[64];
    if (id == MEMPROF_FRAME_ROOT && (value[0] < -1 || value[0] > 0))
        return refuse_number(l, 0, value[0], "-1 or 0, as frame 0 is the root");
    if (id != MEMPROF_FRAME_ROOT && (value[0] < 0 || (size_t)value[0] >= id)) {
        snprintf(expected, sizeof expected, "a frame id below %zu", id);
        return refuse_number(l, 0, value[0], expected);
    }
    if (value[1] < -MODULE_LIMIT || value[1] >= MODULE_LIMIT)
        return refuse_number(l, 1, value[1], "-2, -1 or a module id");
    if (value[2] < 0)
        return refuse_number(l, 2, value[2], "a non-negative integer");
    return 0;
}

static int load_frame(struct loader *l, size_t id)
{
    struct dump *dump = l->dump;
    int64_t value[3] = {0};
    int n = json_stream_integers(l->stream, value, 3);
    if (n >= 0 && n < 3)
        return error_set(l->r.error, "frames[%zu] is an array of %d, expected " TRIPLE, id, n);
    if ((n < 0 && read_odd(l, value)) || check_frame(l, id, value))
        return -1;
    if (id == INT32_MAX)
        return error_set(l->r.error, "frames has more than %zu elements, expected fewer", id);
    dump->frames = mem_grow(dump->frames, &l->frame_capacity, id + 1, sizeof *dump->frames);
    dump->frames[id] = (struct dump_frame){.parent = id ? (uint32_t)value[0] : 0,
                                           .module = (int32_t)value[1],
                                           .offset = (uint64_t)value[2] & INT64_MAX};
    dump->nframes = id + 1;
    return 0;
}

int load_frames(struct loader *l)
{
    int more = load_begin(l, "frames", '[', JSON_REQUIRED);
    load_enter(l, "frames");
    for (l->r.index = 0; more > 0 && (more = json_stream_next(l->stream)) > 0; l->r.index++)
        if (load_frame(l, l->r.index))
            return -1;
    if (more == 0 && l->dump->nframes == 0)
        return error_set(l->r.error, "frames is an array of 0, expected at least the root frame");
    return more;
}

static int load_signal_frame(struct loader *l)
{
    json_t *odd = NULL;
    int64_t id = -1;
    if (!json_stream_integer(l->stream, &id)) {
        if (!(odd = json_stream_value(l->stream)))
            return -1;
        id = json_is_integer(odd) ? json_integer_value(odd) : -1;
    }
    if (id < 0 || id >= INT32_MAX) {
        json_t *number = odd ? json_incref(odd) : json_integer(id);
        json_read_refuse(&l->r, NULL, number, "a frame id");
        json_decref(number);
    }
    json_decref(odd);
    if (load_failed(l))
        return -1;
    l->signal_frames = mem_grow(l->signal_frames, &l->signal_capacity, l->nsignal_frames + 1,
                                sizeof *l->signal_frames);
    l->signal_frames[l->nsignal_frames++] = (uint32_t)id;
    return 0;
}

int load_signal_frames(struct loader *l)
{
    int more = load_begin(l, "signal_frames", '[', JSON_OPTIONAL);
    load_enter(l, "signal_frames");
    if (more <= 0)
        return more;
    for (l->r.index = 0; (more = json_stream_next(l->stream)) > 0; l->r.index++)
        if (load_signal_frame(l))
            return -1;
    return more;
}

static int check_module(struct loader *l, const struct dump_frame *f)
{
    const struct dump *dump = l->dump;
    char expected[80];
    if (f->module < MEMPROF_MODULE_INTERPRETED ||
        (f->module >= 0 && (size_t)f->module >= dump->nmodules)) {
        snprintf(expected, sizeof expected, "-2, -1 or a module id below %zu", dump->nmodules);
        return refuse_number(l, 1, f->module, expected);
    }
    if (f->module == MEMPROF_MODULE_INTERPRETED && f->offset >= dump->ninterpreted) {
        snprintf(expected, sizeof expected, "an index below %zu into interpreted",
                 dump->ninterpreted);
        return refuse_number(l, 2, (int64_t)f->offset, expected);
    }
    return 0;
}

int load_check_frames(struct loader *l)
{
    struct dump *dump = l->dump;
    load_enter(l, "frames");
    for (size_t i = 0; i < dump->nframes; i++) {
        l->r.index = i;
        if (check_module(l, &dump->frames[i]))
            return -1;
    }
    load_enter(l, "signal_frames");
    for (size_t i = 0; i < l->nsignal_frames; i++) {
        l->r.index = i;
        if (l->signal_frames[i] >= dump->nframes) {
            json_t *id = json_integer(l->signal_frames[i]);
            json_read_refuse(&l->r, NULL, id, "a frame id");
            json_decref(id);
            return -1;
        }
        dump->frames[l->signal_frames[i]].interrupted = true;
    }
    return 0;
}
