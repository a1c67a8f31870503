/* SPDX-License-Identifier: MIT */
#include "sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include "arch.h"
#include "sys.h"

struct sandbox_filter {
    struct sandbox_filter *next;
    _Atomic bool dropped;
    size_t length;
    struct sock_filter code[];
};

_Atomic bool sandbox_on;
static struct sandbox_filter *_Atomic filters;
static _Atomic bool closed; /* there is a filter that could not be copied */

/* What the kernel allows in strict mode. */
static struct sock_filter strict_code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 4, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 3, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_THREAD),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static size_t size_of(size_t length)
{
    return sizeof(struct sandbox_filter) + length * sizeof(struct sock_filter);
}

struct sandbox_filter *sandbox_copy(const void *program)
{
    struct sock_fprog from = {sizeof strict_code / sizeof strict_code[0], strict_code};
    if (program && !sys_copy(&from, (uintptr_t)program, sizeof from)) {
        return NULL;
    }
    struct sandbox_filter *f = sys_map(size_of(from.len));
    if (f && !sys_copy(f->code, (uintptr_t)from.filter, from.len * sizeof f->code[0])) {
        sys_unmap(f, size_of(from.len));
        f = NULL;
    }
    if (f) {
        f->length = from.len;
    }
    return f;
}

void sandbox_enter(struct sandbox_filter *filter)
{
    if (filter) {
        filter->next = atomic_load(&filters);
        while (!atomic_compare_exchange_weak(&filters, &filter->next, filter)) {
        }
    } else {
        atomic_store(&closed, true);
    }
    atomic_store(&sandbox_on, true);
}

/* It stays in the list, where another thread may be looking at it. */
void sandbox_drop(struct sandbox_filter *filter)
{
    if (filter) {
        atomic_store(&filter->dropped, true);
    } else {
        atomic_store(&closed, false);
    }
}

static uint32_t calculate(const struct sock_filter *code, uint32_t a, uint32_t x)
{
    const uint32_t b = BPF_SRC(code->code) == BPF_X ? x : code->k;
    switch (BPF_OP(code->code)) {
    case BPF_ADD:
        return a + b;
    case BPF_SUB:
        return a - b;
    case BPF_MUL:
        return a * b;
    case BPF_DIV:
        return b ? a / b : 0;
    case BPF_OR:
        return a | b;
    case BPF_AND:
        return a & b;
    case BPF_XOR:
        return a ^ b;
    case BPF_LSH:
        return a << b % 32;
    case BPF_RSH:
        return a >> b % 32;
    default:
        return -a;
    }
}

/* How many instructions are passed over. */
static size_t jump(const struct sock_filter *code, uint32_t a, uint32_t x)
{
    const uint32_t b = BPF_SRC(code->code) == BPF_X ? x : code->k;
    bool taken = false;
    switch (BPF_OP(code->code)) {
    case BPF_JA:
        return code->k;
    case BPF_JEQ:
        taken = a == b;
        break;
    case BPF_JGT:
        taken = a > b;
        break;
    case BPF_JGE:
        taken = a >= b;
        break;
    default:
        taken = (a & b) != 0;
    }
    return taken ? code->jt : code->jf;
}

/* What is loaded into one of the two registers. */
static uint32_t load(const struct sock_filter *code, const struct seccomp_data *data,
                     const uint32_t *memory)
{
    uint32_t value = 0;
    switch (BPF_MODE(code->code)) {
    case BPF_ABS:
        if (code->k <= sizeof *data - sizeof value) {
            memcpy(&value, (const char *)data + code->k, sizeof value);
        }
        return value;
    case BPF_MEM:
        return memory[code->k % BPF_MEMWORDS];
    case BPF_LEN:
        return sizeof *data;
    default:
        return code->k;
    }
}

/* Classic BPF as the kernel's seccomp has it (Documentation/userspace-api/seccomp_filter.rst and
 * networking/filter.rst of its sources). The kernel has checked it, or will. */
static uint32_t run(const struct sandbox_filter *f, const struct seccomp_data *data)
{
    uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = {0};
    for (size_t at = 0; at < f->length; at++) {
        const struct sock_filter *code = &f->code[at];
        switch (BPF_CLASS(code->code)) {
        case BPF_LD:
            a = load(code, data, memory);
            break;
        case BPF_LDX:
            x = load(code, data, memory);
            break;
        case BPF_ST:
            memory[code->k % BPF_MEMWORDS] = a;
            break;
        case BPF_STX:
            memory[code->k % BPF_MEMWORDS] = x;
            break;
        case BPF_ALU:
            if (code->code == (BPF_ALU | BPF_DIV | BPF_X) && x == 0) {
                return SECCOMP_RET_KILL_THREAD; /* 0 is what the kernel makes of it */
            }
            a = calculate(code, a, x);
            break;
        case BPF_JMP:
            at += jump(code, a, x);
            break;
        case BPF_RET:
            return BPF_RVAL(code->code) == BPF_A ? a : code->k;
        default:
            if (BPF_MISCOP(code->code) == BPF_TAX) {
                x = a;
            } else {
                a = x;
            }
        }
    }
    return SECCOMP_RET_KILL_PROCESS;
}

static long answer(const struct sandbox_filter *f, const struct seccomp_data *data)
{
    const uint32_t said = run(f, data);
    switch (said & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
        return 0;
    case SECCOMP_RET_ERRNO:
        return (said & SECCOMP_RET_DATA) ? -(long)(said & SECCOMP_RET_DATA) : -EPERM;
    default:
        return -EPERM;
    }
}

long sandbox_ask(const struct sandbox_filter *filter, const struct sandbox_call *call)
{
    struct seccomp_data data = {
        .nr = (int)call->number,
        .arch = ARCH_AUDIT,
        .instruction_pointer = (uintptr_t)sandbox_ask, /* somewhere in our code */
    };
    for (int i = 0; i < 6; i++) {
        data.args[i] = (uint64_t)call->argument[i];
    }
    long result = atomic_load_explicit(&closed, memory_order_relaxed) ? -EPERM : 0;
    if (filter && result == 0) {
        result = answer(filter, &data);
    }
    for (const struct sandbox_filter *f = atomic_load(&filters); f && result == 0; f = f->next) {
        if (!atomic_load_explicit(&f->dropped, memory_order_relaxed)) {
            result = answer(f, &data);
        }
    }
    return result;
}

bool sandbox_allows(const struct sandbox_filter *filter, const struct sandbox_call *call, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (sandbox_ask(filter, &call[i]) != 0) {
            return false;
        }
    }
    return true;
}
