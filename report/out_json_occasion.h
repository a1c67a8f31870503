/* SPDX-License-Identifier: MIT */
#ifndef REPORT_OUT_JSON_OCCASION_H
#define REPORT_OUT_JSON_OCCASION_H

#include "dump.h"
#include "json_write.h"

/* Writes the member `dump` of a summary. */
void json_occasion(struct json_writer *w, const struct dump *dump);

#endif
