/* SPDX-License-Identifier: MIT */
#include "roomy.h"

#include "arch.h"
#include "guard.h"
#include "sys.h"

#if defined(__has_feature)
#define ROOMY_CHECKED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define ROOMY_CHECKED 1
#else
#define ROOMY_CHECKED 0
#endif

static struct sys_lock lock;
static char stack[(size_t)64 << 10] __attribute__((aligned(64)));

void roomy_child(void)
{
    if (!guard_tls.masked) {
        lock = (struct sys_lock){0};
    }
}

void roomy_call(void (*function)(void *), void *argument)
{
    sys_sigset before;
    if (ROOMY_CHECKED || !sys_trylock(&lock, &before)) {
        function(argument);
        return;
    }
    const uintptr_t frame = guard_tls.frame;
    const bool masked = guard_tls.masked;
    guard_tls.masked = true;
    guard_tls.frame = UINTPTR_MAX; /* addresses there say nothing of who called whom */
    arch_call_on_stack(function, argument, stack + sizeof stack);
    guard_tls.frame = frame;
    guard_tls.masked = masked;
    sys_unlock(&lock, before);
}
