// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "cable.h"
#include "frames.h"

#define IN_BYTES	(256 << 10)
#define OUT_BYTES	(1 << 20)
#define FULL_BYTES	(OUT_BYTES / 2)
/*
 * So much is written at once. The card's reader may run on another processor, and can have it while
 * the next frames are made.
 */
#define BATCH_BYTES	(128 << 10)

static struct {
	int fd;
	uint8_t in[IN_BYTES], out[OUT_BYTES];
	size_t in_from, in_to, out_from, out_to;
	bool ended;
} cable;

void cable_open(int fd)
{
	cable.fd = fd;
	cable.in_from = cable.in_to = cable.out_from = cable.out_to = 0;
	cable.ended = false;
}

bool cable_is_full(void)
{
	return cable.out_to - cable.out_from >= FULL_BYTES;
}

bool cable_has_frames(void)
{
	size_t len;

	return !cable_is_full() &&
	       frame_next(cable.in + cable.in_from, cable.in_to - cable.in_from, &len) != NOT_YET;
}

struct pollfd cable_polls(void)
{
	short events = 0;

	if (!cable_is_full())
		events |= POLLIN;
	if (cable.out_from < cable.out_to)
		events |= POLLOUT;
	return (struct pollfd) { .fd = cable.fd, .events = events };
}

static void read_in(void)
{
	ssize_t n;

	memmove(cable.in, cable.in + cable.in_from, cable.in_to - cable.in_from);
	cable.in_to -= cable.in_from;
	cable.in_from = 0;
	n = recv(cable.fd, cable.in + cable.in_to, IN_BYTES - cable.in_to, MSG_DONTWAIT);
	if (n > 0)
		cable.in_to += n;
	else if (!n || (errno != EAGAIN && errno != EINTR))
		cable.ended = true;
}

bool cable_receive(short revents, void (*take)(uint8_t *frame, size_t len))
{
	enum stream is = FRAME;
	size_t len;

	if (revents & (POLLIN | POLLHUP | POLLERR) && !cable_has_frames())
		read_in();
	while (!cable_is_full() && is == FRAME) {
		is = frame_next(cable.in + cable.in_from, cable.in_to - cable.in_from, &len);
		if (is != FRAME)
			break;
		cable.in_from += FRAME_HEAD + len;
		take(cable.in + cable.in_from - len, len);
	}
	return !cable.ended && is != NO_STREAM;
}

bool cable_flush(void)
{
	ssize_t n;

	if (cable.out_from == cable.out_to)
		return !cable.ended;
	n = send(cable.fd, cable.out + cable.out_from, cable.out_to - cable.out_from, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		cable.out_from += n;
	else if (errno != EAGAIN && errno != EINTR)
		cable.ended = true;
	if (cable.out_from == cable.out_to)
		cable.out_from = cable.out_to = 0;
	return !cable.ended;
}

/* At the end of the buffer. */
static bool make_room(size_t bytes)
{
	if (OUT_BYTES - cable.out_to < bytes) {
		memmove(cable.out, cable.out + cable.out_from, cable.out_to - cable.out_from);
		cable.out_to -= cable.out_from;
		cable.out_from = 0;
	}
	return OUT_BYTES - cable.out_to >= bytes;
}

void cable_send(const uint8_t *frame, size_t len, void (*change)(uint8_t *frame, size_t len))
{
	uint8_t *to;

	if (len < FRAME_MIN || len > FRAME_MAX || !make_room(FRAME_HEAD + len))
		return;
	to = cable.out + cable.out_to;
	frame_head(to, len);
	memcpy(to + FRAME_HEAD, frame, len);
	change(to + FRAME_HEAD, len);
	cable.out_to += FRAME_HEAD + len;
	if (cable.out_to - cable.out_from >= BATCH_BYTES)
		cable_flush();
}
