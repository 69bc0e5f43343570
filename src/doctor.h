/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DOCTOR_H
#define DOCTOR_H
#include <stdbool.h>
/* doctor_try.c: works() tries one of the others, in a process of its own. */
bool works(bool (*feature)(void));
bool seccomp_traps(void);
bool calls_dispatch(void);
bool vdso_reads_clock(void);
bool memory_maps(void);
bool memory_executes(void);
bool memory_writes_and_executes(void);
bool memory_populates(void);
bool processes_start(void);
#endif
