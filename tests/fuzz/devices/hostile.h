/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest that owns its kernel, as an input of bytes says. */
#ifndef HOSTILE_H
#define HOSTILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "box.h"

#define MEM		(256UL << 10)
#define DISK_SIZE	(75 * 4096 + 1536UL)	/* the last block is not whole */

/* guest.c */
void input_begin(const uint8_t *p, size_t n);
bool input_left(void);
uint64_t input(int bytes);		/* zeros behind its end */
void guest_begin(const struct box *b);
void guest_step(void);			/* it writes something into its memory, or rings */
void guest_interferes(void);		/* the same, where a device is at work: perhaps */

/* network.c: the box's network, and its engine. */
#define NET_FD		1000000		/* nothing of the host's */
void network_begin(struct box *b, unsigned flags);
size_t guest_frame(const uint8_t **p);	/* that the guest sends */
void engine_step(void);			/* it sends something, or time passes */
bool engine_turn(void);			/* the card hears of it; true: there was something */

/* watch.c: what the devices ask of the host, which may refuse. */
struct watch {
	int image, overlay;
	bool frozen;			/* nothing is written to the image */
	uint64_t moved, random;		/* bytes of this request */
};
extern struct watch watch;
ssize_t put_image(const void *p, size_t n);

/* As assert(3), for a fuzzer. */
#define MUST(x) do { if (!(x)) finding(#x, __FILE__, __LINE__); } while (0)
void finding(const char *what, const char *file, int line) __attribute__((noreturn));

#endif
