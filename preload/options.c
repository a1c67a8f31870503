/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>

#include "sampler_random.h"
#include "signal_name.h"
#include "sys.h"
#include "text.h"

/* Parses VALUE into *TO; returns false if it is not of the accepted form. */
typedef bool parser(const char *value, void *to);

static bool parse_uint(const char *value, uint64_t max, uint64_t *to)
{
    uint64_t n = 0;
    if (!*value) {
        return false;
    }
    for (; *value; value++) {
        if (*value < '0' || *value > '9' || n > (max - (uint64_t)(*value - '0')) / 10) {
            return false;
        }
        n = n * 10 + (uint64_t)(*value - '0');
    }
    *to = n;
    return n <= max;
}

/* A number of bytes, with a unit of 1024 bytes, its square or its cube. */
static bool parse_size(const char *value, uint64_t max, uint64_t *to)
{
    static const char units[] = "kmg";
    char digits[24];
    size_t n = strspn(value, "0123456789");
    unsigned shift = 0;
    if (n >= sizeof digits) {
        return false;
    }
    memcpy(digits, value, n);
    digits[n] = '\0';
    const char *unit = value[n] ? strchr(units, value[n] | 0x20) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        n++;
    }
    if (value[n] || !parse_uint(digits, max >> shift, to)) {
        return false;
    }
    *to <<= shift;
    return true;
}

static bool parse_out(const char *value, void *to)
{
    size_t length = strlen(value);
    if (length == 0 || length >= OPTIONS_OUT_MAX / 2) {
        return false;
    }
    for (const char *p = strchr(value, '%'); p; p = strchr(p + 2, '%')) {
        if (!p[1] || !strchr("pehnt%", p[1])) {
            return false;
        }
    }
    for (const char *p = value; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            return false;
        }
    }
    *(const char **)to = value;
    return true;
}

/* Set by the launcher, for us: nothing to complain about. */
static bool parse_keeper(const char *value, void *to)
{
    *(const char **)to = value[0] == '/' ? value : "";
    return true;
}

static bool parse_bool(const char *value, void *to)
{
    if ((value[0] != '0' && value[0] != '1') || value[1]) {
        return false;
    }
    *(bool *)to = value[0] == '1';
    return true;
}

/* Seconds as a decimal number, to nanoseconds. */
static bool parse_seconds(const char *value, void *to)
{
    const uint64_t second = 1000000000u;
    uint64_t ns = 0, unit = second;
    bool digits = false, fraction = false;
    for (; *value; value++) {
        if (*value == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (*value < '0' || *value > '9') {
            return false;
        }
        digits = true;
        uint64_t digit = (uint64_t)(*value - '0');
        if (fraction) {
            unit /= 10;
            ns += digit * unit;
        } else {
            ns = ns * 10 + digit * second;
            if (ns > 1000000000u * second) {
                return false;
            }
        }
    }
    *(uint64_t *)to = ns;
    return digits;
}

static bool parse_sample(const char *value, void *to)
{
    return parse_size(value, SAMPLER_MAX_MEAN, to);
}

/* A percentage as a decimal number, to thousandths of a percent; 0 would mean none. */
static bool parse_percent(const char *value, void *to)
{
    uint64_t scaled;
    if (strcmp(value, "none") == 0) {
        *(uint32_t *)to = 0;
        return true;
    }
    if (!parse_seconds(value, &scaled)) {
        return false;
    }
    scaled /= 1000000u;
    *(uint32_t *)to = (uint32_t)scaled;
    return scaled >= 10 && scaled <= 1000000;
}

static bool parse_signal(const char *value, void *to)
{
    if (strcmp(value, "none") == 0) {
        *(int *)to = 0;
        return true;
    }
    uint64_t number;
    if (parse_uint(value, SIGNAL_MAX, &number)) {
        *(int *)to = (int)number;
        return signal_is_request((int)number);
    }
    const char *name = strncmp(value, "SIG", 3) == 0 ? value + 3 : value;
    if (signal_is_request(signal_number(name))) {
        *(int *)to = signal_number(name);
        return true;
    }
    uint64_t above = 0;
    if (strncmp(name, "RTMIN", 5) == 0 &&
        (!name[5] ||
         (name[5] == '+' && parse_uint(name + 6, SIGNAL_MAX - SIGNAL_RT_MIN, &above)))) {
        *(int *)to = SIGNAL_RT_MIN + (int)above;
        return true;
    }
    if (strcmp(name, "RTMAX") == 0) {
        *(int *)to = SIGNAL_MAX;
        return true;
    }
    return false;
}

/* VALUE as the index of one of the words of LIST, separated by spaces. */
static bool parse_word(const char *value, const char *list, uint32_t *to)
{
    size_t length = strlen(value);
    uint32_t index = 0;
    while (length > 0 && *list) {
        size_t n = strcspn(list, " ");
        if (n == length && memcmp(list, value, n) == 0) {
            *to = index;
            return true;
        }
        list += n + (list[n] == ' ');
        index++;
    }
    return false;
}

static bool parse_follow(const char *value, void *to)
{
    return parse_word(value, "none fork exec all", to);
}

static bool parse_leak_check(const char *value, void *to)
{
    return parse_word(value, "none live", to);
}

/* A size, or a percentage with its sign, of which one is not 0. */
static bool parse_dump_at(const char *value, void *to)
{
    struct options *o = to;
    char number[24];
    size_t length = strlen(value);
    o->dump_at_bytes = o->dump_at_percent = 0;
    if (strcmp(value, "none") == 0) {
        return true;
    }
    if (length == 0 || value[length - 1] != '%') {
        return parse_size(value, INT64_MAX, &o->dump_at_bytes) && o->dump_at_bytes > 0;
    }
    if (length > sizeof number) {
        return false;
    }
    memcpy(number, value, length - 1);
    number[length - 1] = '\0';
    return parse_percent(number, &o->dump_at_percent) && o->dump_at_percent > 0 &&
           o->dump_at_percent <= 100000;
}

static bool parse_depth(const char *value, void *to)
{
    uint64_t n;
    if (!parse_uint(value, 65536, &n) || n < 1) {
        return false;
    }
    *(uint32_t *)to = (uint32_t)n;
    return true;
}

static bool parse_verbose(const char *value, void *to)
{
    return parse_word(value, "0 1 2", to);
}

/* What a later version will have: only its default is accepted. */
static bool parse_none(const char *value, void *to)
{
    (void)to;
    return strcmp(value, "none") == 0;
}

static const struct variable {
    const char *name;
    parser *parse;
    size_t offset; /* in struct options */
    const char *accepted;
} variables[] = {
#define FIELD(name) offsetof(struct options, name)
    {"MEMPROF_OUT", parse_out, FIELD(out),
     "a path of less than 2048 bytes; %p %e %h %n %t %% are replaced"},
    {"MEMPROF_ENABLE", parse_bool, FIELD(enable), "0 or 1"},
    {"MEMPROF_SAMPLE", parse_sample, FIELD(sample_mean),
     "bytes with or without k, m or g for KiB, MiB or GiB, up to 1024g, 0 for every allocation"},
    {"MEMPROF_INTERVAL", parse_seconds, FIELD(interval_ns),
     "seconds as a decimal number up to 1000000000, 0 for none"},
    {"MEMPROF_SIGNAL", parse_signal, FIELD(signal),
     "the name or number of a signal that tells of no fault, such as USR2 or 12, or none"},
    {"MEMPROF_LEAK_CHECK", parse_leak_check, FIELD(leak_check), "none or live"},
    {"MEMPROF_FATAL", parse_bool, FIELD(fatal), "0 or 1"},
    {"MEMPROF_FOLLOW", parse_follow, FIELD(follow), "all, fork, exec or none"},
    {"MEMPROF_MAX_DEPTH", parse_depth, FIELD(max_depth), "a number of frames from 1 to 65536"},
    {"MEMPROF_MMAP", parse_bool, FIELD(mmap), "0 or 1"},
    {"MEMPROF_MAX_OVERHEAD", parse_percent, FIELD(max_overhead),
     "a percentage from 0.01 to 1000, or none"},
    {"MEMPROF_DUMP_AT", parse_dump_at, 0,
     "bytes with or without k, m or g, a percentage such as 80%, or none"},
    {"MEMPROF_SCOPES", parse_none, 0, "none (this version has no scopes)"},
    {"MEMPROF_VERIFY", parse_bool, FIELD(verify), "0 or 1"},
    {"MEMPROF_VERBOSE", parse_verbose, FIELD(verbose), "0, 1 or 2"},
    {"MEMPROF_KEEPER", parse_keeper, FIELD(keeper), "the path of a socket"},
#undef FIELD
};

static void complain_about(const struct variable *v, const char *value)
{
    char message[640];
    struct text t = text_begin(message, sizeof message);
    text_string(&t, "'");
    text_printable(&t, value, 64);
    text_string(&t, "' is not accepted, the default is used; expected ");
    text_string(&t, v->accepted);
    say(v->name, message);
}

static bool stderr_is_terminal(void)
{
    struct termios unused;
    return sys_call(SYS_ioctl, 2, TCGETS, (long)&unused, 0, 0, 0) == 0;
}

void options_read(struct options *o, char *const *entries, bool complain)
{
    *o = (struct options){
        .out = "memprof.%e.%p.json",
        .enable = true,
        .fatal = true,
        .leak_check = LEAK_CHECK_LIVE,
        .follow = FOLLOW_ALL,
        .max_depth = 256,
        .keeper = "",
        .verbose = stderr_is_terminal() ? 1 : 0,
    };
    for (; entries && *entries; entries++) {
        const char *entry = *entries, *value = strchr(entry, '=');
        if (strncmp(entry, "MEMPROF_", 8) != 0 || !value++) {
            continue;
        }
        for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
            const struct variable *v = &variables[i];
            size_t length = (size_t)(value - 1 - entry);
            if (strlen(v->name) != length || memcmp(v->name, entry, length) != 0) {
                continue;
            }
            struct options before = *o;
            if (!v->parse(value, (char *)o + v->offset)) {
                *o = before;
                if (complain) {
                    complain_about(v, value);
                }
            }
        }
    }
}

const char *options_refuse(const char *name, const char *value)
{
    struct options scratch;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const struct variable *v = &variables[i];
        if (strcmp(v->name, name) == 0 && !v->parse(value, (char *)&scratch + v->offset)) {
            return v->accepted;
        }
    }
    return NULL;
}
