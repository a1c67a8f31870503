/* SPDX-License-Identifier: MIT
 *
 * Debug information from the servers of DEBUGINFOD_URLS, for people who ask for it. All queries of
 * one client together take no longer than its budget: each runs in a child process that is killed
 * when the time is up. Nothing else in the project talks to a network. Not thread-safe.
 */
#ifndef REPORT_DEBUGINFOD_H
#define REPORT_DEBUGINFOD_H

struct debuginfod {
    unsigned long budget_ms; /* what is left */
    const char *reported;    /* the caller's: the error that was reported last, or NULL */
};

/* The path of the file with the debug information of BUILD_ID (hex) in debuginfod's cache,
 * malloc'd. NULL if no server has it, with *ERROR (static text) if it could not even be asked or
 * the time is up, else *ERROR NULL. */
char *debuginfod_fetch(struct debuginfod *client, const char *build_id, const char **error);

#endif
