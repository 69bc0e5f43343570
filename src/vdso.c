// SPDX-License-Identifier: GPL-2.0-only
/* The host's vDSO (vdso(7)): where it is, and where its functions are; and its vsyscall page. */
#define _GNU_SOURCE
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include "arch.h"
#include "box.h"

#define PARTS	8

/* Its text, and its data before that. */
static struct { uint64_t start, end; } parts[PARTS];
static int nparts;

#define VDSO_DATA_MAX	(1UL << 20)

/* Programs' addresses end below the vDSO, and its data, which is before it. */
static void keep_clear_of(struct kbox_boot *boot, uint64_t vdso)
{
	if (vdso > KBOX_HOME_END && vdso - VDSO_DATA_MAX < boot->user_end)
		boot->user_end = vdso - VDSO_DATA_MAX;
}

void find_vdso(struct kbox_boot *boot)
{
	unsigned long start, end, vdso = getauxval(AT_SYSINFO_EHDR);
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");

	boot->user_end = ARCH_USER_END((uintptr_t)__builtin_frame_address(0));
	/*
	 * Without /proc nobody says how far it reaches. The kernel then asks the host for the time;
	 * and where the host has sealed it, what reaches over it cannot be unmapped.
	 */
	if (!maps) {
		keep_clear_of(boot, vdso);
		return;
	}
	while (fgets(line, sizeof(line), maps)) {
		if (strstr(line, "[vsyscall]") && !is_hidden(KBOX_HIDE_VSYSCALL))
			boot->vsyscall_prot = (strstr(line, " r") ? PROT_READ : 0) | PROT_EXEC;
		if (is_hidden(KBOX_HIDE_VDSO) || (!strstr(line, "[vvar") && !strstr(line, "[vdso]")))
			continue;
		if (sscanf(line, "%lx-%lx", &start, &end) != 2 || nparts == PARTS)
			continue;
		parts[nparts].start = start;
		parts[nparts++].end = end;
	}
	fclose(maps);
	if (!nparts) {
		keep_clear_of(boot, vdso);
		return;
	}
	boot->keep_start = parts[0].start;
	boot->keep_end = parts[nparts - 1].end;
	if (vdso && !is_hidden(KBOX_HIDE_VDSO_CLOCK))
		boot->vdso_clock_gettime = vdso_symbol(vdso, ARCH_VDSO_CLOCK_GETTIME);
}

static bool move_part(int i, uint64_t from, uint64_t to)
{
	uint64_t size = parts[i].end - parts[i].start, at = parts[i].start - parts[0].start;

	return mremap((void *)(from + at), size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to + at) != MAP_FAILED;
}

static bool move_parts(uint64_t to)
{
	uint64_t from = parts[0].start;
	int i = 0;

	if (is_hidden(KBOX_HIDE_VDSO_MOVE) || parts[nparts - 1].end - from > KBOX_HOST_VDSO_SIZE)
		return false;
	while (i < nparts && move_part(i, from, to))
		i++;
	if (i == nparts)
		return true;
	while (i--)
		move_part(i, to, from);
	return false;
}

/*
 * Into the home, out of the guests' way. Where the host has sealed it, their addresses end there.
 */
void move_vdso(struct kbox_boot *boot)
{
	int64_t by = KBOX_HOST_VDSO - boot->keep_start;

	if (!boot->keep_start)
		return;
	if (move_parts(KBOX_HOST_VDSO)) {
		boot->keep_start += by;
		boot->keep_end += by;
		boot->vdso_clock_gettime += boot->vdso_clock_gettime ? by : 0;
	} else if (boot->keep_start >= KBOX_HOME_END) {
		boot->user_end = boot->user_end < boot->keep_start ? boot->user_end : boot->keep_start;
	} else {
		boot->keep_start = boot->keep_end = boot->vdso_clock_gettime = 0;
	}
}

/* The last chain of a GNU hash table ends with the last symbol. */
static uint32_t gnu_hash_symbols(const uint32_t *h)
{
	uint32_t nbuckets = h[0], first = h[1], last = 0;
	const uint32_t *buckets = h + 4 + 2 * h[2], *chain = buckets + nbuckets;

	for (uint32_t i = 0; i < nbuckets; i++)
		if (buckets[i] > last)
			last = buckets[i];
	while (last >= first && !(chain[last - first] & 1))
		last++;
	return last + 1;
}

struct dynamic {
	const Elf64_Sym *sym;
	const char *str;
	uint32_t symbols;
};

static struct dynamic read_dynamic(uint64_t base, const Elf64_Dyn *d)
{
	struct dynamic r = { 0 };

	for (; d->d_tag; d++) {
		void *p = (void *)(base + d->d_un.d_ptr);

		if (d->d_tag == DT_SYMTAB)
			r.sym = p;
		else if (d->d_tag == DT_STRTAB)
			r.str = p;
		else if (d->d_tag == DT_HASH)
			r.symbols = ((uint32_t *)p)[1];
		else if (d->d_tag == DT_GNU_HASH && !r.symbols)
			r.symbols = gnu_hash_symbols(p);
	}
	return r;
}

/* Its image is mapped as it is in the file, so an offset is an address. */
uint64_t vdso_symbol(uint64_t base, const char *name)
{
	const Elf64_Ehdr *e = (void *)base;
	const Elf64_Phdr *ph = (void *)(base + e->e_phoff);
	struct dynamic d = { 0 };

	for (int i = 0; i < e->e_phnum; i++)
		if (ph[i].p_type == PT_DYNAMIC)
			d = read_dynamic(base, (void *)(base + ph[i].p_offset));
	for (uint32_t i = 0; d.sym && d.str && i < d.symbols; i++)
		if (d.sym[i].st_value && !strcmp(d.str + d.sym[i].st_name, name))
			return base + d.sym[i].st_value;
	return 0;
}
