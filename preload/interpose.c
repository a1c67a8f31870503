/* SPDX-License-Identifier: MIT */
#include "interpose.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "guard.h"
#include "hooks_new.h"
#include "objects.h"
#include "process.h"
#include "real.h"
#include "real_map.h"
#include "rebind.h"
#include "text.h"

/* The hooks as this library has them, whatever the names resolve to: see hooks.c. */
#define ALLOC(name, type, parameters, needed) extern type hook_##name parameters;
#define OTHER(name, type, parameters, needed) ALLOC(name, type, parameters, needed)
#include "hooks.def"
#undef ALLOC
#undef OTHER

enum {
#define ALLOC(name, type, parameters, needed) HOOK_##name,
#define OTHER(name, type, parameters, needed) ALLOC(name, type, parameters, needed)
#include "hooks.def"
#undef ALLOC
#undef OTHER
    HOOKS
};

static const struct {
    const char *name;
    uintptr_t ours;
} hook[HOOKS] = {
#define ALLOC(name, type, parameters, needed) [HOOK_##name] = {#name, (uintptr_t)&hook_##name},
#define OTHER(name, type, parameters, needed) ALLOC(name, type, parameters, needed)
#include "hooks.def"
#undef ALLOC
#undef OTHER
};

/* Whether ADDRESS is a stub that calls a function of another module: the address that a program
 * without position-independent code gives to a function that it does not define. */
static bool is_stub(uintptr_t address)
{
    Dl_info info;
    ElfW(Sym) *symbol = NULL;
    return dladdr1((void *)address, &info, (void **)&symbol, RTLD_DL_SYMENT) != 0 && symbol &&
           symbol->st_shndx == SHN_UNDEF;
}

extern int own_recording(void) __attribute__((visibility("hidden"))); /* lifecycle.c */

bool interpose_is_first(void)
{
    const uintptr_t first = (uintptr_t)dlsym(RTLD_DEFAULT, "memprof_recording");
    return first == 0 || first == (uintptr_t)&own_recording || is_stub(first);
}

/* What NAME resolves to in front of us, and the OBJECT it is in; 0: nothing. */
static uintptr_t in_front(const char *name, const struct object *self, struct object *object)
{
    uintptr_t first = (uintptr_t)dlsym(RTLD_DEFAULT, name);
    if (first == 0 || first - self->start < self->end - self->start ||
        !object_find(first, object) || is_stub(first)) {
        return 0;
    }
    return first;
}

static void note(const char *function, const struct object *object)
{
    struct text f = text_begin(process.taken_function, sizeof process.taken_function);
    text_string(&f, function);
    struct text by = text_begin(process.taken_by, sizeof process.taken_by);
    const char *slash = strrchr(object->name, '/');
    text_string(&by, !object->name[0] ? "the executable" : slash ? slash + 1 : object->name);
}

/* Redirects the calls of what the library FRONT, open as HANDLE, defines. */
static void rebind(const struct object *front, void *handle)
{
    struct rebind_hook hooks[HOOKS];
    size_t n = 0;
    for (int i = 0; i < HOOKS; i++) {
        /* Also searches what FRONT needs, libc among it. */
        uintptr_t theirs = (uintptr_t)dlsym(handle, hook[i].name);
        if (theirs - front->start < front->end - front->start) {
            real_set(hook[i].name, theirs);
            hooks[n++] = (struct rebind_hook){hook[i].name, hook[i].ours, theirs};
        }
    }
    if (n > 0) {
        process.rebound = rebind_modules(hooks, n, hooks[0].theirs);
    }
}

/* Operators that the library of the real malloc defines do not come through malloc. */
static void rebind_operators(void)
{
    struct object allocator;
    if (!object_find((uintptr_t)real.malloc, &allocator) || !allocator.name[0]) {
        return;
    }
    void *handle = dlopen(allocator.name, RTLD_LAZY | RTLD_NOLOAD);
    struct rebind_hook hooks[32];
    size_t n = 0;
    for (size_t i = 0; handle && i < hooks_new_count; i++) {
        uintptr_t theirs = (uintptr_t)dlsym(handle, hooks_new[i].name);
        if (!theirs && i == 0) {
            break; /* who lacks the plain operator new has none: each search in vain is dear */
        }
        if (theirs - allocator.start < allocator.end - allocator.start) {
            *hooks_new[i].real = theirs;
            hooks[n++] = (struct rebind_hook){hooks_new[i].name, hooks_new[i].ours, theirs};
        }
    }
    if (n > 0) {
        process.operators_rebound = rebind_modules(hooks, n, hooks[0].theirs);
    }
}

/* Whether the malloc of the library HANDLE calls the next one, which is ours: then it is no
 * allocator but a wrapper, which logs or counts, and the calls come to us through it. */
static bool forwards(void *handle)
{
    void *(*their_malloc)(size_t) = NULL;
    void (*their_free)(void *) = NULL;
    *(void **)&their_malloc = dlsym(handle, "malloc");
    *(void **)&their_free = dlsym(handle, "free");
    if (!their_malloc || !their_free) {
        return true;
    }
    guard_tls.nested = false;
    their_free(their_malloc(1));
    return guard_tls.nested;
}

/* Redirects the calls of functions that something in front of us defines. */
static void rebind_functions(const struct object *self)
{
    struct object object;
    for (int i = 0; i < HOOKS; i++) {
        if (in_front(hook[i].name, self, &object) == 0) {
            continue;
        }
        void *handle = object.name[0] ? dlopen(object.name, RTLD_LAZY | RTLD_NOLOAD) : NULL;
        if (handle && forwards(handle)) {
            return;
        }
        note(hook[i].name, &object);
        if (handle) {
            rebind(&object, handle);
        }
        return;
    }
}

#define MAP(name, type, parameters) extern type hook_##name parameters;
#include "hooks_map.def"
#undef MAP

/* Whether the mmap THEIRS calls the next one, which is ours. */
static bool forwards_mapping(uintptr_t theirs)
{
    void *(*their_mmap)(void *, size_t, int, int, int, off_t) = NULL;
    memcpy(&their_mmap, &theirs, sizeof theirs);
    guard_tls.nested = false;
    their_mmap(NULL, 0, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* is refused */
    return guard_tls.nested;
}

/* The same for functions that map, which tcmalloc brings along. Those that the executable has keep
 * its own calls. */
static void rebind_mapping(const struct object *self)
{
    struct object front;
    uintptr_t first = in_front("mmap", self, &front);
    void *handle = first && front.name[0] ? dlopen(front.name, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    if (!handle || forwards_mapping(first)) {
        return;
    }
    struct rebind_hook hooks[16];
    size_t n = 0;
    uintptr_t theirs;
#define REBIND(name, ours)                                                                         \
    theirs = (uintptr_t)dlsym(handle, #name);                                                      \
    if (theirs - front.start < front.end - front.start) {                                          \
        memcpy(&real_map.ours, &theirs, sizeof theirs);                                            \
        hooks[n++] = (struct rebind_hook){#name, (uintptr_t)&hook_##ours, theirs};                 \
    }
#define MAP(name, type, parameters) REBIND(name, name)
#include "hooks_map.def"
#undef MAP
    REBIND(mmap64, mmap)
    rebind_modules(hooks, n, first);
}

void interpose_check(bool mappings)
{
    static bool done;
    struct object self;
    if (done || !object_find((uintptr_t)&interpose_check, &self)) {
        return;
    }
    done = true;
    rebind_functions(&self);
    rebind_operators();
    real_map_resolve();
    if (mappings) {
        rebind_mapping(&self);
    }
}
