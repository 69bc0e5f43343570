/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The image as a device of bytes. With an overlay, what is written goes to memory, of which there
 * is only so much, and the image stays as it is.
 */
#ifndef DISK_H
#define DISK_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define DISK_BLOCK 4096			/* unit of the overlay */

struct disk {
	int fd;
	uint64_t size;			/* bytes */
	bool read_only;
	int overlay;			/* memfd, or -1 */
	uint8_t *written;		/* bit per block: it is in the overlay, which has these bits behind the blocks */
	uint8_t *held;			/* bit per block: it takes memory there, and is no hole */
	uint64_t room;			/* blocks that may yet take memory */
};

/* overlay: how many bytes of memory it may take, 0 for none. False: errno says why. */
bool disk_init(struct disk *d, int fd, bool read_only, uint64_t overlay);
void disk_close(struct disk *d);
/* In bytes; a whole number of blocks. */
uint64_t disk_overlay_size(const struct disk *d);
/* Something else has written to the overlay: what of it takes memory is found. */
void disk_find_held(struct disk *d);
bool disk_io(struct disk *d, bool write, const struct iovec *seg, int nseg, uint64_t off);
/* The range reads as zeros afterwards; free: and need not take up space. */
bool disk_zero(struct disk *d, uint64_t off, uint64_t len, bool free);
bool disk_flush(struct disk *d);

#endif
