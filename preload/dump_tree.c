/* SPDX-License-Identifier: MIT */
#include "dump_tree.h"

#include <memprof/format.h>

#include "dump_line.h"

void dump_tree_modules(struct json *j, const struct recorder *r, uint32_t n)
{
    json_open(j, "modules", '[');
    for (uint32_t i = 0; i < n; i++) {
        const struct module *m = r->modules.by_id[i];
        json_newline(j);
        json_open(j, NULL, '{');
        json_string(j, "path", m->path);
        if (m->build_id_size) {
            json_hex(j, "build_id", m->build_id, m->build_id_size);
        } else {
            json_null(j, "build_id");
        }
        json_uint(j, "start", m->start);
        json_uint(j, "end", m->end);
        json_uint(j, "file_offset", m->file_offset);
        json_uint(j, "load_bias", m->load_bias);
        json_uint(j, "loaded_ns", m->loaded_ns);
        json_uint_nonzero(j, "loads", m->loads > 1 ? m->loads : 0);
        if (m->unloaded_ns == MODULE_LOADED) {
            json_null(j, "unloaded_ns");
        } else {
            json_uint(j, "unloaded_ns", m->unloaded_ns);
        }
        json_close(j, '}');
    }
    json_close(j, ']');
    json_newline(j);
}

/* So many lines are made up between two looks for room. */
#define AT_ONCE 64

/* The module that the last frame was in, and what takes an address in it to an offset in its file.
 */
struct place {
    int32_t module;
    uint64_t offset;
};

static void enter(struct place *p, const struct recorder *r, int32_t module)
{
    const struct module *m = module >= 0 ? r->modules.by_id[module] : NULL;
    p->module = module;
    p->offset = m ? m->file_offset - m->start : 0;
}

/* Returns whether a signal interrupted any of them. */
static bool write_lines(struct json *j, const struct recorder *r, uint32_t n)
{
    struct dump_line_last last;
    struct place place = {.module = -1};
    bool interrupted = false;
    dump_line_begin(&last);
    for (uint32_t id = 1; id <= n;) {
        char *to = json_text(j, AT_ONCE * DUMP_LINE_FRAME);
        for (uint32_t end = n - id < AT_ONCE ? n + 1 : id + AT_ONCE; id < end; id++) {
            const struct frame *f = sites_frame(&r->sites, id);
            *to++ = '\n';
            if (likely(frame_filled(f))) {
                const int32_t module = frame_module(f);
                if (unlikely(module != place.module)) {
                    enter(&place, r, module);
                }
                interrupted = interrupted || frame_interrupted(f);
                to =
                    dump_line_frame(to, &last, frame_parent(f), module, frame_ip(f) + place.offset);
            } else { /* is none, and nothing refers to it: below the one before */
                to = dump_line_frame(to, &last, id - 1, MEMPROF_MODULE_NONE, 0);
            }
            *to++ = ',';
        }
        json_text_end(j, to - 1);
    }
    return interrupted;
}

void dump_tree_frames(struct json *j, const struct recorder *r, uint32_t n)
{
    json_open(j, "frames", '[');
    json_open(j, NULL, '[');
    json_int(j, NULL, -1);
    json_int(j, NULL, MEMPROF_MODULE_NONE);
    json_uint(j, NULL, 0);
    json_close(j, ']');
    const bool interrupted = write_lines(j, r, n);
    json_close(j, ']');
    json_newline(j);
    json_open(j, "signal_frames", '[');
    for (uint32_t id = 1; interrupted && id <= n; id++) {
        if (frame_interrupted(sites_frame(&r->sites, id))) {
            json_uint(j, NULL, id);
        }
    }
    json_close(j, ']');
    json_open(j, "interpreted", '[');
    json_close(j, ']');
    json_newline(j);
}
