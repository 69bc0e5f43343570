// SPDX-License-Identifier: GPL-2.0-only
/* The processor, as programs find it: for boxes that go on somewhere else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "box.h"
#include "snapshot.h"

#define WORDS 8

#ifdef __x86_64__
#include <cpuid.h>

#define OSXSAVE (1u << 27)

/* The state that XSAVE has (XCR0), by which the kernel lays it out. */
static uint32_t xcr0(uint32_t ecx)
{
	uint32_t low = 0, high;

	if (ecx & OSXSAVE)
		asm volatile("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	return low;
}

static void read_words(uint64_t w[WORDS])
{
	uint32_t a, b, c, d;

	if (__get_cpuid(1, &a, &b, &c, &d)) {
		w[0] = xcr0(c);
		w[1] = c;
		w[2] = d;
	}
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
		w[3] = b;
		w[4] = c;
		w[5] = d;
	}
	if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
		w[6] = c;
		w[7] = d;
	}
}
#else
static void read_words(uint64_t w[WORDS])
{
	w[1] = host_hwcap();
	w[2] = host_hwcap2();
}
#endif

void cpu_words(char *text, size_t size)
{
	uint64_t w[WORDS] = { 0 };
	size_t n = 0;

	read_words(w);
	for (int i = 0; i < WORDS && n < size; i++)
		n += snprintf(text + n, size - n, "%s%llx", i ? " " : "", (unsigned long long)w[i]);
}

bool cpu_has(const char *words)
{
	uint64_t w[WORDS] = { 0 };
	char *end;

	read_words(w);
	for (int i = 0; i < WORDS; i++) {
		uint64_t want = strtoull(words, &end, 16);

		if (end == words || (i ? want & ~w[i] : want != w[i]))
			return false;
		words = end;
	}
	return !*words;
}
