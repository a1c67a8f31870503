/* SPDX-License-Identifier: MIT */
#include "debugfile.h"

#include "pathname.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM_DEBUG "/usr/lib/debug"
#define DELETED " (deleted)"

/* What a file must be to be used, and why the first that was looked at is not. */
struct wanted {
    const struct debug_search *search;
    const char *build_id; /* NULL: unknown */
    bool check_crc;       /* where a build-id cannot decide */
    uint32_t crc;
    bool need_dwarf;
    char *rejected; /* malloc'd message or NULL */
};

static void warn(const struct debug_search *search, const char *message)
{
    if (search->warn && message)
        search->warn(search->warn_arg, message);
}

__attribute__((format(printf, 2, 3))) static void reject(struct wanted *w, const char *format, ...)
{
    if (w->rejected)
        return;
    va_list args;
    va_start(args, format);
    if (vasprintf(&w->rejected, format, args) < 0)
        w->rejected = NULL;
    va_end(args);
}

static bool fits(struct wanted *w, const struct elf_file *f)
{
    if (w->need_dwarf && !elf_file_has_dwarf(f)) {
        reject(w, "'%s': has no debug information", f->path);
        return false;
    }
    bool comparable = w->build_id && (f->build_id[0] || !w->check_crc);
    if (comparable && strcmp(f->build_id, w->build_id) != 0) {
        reject(w, "'%s': is another version of the file: its build-id is %s, expected %s", f->path,
               f->build_id[0] ? f->build_id : "missing", w->build_id);
        return false;
    }
    uint32_t crc = 0;
    if (!comparable && w->check_crc && (elf_file_crc(f, &crc) != 0 || crc != w->crc)) {
        reject(w, "'%s': its CRC is %08x, expected %08x by .gnu_debuglink", f->path, crc, w->crc);
        return false;
    }
    return true;
}

/* Opens the malloc'd PATH (freed here) if it is there and fits. */
static struct elf_file *try_path(struct wanted *w, char *path)
{
    const char *error = NULL;
    struct elf_file *f = path ? elf_file_open(path, &error) : NULL;
    if (f && !fits(w, f)) {
        elf_file_close(f);
        f = NULL;
    } else if (!f && path && strcmp(error, strerror(ENOENT)) != 0 &&
               strcmp(error, strerror(ENOTDIR)) != 0) {
        reject(w, "'%s': cannot be read: %s", path, error);
    }
    free(path);
    return f;
}

/* ROOT/MIDDLE/NAME; any but NAME may be empty. */
static char *join(const char *root, const char *middle, const char *name)
{
    char *directory = pathname_below(root, middle);
    char *path = directory ? pathname_below(directory, name) : NULL;
    free(directory);
    return path;
}

static char *by_build_id(const char *directory, const char *build_id, const char *suffix)
{
    char *path;
    if (strlen(build_id) < 3 ||
        asprintf(&path, "%s/.build-id/%.2s/%s%s", directory, build_id, build_id + 2, suffix) < 0)
        return NULL;
    return path;
}

/* In the build-id directories below the roots and the system's. */
static struct elf_file *try_build_id(struct wanted *w, const char *suffix)
{
    struct elf_file *f = NULL;
    for (size_t i = 0; w->build_id && i < w->search->nroots && !f; i++) {
        const char *root = w->search->roots[i];
        char *debug = pathname_below(root, SYSTEM_DEBUG);
        f = debug ? try_path(w, by_build_id(debug, w->build_id, suffix)) : NULL;
        if (!f)
            f = try_path(w, by_build_id(root, w->build_id, suffix));
        free(debug);
    }
    if (!f && w->build_id)
        f = try_path(w, by_build_id(SYSTEM_DEBUG, w->build_id, suffix));
    return f;
}

/* A file that may be anywhere below a root: in its own place, or on top. */
static struct elf_file *try_roots(struct wanted *w, const char *path)
{
    struct elf_file *f = NULL;
    for (size_t i = 0; i < w->search->nroots && !f; i++) {
        const char *root = w->search->roots[i];
        f = try_path(w, pathname_below(root, path));
        if (!f)
            f = try_path(w, pathname_below(root, pathname_base(path)));
    }
    return f;
}

/* Not so: "[vdso]", "linux-vdso.so.1". */
static bool is_file_name(const char *path)
{
    return strchr(path, '/') != NULL;
}

static struct elf_file *find_main(const struct debug_search *search, const char *path,
                                  const char *build_id, char **why)
{
    struct wanted w = {.search = search, .build_id = build_id};
    struct elf_file *f = NULL;
    if (is_file_name(path)) {
        f = try_roots(&w, path);
        if (!f)
            f = try_path(&w, strdup(path));
    }
    if (!f)
        f = try_build_id(&w, "");
    *why = w.rejected;
    return f;
}

/* Where gdb looks for a debug link LINK of a file in DIRECTORY, below ROOT. */
static struct elf_file *try_link_below(struct wanted *w, const char *root, const char *directory,
                                       const char *link)
{
    struct elf_file *f = try_path(w, join(root, directory, link));
    char *hidden = f ? NULL : pathname_below(directory, ".debug");
    if (hidden)
        f = try_path(w, join(root, hidden, link));
    char *debug = f ? NULL : pathname_below(root, SYSTEM_DEBUG);
    if (debug)
        f = try_path(w, join(debug, directory, link));
    free(hidden);
    free(debug);
    return f;
}

static struct elf_file *find_by_link(struct wanted *w, const struct elf_file *main_file,
                                     const char *module_path)
{
    GElf_Word crc;
    const char *link = dwelf_elf_gnu_debuglink(main_file->elf, &crc);
    if (!link || !*link || strchr(link, '/'))
        return NULL;
    w->check_crc = true;
    w->crc = crc;
    struct elf_file *f = NULL;
    char *recorded = pathname_directory(module_path);
    char *actual = pathname_directory(main_file->path);
    for (size_t i = 0; recorded && i < w->search->nroots && !f; i++) {
        f = try_link_below(w, w->search->roots[i], recorded, link);
        if (!f)
            f = try_path(w, pathname_below(w->search->roots[i], link));
    }
    if (!f && actual)
        f = try_link_below(w, "", actual, link);
    free(recorded);
    free(actual);
    return f;
}

static struct elf_file *try_debuginfod(struct wanted *w, const char *path)
{
    if (!w->build_id || !w->search->debuginfod)
        return NULL;
    const char *error;
    char *found = debuginfod_fetch(w->search->debuginfod, w->build_id, &error);
    if (error && error != w->search->debuginfod->reported) {
        w->search->debuginfod->reported = error; /* will be the same for every module */
        free(w->rejected);
        w->rejected = NULL;
        reject(w, "'%s': %s", path, error);
    }
    return found ? try_path(w, found) : NULL;
}

static struct elf_file *find_debug(const struct debug_search *search, const char *path,
                                   const char *build_id, struct elf_file *main_file)
{
    if (main_file && elf_file_has_dwarf(main_file))
        return main_file;
    struct wanted w = {.search = search, .build_id = build_id, .need_dwarf = true};
    if (!build_id && main_file && main_file->build_id[0])
        w.build_id = main_file->build_id;
    struct elf_file *f = try_build_id(&w, ".debug");
    if (!f && is_file_name(path) && search->nroots > 0) {
        struct wanted unstripped = w;
        unstripped.rejected = NULL;
        /* Without a build-id nothing says that it belongs to the module. */
        f = w.build_id ? try_roots(&unstripped, path) : NULL;
        free(unstripped.rejected);
    }
    if (!f && main_file)
        f = find_by_link(&w, main_file, path);
    if (!f)
        f = try_debuginfod(&w, path);
    if (!f)
        warn(search, w.rejected);
    free(w.rejected);
    return f;
}

/* The file that .gnu_debugaltlink of DEBUG names: beside it, below the roots, by build-id. */
static struct elf_file *find_alt(const struct debug_search *search, struct elf_file *debug)
{
    const char *name;
    const void *id;
    Dwarf *dwarf = elf_file_dwarf(debug);
    ssize_t n = dwarf ? dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &id) : 0;
    if (n <= 0 || n > ELF_BUILD_ID_BYTES)
        return NULL;
    char build_id[2 * ELF_BUILD_ID_BYTES + 1];
    elf_hex(id, (size_t)n, build_id);
    struct wanted w = {.search = search, .build_id = build_id, .need_dwarf = true};
    char *directory = pathname_directory(debug->path);
    char *path = directory ? pathname_absolute(directory, name) : NULL;
    struct elf_file *f = path ? try_roots(&w, path) : NULL;
    if (!f && path)
        f = try_path(&w, strdup(path));
    if (!f)
        f = try_build_id(&w, ".debug");
    if (!f)
        f = try_debuginfod(&w, debug->path);
    if (!f) {
        reject(&w, "'%s': its shared debug information '%s' was not found", debug->path, name);
        warn(search, w.rejected);
    }
    free(w.rejected);
    free(path);
    free(directory);
    return f;
}

/* Where PATH, as it was recorded, would be: relative to where the process ran, and without what the
 * kernel adds for a file that was replaced meanwhile. The build-id tells whether the one of that
 * name now is the same. */
static char *file_name(const struct debug_search *search, const char *path)
{
    size_t length = strlen(path), suffix = strlen(DELETED);
    bool deleted = length > suffix && strcmp(path + length - suffix, DELETED) == 0;
    char *name = strndup(path, deleted ? length - suffix : length);
    if (!name || !search->directory || !is_file_name(name))
        return name;
    char *absolute = pathname_absolute(search->directory, name);
    free(name);
    return absolute;
}

void debug_files_find(const struct debug_search *search, const char *path, const char *build_id,
                      bool names_only, struct debug_files *out)
{
    *out = (struct debug_files){0};
    char *name = file_name(search, path);
    if (!name)
        return;
    char *why = NULL;
    out->main = find_main(search, name, build_id, &why);
    if (!names_only || !out->main || !elf_file_has_symbols(out->main))
        out->debug = find_debug(search, name, build_id, out->main);
    if (!out->main && !out->debug && is_file_name(name)) {
        char *missing = NULL;
        if (!why && asprintf(&missing, "'%s': no such file", name) < 0)
            missing = NULL;
        warn(search, why ? why : missing);
        free(missing);
    }
    /* To look for it decompresses all there is. */
    if (!names_only && out->debug && elf_file_dwarf(out->debug)) {
        out->alt = find_alt(search, out->debug);
        if (out->alt && elf_file_dwarf(out->alt))
            dwarf_setalt(elf_file_dwarf(out->debug), elf_file_dwarf(out->alt));
    }
    free(why);
    free(name);
}

void debug_files_close(struct debug_files *files)
{
    if (files->debug != files->main)
        elf_file_close(files->debug);
    elf_file_close(files->main);
    elf_file_close(files->alt);
    *files = (struct debug_files){0};
}
