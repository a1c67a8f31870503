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

/* What is no frame, and nothing refers to, still has its place: below the one before. */
static char *frame_line(char *to, const struct recorder *r, uint32_t frame)
{
    const struct frame *f = sites_frame(&r->sites, frame);
    if (unlikely(!frame_filled(f))) {
        return dump_line_frame(to, frame - 1, MEMPROF_MODULE_NONE, 0);
    }
    const int32_t id = frame_module(f);
    uint64_t offset = frame_ip(f);
    if (id >= 0) {
        const struct module *m = r->modules.by_id[id];
        offset = offset - m->start + m->file_offset;
    }
    return dump_line_frame(to, frame_parent(f), id, offset);
}

#define FRAMES_AT_ONCE 64

void dump_tree_frames(struct json *j, const struct recorder *r, uint32_t n)
{
    json_open(j, "frames", '[');
    json_open(j, NULL, '[');
    json_int(j, NULL, -1);
    json_int(j, NULL, MEMPROF_MODULE_NONE);
    json_uint(j, NULL, 0);
    json_close(j, ']');
    for (uint32_t id = 1; id <= n;) {
        char *to = json_text(j, FRAMES_AT_ONCE * DUMP_LINE_FRAME);
        for (uint32_t end = n - id < FRAMES_AT_ONCE ? n + 1 : id + FRAMES_AT_ONCE; id < end; id++) {
            *to++ = '\n';
            to = frame_line(to, r, id);
            *to++ = ',';
        }
        json_text_end(j, to - 1);
    }
    json_close(j, ']');
    json_newline(j);
    json_open(j, "signal_frames", '[');
    for (uint32_t id = 1; id <= n; id++) {
        if (frame_interrupted(sites_frame(&r->sites, id))) {
            json_uint(j, NULL, id);
        }
    }
    json_close(j, ']');
    json_open(j, "interpreted", '[');
    json_close(j, ']');
    json_newline(j);
}
