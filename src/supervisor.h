/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H
/* The box has something to say (exit_kind): from any thread. */
void supervisor_wake(void);
/* The signals that the supervisor waits for are blocked before any thread starts. */
void supervisor_block_signals(void);
#endif
