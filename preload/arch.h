/* SPDX-License-Identifier: MIT
 *
 * All that depends on the processor, x86_64 or aarch64: its counter and system call instruction,
 * how calls and signals lay out the stack, and what libunwind and the ELF tables call its parts.
 * Constants and functions without state, for any thread at any time. ARCH_UNW_ names are
 * libunwind's and need its header, ARCH_RELOC_ names need <elf.h>, ARCH_AUDIT <linux/audit.h>.
 *
 * The stack is described by three registers: ip; sp; and bp, the frame pointer: rbp or x29.
 */
#ifndef PRELOAD_ARCH_H
#define PRELOAD_ARCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

/* The state (struct stack_start) of whoever called the function that uses this, which must be
 * compiled with a frame pointer: that points to its caller's on both architectures. */
#define ARCH_CALLER                                                                                \
    {                                                                                              \
        .ip = (uintptr_t)__builtin_return_address(0), .sp = (uintptr_t)__builtin_dwarf_cfa(),      \
        .bp = *(const uintptr_t *)__builtin_frame_address(0),                                      \
    }

/* Words that one thread alone writes, and others read at any time: each is read and written whole.
 * Added to in one instruction where there is one, so that a signal handler sees the value before or
 * after. */
typedef uint64_t __attribute__((may_alias)) arch_word;
typedef uint32_t __attribute__((may_alias)) arch_half;

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)

static inline uint64_t arch_get(const _Atomic uint64_t *c)
{
    return *(const volatile arch_word *)c;
}

static inline void arch_set(_Atomic uint64_t *c, uint64_t value)
{
    *(volatile arch_word *)c = value;
}

static inline uint32_t arch_get32(const _Atomic uint32_t *c)
{
    return *(const volatile arch_half *)c;
}

static inline void arch_add(_Atomic uint64_t *c, uint64_t n)
{
    __asm__ volatile("addq %1, %0" : "+m"(*(arch_word *)c) : "er"(n) : "cc");
}

static inline void arch_or32(_Atomic uint32_t *c, uint32_t bits)
{
    __asm__ volatile("orl %1, %0" : "+m"(*(arch_half *)c) : "ir"(bits) : "cc");
}

static inline void arch_add32(_Atomic uint32_t *c, uint32_t n)
{
    __asm__ volatile("addl %1, %0" : "+m"(*(arch_half *)c) : "ir"(n) : "cc");
}

#else

static inline uint64_t arch_get(const _Atomic uint64_t *c)
{
    return atomic_load_explicit((_Atomic uint64_t *)c, memory_order_relaxed);
}

static inline void arch_set(_Atomic uint64_t *c, uint64_t value)
{
    atomic_store_explicit(c, value, memory_order_relaxed);
}

static inline uint32_t arch_get32(const _Atomic uint32_t *c)
{
    return atomic_load_explicit((_Atomic uint32_t *)c, memory_order_relaxed);
}

static inline void arch_add(_Atomic uint64_t *c, uint64_t n)
{
    arch_set(c, arch_get(c) + n);
}

static inline void arch_or32(_Atomic uint32_t *c, uint32_t bits)
{
    atomic_store_explicit(c, arch_get32(c) | bits, memory_order_relaxed);
}

static inline void arch_add32(_Atomic uint32_t *c, uint32_t n)
{
    atomic_store_explicit(c, arch_get32(c) + n, memory_order_relaxed);
}

#endif

#if defined(__x86_64__)

#define ARCH_NAME "x86_64"
#define ARCH_AUDIT AUDIT_ARCH_X86_64

/* The processor's counter, which runs at the same rate all the time. */
static inline uint64_t arch_ticks(void)
{
    return __builtin_ia32_rdtsc();
}

/* Nanoseconds per tick, 32.32 fixed point, before it is known: within a factor of 2 of any
 * processor of today. */
static inline uint64_t arch_ns_per_tick(void)
{
    return ((uint64_t)1 << 32) * 10 / 25;
}

static inline long arch_system_call(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* Calls FUNCTION with ARGUMENT on the stack that ends at TOP, a multiple of 16. */
static inline void arch_call_on_stack(void (*function)(void *), void *argument, void *top)
{
    __asm__ volatile("mov %%rsp, %%rbx\n\tmov %2, %%rsp\n\tcall *%1\n\tmov %%rbx, %%rsp"
                     : "+D"(argument)
                     : "r"(function), "r"(top)
                     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "xmm0", "xmm1",
                       "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                       "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
}

/* Makes a handler that was called with TO return to where FROM was interrupted. Floating-point
 * registers stay. */
static inline void arch_copy_registers(ucontext_t *to, const ucontext_t *from)
{
    memcpy(to->uc_mcontext.gregs, from->uc_mcontext.gregs, sizeof to->uc_mcontext.gregs);
}

/* Where the code was that a handler called with CONTEXT interrupted. */
static inline uintptr_t arch_interrupted(const ucontext_t *context)
{
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

/* From the sp that a signal handler returns with, to the interrupted registers: REG_RBP, REG_RSP
 * and REG_RIP of the ucontext_t there (struct rt_sigframe of the kernel). */
enum { ARCH_SIGNAL_BP = 120, ARCH_SIGNAL_SP = 160, ARCH_SIGNAL_IP = 168 };

/* The code that it returns to: mov $15, %rax; syscall (rt_sigreturn). */
#define ARCH_SIGNAL_RETURN                                                                         \
    {                                                                                              \
        0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05                                                \
    }

/* Whether a return address always lies in the word below the CFA; otherwise a rule tells where. */
#define ARCH_RETURN_BELOW_CFA true

/* Whether return addresses may be signed: the word on the stack is more than the address. */
#define ARCH_SIGNS_RETURNS false

static inline uintptr_t arch_return_address(uintptr_t word)
{
    return word;
}

#define ARCH_UNW_LIBRARY "libunwind-x86_64.so.8"
#define ARCH_UNW_PREFIX "_Ux86_64_"
#define ARCH_UNW_IP UNW_X86_64_RIP /* where a walk starts; later UNW_REG_IP */
#define ARCH_UNW_SP UNW_X86_64_RSP
#define ARCH_UNW_BP UNW_X86_64_RBP

/* What a walk starts with, as arch_registers stores it: where it is, and the registers that calls
 * preserve. */
#define ARCH_UNW_REGISTERS                                                                         \
    {                                                                                              \
        UNW_X86_64_RIP, UNW_X86_64_RSP, UNW_X86_64_RBP, UNW_X86_64_RBX, UNW_X86_64_R12,            \
            UNW_X86_64_R13, UNW_X86_64_R14, UNW_X86_64_R15                                         \
    }
enum { ARCH_REGISTERS = 8 };

static inline __attribute__((always_inline)) void arch_registers(uint64_t value[ARCH_REGISTERS])
{
    __asm__ volatile("lea 0(%%rip), %%rax\n\tmov %%rax, (%0)\n\t"
                     "mov %%rsp, 8(%0)\n\tmov %%rbp, 16(%0)\n\tmov %%rbx, 24(%0)\n\t"
                     "mov %%r12, 32(%0)\n\tmov %%r13, 40(%0)\n\t"
                     "mov %%r14, 48(%0)\n\tmov %%r15, 56(%0)"
                     :
                     : "r"(value)
                     : "rax", "memory");
}

/* Whether unw_backtrace tells return addresses as they are. */
#define ARCH_UNW_BACKTRACE 1

/* Whether libunwind (since 1.7) takes a frame pointer of 0 for the end, and leaves that frame out.
 */
#define ARCH_UNW_ENDS_AT_ZERO 0

/* Whether a walk ends with a frame of code without a table whose bp is 0. */
#define ARCH_UNW_BARE_ENDS 1

#define ARCH_RELOC_IS_CALL_SLOT(type) ((type) == R_X86_64_JUMP_SLOT || (type) == R_X86_64_GLOB_DAT)
#define ARCH_RELOC_IS_POINTER(type) ((type) == R_X86_64_64)
#define ARCH_RELOC_IS_COPY(type) ((type) == R_X86_64_COPY)

#elif defined(__aarch64__)

#define ARCH_NAME "aarch64"
#define ARCH_AUDIT AUDIT_ARCH_AARCH64

static inline uint64_t arch_ticks(void)
{
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}

/* The processor tells the rate of its counter. */
static inline uint64_t arch_ns_per_tick(void)
{
    uint64_t frequency;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    uint64_t scale = ((uint64_t)1000000000 << 32) / (frequency ? frequency : 1000000000);
    return scale ? scale : 1;
}

static inline long arch_system_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

static inline void arch_call_on_stack(void (*function)(void *), void *argument, void *top)
{
    register void *x0 __asm__("x0") = argument;
    register void *x1 __asm__("x1") = (void *)function;
    register void *x2 __asm__("x2") = top;
    __asm__ volatile("mov x19, sp\n\tmov sp, x2\n\tblr x1\n\tmov sp, x19"
                     : "+r"(x0), "+r"(x1), "+r"(x2)
                     :
                     : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                       "x15", "x16", "x17", "x18", "x19", "x30", "v0", "v1", "v2", "v3", "v4", "v5",
                       "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16",
                       "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",
                       "v28", "v29", "v30", "v31", "cc", "memory");
}

static inline void arch_copy_registers(ucontext_t *to, const ucontext_t *from)
{
    memcpy(to->uc_mcontext.regs, from->uc_mcontext.regs, sizeof to->uc_mcontext.regs);
    to->uc_mcontext.fault_address = from->uc_mcontext.fault_address;
    to->uc_mcontext.sp = from->uc_mcontext.sp;
    to->uc_mcontext.pc = from->uc_mcontext.pc;
    to->uc_mcontext.pstate = from->uc_mcontext.pstate;
}

static inline uintptr_t arch_interrupted(const ucontext_t *context)
{
    return context->uc_mcontext.pc;
}

/* struct rt_sigframe: siginfo (128 bytes), ucontext; in its uc_mcontext, at 176, a fault address,
 * regs[31], sp, pc. */
enum {
    ARCH_SIGNAL_BP = 128 + 184 + 29 * 8,
    ARCH_SIGNAL_SP = 128 + 184 + 31 * 8,
    ARCH_SIGNAL_IP = 128 + 184 + 32 * 8
};

/* mov x8, #139; svc #0 */
#define ARCH_SIGNAL_RETURN                                                                         \
    {                                                                                              \
        0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4                                                   \
    }

/* It is in x30 at first; functions that call others save it anywhere in their frames. */
#define ARCH_RETURN_BELOW_CFA false

/* By pointer authentication, in the bits above those of an address. Of these there are 48: more
 * only where a program asks for them by mapping at such an address. */
#define ARCH_SIGNS_RETURNS true

static inline uintptr_t arch_return_address(uintptr_t word)
{
    return word & (((uintptr_t)1 << 48) - 1);
}

#define ARCH_UNW_LIBRARY "libunwind-aarch64.so.8"
#define ARCH_UNW_PREFIX "_Uaarch64_"
#define ARCH_UNW_LOCAL_PREFIX "_ULaarch64_"
#define ARCH_UNW_IP UNW_AARCH64_PC
#define ARCH_UNW_SP UNW_AARCH64_SP
#define ARCH_UNW_BP UNW_AARCH64_X29

/* x30 is left out: where a walk starts it is saved, and where a rule is derived from made-up
 * registers it must not be there, for a frame that has not saved it has no rule. */
#define ARCH_UNW_REGISTERS                                                                         \
    {                                                                                              \
        UNW_AARCH64_PC, UNW_AARCH64_SP, UNW_AARCH64_X29, UNW_AARCH64_X19, UNW_AARCH64_X20,         \
            UNW_AARCH64_X21, UNW_AARCH64_X22, UNW_AARCH64_X23, UNW_AARCH64_X24, UNW_AARCH64_X25,   \
            UNW_AARCH64_X26, UNW_AARCH64_X27, UNW_AARCH64_X28                                      \
    }
enum { ARCH_REGISTERS = 13 };

static inline __attribute__((always_inline)) void arch_registers(uint64_t value[ARCH_REGISTERS])
{
    __asm__ volatile("adr x9, .\n\tmov x10, sp\n\tstp x9, x10, [%0]\n\t"
                     "stp x29, x19, [%0, 16]\n\tstp x20, x21, [%0, 32]\n\t"
                     "stp x22, x23, [%0, 48]\n\tstp x24, x25, [%0, 64]\n\t"
                     "stp x26, x27, [%0, 80]\n\tstr x28, [%0, 96]"
                     :
                     : "r"(value)
                     : "x9", "x10", "memory");
}

/* Until libunwind 1.8.3 it tells most of them less one. */
#define ARCH_UNW_BACKTRACE 0
#define ARCH_UNW_ENDS_AT_ZERO 1

#define ARCH_UNW_BARE_ENDS 0

#define ARCH_RELOC_IS_CALL_SLOT(type)                                                              \
    ((type) == R_AARCH64_JUMP_SLOT || (type) == R_AARCH64_GLOB_DAT)
#define ARCH_RELOC_IS_POINTER(type) ((type) == R_AARCH64_ABS64)
#define ARCH_RELOC_IS_COPY(type) ((type) == R_AARCH64_COPY)

#else
#error "memprof runs on x86_64 and aarch64"
#endif

#endif
