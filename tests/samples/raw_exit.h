/* SPDX-License-Identifier: MIT
 *
 * The end of the process, and a fork, by system calls that no library sees.
 */
#ifndef RAW_EXIT_H
#define RAW_EXIT_H

#include <sys/syscall.h>

static inline void raw_exit(long code)
{
#if defined(__x86_64__)
    __asm__ volatile("syscall" ::"a"((long)SYS_exit_group), "D"(code) : "rcx", "r11", "memory");
#else
    register long number __asm__("x8") = SYS_exit_group;
    register long status __asm__("x0") = code;
    __asm__ volatile("svc 0" ::"r"(number), "r"(status) : "memory");
#endif
}

/* As fork, but that libc's caches of what differs in the child are its parent's. */
static inline long raw_fork(void)
{
    const long flags = 17; /* SIGCHLD, the signal at its end, alone */
#if defined(__x86_64__)
    long result;
    register long tls __asm__("r8") = 0;
    register long child_tid __asm__("r10") = 0;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((long)SYS_clone), "D"(flags), "S"(0L), "d"(0L), "r"(child_tid), "r"(tls)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long number __asm__("x8") = SYS_clone;
    register long result __asm__("x0") = flags;
    register long stack __asm__("x1") = 0, parent_tid __asm__("x2") = 0;
    register long tls __asm__("x3") = 0, child_tid __asm__("x4") = 0;
    __asm__ volatile("svc 0"
                     : "+r"(result)
                     : "r"(number), "r"(stack), "r"(parent_tid), "r"(tls), "r"(child_tid)
                     : "memory");
    return result;
#endif
}

#endif
