/* SPDX-License-Identifier: GPL-2.0-only */
/* A writer of tar archives. What cannot be written ends the box, with a line. */
#ifndef INIT_TAR_H
#define INIT_TAR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tar_type {
	TAR_FILE = '0', TAR_LINK = '1', TAR_SYMLINK = '2', TAR_CHAR = '3', TAR_BLOCK = '4', TAR_DIRECTORY = '5',
	TAR_FIFO = '6',
};

struct stat;

void tar_begin(int fd);
/* Of the entry that comes next. */
void tar_attribute(const char *name, const void *value, size_t size);
void tar_entry(const char *name, char type, const struct stat *st, uint64_t size, const char *link);
/* The content of a file, piece by piece, and then what fills the last block. */
void tar_data(const void *data, size_t n);
void tar_hole(uint64_t n);
void tar_pad(uint64_t size);
void tar_end(void);
void tar_fail(const char *what) __attribute__((noreturn));

#endif
