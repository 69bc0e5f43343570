// SPDX-License-Identifier: GPL-2.0-only
/* The host's vDSO (vdso(7)): where it is, and where its functions are; and its vsyscall page. */
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include "arch.h"
#include "box.h"

void find_vdso(struct kbox_boot *boot)
{
	unsigned long start, end, vdso = getauxval(AT_SYSINFO_EHDR);
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");

	/* Without /proc nobody says how far it reaches. The kernel then asks the host for the time. */
	if (!maps)
		return;
	while (fgets(line, sizeof(line), maps)) {
		if (strstr(line, "[vsyscall]") && !is_hidden(KBOX_HIDE_VSYSCALL))
			boot->vsyscall_prot = (strstr(line, " r") ? PROT_READ : 0) | PROT_EXEC;
		if (is_hidden(KBOX_HIDE_VDSO) || (!strstr(line, "[vvar") && !strstr(line, "[vdso]")))
			continue;
		/* Below, it would be in the guest's way. */
		if (sscanf(line, "%lx-%lx", &start, &end) != 2 || start < KBOX_PAGE_OFFSET)
			continue;
		if (!boot->keep_start)
			boot->keep_start = start;
		boot->keep_end = end;
	}
	fclose(maps);
	if (boot->keep_start && vdso && !is_hidden(KBOX_HIDE_VDSO_CLOCK))
		boot->vdso_clock_gettime = vdso_symbol(vdso, ARCH_VDSO_CLOCK_GETTIME);
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
