/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_SNAPSHOT_H
#define KBOX_SNAPSHOT_H
/*
 * setup.c calls it on the first host thread of another box, which is Z and has the CPU: what stood
 * still goes on.
 */
void __noreturn snapshot_resume(void);
#endif
