// SPDX-License-Identifier: GPL-2.0-only
/* kbox_rewrite_has_fork_sites() of a whole file. */
#include "rewrite.h"

int kbox_rewrite_file_has_fork_sites(int fd)
{
	struct elf_file f;
	bool found = false;

	if (elf_read(&f, fd))
		return -1;
	for (unsigned int i = 0; i < f.header.e_phnum; i++) {
		Elf64_Phdr ph = elf_segment(&f, i);

		if (elf_is_code(&ph))
			found |= kbox_rewrite_has_fork_sites(f.isa, f.bytes + ph.p_offset, ph.p_vaddr, ph.p_filesz);
	}
	elf_free(&f);
	return found;
}
