/* SPDX-License-Identifier: MIT
 *
 * The parts of a dump, one function each; between load.c and load_parts.c. Errors are in the
 * reader's; a function that returns an error leaves its part unusable.
 */
#ifndef REPORT_LOAD_PARTS_H
#define REPORT_LOAD_PARTS_H

#include "dump.h"
#include "json_read.h"

/* Each returns 0, or -1 with the reason in R->error. ROOT is the whole document. In this order:
 * frames refer to modules, sites to frames. */
int load_modules(struct json_reader *r, json_t *root, struct dump *dump);
int load_interpreted(struct json_reader *r, json_t *root, struct dump *dump);
int load_frames(struct json_reader *r, json_t *root, struct dump *dump);
int load_sites(struct json_reader *r, json_t *root, struct dump *dump);

/* Adds a warning to those that the dump brought along. */
void load_warn(struct dump *dump, const char *code, const char *text);

/* Compares the sites' sums with the totals and warns of each that differs. */
void load_check_sums(struct dump *dump, json_t *root);

#endif
