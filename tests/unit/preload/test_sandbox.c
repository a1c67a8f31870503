/* SPDX-License-Identifier: MIT */
#include "sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch.h"
#include "support.h"
#include "sys.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define PROGRAMS 300
#define STEPS 24
#define ASKED SYS_getppid /* with arguments, which the kernel ignores */

static long ask(struct sandbox_filter *filter, long number, long argument)
{
    const struct sandbox_call call = {number, {argument}};
    return sandbox_ask(filter, &call);
}

static struct sandbox_filter *copy(struct sock_filter *code, size_t n)
{
    struct sock_fprog program = {(unsigned short)n, code};
    struct sandbox_filter *filter = sandbox_copy(&program);
    assert_non_null(filter);
    return filter;
}

static void actions_are_understood(void **state)
{
    (void)state;
    static const struct {
        uint32_t action;
        long answer;
    } known[] = {
        {SECCOMP_RET_ALLOW, 0},
        {SECCOMP_RET_LOG, 0},
        {SECCOMP_RET_ERRNO | EACCES, -EACCES},
        {SECCOMP_RET_ERRNO, -EPERM}, /* the call is not made, but seems to succeed */
        {SECCOMP_RET_KILL_PROCESS, -EPERM},
        {SECCOMP_RET_KILL_THREAD, -EPERM},
        {SECCOMP_RET_TRAP, -EPERM},
        {SECCOMP_RET_TRACE, -EPERM},
        {SECCOMP_RET_USER_NOTIF, -EPERM},
    };
    for (size_t i = 0; i < LENGTH(known); i++) {
        struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, known[i].action)};
        assert_int_equal(ask(copy(code, 1), SYS_getpid, 0), known[i].answer);
    }
}

static void architecture_and_arguments_are_told(void **state)
{
    (void)state;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH_AUDIT, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
    };
    struct sandbox_filter *filter = copy(code, LENGTH(code));
    assert_int_equal(ask(filter, SYS_getpid, 7L << 32), 0);
    assert_int_equal(ask(filter, SYS_getpid, 7), -EDOM);
}

static void strict_mode_knows_four_calls(void **state)
{
    (void)state;
    struct sandbox_filter *strict = sandbox_copy(NULL);
    static const long allowed[] = {SYS_read, SYS_write, SYS_exit, SYS_rt_sigreturn};
    for (size_t i = 0; i < LENGTH(allowed); i++) {
        assert_int_equal(ask(strict, allowed[i], 0), 0);
    }
    assert_int_equal(ask(strict, SYS_exit_group, 0), -EPERM);
    assert_int_equal(ask(strict, SYS_mmap, 0), -EPERM);
}

static void what_cannot_be_read_is_no_filter(void **state)
{
    (void)state;
    struct sock_fprog program = {10, (void *)8};
    assert_null(sandbox_copy((void *)8));
    assert_null(sandbox_copy(&program));
}

/* In a child, for it holds for the whole process. */
static int calls_of_ours_are_held_back(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {LENGTH(code), code};
    static struct sys_lock lock;
    const int tid = sys_tid();
    int here = 3, copied = 0;
    struct sandbox_filter *filter = sandbox_copy(&program), *other = sandbox_copy(NULL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return 1;
    }
    sandbox_enter(filter);
    sandbox_enter(other);
    sandbox_drop(other);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        return 2;
    }
    /* Any of these would end the process. */
    if (sys_map(4096) || sys_pid() >= 0 || sys_open("/", 0, 0) >= 0 || sys_can_block_signals() ||
        sys_readable((uintptr_t)&here) || sys_copy(&copied, (uintptr_t)&here, sizeof here)) {
        return 3;
    }
    sys_unlock(&lock, sys_lock(&lock));
    sandbox_enter(NULL);
    return sys_tid() == tid && sys_write_all(1, "", 0) == 0 ? 0 : 4;
}

static void calls_are_held_back(void **state)
{
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        /* By no function that sanitizers know to be the last: they make calls before it. */
        arch_system_call(SYS_exit_group, calls_of_ours_are_held_back(), 0, 0, 0, 0, 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void futexes_tell_what_can_be_read(void **state)
{
    (void)state;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigprocmask, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sandbox_filter *filter = copy(code, LENGTH(code));
    char *p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(munmap(p + 4096, 4096), 0);
    sandbox_enter(filter);
    const bool first = sys_readable((uintptr_t)p), last = sys_readable((uintptr_t)p + 4088),
               beyond = sys_readable((uintptr_t)p + 4096), text = sys_readable((uintptr_t)ask);
    sandbox_drop(filter);
    assert_true(first && last && text);
    assert_false(beyond);
}

/* One random instruction that the kernel accepts, with LEFT of them behind it. */
static struct sock_filter random_step(size_t left)
{
    static const uint16_t plain[] = {
        BPF_LD | BPF_IMM,   BPF_LDX | BPF_IMM,  BPF_LDX | BPF_W | BPF_LEN, BPF_LD | BPF_W | BPF_LEN,
        BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA, BPF_ALU | BPF_NEG,
    };
    static const uint16_t calculating[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,
                                           BPF_AND, BPF_XOR, BPF_LSH, BPF_RSH};
    static const uint16_t jumping[] = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
    const uint32_t k = (uint32_t)random() >> random() % 31;
    const uint16_t source = random() % 2 ? BPF_X : BPF_K;
    switch (random() % 5) {
    case 0:
        return (struct sock_filter)BPF_STMT(plain[(size_t)random() % LENGTH(plain)], k);
    case 1: /* an argument: where the call comes from differs */
        return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                            16 + (uint32_t)random() % 12 * 4);
    case 2: {
        const uint16_t op = calculating[(size_t)random() % LENGTH(calculating)];
        /* To divide by 0 would end the child, and to shift by more than 31 is not accepted. */
        const bool shift = op == BPF_LSH || op == BPF_RSH, by_k = shift || op == BPF_DIV;
        return (struct sock_filter)BPF_STMT((uint16_t)(BPF_ALU | op | (by_k ? BPF_K : source)),
                                            shift ? k % 32 : k | 1);
    }
    case 3:
        return (struct sock_filter)BPF_STMT(random() % 2 ? BPF_ST : BPF_STX, 0);
    default: {
        const uint16_t op = jumping[(size_t)random() % LENGTH(jumping)];
        return (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | op | source), k,
                                            (uint8_t)((size_t)random() % left),
                                            (uint8_t)((size_t)random() % left));
    }
    }
}

/* What the kernel makes of a random program, in a child, and what we do. */
static int agrees_with_the_kernel(unsigned seed)
{
    srandom(seed);
    struct sock_filter code[STEPS + 16];
    size_t n = 0;
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ASKED, 1, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_ST, 0);
    for (size_t i = 0; i < STEPS; i++) {
        code[n++] = random_step(STEPS - i);
    }
    /* As much of A as an errno can tell: below 4095, above 1. */
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LDX | BPF_MEM, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x7ff);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO | 0x800);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_A, 0);
    struct sock_fprog program = {(unsigned short)n, code};
    struct sandbox_filter *filter = sandbox_copy(&program);
    if (!filter || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        return 2;
    }
    for (int i = 0; i < 50; i++) {
        struct sandbox_call call = {ASKED, {random(), random(), -random(), i, -i, random() << 20}};
        const long *a = call.argument;
        if (sandbox_ask(filter, &call) !=
            arch_system_call(ASKED, a[0], a[1], a[2], a[3], a[4], a[5])) {
            return 1;
        }
    }
    return 0;
}

static void random_filters(void **state)
{
    (void)state;
    unsigned refused = 0;
    for (unsigned i = 0; i < PROGRAMS; i++) {
        const pid_t child = fork();
        if (child == 0) {
            _exit(agrees_with_the_kernel(i));
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
        refused += WEXITSTATUS(status) == 2;
    }
    assert_in_range(refused, 0, PROGRAMS / 2); /* loads of memory that may not be set */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actions_are_understood),
        cmocka_unit_test(architecture_and_arguments_are_told),
        cmocka_unit_test(strict_mode_knows_four_calls),
        cmocka_unit_test(what_cannot_be_read_is_no_filter),
        cmocka_unit_test(calls_are_held_back),
        cmocka_unit_test(futexes_tell_what_can_be_read),
        cmocka_unit_test(random_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
