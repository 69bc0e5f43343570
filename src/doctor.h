/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DOCTOR_H
#define DOCTOR_H
#include <stdbool.h>
/* Tries it, in a process of its own. */
bool have_seccomp_trap(void);
#endif
