/* SPDX-License-Identifier: MIT */
#include "cause.h"

#include "signal_name.h"
#include "text.h"

static void write_signal(struct json *j, const struct cause *c)
{
    const char *name = signal_name(c->signal);
    json_open(j, "signal", '{');
    json_uint(j, "number", (uint64_t)c->signal);
    if (name) {
        char full[16];
        struct text t = text_begin(full, sizeof full);
        text_string(&t, "SIG");
        text_string(&t, name);
        json_string(j, "name", full);
    }
    json_int(j, "code", c->signal_code);
    json_uint_nonzero(j, "sender", (uint64_t)c->sender);
    if (c->signal_code > 0 && signal_is_fault(c->signal)) {
        json_uint(j, "address", c->address);
    }
    json_close(j, '}');
}

static void write_trigger(struct json *j, const struct cause *c)
{
    json_open(j, "trigger", '{');
    json_string(j, "kind", c->trigger);
    json_uint_nonzero(j, "limit_bytes", c->limit_bytes);
    json_uint_nonzero(j, "used_bytes", c->used_bytes);
    json_uint_nonzero(j, "requested_bytes", c->requested_bytes);
    json_close(j, '}');
}

void cause_write(struct json *j, const struct cause *c)
{
    if (c->signal) {
        write_signal(j, c);
    }
    if (c->trigger) {
        write_trigger(j, c);
    }
}
