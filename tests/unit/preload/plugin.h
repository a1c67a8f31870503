/* SPDX-License-Identifier: MIT */
#ifndef PLUGIN_H
#define PLUGIN_H

/* Calls FUNCTION with ARG. */
void plugin_call(void (*function)(void *), void *arg);
typedef void plugin_caller(void (*function)(void *), void *arg);

extern const char plugin_name[];

/* getppid, called and pointed to from within the library, and a pointer to getpid. */
int plugin_parent(void);
extern int (*plugin_parent_pointer)(void);
extern int (*plugin_other_pointer)(void);

#endif
