/* SPDX-License-Identifier: MIT
 *
 * For the linker's --wrap: a function that fails when the plan says so, else is the real one.
 */
#ifndef FAULTS_WRAP_H
#define FAULTS_WRAP_H

#include <errno.h>

#include "plan.h"

/* WRAP(type, name, parameters, arguments, class, what a failure returns). */
#define WRAP(type, name, parameters, arguments, class_name, failure)                               \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (plan_fails(class_name)) {                                                              \
            return failure;                                                                        \
        }                                                                                          \
        return __real_##name arguments;                                                            \
    }

static inline int failing(int error)
{
    errno = error;
    return -1;
}

static inline void *without_memory(void)
{
    errno = ENOMEM;
    return (void *)0;
}

#endif
