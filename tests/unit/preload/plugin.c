/* SPDX-License-Identifier: MIT
 *
 * A library to be loaded and unloaded. Two are made of this, alike but for the string, so that the
 * loader puts one where the other was.
 */
#include "plugin.h"

const char plugin_name[] = PLUGIN_NAME;

void plugin_call(void (*function)(void *), void *arg)
{
    function(arg);
    __asm__ volatile("" ::: "memory"); /* the call returns to here */
}
