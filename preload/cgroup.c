/* SPDX-License-Identifier: MIT */
#include "cgroup.h"

#include <string.h>

#include "sys.h"
#include "text.h"

/* From here on a limit is none: version 1 tells the highest number of pages. */
#define UNLIMITED ((uint64_t)1 << 60)

/* Reads NAME in the directory that c->path is, up to LENGTH, into c->text. */
static bool read_in(struct cgroup *c, size_t length, const char *name)
{
    struct text t = {.buffer = c->path, .size = sizeof c->path, .length = length};
    text_char(&t, '/');
    text_string(&t, name);
    bool read = !t.cut && sys_read_file(c->path, c->text, sizeof c->text) > 0;
    c->path[length] = '\0';
    return read;
}

static uint64_t number_at(const char *p)
{
    uint64_t n = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        n = n * 10 + (uint64_t)(*p - '0');
    }
    return n;
}

/* The limit of the group at c->path; 0: none, or there is no such group. */
static uint64_t limit_of(struct cgroup *c)
{
    const char *name = c->version_1 ? "memory.limit_in_bytes" : "memory.max";
    if (!read_in(c, strlen(c->path), name) || c->text[0] < '0' || c->text[0] > '9') {
        return 0;
    }
    uint64_t limit = number_at(c->text);
    return limit < UNLIMITED ? limit : 0;
}

/* Takes the group at c->path if its limit is the lowest until now. */
static void consider(struct cgroup *c)
{
    uint64_t limit = limit_of(c);
    if (limit > 0 && (!c->directory[0] || limit < c->limit_bytes)) {
        strcpy(c->directory, c->path);
        c->limit_bytes = limit;
    }
}

/* Whether the list of controllers that ends at END names the one of memory. */
static bool names_memory(const char *list, const char *end)
{
    static const char name[] = "memory";
    for (const char *p = list; p < end; p++) {
        size_t n = strcspn(p, ",:");
        if (n == sizeof name - 1 && memcmp(p, name, n) == 0) {
            return true;
        }
        p += n;
    }
    return false;
}

/* Where the line of the membership that matters begins its path; NULL: there is none. A line is
 * "number:controllers:path". With version 1 the memory's own line counts, if there is one. */
static const char *find_line(struct cgroup *c)
{
    const char *found = NULL;
    for (char *line = c->text, *next; *line; line = next) {
        next = strchrnul(line, '\n');
        const char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        next += *next != '\0';
        if (!path || path >= next) {
            continue;
        }
        if (names_memory(list + 1, path)) {
            c->version_1 = true;
            return path + 1;
        }
        found = path == list + 1 ? path + 1 : found;
    }
    return found;
}

bool cgroup_find(struct cgroup *c, const char *membership, const char *root)
{
    static const char *const mounts[] = {"", "/unified", "/memory"};
    c->directory[0] = '\0';
    c->version_1 = false;
    if (sys_read_file(membership, c->text, sizeof c->text) <= 0) {
        return false;
    }
    const char *line = find_line(c);
    if (!line) {
        return false;
    }
    char group[CGROUP_PATH_MAX];
    struct text t = text_begin(group, sizeof group);
    for (; *line && *line != '\n'; line++) {
        text_char(&t, *line);
    }
    for (int i = c->version_1 ? 2 : 0; i < (c->version_1 ? 3 : 2); i++) {
        t = text_begin(c->path, sizeof c->path);
        text_string(&t, root);
        text_string(&t, mounts[i]);
        const size_t top = t.length;
        text_string(&t, group);
        /* Inside of a container the path may be one that only its outside has: the top remains. */
        for (size_t end = t.length; !t.cut && end > top;) {
            while (end > top && c->path[end - 1] == '/') {
                end--;
            }
            c->path[end] = '\0';
            consider(c);
            while (end > top && c->path[end - 1] != '/') {
                end--;
            }
        }
        c->path[top] = '\0';
        consider(c);
    }
    return c->directory[0];
}

/* Bytes that the group's statistics have of KEY. */
static uint64_t statistic(const char *text, const char *key)
{
    const size_t length = strlen(key);
    for (const char *line = text; *line; line = strchrnul(line, '\n'), line += *line != '\0') {
        if (strncmp(line, key, length) == 0 && line[length] == ' ') {
            return number_at(line + length + 1);
        }
    }
    return 0;
}

uint64_t cgroup_used(struct cgroup *c, uint64_t enough)
{
    strcpy(c->path, c->directory);
    const size_t length = strlen(c->path);
    if (!length || !read_in(c, length, c->version_1 ? "memory.usage_in_bytes" : "memory.current")) {
        return 0;
    }
    const uint64_t used = number_at(c->text);
    if (used < enough || !read_in(c, length, "memory.stat")) {
        return used;
    }
    const uint64_t spare =
        statistic(c->text, c->version_1 ? "total_inactive_file" : "inactive_file");
    return spare < used ? used - spare : 0;
}
