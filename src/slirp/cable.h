/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The socket between the card (src/virtio_net.c) and libslirp, with frames in both directions as
 * src/frames.h has them. What waits to be sent is bounded: who makes frames looks at
 * cable_is_full() first. A frame that finds no room all the same is dropped, as on a wire.
 */
#ifndef CABLE_H
#define CABLE_H
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void cable_open(int fd);
/* What poll(2) is to wait for. */
struct pollfd cable_polls(void);
/* There are frames that have been read, and may be taken. */
bool cable_has_frames(void);
/*
 * What has come, and each whole frame of it to take(), while the cable is not full. False: it has
 * ended.
 */
bool cable_receive(short revents, void (*take)(uint8_t *frame, size_t len));
bool cable_is_full(void);
/* change() is for the copy that is sent. */
void cable_send(const uint8_t *frame, size_t len, void (*change)(uint8_t *frame, size_t len));
/* False: it has ended. */
bool cable_flush(void);
#endif
