/* SPDX-License-Identifier: MIT
 *
 * The model of the dump made by hand, new for each test of a file.
 */
#ifndef HAND_MODEL_H
#define HAND_MODEL_H

#include "hand_made.h"
#include "model.h"

static struct symbolizer *symbols;
static struct model *m;

static int setup(void **state)
{
    (void)state;
    symbols = fake_symbolizer();
    m = model_new(&hand_dump, symbols, NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    model_free(m);
    symbolizer_free(symbols);
    return 0;
}

#endif
