/* SPDX-License-Identifier: MIT
 *
 * What the library's JSON writer wrote into a file in memory, as bytes or read back by jansson, for
 * its tests. One at a time.
 */
#ifndef WRITTEN_H
#define WRITTEN_H

#include "json.h"
#include "parsed.h"
#include "support.h"

/* The writer, after written_begin. */
extern struct json written;

void written_begin(void);

/* Ends the writing, which must have gone well, and returns the SIZE bytes, to be freed. */
char *written_end(size_t *size);

/* The same as a value; what is no JSON fails the test. */
json_t *written_parse(void);

#endif
