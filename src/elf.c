// SPDX-License-Identifier: GPL-2.0-only
/* Loads the kernel, an ELF file linked at its address in guest memory. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include "arch.h"
#include "box.h"

#define NOTES_MAX 4096

static void read_at(int fd, const char *path, void *to, size_t n, off_t off)
{
	char *p = to;
	ssize_t got;

	for (; n; n -= got, p += got, off += got) {
		got = pread(fd, p, n, off);
		if (got <= 0)
			die("%s: %s; build it again with make kernel", path, got ? strerror(errno) : "truncated");
	}
}

static void *read_new(int fd, const char *path, size_t n, off_t off)
{
	void *p = malloc(n + 1);	/* there may be nothing to read */

	if (!p)
		die("%s", reason(ENOMEM));
	read_at(fd, path, p, n, off);
	return p;
}

static bool inside(const struct box *b, uint64_t vaddr, uint64_t size)
{
	uint64_t phys = vaddr - KBOX_PAGE_OFFSET;	/* wraps if below */

	return phys >= KBOX_IMAGE_PHYS && phys < b->opt.mem && size <= b->opt.mem - phys;
}

/* Notes are aligned to 4 bytes, their names too (elf(5)). */
static void find_note(struct box *b, const char *notes, size_t size)
{
	Elf64_Nhdr n;

	for (size_t at = 0; at + sizeof(n) <= size;) {
		size_t name = at + sizeof(n), desc;

		memcpy(&n, notes + at, sizeof(n));
		desc = name + ((n.n_namesz + 3UL) & ~3UL);
		at = desc + ((n.n_descsz + 3UL) & ~3UL);
		if (at <= size && n.n_type == KBOX_NOTE_IMAGE && n.n_namesz == sizeof("kbox") &&
		    !memcmp(notes + name, "kbox", sizeof("kbox")))
			memcpy(&b->image, notes + desc, n.n_descsz < sizeof(b->image) ? n.n_descsz : sizeof(b->image));
		if (at <= size && n.n_type == NT_GNU_BUILD_ID && n.n_namesz == sizeof("GNU") &&
		    !memcmp(notes + name, "GNU", sizeof("GNU")))
			for (size_t i = 0; i < n.n_descsz && 2 * i + 2 < sizeof(b->kernel_build); i++)
				sprintf(b->kernel_build + 2 * i, "%02x", (unsigned char)notes[desc + i]);
	}
}

static void read_note(struct box *b, int fd, const char *path, const Elf64_Phdr *ph)
{
	char *notes;

	if (ph->p_filesz > NOTES_MAX)
		die("%s: not a kernel of kbox", path);
	notes = read_new(fd, path, ph->p_filesz, ph->p_offset);
	find_note(b, notes, ph->p_filesz);
	free(notes);
}

/* From file to file, so that the pages need not be mapped here one by one. */
static void copy(const struct box *b, int fd, const char *path, off_t from, uint64_t to, size_t n)
{
	ssize_t got;

	if (lseek(b->mem_fd, to - KBOX_PAGE_OFFSET, SEEK_SET) < 0)
		die("%s: cannot place it: %s", path, strerror(errno));
	for (; n; n -= got, to += got) {
		got = sendfile(b->mem_fd, fd, &from, n);
		if (got <= 0)
			break;
	}
	/* What cannot be sent (some file systems) is read; or it cannot either, and says why. */
	read_at(fd, path, (char *)to, n, from);
}

/* How far pages of zeroes go on from there, or others. */
static size_t run_of(const char *file, size_t at, size_t size, bool zero)
{
	while (at < size) {
		size_t n = size - at < 4096 ? size - at : 4096;

		if (zero != (!file[at] && !memcmp(file + at, file + at + 1, n - 1)))
			break;
		at += n;
	}
	return at;
}

/* NULL: it is not as long, or not one to be mapped. */
static char *map_file(int fd, off_t from, size_t n, int prot)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) || st.st_size < from || n > (uint64_t)(st.st_size - from))
		return NULL;
	p = mmap(NULL, n, prot, MAP_SHARED, fd, from);
	return p == MAP_FAILED ? NULL : p;
}

/* The memory is new: bss is zero, and pages of zeroes need not be written. */
static void load(const struct box *b, int fd, const char *path, const Elf64_Phdr *ph)
{
	size_t n = ph->p_filesz, end;
	char *file = map_file(fd, ph->p_offset, n, PROT_READ);

	if (!file) {
		copy(b, fd, path, ph->p_offset, ph->p_vaddr, n);
		return;
	}
	for (size_t at = run_of(file, 0, n, true); at < n; at = run_of(file, end, n, true)) {
		end = run_of(file, at, n, false);
		copy(b, fd, path, ph->p_offset + at, ph->p_vaddr + at, end - at);
	}
	munmap(file, n);
}

/*
 * Text that nobody ever writes to is most of the kernel. It stays in its file, of which the host
 * has one copy for all boxes, where that file can be executed (not if it is mounted noexec).
 */
static bool stays_in_file(struct box *b, int fd, const Elf64_Phdr *ph)
{
	uint64_t start = b->image.text[0].start, size = b->image.text[0].end - start;
	char *p;

	if (is_hidden(KBOX_HIDE_MAP_TEXT) || ph->p_vaddr != start || ph->p_memsz > size)
		return false;
	p = map_file(fd, ph->p_offset, size, PROT_READ | PROT_EXEC);
	if (!p)
		return false;
	munmap(p, size);
	b->text_fd = fd;
	b->text_at = ph->p_offset;
	return true;
}

static void load_segment(struct box *b, int fd, const char *path, const Elf64_Phdr *ph)
{
	uint64_t end = ph->p_vaddr + ph->p_memsz - KBOX_PAGE_OFFSET;

	if (ph->p_vaddr < KBOX_PAGE_OFFSET + KBOX_IMAGE_PHYS || ph->p_filesz > ph->p_memsz)
		die("%s: not a kernel of kbox", path);
	if (!inside(b, ph->p_vaddr, ph->p_memsz))
		die("%s: does not fit into --mem; give more", path);
	/* A box that goes on has all but the text, which may be in the file there. */
	if (!stays_in_file(b, fd, ph) && (!b->resume || ph->p_vaddr == b->image.text[0].start))
		load(b, fd, path, ph);
	if (end > b->kernel_end)
		b->kernel_end = end;
}

static void load_segments(struct box *b, int fd, const char *path, const Elf64_Ehdr *e)
{
	Elf64_Phdr *ph = read_new(fd, path, e->e_phnum * sizeof(*ph), e->e_phoff);

	for (int i = 0; i < e->e_phnum; i++)
		if (ph[i].p_type == PT_NOTE)
			read_note(b, fd, path, &ph[i]);
	b->text_fd = b->mem_fd;
	b->text_at = b->image.text[0].start - KBOX_PAGE_OFFSET;
	for (int i = 0; i < e->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_memsz)
			load_segment(b, fd, path, &ph[i]);
	free(ph);
}

static bool good_text(const struct box *b, int i)
{
	uint64_t start = b->image.text[i].start, end = b->image.text[i].end;

	return start < end && !(start % 4096) && !(end % 4096) && inside(b, start, end - start);
}

void load_kernel(struct box *b)
{
	char buf[PATH_MAX];
	const char *path = companion("vmlinux", "KBOX_KERNEL", buf, sizeof(buf));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr e;

	if (fd < 0)
		die("%s: %s%s", path, reason(errno), errno == ENOENT ? "; build it with make kernel" : "");
	read_at(fd, path, &e, sizeof(e), 0);
	if (memcmp(e.e_ident, ELFMAG, SELFMAG) || e.e_ident[EI_CLASS] != ELFCLASS64 ||
	    e.e_machine != ARCH_ELF || e.e_phentsize != sizeof(Elf64_Phdr))
		die("%s: not a kernel", path);
	load_segments(b, fd, path, &e);
	if (b->image.abi && b->image.abi != KBOX_ABI)
		die("%s: a kernel for another version of kbox; build both again with make", path);
	if (!b->image.hostcall_start || b->image.hostcall_end <= b->image.hostcall_start || !inside(b, e.e_entry, 1) ||
	    !good_text(b, 0) || !good_text(b, 1))
		die("%s: not a kernel of kbox", path);
	b->entry = e.e_entry;
	if (b->text_fd != fd)
		close(fd);
}

void release_kernel(const struct box *b)
{
	if (b->text_fd != b->mem_fd)
		close(b->text_fd);
}
