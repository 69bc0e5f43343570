// SPDX-License-Identifier: GPL-2.0-only
/* Loads the kernel, an ELF file linked at its address in guest memory. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "arch.h"
#include "box.h"

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

/* One zero byte follows, so that a string table always ends. */
static void *read_new(int fd, const char *path, size_t n, off_t off)
{
	void *p = calloc(1, n + 1);

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

static void load_segments(struct box *b, int fd, const char *path, const Elf64_Ehdr *e)
{
	Elf64_Phdr *ph = read_new(fd, path, e->e_phnum * sizeof(*ph), e->e_phoff);

	for (int i = 0; i < e->e_phnum; i++) {
		uint64_t end = ph[i].p_vaddr + ph[i].p_memsz - KBOX_PAGE_OFFSET;

		if (ph[i].p_type != PT_LOAD || !ph[i].p_memsz)
			continue;
		if (ph[i].p_vaddr < KBOX_PAGE_OFFSET + KBOX_IMAGE_PHYS || ph[i].p_filesz > ph[i].p_memsz)
			die("%s: not a kernel of kbox", path);
		if (!inside(b, ph[i].p_vaddr, ph[i].p_memsz))
			die("%s: does not fit into --mem; give more", path);
		/* bss is zero: the memory is new */
		read_at(fd, path, (void *)ph[i].p_vaddr, ph[i].p_filesz, ph[i].p_offset);
		if (end > b->kernel_end)
			b->kernel_end = end;
	}
	free(ph);
}

static void note_symbol(struct box *b, const char *name, uint64_t value)
{
	const struct { const char *name; uint64_t *to; } wanted[] = {
		{ "__hostcall_start", &b->hostcall_start }, { "__hostcall_end", &b->hostcall_end },
		{ "_text", &b->text[0].start }, { "_etext", &b->text[0].end },
		{ "__init_begin", &b->text[1].start }, { "_einittext_page", &b->text[1].end },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!strcmp(name, wanted[i].name))
			*wanted[i].to = value;
}

static void find_symbols(struct box *b, int fd, const char *path, const Elf64_Ehdr *e)
{
	Elf64_Shdr *sh = read_new(fd, path, e->e_shnum * sizeof(*sh), e->e_shoff);

	for (int i = 0; i < e->e_shnum; i++) {
		Elf64_Shdr *strs;
		Elf64_Sym *sym;
		char *names;

		if (sh[i].sh_type != SHT_SYMTAB || sh[i].sh_link >= e->e_shnum)
			continue;
		strs = &sh[sh[i].sh_link];
		sym = read_new(fd, path, sh[i].sh_size, sh[i].sh_offset);
		names = read_new(fd, path, strs->sh_size, strs->sh_offset);
		for (size_t k = 0; k < sh[i].sh_size / sizeof(*sym); k++) {
			/* underscore: all but a few are left aside at once */
			if (sym[k].st_name < strs->sh_size && names[sym[k].st_name] == '_')
				note_symbol(b, names + sym[k].st_name, sym[k].st_value);
		}
		free(sym);
		free(names);
	}
	free(sh);
}

static bool good_text(const struct box *b, int i)
{
	uint64_t start = b->text[i].start, end = b->text[i].end;

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
	find_symbols(b, fd, path, &e);
	if (!b->hostcall_start || b->hostcall_end <= b->hostcall_start || !inside(b, e.e_entry, 1) ||
	    !good_text(b, 0) || !good_text(b, 1))
		die("%s: not a kernel of kbox", path);
	b->entry = e.e_entry;
	close(fd);
}
