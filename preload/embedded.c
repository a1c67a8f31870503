/* SPDX-License-Identifier: MIT */
#include "embedded.h"

#include <stdatomic.h>
#include <stddef.h>

/* Weak, so that the loader binds it as it binds a program's own: nothing is to be looked up when
 * the process ends. LeakSanitizer's runtime defines one that returns an empty text. */
extern const char *__lsan_default_suppressions(void) __attribute__((weak));

static const char *_Atomic text;

void embedded_ask(void)
{
    if (__lsan_default_suppressions && !atomic_load(&text)) {
        atomic_store(&text, __lsan_default_suppressions());
    }
}

const char *embedded_suppressions(void)
{
    const char *found = atomic_load(&text);
    return found && *found ? found : NULL;
}
