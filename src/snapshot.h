/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file that has a box in it, which stood still: docs/snapshot.md has its layout. snapshot.c writes
 * it, resume.c reads it.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SNAPSHOT_MAGIC	"kbox snapshot\n"
#define SNAPSHOT_FORMAT	2
#define SNAPSHOT_PAGE	4096
#define SNAPSHOT_WORDS	(64 << 10)	/* room for the description, and where the memory begins */

/* The first bytes of the file, in the order of bytes of the machine. */
struct snapshot_head {
	char magic[16];
	uint32_t format, words;		/* of which the description has so many bytes, behind this */
	uint64_t memory, overlay;	/* bytes of each; the overlay begins where the memory ends */
	uint64_t sum;			/* of the description, and of the sums of the pages that are not zero */
	uint64_t head_sum;		/* of what is above */
};

/* What is to be the same where the file is read is told from each other by sums (XXH3). */
struct snapshot_sum;
struct snapshot_sum *snapshot_sum_begin(const char *words, size_t n);
/* at: the page's number in the file, from the memory's first on; sum: its own. */
void snapshot_sum_page(struct snapshot_sum *s, uint64_t at, uint64_t sum);
uint64_t snapshot_sum_end(struct snapshot_sum *s);
uint64_t snapshot_head_sum(const struct snapshot_head *h);
/* Never 0. */
uint64_t snapshot_page_sum(const void *page);
bool snapshot_is_zero(const void *page);

/* A file's pages that are not zero, from "at" on and below "end"; map has all of it. */
struct snapshot_runs {
	int fd;
	const char *map;
	uint64_t at, end;
	uint64_t hole;			/* up to there it has something, */
	uint64_t piece;			/* and up to there that is present */
};

/* The next run of them, of n bytes; false: there is none. Holes of the file are not read. */
bool snapshot_next_run(struct snapshot_runs *r, uint64_t *start, uint64_t *n);

/*
 * snapshot_zstd.c: "from" is a snapshot, what is written to "to" is one in few bytes. All errors end
 * us. The second reads such a file to one that has no name, for the caller to close; -1: it is
 * damaged.
 */
void snapshot_compress(int from, int to, const char *path);
int snapshot_decompress(int from);
bool snapshot_is_compressed(int fd);

/*
 * What a program may have found in the processor, as text: "WORD WORD ...", in hexadecimal. Another
 * one will do for it if it has all of these bits, and the first word.
 */
void cpu_words(char *text, size_t size);
bool cpu_has(const char *words);

#endif
