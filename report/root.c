/* SPDX-License-Identifier: MIT */
#include "root.h"
#include "memory.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>

/* What compilers and distributions install: inlined into programs, but not their sources. */
static bool is_system(const char *file)
{
    static const char *const roots[] = {"/usr/include",   "/usr/lib", "/usr/local/include",
                                        "/usr/local/lib", "/opt/rh",  "/rustc"};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        if (model_is_below(file, roots[i]))
            return true;
    return false;
}

/* Shortens ROOT to the directory that it has in common with FILE. */
static void intersect(char *root, const char *file)
{
    size_t same = 0, slash = 0;
    for (; root[same] && root[same] == file[same]; same++)
        if (root[same] == '/')
            slash = same;
    if (root[same] == '\0' && file[same] == '/')
        return;
    root[slash] = '\0';
}

char *root_guess(const struct model *m, struct sources *sources)
{
    char *root = NULL;
    const char *last = NULL;
    for (size_t i = 0; i < m->nplaces && !(root && *root == '\0'); i++) {
        const struct place *p = &m->places[i];
        if (!p->file || p->file == last || p->file[0] != '/' || !p->where ||
            strcmp(p->where->path, m->dump->process.exe) != 0)
            continue;
        last = p->file;
        if (is_system(p->file) || !sources_readable(sources, p->file))
            continue;
        if (!root) {
            root = mem_strdup(p->file);
            *strrchr(root, '/') = '\0';
        } else {
            intersect(root, p->file);
        }
    }
    if (root && *root == '\0') {
        free(root);
        root = NULL;
    }
    return root;
}
