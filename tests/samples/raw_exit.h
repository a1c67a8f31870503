/* SPDX-License-Identifier: MIT
 *
 * The end of the process by a system call that no library sees.
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

#endif
