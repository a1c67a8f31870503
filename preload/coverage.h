/* SPDX-License-Identifier: MIT
 *
 * How much of the program the profile has seen, and in words why not all of it. Called by the dump
 * with its totals.
 */
#ifndef PRELOAD_COVERAGE_H
#define PRELOAD_COVERAGE_H

#include "dump_totals.h"
#include "json.h"
#include "recorder.h"

/* Writes the dump's `coverage`: percent = 100 * recorded / (recorded + dropped + freed unseen). */
void coverage_write(struct json *j, const struct recorder *r, const struct dump_totals *totals,
                    uint64_t rss_bytes);

/* Whether the file at PATH is a program that loads no libraries, so that it cannot be recorded. */
bool coverage_is_static_program(const char *path);

/* Remembers for the coming dump that no other can follow: the program is about to forbid that. */
void coverage_note_sandbox(bool is_last);

/* Remembers for the coming dump that the process is about to become such a program. */
void coverage_note_static(const char *path);

#endif
