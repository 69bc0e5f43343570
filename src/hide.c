// SPDX-License-Identifier: GPL-2.0-only
/*
 * KBOX_HIDE: features of the host that are not there on every one, and that kbox pretends not to
 * find. So tests see on one machine what becomes of a box on others.
 */
#define _GNU_SOURCE
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include "arch.h"
#include "box.h"

static const struct {
	const char *name;
	enum kbox_hide bit;
} features[] = {
	{ "fsgsbase", KBOX_HIDE_FSGSBASE },		/* x86_64: told by AT_HWCAP2 since Linux 5.9, where the CPU has it */
	{ "lahf", KBOX_HIDE_LAHF },			/* x86_64: lahf and sahf in 64-bit mode, which the first CPUs lacked */
	{ "vsyscall", KBOX_HIDE_VSYSCALL },		/* x86_64: that page, absent with vsyscall=none */
	{ "vdso", KBOX_HIDE_VDSO },			/* the host's vDSO, absent with vdso=0 */
	{ "vdso-move", KBOX_HIDE_VDSO_MOVE },		/* that it can be moved: not where the host seals it (Linux 6.16) */
	{ "vdso-clock", KBOX_HIDE_VDSO_CLOCK },		/* its clock, which is a system call for some clock sources */
	{ "spec-allow", KBOX_HIDE_SPEC_ALLOW },		/* the flag of seccomp(2), Linux 4.17 */
	{ "close-range", KBOX_HIDE_CLOSE_RANGE },	/* close_range(2), Linux 5.9 */
	{ "dispatch", KBOX_HIDE_DISPATCH },		/* Syscall User Dispatch, Linux 5.11 */
	{ "populate", KBOX_HIDE_POPULATE },		/* MADV_POPULATE_WRITE, Linux 5.14 */
	{ "minsigstksz", KBOX_HIDE_MINSIGSTKSZ },	/* AT_MINSIGSTKSZ, Linux 5.14 */
	{ "user-notif", KBOX_HIDE_USER_NOTIF },		/* SECCOMP_RET_USER_NOTIF, Linux 5.0 */
	{ "noexec-seal", KBOX_HIDE_NOEXEC_SEAL },	/* MFD_NOEXEC_SEAL, Linux 6.3 */
	{ "landlock", KBOX_HIDE_LANDLOCK },		/* Landlock, Linux 5.13 */
	{ "lock-in", KBOX_HIDE_LOCK_IN },		/* a filter for all threads, which a container may refuse */
	{ "map-text", KBOX_HIDE_MAP_TEXT },		/* that the kernel's file can be executed: not where it is mounted noexec */
	{ "cgroup", KBOX_HIDE_CGROUP },			/* one of our own, where we can make it */
	{ "namespaces", KBOX_HIDE_NAMESPACES },		/* a mount namespace, which a user may not have everywhere */
	{ "broker", KBOX_HIDE_BROKER },			/* what the third fence of volumes takes, Linux 5.19 */
};

#define FEATURES (sizeof(features) / sizeof(features[0]))

static uint32_t hidden;

/* 0: there is none of this name. */
static uint32_t bit_of(const char *name, size_t len)
{
	for (size_t i = 0; i < FEATURES; i++)
		if (strlen(features[i].name) == len && !memcmp(features[i].name, name, len))
			return features[i].bit;
	return 0;
}

static bool unknown(const char *name, size_t len, char *err)
{
	size_t n = snprintf(err, HIDE_ERR, "KBOX_HIDE: there is no feature '%.*s'; there are", len < 64 ? (int)len : 64, name);

	for (size_t i = 0; i < FEATURES; i++)
		n += snprintf(err + n, HIDE_ERR - n, "%s %s", i ? "," : "", features[i].name);
	return false;
}

bool parse_hidden(const char *list, uint32_t *bits, char err[HIDE_ERR])
{
	*bits = 0;
	for (; *list; list += *list == ',') {
		size_t len = strcspn(list, ",");
		uint32_t bit = bit_of(list, len);

		if (!bit)
			return unknown(list, len, err);
		*bits |= bit;
		list += len;
	}
	return true;
}

void read_hidden(void)
{
	const char *list = getenv("KBOX_HIDE");
	char err[HIDE_ERR];

	if (list && !parse_hidden(list, &hidden, err))
		die("%s", err);
}

#ifdef __x86_64__
#define HAS_LAHF	1	/* CPUID 0x80000001, ecx: in 64-bit mode */

static bool have_lahf(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(0x80000001, &a, &b, &c, &d) && c & HAS_LAHF;
}
#else
static bool have_lahf(void)
{
	return true;
}
#endif

uint32_t hidden_features(void)
{
	return hidden | (have_lahf() ? 0 : KBOX_HIDE_LAHF);
}

bool is_hidden(enum kbox_hide feature)
{
	return hidden & feature;
}

/* The kernel has put the auxiliary vector behind the environment; setenv(3) may move that later. */
static char **first_environ;

static void __attribute__((constructor)) find_auxv(void)
{
	first_environ = environ;
}

/* On x86_64 glibc's getauxval() has a word of its own for AT_HWCAP. */
unsigned long host_hwcap(void)
{
	char **p = first_environ;
	const ElfW(auxv_t) *a;

	while (*p++)
		;
	for (a = (void *)p; a->a_type != AT_NULL; a++)
		if (a->a_type == AT_HWCAP)
			return a->a_un.a_val;
	return 0;
}

unsigned long host_hwcap2(void)
{
	return getauxval(AT_HWCAP2) & (is_hidden(KBOX_HIDE_FSGSBASE) ? ~ARCH_HWCAP2_FSGSBASE : ~0UL);
}

/* 0: the host does not say. */
unsigned long host_minsigstksz(void)
{
	return is_hidden(KBOX_HIDE_MINSIGSTKSZ) ? 0 : getauxval(AT_MINSIGSTKSZ);
}
