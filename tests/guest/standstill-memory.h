/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STANDSTILL_MEMORY_H
#define STANDSTILL_MEMORY_H
/* Mappings, and a file by mapping and by call. */
#include "standstill.h"

/* Mappings that stay for a while. Each page begins with a word of its own. */
enum { PAGE = 4096, SLOTS = 32, SLOT_PAGES = 32 };

static struct slot {
	char *at;
	size_t pages;
	uint64_t seed;
} slots[SLOTS];

static void fill(struct slot *s, size_t from)
{
	for (size_t i = from; i < s->pages; i++)
		for (size_t w = 0; w < PAGE; w += 512)
			*(uint64_t *)(s->at + i * PAGE + w) = s->seed * (i + 1) + w;
}

static void verify(const struct slot *s)
{
	for (size_t i = 0; i < s->pages; i++)
		for (size_t w = 0; w < PAGE; w += 512)
			EQ(*(uint64_t *)(s->at + i * PAGE + w), s->seed * (i + 1) + w);
}

static void churn_slot(struct slot *s)
{
	size_t was = s->pages;

	if (!s->at) {
		*s = (struct slot) { .pages = 1 + dice(SLOT_PAGES), .seed = dice(1u << 31) };
		s->at = map_anon(s->pages * PAGE, MAP_PRIVATE);
		fill(s, 0);
		if (dice(2))
			EQ(mprotect(s->at, s->pages * PAGE, PROT_READ), 0);
		return;
	}
	verify(s);
	switch (dice(4)) {
	case 0:
		EQ(munmap(s->at, s->pages * PAGE), 0);
		s->at = NULL;
		break;
	case 1:
		EQ(mprotect(s->at, s->pages * PAGE, PROT_NONE), 0);
		EQ(mprotect(s->at, s->pages * PAGE, PROT_READ), 0);
		break;
	case 2:
		EQ(mprotect(s->at, s->pages * PAGE, PROT_READ | PROT_WRITE), 0);
		EQ(madvise(s->at, s->pages * PAGE, MADV_DONTNEED), 0);
		for (size_t i = 0; i < s->pages; i++)
			EQ(s->at[i * PAGE], 0);
		s->seed++;
		fill(s, 0);
		break;
	case 3:
		EQ(mprotect(s->at, s->pages * PAGE, PROT_READ | PROT_WRITE), 0);
		s->pages = 1 + dice(SLOT_PAGES);
		s->at = mremap(s->at, was * PAGE, s->pages * PAGE, MREMAP_MAYMOVE);
		CHECK(s->at != MAP_FAILED);
		fill(s, was);
	}
}

/* What a child writes to its copies is not seen here. */
static void copy_slots(void)
{
	pid_t pid = FORK();

	if (pid) {
		CHILD_OK(pid);
		return;
	}
	for (struct slot *s = slots; s < slots + SLOTS; s++)
		if (s->at) {
			EQ(mprotect(s->at, s->pages * PAGE, PROT_READ | PROT_WRITE), 0);
			verify(s);
			s->seed++;
			fill(s, 0);
			verify(s);
		}
	_exit(0);
}

static void churn_file(int fd, char *map, size_t pages)
{
	size_t at = dice(pages) * PAGE + dice(PAGE);
	unsigned char byte = dice(256), got;

	if (dice(2))
		map[at] = byte;
	else
		EQ(pwrite(fd, &byte, 1, at), 1);
	EQ(pread(fd, &got, 1, at), 1);
	EQ(got, byte);
	EQ((unsigned char)map[at], byte);
	if (!dice(16))
		EQ(msync(map, pages * PAGE, dice(2) ? MS_ASYNC : MS_SYNC), 0);
}

static void mappings(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	char *map;

	EQ(ftruncate(fd, 16 * PAGE), 0);
	map = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	for (unsigned n = 1; goes_on(); n++) {
		churn_slot(&slots[dice(SLOTS)]);
		churn_file(fd, map, 16);
		if (n % 64 == 0)
			copy_slots();
	}
	for (struct slot *s = slots; s < slots + SLOTS; s++)
		if (s->at)
			verify(s);
}

#endif
