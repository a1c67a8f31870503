/* SPDX-License-Identifier: MIT
 *
 * Job control: stopping when the program has been stopped, so that the shell takes the terminal
 * back, and going on when the shell says so.
 */
#ifndef LAUNCHER_STOPPING_H
#define LAUNCHER_STOPPING_H

/* The program was stopped by signal NUMBER. Stops this process in the same way, and returns when it
 * goes on; returns at once where there is no terminal whose shell could make it go on. All signals
 * are blocked. */
void stopping_follow(int number);

#endif
