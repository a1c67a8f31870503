/* SPDX-License-Identifier: MIT
 *
 * The dump format: what the writer (preload/) and the readers (report/) must agree on.
 * The normative description is dump.schema.json beside this file.
 *
 * Histograms (`size_log2`, `lifetime_log2_ns`) are arrays whose index is the bit width of the
 * value: index 0 counts the value 0, index k >= 1 counts 2^(k-1) <= value < 2^k. Trailing zeros
 * are left out; values of 63 and more bits are all counted at index 63. Lifetimes are measured of
 * the first 16 blocks that a thread allocates at a site and of one in 32 of the others, which
 * counts for 32, and scaled so that they add up to free_count.
 *
 * In a sampled dump (`mode.kind`) the figures of totals, sites and timeline are estimates without
 * bias, in whole numbers: each sampled block counts as W blocks, W drawn with mean 1/p. A member
 * NAME_se is the standard error of NAME: se^2 = sum of W (W - 1) x^2 over the sampled blocks, x
 * being 1 for counts and the size for bytes (from D. G. Horvitz and D. J. Thompson, A
 * Generalization of Sampling Without Replacement From a Finite Universe, 1952; see
 * preload/sampler_variance.h). Errors of sums over several sites: the root of the sum of their
 * squares. Left out where 0.
 *
 * `memory.profiler` names the parts of what the profiler itself has in memory, in resident bytes;
 * they add up to `memory.profiler_bytes`. Not in it is what cannot be told from the host's own:
 * what the loader keeps for each library, stacks that are deeper for the profiler's calls, and
 * pages of the host's files (unwind tables above all) that only the profiler reads.
 *
 * Frames are a calling-context tree: `frames[i] = [parent, module, offset]`, parent < i, frame 0
 * is the root [-1, -1, 0]. With module >= 0 the offset is one into the module's file:
 *     virtual address in the ELF file = offset - file_offset + start - load_bias
 * With module -1 it is an absolute address (code without a file: JIT, trampolines); with module -2
 * an index into `interpreted`. A frame holds a return address, so its source position is that of
 * the byte before, but for the frames listed in `signal_frames`: these were interrupted by a
 * signal and hold the very instruction.
 */
#ifndef MEMPROF_FORMAT_H
#define MEMPROF_FORMAT_H

#define MEMPROF_FORMAT_NAME "memprof-dump"
#define MEMPROF_FORMAT_VERSION 1
#define MEMPROF_PRODUCER "memprof " MEMPROF_VERSION

#define MEMPROF_HISTOGRAM_BUCKETS 64

#define MEMPROF_FRAME_ROOT 0
#define MEMPROF_MODULE_NONE (-1)
#define MEMPROF_MODULE_INTERPRETED (-2)

#endif
