/* SPDX-License-Identifier: MIT */
#include "interpose.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "guard.h"
#include "hooks_new.h"
#include "objects.h"
#include "process.h"
#include "real.h"
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

/* Redirects the calls of what FRONT defines. */
static void rebind(const struct object *front)
{
    struct rebind_hook hooks[HOOKS];
    size_t n = 0;
    void *handle = dlopen(front->name, RTLD_LAZY | RTLD_NOLOAD);
    for (int i = 0; handle && i < HOOKS; i++) {
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
        if (theirs - allocator.start < allocator.end - allocator.start) {
            *hooks_new[i].real = theirs;
            hooks[n++] = (struct rebind_hook){hooks_new[i].name, hooks_new[i].ours, theirs};
        }
    }
    if (n > 0) {
        process.operators_rebound = rebind_modules(hooks, n, hooks[0].theirs);
    }
}

/* Whether the malloc at ADDRESS calls the next one, which is ours: then it is no allocator but a
 * wrapper, which logs or counts, and the calls come to us through it. */
static bool forwards(uintptr_t address)
{
    void *(*their_malloc)(size_t) = NULL;
    void (*their_free)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "free");
    memcpy(&their_malloc, &address, sizeof address);
    guard_tls.nested = false;
    void *p = their_malloc(1);
    their_free(p);
    return guard_tls.nested;
}

/* Redirects the calls of functions that something in front of us defines. */
static void rebind_functions(void)
{
    struct object self, object;
    if (!object_find((uintptr_t)&interpose_check, &self)) {
        return;
    }
    for (int i = 0; i < HOOKS; i++) {
        uintptr_t theirs = in_front(hook[i].name, &self, &object);
        if (i == HOOK_malloc && theirs != 0 && forwards(theirs)) {
            return;
        }
        if (theirs != 0) {
            note(hook[i].name, &object);
            if (object.name[0]) {
                rebind(&object);
            }
            return;
        }
    }
}

void interpose_check(void)
{
    static bool done;
    if (!done) {
        done = true;
        rebind_functions();
        rebind_operators();
    }
}
