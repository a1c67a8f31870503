/* SPDX-License-Identifier: MIT
 *
 * dispositions WHAT [SIGNAL]: what a program sees of its signals, and what it makes of them. Each
 * is a row of the table at the end. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int number; /* SIGNAL */

static void say(const char *text)
{
    if (write(1, text, strlen(text)) < 0)
        _exit(9);
}

static void handled(int signal)
{
    static char text[] = "handled 00\n";
    text[8] = (char)('0' + signal / 10);
    text[9] = (char)('0' + signal % 10);
    say(text);
}

static const char *name_of(void (*handler)(int))
{
    return handler == SIG_DFL   ? "default"
           : handler == SIG_IGN ? "ignored"
           : handler == handled ? "handled"
                                : "other";
}

/* What the calls say of each signal that ends programs, in turn. */
static void show_dispositions(void)
{
    static const int all[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGABRT, SIGBUS, SIGFPE,
                              SIGSEGV, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGXCPU};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct sigaction old, same = {.sa_handler = handled, .sa_flags = SA_RESTART};
        struct sigaction *volatile old_too = &same; /* the compiler would mind it */
        int s = all[i];
        printf("%d: %d", s, sigaction(s, NULL, &old));
        printf(" %s %x", name_of(old.sa_handler), (unsigned)old.sa_flags & 0xfbffffffu);
        const int result = sigaction(s, &same, old_too);
        printf(" %d %s", result, name_of(same.sa_handler));
        raise(s);
        struct sigaction usual = {.sa_handler = SIG_DFL, .sa_flags = SA_NODEFER};
        sigaction(s, &usual, &old);
        printf(" %s", name_of(old.sa_handler));
        sigaction(s, NULL, &old);
        printf(" %s %x", name_of(old.sa_handler), (unsigned)old.sa_flags & 0xfbffffffu);
        printf(" %s", name_of(signal(s, SIG_IGN)));
        printf(" %s", name_of(signal(s, SIG_DFL)));
        printf(" %s", name_of(sysv_signal(s, SIG_DFL)));
        printf(" %s\n", name_of(signal(s, SIG_DFL)));
        fflush(stdout);
    }
    errno = 0;
    printf("bad: %d %d\n", sigaction(65, NULL, NULL), errno);
    errno = 0;
    printf("kill: %d %d\n", signal(SIGKILL, SIG_DFL) == SIG_ERR, errno);
}

static void show_stack(const char *when)
{
    stack_t now = {0};
    int result = sigaltstack(NULL, &now);
    printf("%s: %d flags %d size %zu\n", when, result, now.ss_flags, now.ss_size);
}

static void show_alternate_stack(void)
{
    static char own[1 << 16];
    const stack_t mine = {.ss_sp = own, .ss_size = sizeof own}, none = {.ss_flags = SS_DISABLE};
    stack_t old;
    show_stack("first");
    sigaltstack(&mine, &old);
    printf("before: flags %d size %zu\n", old.ss_flags, old.ss_size);
    show_stack("mine");
    sigaltstack(&none, &old);
    printf("before: flags %d size %zu\n", old.ss_flags, old.ss_size);
    show_stack("none");
}

/* A host of the kind that sends itself the signal again after cleaning up. */
static void cleans_up(int s)
{
    say("cleaned up\n");
    signal(s, SIG_DFL);
    raise(s);
}

static void die_cleanly(void)
{
    signal(number, cleans_up);
    raise(number);
}

/* Waits for the signal as servers do; it is not to be lost, and no dump of a death is written. */
static void waits(void)
{
    sigset_t set;
    int got = 0;
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), number);
    sigwait(&set, &got);
    printf("got %d\n", got);
}

static sigjmp_buf back;

static void jump(int s)
{
    (void)s;
    siglongjmp(back, 1);
}

/* Lives on after faults that its own handler mends. */
static void survives(void)
{
    volatile int *volatile nowhere = (volatile int *)0x18;
    signal(SIGSEGV, jump);
    for (volatile int i = 0; i < 100; i++)
        if (sigsetjmp(back, 1) == 0)
            *nowhere = 1;
    puts("survived");
}

static const struct {
    const char *name;
    void (*run)(void);
} shown[] = {
    {"dispositions", show_dispositions},
    {"alternate-stack", show_alternate_stack},
    {"cleanly", die_cleanly},
    {"waits", waits},
    {"survives", survives},
};

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    number = argc > 2 ? atoi(argv[2]) : 0;
    void *p = malloc(100);
    __asm__ volatile("" : "+r"(p)::"memory");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (strcmp(what, shown[i].name) == 0) {
            shown[i].run();
            return 0;
        }
    return 2;
}
