/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FENCES_H
#define FENCES_H
#include <stdbool.h>

/* One line for each fence, and what to do where it is not there. */
void print_fences(void);

/* Returns if all are there, of a box with volumes or without, else says which is not. */
void require_fences(bool volumes);
#endif
