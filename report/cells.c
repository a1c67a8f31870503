/* SPDX-License-Identifier: MIT */
#include "cells.h"
#include "format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* UTF-8's plus-minus sign: two bytes, one column. */
#define PLUS_MINUS "\u00b1"

int cells_width(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

const char *cells_add_error(char buffer[UNITS_MAX], const char *error)
{
    size_t used = strlen(buffer);
    snprintf(buffer + used, UNITS_MAX - used, " " PLUS_MINUS "%s", error + strspn(error, " "));
    return buffer;
}

/* What CELL has of an error, at the end of what it was formatted to. */
static const char *add_error(char buffer[UNITS_MAX], const struct cell *cell,
                             const struct unit *unit)
{
    char error[UNITS_MAX];
    if (!cell->has_error)
        return buffer;
    if (cell->kind == CELL_BYTES && unit->bytes > 1)
        snprintf(error, sizeof error, "%.3f", (double)cell->error / (double)unit->bytes);
    else
        snprintf(error, sizeof error, "%" PRIu64, cell->error);
    return cells_add_error(buffer, error);
}

const char *cells_format(char buffer[UNITS_MAX], const struct cell *cell, const struct unit *unit)
{
    switch (cell->kind) {
    case CELL_BYTES:
        units_size(buffer, cell->value, unit);
        return add_error(buffer, cell, unit);
    case CELL_AVERAGE:
        /* In MiB the usual ones would all be 0.000. */
        return unit->bytes == 1 ? units_size(buffer, cell->value, unit)
                                : units_human(buffer, cell->value);
    case CELL_COUNT:
        snprintf(buffer, UNITS_MAX, "%" PRIu64, cell->value);
        return add_error(buffer, cell, unit);
    case CELL_PERCENT:
        snprintf(buffer, UNITS_MAX, "%.2f", cell->percent);
        return buffer;
    case CELL_DURATION:
        return units_duration(buffer, cell->value);
    case CELL_NOTHING:
        break;
    }
    return "";
}

const char *cells_count(char buffer[UNITS_MAX], uint64_t count)
{
    char digits[24];
    size_t n = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, count), at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            buffer[at++] = ',';
        buffer[at++] = digits[i];
    }
    buffer[at] = '\0';
    return buffer;
}

struct cells_widths cells_widths_of(const struct columns *columns)
{
    struct cells_widths w = {{0}};
    for (size_t i = 0; i < columns->n; i++) {
        int title = (int)strlen(columns->column[i]->title), least = columns->column[i]->width;
        w.width[i] = title > least ? title : least;
    }
    return w;
}

void cells_widen(struct cells_widths *w, const struct columns *columns,
                 const struct figures *figures, const struct dump *dump, const struct unit *unit)
{
    char buffer[UNITS_MAX];
    for (size_t i = 0; i < columns->n; i++) {
        struct cell cell = columns->column[i]->get(figures, dump);
        int needed = cells_width(cells_format(buffer, &cell, unit));
        if (w->width[i] < needed)
            w->width[i] = needed;
    }
}

void cells_place(FILE *out, const struct place *place, void (*put)(FILE *, const char *))
{
    put(out, place->function);
    if (place->file && place->line) {
        fputc(' ', out);
        put(out, place->file);
        fprintf(out, ":%" PRIu32, place->line);
    } else if (place->module) {
        fputs(" (", out);
        put(out, format_base_name(place->module));
        fputc(')', out);
    } else if (place->function[0] != '[') { /* [no stack] */
        fputs(" (no file)", out);
    }
}
