/* SPDX-License-Identifier: MIT
 *
 * A recorder of a test's own in a directory of its own, to be fed (feed.h), and its dumps. One at a
 * time; dumps are written by one thread.
 */
#ifndef RECORDING_H
#define RECORDING_H

#include "feed.h"
#include "parsed.h"

/* Where made-up blocks lie: one of the addresses that a process never has. */
#define RECORDING_BASE ((uintptr_t)0x600000000000)

extern struct recorder *recording;

/* The path of its dump. */
extern char recording_out[4096];

/* Set-up and tear-down of a test. */
int recording_setup(void **state);
int recording_teardown(void **state);

#define RECORDING_TEST(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, recording_setup, recording_teardown)

/* Ends the recorder, if there is one, and begins another with OPTIONS. */
void recording_restart(struct options *options);

/* What the recorder says now: its dump, read back, to be dropped by json_decref. PATTERN: where it
 * goes, without sequences; NULL: to recording_out. */
json_t *recording_dump_to(const char *pattern);
json_t *recording_dump(void);

#endif
