/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of kbox-rewrite. */
#ifndef REWRITE_H
#define REWRITE_H
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include "walk.h"

/* elf.c: a file that has been read and checked. */
struct elf_file {
	u8 *bytes;
	size_t size;
	Elf64_Ehdr header;
	enum kbox_isa isa;
	bool has_interp;
};

/* What is wrong with the file, or NULL; then elf_free() it. */
const char *elf_read(struct elf_file *f, int fd);
const char *elf_read_path(struct elf_file *f, const char *path);
/* Program header i, for the file is not aligned. Every PT_LOAD lies within the file. */
Elf64_Phdr elf_segment(const struct elf_file *f, unsigned int i);
bool elf_is_code(const Elf64_Phdr *ph);
void elf_free(struct elf_file *f);

/*
 * forks.c: has the file a call of fork, vfork, clone or clone3? 1, 0, or -1 if it cannot be
 * analysed.
 */
int kbox_rewrite_file_has_fork_sites(int fd);

/* report.c */
void report(const struct elf_file *f, const char *path, bool sites);

#endif
