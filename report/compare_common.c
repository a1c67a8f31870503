/* SPDX-License-Identifier: MIT
 *
 * What two stacks have in common, wherever it is in them.
 */
#include "compare_parts.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define MAX_STEPS (UINT64_C(1) << 31) /* of all comparisons: some seconds; what is left is new */

/* What a frame counts for: one without a name says little. */
#define WEIGHT_NAMED 4
#define WEIGHT_NAMELESS 1
#define LOST_BY_LINE 1 /* of a named one, if the line differs */

static unsigned weight_of(const struct identities *t, uint32_t frame)
{
    return identities_frame_at(t, frame)->function ? WEIGHT_NAMED : WEIGHT_NAMELESS;
}

/* What two frames have in common. */
static unsigned common_of(const struct identities *t, uint32_t x, uint32_t y)
{
    if (x == y)
        return weight_of(t, x);
    if (identities_frame_at(t, x)->call != identities_frame_at(t, y)->call)
        return 0;
    return weight_of(t, x) - LOST_BY_LINE;
}

/* Writes the frames of NODE down, outermost first; returns how many. */
static size_t write_down(const struct identities *t, uint32_t node, uint32_t **frames,
                         size_t *capacity, unsigned *weight)
{
    size_t n = identities_node_at(t, node)->depth;
    *frames = mem_grow(*frames, capacity, n, sizeof **frames);
    *weight = 0;
    for (size_t i = n; i-- > 0; node = identities_node_at(t, node)->parent) {
        (*frames)[i] = identities_node_at(t, node)->frame;
        *weight += weight_of(t, (*frames)[i]);
    }
    return n;
}

/* The greatest sum of common frames of NX frames at X and NY at Y, in order. */
static unsigned common_part(struct compare_common *s, const uint32_t *x, size_t nx,
                            const uint32_t *y, size_t ny)
{
    unsigned sum = 0;
    for (unsigned c; nx && ny && (c = common_of(s->t, x[0], y[0])); nx--, ny--, x++, y++)
        sum += c;
    for (unsigned c; nx && ny && (c = common_of(s->t, x[nx - 1], y[ny - 1])); nx--, ny--)
        sum += c;
    nx = nx < COMPARE_MIDDLE ? nx : COMPARE_MIDDLE;
    ny = ny < COMPARE_MIDDLE ? ny : COMPARE_MIDDLE;
    s->steps += nx * ny;
    unsigned *before = s->table[0], *now = s->table[1];
    memset(before, 0, sizeof s->table[0]);
    now[0] = 0;
    for (size_t i = 0; i < nx; i++) {
        for (size_t k = 0; k < ny; k++) {
            unsigned both = before[k] + common_of(s->t, x[i], y[k]);
            unsigned best = before[k + 1] > now[k] ? before[k + 1] : now[k];
            now[k + 1] = both > best ? both : best;
        }
        unsigned *swap = before;
        before = now;
        now = swap;
    }
    return sum + before[ny];
}

unsigned compare_share(struct compare_common *s, uint32_t a, uint32_t b)
{
    unsigned a_weight, b_weight;
    size_t nx = write_down(s->t, a, &s->x, &s->x_capacity, &a_weight),
           ny = write_down(s->t, b, &s->y, &s->y_capacity, &b_weight);
    s->steps += nx + ny;
    unsigned common = common_part(s, s->x, nx, s->y, ny);
    unsigned longer = a_weight > b_weight ? a_weight : b_weight;
    return longer ? 1000 * common / longer : 0;
}

bool compare_has_steps(const struct compare_common *s)
{
    return s->steps < MAX_STEPS;
}

void compare_common_free(struct compare_common *s)
{
    free(s->x);
    free(s->y);
    *s = (struct compare_common){.t = s->t};
}
