// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel is told, and the host process that becomes it. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "box.h"
#include "filter.h"

static void find_vdso(struct kbox_boot *boot)
{
	unsigned long start, end;
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");

	if (!maps)
		die("/proc/self/maps: %s", strerror(errno));
	while (fgets(line, sizeof(line), maps)) {
		if (!strstr(line, "[vvar") && !strstr(line, "[vdso]"))
			continue;
		if (sscanf(line, "%lx-%lx", &start, &end) != 2 || start < KBOX_PAGE_OFFSET)
			continue;
		if (!boot->keep_start)
			boot->keep_start = start;
		boot->keep_end = end;
	}
	fclose(maps);
	if (boot->keep_start)
		boot->vdso = getauxval(AT_SYSINFO_EHDR);
}

/* The address of a vDSO function (vdso(7)); its ELF image is mapped as it is in the file. */
static uint64_t vdso_symbol(uint64_t base, const char *name)
{
	Elf64_Ehdr *e = (void *)base;
	Elf64_Phdr *ph = (void *)(base + e->e_phoff);
	Elf64_Sym *sym = NULL;
	char *str = NULL;
	Elf64_Dyn *d = NULL;

	for (int i = 0; i < e->e_phnum; i++)
		if (ph[i].p_type == PT_DYNAMIC)
			d = (void *)(base + ph[i].p_offset);
	for (; d && d->d_tag; d++) {
		if (d->d_tag == DT_SYMTAB)
			sym = (void *)(base + d->d_un.d_ptr);
		else if (d->d_tag == DT_STRTAB)
			str = (void *)(base + d->d_un.d_ptr);
	}
	/* The symbol table ends where the string table begins, as linkers lay it out. */
	for (; sym && str && (char *)sym < str; sym++)
		if (sym->st_name && !strcmp(str + sym->st_name, name))
			return base + sym->st_value;
	return 0;
}

static void classify_stdio(struct kbox_boot *boot)
{
	struct winsize ws;

	for (int i = 0; i < 3; i++) {
		if (fcntl(i, F_GETFD) < 0)
			boot->stdio[i] = KBOX_STDIO_CLOSED;
		else if (isatty(i))
			boot->stdio[i] = KBOX_STDIO_TTY;
		if (boot->stdio[i] == KBOX_STDIO_TTY && !ioctl(i, TIOCGWINSZ, &ws)) {
			boot->tty_rows = ws.ws_row;
			boot->tty_cols = ws.ws_col;
		}
	}
}

void fill_boot(struct box *b)
{
	struct kbox_boot *boot = b->boot;

	boot->magic = KBOX_MAGIC;
	boot->abi = KBOX_ABI;
	boot->mem_size = b->opt.mem;
	boot->mem_fd = b->mem_fd;
	boot->supervisor_pid = getpid();
	boot->hwcap = getauxval(AT_HWCAP);
	boot->hwcap2 = getauxval(AT_HWCAP2);
	boot->minsigstksz = getauxval(AT_MINSIGSTKSZ) ?: 2048;
	find_vdso(boot);
	if (boot->vdso)
		boot->vdso_clock_gettime = vdso_symbol(boot->vdso, "__vdso_clock_gettime");
	classify_stdio(boot);
	if (snprintf(boot->cmdline, sizeof(boot->cmdline), "loglevel=0 %s", b->opt.kernel_cmdline ?: "") >=
	    (int)sizeof(boot->cmdline))
		die("-k: longer than the kernel takes (%zu characters)", sizeof(boot->cmdline));
}

static void close_others(int keep)
{
	if (keep > 3)
		syscall(SYS_close_range, 3, keep - 1, 0);
	syscall(SYS_close_range, keep + 1, ~0U, 0);
}

void start_kernel_process(struct box *b)
{
	struct sock_filter f[FILTER_MAX];
	struct sock_fprog prog = { make_filter(f, b->hostcall_start, b->hostcall_end), f };
	pid_t self = getpid();

	b->kernel_pid = fork();
	if (b->kernel_pid < 0)
		die("fork: %s", strerror(errno));
	if (b->kernel_pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != self)
		_exit(1);
	close_others(b->mem_fd);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) {
		dprintf(2, "kbox: seccomp: %s; this host cannot run kbox (see kbox doctor)\n", strerror(errno));
		_exit(EXIT_FAIL);
	}
	/* From here on there is no libc: the kernel unmaps it. */
	((void (*)(struct kbox_boot *))b->entry)(b->boot);
	__builtin_trap();
}
