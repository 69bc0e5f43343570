// SPDX-License-Identifier: GPL-2.0-only
/* Reads an ELF file and believes nothing of it: what elf_read() lets through is safe to walk. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "rewrite.h"

/*
 * A copy, not a mapping: one faults if somebody cuts the file meanwhile. The file's position stays
 * where it is.
 */
static const char *read_all(struct elf_file *f, int fd)
{
	struct stat st;
	ssize_t n = 1;

	if (fstat(fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a file";
	f->bytes = malloc(st.st_size + 1);
	if (!f->bytes)
		return strerror(errno);
	while (f->size < (size_t)st.st_size && n > 0) {
		n = pread(fd, f->bytes + f->size, st.st_size - f->size, f->size);
		if (n < 0)
			return strerror(errno);
		f->size += n;
	}
	return NULL;
}

static const char *check_header(struct elf_file *f)
{
	const Elf64_Ehdr *e = &f->header;

	if (f->size < SELFMAG || memcmp(f->bytes, ELFMAG, SELFMAG))
		return "not an ELF file";
	if (f->size < sizeof(*e))
		return "truncated";
	memcpy(&f->header, f->bytes, sizeof(*e));
	if (e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_ident[EI_DATA] != ELFDATA2LSB)
		return "not a 64-bit little-endian ELF file";
	if (e->e_machine != EM_X86_64 && e->e_machine != EM_AARCH64)
		return "neither for x86_64 nor for aarch64";
	f->isa = e->e_machine == EM_X86_64 ? KBOX_ISA_X86_64 : KBOX_ISA_AARCH64;
	if (e->e_phnum && e->e_phentsize != sizeof(Elf64_Phdr))
		return "program headers of an unknown size";
	if (e->e_phoff > f->size || e->e_phnum * sizeof(Elf64_Phdr) > f->size - e->e_phoff)
		return "truncated: its program headers are missing";
	return NULL;
}

static const char *check_segments(struct elf_file *f)
{
	bool code = false;

	for (unsigned int i = 0; i < f->header.e_phnum; i++) {
		Elf64_Phdr ph = elf_segment(f, i);

		f->has_interp |= ph.p_type == PT_INTERP;
		if (ph.p_type != PT_LOAD)
			continue;
		if (ph.p_offset > f->size || ph.p_filesz > f->size - ph.p_offset)
			return "truncated: a segment is missing";
		if (ph.p_vaddr + ph.p_filesz < ph.p_vaddr)
			return "a segment goes beyond the end of the address space";
		code |= elf_is_code(&ph);
	}
	return code ? NULL : "no executable segment";
}

const char *elf_read(struct elf_file *f, int fd)
{
	const char *error;

	*f = (struct elf_file) { .bytes = NULL };
	error = read_all(f, fd);
	if (!error)
		error = check_header(f);
	if (!error)
		error = check_segments(f);
	if (error)
		elf_free(f);
	return error;
}

const char *elf_read_path(struct elf_file *f, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);	/* not to wait for a pipe's writer */
	const char *error;

	if (fd < 0)
		return strerror(errno);
	error = elf_read(f, fd);
	close(fd);
	return error;
}

Elf64_Phdr elf_segment(const struct elf_file *f, unsigned int i)
{
	Elf64_Phdr ph;

	memcpy(&ph, f->bytes + f->header.e_phoff + i * sizeof(ph), sizeof(ph));
	return ph;
}

bool elf_is_code(const Elf64_Phdr *ph)
{
	return ph->p_type == PT_LOAD && ph->p_flags & PF_X && ph->p_filesz;
}

void elf_free(struct elf_file *f)
{
	free(f->bytes);
	f->bytes = NULL;
}
