/* SPDX-License-Identifier: MIT
 *
 * The ledger of the sample `lines`: which source line is responsible for which bytes, known without
 * any unwinding. The sample writes every call that may allocate or free inside AT(..), which keeps
 * a stack of the lines being executed; libshim.so, preloaded, tells the ledger of each allocation.
 * Without libshim.so the sample does the same and the ledger stays empty.
 *
 * A line's stack entry is pushed and popped by calls that name it, and an asm statement that only
 * this line has takes the value: so the compiler can neither turn the call into a jump, nor merge
 * it with the same call on another line, nor leave out a block that is only freed again. The line
 * that the ledger names is the call's, at every level of optimization, and so is every number.
 */
#ifndef SAMPLES_LEDGER_H
#define SAMPLES_LEDGER_H

#define LEDGER_EXPORT __attribute__((visibility("default"), noinline, noipa))

LEDGER_EXPORT void ledger_push(const char *file, int line, const char *function);
LEDGER_EXPORT void ledger_pop(int line);

/* Writes the ledger to standard output as a JSON array, without allocating. */
void ledger_print(void);

/* The value of an expression, evaluated on this line. All of it must stand on one line. */
#define AT(...)                                                                                    \
    __extension__({                                                                                \
        ledger_push(__FILE__, __LINE__, __func__);                                                 \
        __typeof__(__VA_ARGS__) value_ = __VA_ARGS__;                                              \
        __asm__ volatile("# line %c1" : "+r"(value_) : "i"(__LINE__) : "memory");                  \
        ledger_pop(__LINE__);                                                                      \
        value_;                                                                                    \
    })

/* The same for a call without value. */
#define RUN(...)                                                                                   \
    do {                                                                                           \
        ledger_push(__FILE__, __LINE__, __func__);                                                 \
        __VA_ARGS__;                                                                               \
        __asm__ volatile("# line %c0" ::"i"(__LINE__) : "memory");                                 \
        ledger_pop(__LINE__);                                                                      \
    } while (0)

/* Makes the compiler believe that P is used. */
#define USE(p) __asm__ volatile("" ::"r"(p) : "memory")

#endif
