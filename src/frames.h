/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames of Ethernet, on a stream as QEMU has them. */
#ifndef FRAMES_H
#define FRAMES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define FRAME_MIN	14		/* bytes: addresses and type (ETH_HLEN) */
#define FRAME_MAX	65535		/* of passt (its ETH_MAX_MTU) */
#define FRAME_HEAD	4		/* bytes before a frame on the stream: its length, big-endian */
#define FRAME_LOOKED_AT	576		/* bytes of a frame that are looked at: a question to the DNS is no longer */

void frame_head(uint8_t head[FRAME_HEAD], size_t len);

enum stream { FRAME, NOT_YET, NO_STREAM };

/*
 * The first frame of n bytes from the stream: its length, which is behind the head. NOT_YET: it is
 * not whole. NO_STREAM: a length that there is not.
 */
enum stream frame_next(const uint8_t *p, size_t n, size_t *len);

/*
 * passt of 2023 refuses a connection by a reset without ACK, which whoever has asked for one
 * ignores (RFC 9293, 3.10.7.3), but with the number that it acknowledges: such a reset gets its
 * ACK.
 */
void frame_mend(uint8_t *frame, size_t len);

/* Takes so many bytes away from the beginning of n segments. Returns how many segments are left. */
int iov_drop(struct iovec *v, int n, size_t bytes);
#endif
