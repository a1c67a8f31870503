/* SPDX-License-Identifier: MIT
 *
 * FIFOs that are opened by name. Their other side may be slow to begin; but a name that is a FIFO
 * by mistake must not stop a job of CI until somebody looks.
 */
#ifndef REPORT_FIFO_H
#define REPORT_FIFO_H

#define FIFO_PATIENCE 10 /* seconds until somebody must have opened the other side */

/* Opens the FIFO at PATH to write. Returns a blocking descriptor, or -1 with errno: ENXIO if nobody
 * reads. */
int fifo_open_to_write(const char *path);

#endif
