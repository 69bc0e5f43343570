// SPDX-License-Identifier: GPL-2.0-only
/* snapshot-sums FILE: gives a snapshot that was changed the sums that it must have (snapshot-damaged.t). */
#include "../../src/snapshot_sum.c"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

void die(const char *format, ...)
{
	(void)format;
	exit(1);
}

const char *reason(int err)
{
	return strerror(err);
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDWR) : -1;
	struct snapshot_head *h;
	struct snapshot_sum *sum;
	struct snapshot_runs runs = { .at = SNAPSHOT_WORDS };
	uint64_t at, n;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || st.st_size < SNAPSHOT_WORDS)
		return 1;
	h = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED || h->words > SNAPSHOT_WORDS - sizeof(*h))
		return 1;
	sum = snapshot_sum_begin((char *)h + sizeof(*h), h->words);
	runs.fd = fd;
	runs.map = (char *)h;
	runs.end = st.st_size & -SNAPSHOT_PAGE;
	while (snapshot_next_run(&runs, &at, &n))
		for (uint64_t page = at; page < at + n; page += SNAPSHOT_PAGE)
			snapshot_sum_page(sum, (page - SNAPSHOT_WORDS) / SNAPSHOT_PAGE,
					  snapshot_page_sum((char *)h + page));
	h->sum = snapshot_sum_end(sum);
	h->head_sum = snapshot_head_sum(h);
	return 0;
}
