/* SPDX-License-Identifier: MIT
 *
 * A library to be loaded and unloaded. A and B are alike but for the string, so that the loader
 * puts one where the other was; in C all is bound when it is loaded, and read-only then.
 */
#include "plugin.h"

#include <unistd.h>

const char plugin_name[] = PLUGIN_NAME;

void plugin_call(void (*function)(void *), void *arg)
{
    function(arg);
    __asm__ volatile("" ::: "memory"); /* the call returns to here */
}

int plugin_parent(void)
{
    return getppid();
}

int (*plugin_parent_pointer)(void) = getppid;
int (*plugin_other_pointer)(void) = getpid;
