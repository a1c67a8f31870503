/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <errno.h>

#include "alternate.h"
#include "next.h"
#include "signal_name.h"
#include "sys.h"

static struct held {
    bool wanted;
    struct sigaction ours;
    struct sigaction shown; /* the default as the program set it last */
} held[SIGNAL_MAX + 1];

static struct held *find(int number)
{
    return number > 0 && number <= SIGNAL_MAX && held[number].wanted ? &held[number] : NULL;
}

static bool is_default(const struct sigaction *action)
{
    /* Whichever member of the union was set. */
    return action->sa_handler == SIG_DFL;
}

static bool is_ours(const struct held *h, const struct sigaction *action)
{
    return action->sa_sigaction == h->ours.sa_sigaction;
}

static int real_action(int number, const struct sigaction *action, struct sigaction *old)
{
    REAL(sigaction)
    return real_sigaction(number, action, old);
}

static const sigset_t *all_but_faults(void)
{
    static bool made;
    static sigset_t set;
    if (!made) {
        sigfillset(&set);
        for (int number = 1; number <= SIGNAL_MAX; number++) {
            if (signal_is_fault(number)) {
                sigdelset(&set, number);
            }
        }
        made = true;
    }
    return &set;
}

bool signals_take(int number, signals_handler *handler, int flags)
{
    if (sys_signal_handler(number) != (uintptr_t)SIG_DFL) {
        return false;
    }
    struct held *h = &held[number];
    real_action(number, NULL, &h->shown);
    h->ours = (struct sigaction){.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
    h->ours.sa_mask = *all_but_faults();
    h->wanted = real_action(number, &h->ours, NULL) == 0;
    return h->wanted;
}

void signals_give_back(void)
{
    for (int number = 1; number <= SIGNAL_MAX; number++) {
        struct held *h = find(number);
        if (h) {
            h->wanted = false;
            if (sys_signal_handler(number) == (uintptr_t)h->ours.sa_sigaction) {
                real_action(number, &h->shown, NULL);
            }
        }
    }
}

void signals_take_again(void)
{
    for (int number = 1; number <= SIGNAL_MAX; number++) {
        struct held *h = &held[number];
        if (h->ours.sa_sigaction && !h->wanted) {
            h->wanted = true;
            if (sys_signal_handler(number) == (uintptr_t)SIG_DFL) {
                real_action(number, &h->ours, NULL);
            }
        }
    }
}

/* sigaction, for a signal that we hold. */
static int change(struct held *h, int number, const struct sigaction *action, struct sigaction *old)
{
    struct sigaction before, wanted;
    const bool to_default = action && is_default(action);
    if (to_default) {
        wanted = *action; /* OLD may be the same */
    }
    int result = real_action(number, action, &before);
    if (result != 0) {
        return result;
    }
    if (is_ours(h, &before)) {
        before = h->shown;
    }
    if (to_default) {
        h->shown = wanted;
        real_action(number, &h->ours, NULL);
    }
    if (old) {
        *old = before;
    }
    return 0;
}

/* What NAME, one of those that take a handler and return the one before, did: RESULT is what it
 * returned. */
static sighandler_t changed(int number, sighandler_t handler, sighandler_t result)
{
    struct held *h = find(number);
    if (!h || result == SIG_ERR) {
        return result;
    }
    if (handler == SIG_DFL) {
        int saved = errno;
        real_action(number, NULL, &h->shown);
        real_action(number, &h->ours, NULL);
        errno = saved;
    }
    return result == (sighandler_t)(uintptr_t)h->ours.sa_sigaction ? SIG_DFL : result;
}

/* No hook calls another by its name, which may be one of the program's own by now, which goes on to
 * a hook: Erlang's sigaction calls __sigaction. */
static int own_action(int number, const struct sigaction *action, struct sigaction *old)
{
    struct held *h = find(number);
    return h ? change(h, number, action, old) : real_action(number, action, old);
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's are reserved names */
HOOK int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    return own_action(number, action, old);
}

extern int __sigaction(int number, const struct sigaction *action, struct sigaction *old);

HOOK int __sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    return own_action(number, action, old);
}

#define BY_HANDLER(name)                                                                           \
    extern sighandler_t name(int number, sighandler_t handler);                                    \
    HOOK sighandler_t name(int number, sighandler_t handler)                                       \
    {                                                                                              \
        static sighandler_t (*real)(int, sighandler_t);                                            \
        if (!real) {                                                                               \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        }                                                                                          \
        return changed(number, handler, real(number, handler));                                    \
    }
BY_HANDLER(signal)
BY_HANDLER(ssignal)
BY_HANDLER(bsd_signal)
BY_HANDLER(sysv_signal)
BY_HANDLER(__sysv_signal)
BY_HANDLER(sigset)

HOOK int sigaltstack(const stack_t *stack, stack_t *old)
{
    REAL(sigaltstack)
    stack_t ours, before, wanted = {0};
    if (!alternate_mine(&ours)) {
        return real_sigaltstack(stack, old);
    }
    if (stack) {
        wanted = *stack; /* OLD may be the same */
    }
    int result = real_sigaltstack(stack, &before);
    if (result != 0) {
        return result;
    }
    if (before.ss_sp == ours.ss_sp) {
        before = (stack_t){.ss_flags = SS_DISABLE};
    }
    if (wanted.ss_flags & SS_DISABLE) {
        real_sigaltstack(&ours, NULL);
    }
    if (old) {
        *old = before;
    }
    return 0;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
