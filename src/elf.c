// SPDX-License-Identifier: GPL-2.0-only
/* Loads the kernel, an ELF file linked at its address in guest memory. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
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
static void load(const struct box *b, int fd, const char *path, const Elf64_Phdr *ph)
{
	off_t from = ph->p_offset;
	size_t n = ph->p_filesz;
	ssize_t got;

	if (lseek(b->mem_fd, ph->p_vaddr - KBOX_PAGE_OFFSET, SEEK_SET) < 0)
		die("%s: cannot place it: %s", path, strerror(errno));
	for (; n; n -= got) {
		got = sendfile(b->mem_fd, fd, &from, n);
		if (got <= 0)
			break;
	}
	/* What cannot be sent (some file systems) is read; or it cannot either, and says why. */
	read_at(fd, path, (char *)ph->p_vaddr + (ph->p_filesz - n), n, from);
}

static void load_segments(struct box *b, int fd, const char *path, const Elf64_Ehdr *e)
{
	Elf64_Phdr *ph = read_new(fd, path, e->e_phnum * sizeof(*ph), e->e_phoff);

	for (int i = 0; i < e->e_phnum; i++) {
		uint64_t end = ph[i].p_vaddr + ph[i].p_memsz - KBOX_PAGE_OFFSET;

		if (ph[i].p_type == PT_NOTE)
			read_note(b, fd, path, &ph[i]);
		if (ph[i].p_type != PT_LOAD || !ph[i].p_memsz)
			continue;
		if (ph[i].p_vaddr < KBOX_PAGE_OFFSET + KBOX_IMAGE_PHYS || ph[i].p_filesz > ph[i].p_memsz)
			die("%s: not a kernel of kbox", path);
		if (!inside(b, ph[i].p_vaddr, ph[i].p_memsz))
			die("%s: does not fit into --mem; give more", path);
		/* bss is zero: the memory is new */
		load(b, fd, path, &ph[i]);
		if (end > b->kernel_end)
			b->kernel_end = end;
	}
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
	close(fd);
}
