/* SPDX-License-Identifier: MIT */
#ifndef PLUGIN_H
#define PLUGIN_H

/* Calls FUNCTION with ARG. */
void plugin_call(void (*function)(void *), void *arg);
typedef void plugin_caller(void (*function)(void *), void *arg);

extern const char plugin_name[];

#endif
