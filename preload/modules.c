/* SPDX-License-Identifier: MIT */
#include "modules.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/syscall.h>

#include "objects.h"
#include "roomy.h"
#include "sampler.h"
#include "sys.h"

#define PAGE_MASK (~(uintptr_t)4095)

int modules_init(struct modules *m, struct arena_pool *pool, const struct clock *clock,
                 const char *exe, struct sampler *sampler)
{
    memset(m, 0, sizeof *m);
    m->arena.pool = pool;
    m->clock = clock;
    m->exe = exe;
    m->sampler = sampler;
    m->by_id = arena_pool_piece(pool, MODULES_MAX * sizeof(struct module *));
    return m->by_id ? 0 : -1;
}

/* The program headers of OBJECT, whose file header is mapped at its start. NULL if they are not
 * there. */
static const ElfW(Phdr) *
    program_headers(struct modules *m, const struct object *object, unsigned *n)
{
    char *room = m->seen.headers;
    const ElfW(Ehdr) *header = (const void *)room;
    if (!sys_copy(room, object->start, sizeof *header) ||
        memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_phentsize != sizeof(ElfW(Phdr))) {
        return NULL;
    }
    const size_t offset = header->e_phoff, size = header->e_phnum * sizeof(ElfW(Phdr));
    *n = header->e_phnum;
    return offset + size <= sizeof m->seen.headers && sys_copy(room, object->start + offset, size)
               ? (const void *)room
               : NULL;
}

/* Finds the build-id (NT_GNU_BUILD_ID) in the notes at [START, START + SIZE). */
static void read_build_id(struct modules *m, uintptr_t start, size_t size, struct module *module)
{
    const uint8_t *p = m->seen.notes;
    size = size < sizeof m->seen.notes ? size : sizeof m->seen.notes;
    if (!sys_copy(m->seen.notes, start, size)) {
        return;
    }
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, p, sizeof note);
        size_t name = (note.n_namesz + 3u) & ~3u, content = (note.n_descsz + 3u) & ~3u;
        size_t total = sizeof note + name + content;
        if (name > size || content > size || total > size) {
            return;
        }
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(p + sizeof note, "GNU", 4) == 0 && note.n_descsz <= MODULE_BUILD_ID_MAX) {
            memcpy(module->build_id, p + sizeof note + name, note.n_descsz);
            module->build_id_size = note.n_descsz;
            return;
        }
        p += total;
        size -= total;
    }
}

/* Fills in, from OBJECT's headers, which another thread may be unmapping, the executable segment
 * that ADDRESS lies in and the build-id. */
static void describe(struct modules *m, struct module *module, const struct object *object,
                     uintptr_t address)
{
    module->start = object->start;
    module->end = object->end;
    module->load_bias = object->load_bias;
    unsigned n = 0;
    const ElfW(Phdr) *header = program_headers(m, object, &n);
    for (unsigned i = 0; header && i < n; i++) {
        const ElfW(Phdr) *p = &header[i];
        uintptr_t start = object->load_bias + p->p_vaddr;
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X) && address - start < p->p_memsz) {
            module->start = start & PAGE_MASK;
            module->end = (start + p->p_memsz + ~PAGE_MASK) & PAGE_MASK;
            module->file_offset = p->p_offset & PAGE_MASK;
        } else if (p->p_type == PT_NOTE && start >= object->start &&
                   start + p->p_memsz <= object->end) {
            read_build_id(m, start, p->p_memsz, module);
        }
    }
}

static const char *path_of(const struct modules *m, const struct object *object)
{
    return object->name && object->name[0] ? object->name : m->exe;
}

/* A copy of PATH, made absolute if it is relative to the working directory, as the loader has it
 * for what was loaded by such a name. The vdso's name has no directory and is left alone. */
static const char *keep_path(struct modules *m, const char *path)
{
    static char cwd[4096]; /* stacks may be small, and the caller's lock is held */
    cwd[0] = '\0';
    if (path[0] != '/' && strchr(path, '/') &&
        (sys_call(SYS_getcwd, (long)cwd, sizeof cwd, 0, 0, 0, 0) < 0 || cwd[0] != '/')) {
        cwd[0] = '\0';
    }
    const char *relative = cwd[0] && strncmp(path, "./", 2) == 0 ? path + 2 : path;
    size_t length = strlen(cwd), rest = strlen(relative);
    char *copy = arena_alloc(&m->arena, length + 1 + rest + 1);
    if (copy) {
        memcpy(copy, cwd, length);
        copy[length] = '/';
        memcpy(copy + length + (length > 0), relative, rest + 1);
    }
    return copy;
}

/* Whether B, that the loader calls PATH, is A: whose path may have been made absolute. */
static bool same_path(const char *a, const char *path)
{
    const char *relative = strncmp(path, "./", 2) == 0 ? path + 2 : path;
    size_t length = strlen(a), rest = strlen(relative);
    return strcmp(a, path) == 0 ||
           (path[0] != '/' && length > rest && strcmp(a + length - rest, relative) == 0);
}

static bool same_module(const struct module *a, const struct module *b, const char *path)
{
    return a->start == b->start && a->end == b->end && a->load_bias == b->load_bias &&
           a->build_id_size == b->build_id_size &&
           memcmp(a->build_id, b->build_id, a->build_id_size) == 0 && same_path(a->path, path);
}

/* Sees to it that the free of OBJECT's link map, with which it goes, is not let pass. */
static void watch(struct modules *m, const struct object *object)
{
    if (m->sampler && object->map) {
        sampler_adopt(m->sampler, object->map);
    }
}

static int32_t add(struct modules *m, const struct object *object, uintptr_t address)
{
    watch(m, object);
    const char *path = path_of(m, object);
    struct module *found = &m->seen.module;
    *found = (struct module){
        .loaded_ns = clock_elapsed_ns(m->clock), .unloaded_ns = MODULE_LOADED, .loads = 1};
    describe(m, found, object, address);
    /* The same file at the same place again: a plugin that comes and goes must not make stacks
     * without end. */
    for (uint32_t i = 0; i < m->count; i++) {
        if (same_module(m->by_id[i], found, path)) {
            m->by_id[i]->unloaded_ns = MODULE_LOADED;
            m->by_id[i]->loads++;
            return (int32_t)i;
        }
    }
    struct module *module = arena_alloc(&m->arena, sizeof *module);
    const char *copy = keep_path(m, path);
    if (!module || !copy || m->count >= MODULES_MAX) {
        return -1;
    }
    *module = *found;
    module->path = copy;
    const uint32_t id = m->count;
    m->by_id[id] = module;
    atomic_store_explicit(&m->count, id + 1, memory_order_release);
    return (int32_t)id;
}

/* What the loader has at START now. Another thread may be unloading it: if it is still there after
 * it is watched, then the loader's free of it is yet to come. */
static bool find_watched(struct modules *m, uintptr_t start)
{
    struct object *object = &m->seen.object;
    uintptr_t map;
    do {
        if (!object_find_leaving(start, object, m->seen.name, sizeof m->seen.name)) {
            return false;
        }
        map = object->map;
        watch(m, object);
    } while (m->sampler && object_find_leaving(start, object, m->seen.name, sizeof m->seen.name) &&
             object->map != map);
    return true;
}

/* Whether MODULE is what the loader has at its place now. */
static bool still_loaded(struct modules *m, const struct module *module)
{
    struct object *object = &m->seen.object;
    if (!find_watched(m, module->start)) {
        return false;
    }
    struct module *now = &m->seen.module;
    *now = (struct module){0};
    describe(m, now, object, module->start);
    return same_module(module, now, path_of(m, object));
}

void modules_refresh(struct modules *m)
{
    uint32_t generation = modules_generation(m);
    if (m->checked_generation == generation) {
        return;
    }
    for (uint32_t i = 0; i < m->count; i++) {
        struct module *module = m->by_id[i];
        if (module->unloaded_ns == MODULE_LOADED && !still_loaded(m, module)) {
            module->unloaded_ns = clock_elapsed_ns(m->clock);
        }
    }
    atomic_store_explicit(&m->checked_generation, generation, memory_order_release);
}

/* Whether ADDRESS is in module ID, which is there. */
static inline bool is_in(const struct modules *m, uint32_t id, uintptr_t address)
{
    const struct module *module = m->by_id[id];
    return address - module->start < module->end - module->start &&
           atomic_load_explicit(&module->unloaded_ns, memory_order_relaxed) == MODULE_LOADED;
}

/* The module there is that ADDRESS lies in; -1 if none of those that are known. */
static int32_t find_known(const struct modules *m, uintptr_t address)
{
    for (uint32_t i = atomic_load_explicit(&m->count, memory_order_acquire); i-- > 0;) {
        if (is_in(m, i, address)) {
            return (int32_t)i;
        }
    }
    return -1;
}

int32_t modules_find(struct modules *m, uintptr_t address)
{
    modules_refresh(m);
    const int32_t known = find_known(m, address);
    if (known >= 0) {
        return known;
    }
    struct object *object = &m->seen.object;
    return object_find(address, object) ? add(m, object, address) : -1;
}

struct search {
    struct modules *modules;
    struct sys_lock *lock;
    uintptr_t address;
    int32_t found;
};

static void find_locked(void *arg)
{
    struct search *s = arg;
    const sys_sigset before = sys_lock(s->lock);
    s->found = modules_find(s->modules, s->address);
    sys_unlock(s->lock, before);
}

/* A module is described once, and that takes more stack than a handler may have left. */
int32_t modules_find_shared(struct modules *m, struct sys_lock *lock, uintptr_t address)
{
    if (likely(atomic_load_explicit(&m->checked_generation, memory_order_acquire) ==
               modules_generation(m))) {
        const int32_t known = find_known(m, address);
        struct object object;
        if (known >= 0 || !object_find(address, &object)) {
            return known;
        }
    }
    struct search search = {.modules = m, .lock = lock, .address = address};
    roomy_call(find_locked, &search);
    return search.found;
}
