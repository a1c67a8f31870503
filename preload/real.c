/* SPDX-License-Identifier: MIT */
#include "real.h"

#include <dlfcn.h>
#include <string.h>

#include "guard.h"

struct real real;
_Atomic bool real_resolved;

bool real_resolving(void)
{
    return guard_tls.resolving;
}

/* dlerror would tell it in the user's language: that takes a lock that is held where newlocale and
 * setlocale allocate. */
void real_forget_error(void)
{
    (void)dlsym(RTLD_DEFAULT, "free");
}

void real_resolve(void)
{
    guard_tls.resolving = true;
    /* Two threads may do this at once; both store the same addresses. */
#define ALLOC(name, type, parameters, needed) *(void **)&real.name = dlsym(RTLD_NEXT, #name);
#define OTHER(name, type, parameters, needed) ALLOC(name, type, parameters, needed)
#include "hooks.def"
#undef ALLOC
#undef OTHER
    real_forget_error();
    guard_tls.resolving = false;
    atomic_store_explicit(&real_resolved, true, memory_order_release);
}

void real_set(const char *name, uintptr_t address)
{
#define ALLOC(function, type, parameters, needed)                                                  \
    if (strcmp(name, #function) == 0) {                                                            \
        memcpy(&real.function, &address, sizeof address);                                          \
    }
#define OTHER(function, type, parameters, needed) ALLOC(function, type, parameters, needed)
#include "hooks.def"
#undef ALLOC
#undef OTHER
}
