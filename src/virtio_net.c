// SPDX-License-Identifier: GPL-2.0-only
/*
 * The network card (virtio 1.2, 5.1). Its cable is a stream socket to the engine (engine.c), with
 * frames as QEMU has them there. It sends no frame whose sums are left to the card: the engine
 * takes frames of 64 KiB, and wants their sums.
 *
 * Nothing grows: what the engine sends and the guest has no room for stays in the socket, and what
 * the engine does not take stays in the guest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "devices.h"
#include "engine.h"
#include "frames.h"
#include "ack.h"
#include "netaddr.h"
#include "policy.h"

#define HEADER		sizeof(struct virtio_net_hdr_mrg_rxbuf)	/* of both directions (5.1.6.1) */
#define BUFFERS		KBOX_VQ_SIZE	/* of the guest, for one frame */
#define BATCH_FRAMES	64
/*
 * passt reads a frame that it has a part of by one more read, and no more than one. A socket's
 * message of so few bytes is one buffer of the host kernel's (net/unix/af_unix.c: 32 KiB and more),
 * a frame alone is two of them: so the part ends where such a buffer does.
 */
#define BATCH_BYTES	(32 << 10)

#define IN_BYTES	(256 << 10)
#define REST_BYTES	(FRAME_HEAD + FRAME_MAX + FRAME_HEAD + ARP_BYTES)	/* the question: ack.c */

enum { RX, TX };

static struct {
	struct source source;
	bool up;		/* the engine is there */

	/* From the engine, what has been read and is not in the guest. */
	uint8_t *in;
	size_t from, to;
	/* The guest's buffers that are taken for the frame that is next, and their bytes. */
	struct { uint16_t head; uint32_t run, len; } taken[BUFFERS];
	struct iovec room[BUFFERS];
	int ntaken, nroom;
	size_t free;
	bool receives;		/* the guest's driver has set that queue up */
	bool full;		/* the guest has no room */
	bool judged;		/* and policy_in() has seen the frame that waits for it */

	/*
	 * To the engine: frames that are put together, as the guest has them but for their heads.
	 */
	struct iovec out[BATCH_FRAMES + BUFFERS + 2];
	uint8_t (*heads)[FRAME_HEAD + FRAME_LOOKED_AT];	/* BATCH_FRAMES of them */
	struct { uint16_t head; uint32_t run; } sent[BATCH_FRAMES];
	int nout, nsent;
	size_t bytes;
	uint8_t question[FRAME_HEAD + ARP_BYTES];	/* of ack.c, behind them */
	/* One more of the guest's, which did not fit. */
	struct vq_request next;
	bool has_next;
	/* What the engine has not taken of what was sent. */
	uint8_t *rest;
	size_t rest_from, rest_to;
} net;

static void answer(struct device *d, int queue, uint16_t head, uint32_t run, uint32_t len, bool last)
{
	static struct vq_request r;

	r.head = head;
	r.run = run;
	if (last)
		device_push(d, queue, &r, len);
	else
		device_put(d, queue, &r, len);
}

/* What is waited for, beside the end of the engine. */
static void watch(void)
{
	uint32_t events = EPOLLRDHUP;

	if (net.receives && !net.full)
		events |= EPOLLIN;
	if (net.rest_from < net.rest_to)
		events |= EPOLLOUT;
	loop_watch(&net.source, net.up ? events : 0);
}

/* The guest's frames are dropped from now on, as they are by a card without a cable. */
static void cable_lost(struct device *d)
{
	if (!net.up)
		return;
	net.up = false;
	net.from = net.to = net.rest_from = net.rest_to = 0;
	net.judged = false;
	device_reconfigure(d);
	engine_lost();
}

/* Of how many buffers one frame may be. */
static int most_buffers(const struct device *d)
{
	return d->hw->driver_features & 1 << VIRTIO_NET_F_MRG_RXBUF ? BUFFERS : 1;
}

/* True: the buffers that are taken have room for so many bytes. */
static bool take_room(struct device *d, size_t want)
{
	static struct vq_request r;
	int most = most_buffers(d);

	while (net.free < want && net.ntaken < most && device_pop(d, RX, &r)) {
		int n = r.nout || r.nin > BUFFERS - net.nroom ? 0 : r.nin;
		size_t bytes = vq_bytes(r.seg, n);

		memcpy(net.room + net.nroom, r.seg, n * sizeof(r.seg[0]));
		net.nroom += n;
		net.taken[net.ntaken].head = r.head;
		net.taken[net.ntaken].run = r.run;
		net.taken[net.ntaken++].len = bytes > UINT32_MAX ? UINT32_MAX : bytes;
		net.free += bytes;
	}
	return net.free >= want;
}

/* The buffers go back to the guest, with so many bytes in them. */
static void give_room(struct device *d, size_t bytes)
{
	for (int i = 0; i < net.ntaken; i++) {
		size_t n = bytes < net.taken[i].len ? bytes : net.taken[i].len;

		answer(d, RX, net.taken[i].head, net.taken[i].run, n, i == net.ntaken - 1);
		bytes -= n;
	}
	net.ntaken = net.nroom = net.free = 0;
}

static void fill(const void *data, size_t n)
{
	const char *p = data;

	for (size_t part; n; n -= part, p += part) {
		part = n < net.room[0].iov_len ? n : net.room[0].iov_len;
		memcpy(net.room[0].iov_base, p, part);
		net.nroom = iov_drop(net.room, net.nroom, part);
	}
}

/* False: the guest has no room now. A frame for which its buffers are not made is dropped. */
static bool deliver(struct device *d, const uint8_t *frame, size_t len)
{
	struct virtio_net_hdr_mrg_rxbuf header = { 0 };
	bool fits = take_room(d, HEADER + len);

	if (!fits && net.ntaken < most_buffers(d))
		return false;
	header.num_buffers = net.ntaken;
	/*
	 * The engine has made the sums, and a socket of this host's loses nothing: nobody need add
	 * it up again.
	 */
	if (d->hw->driver_features & 1 << VIRTIO_NET_F_GUEST_CSUM)
		header.hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	if (fits) {
		fill(&header, HEADER);
		fill(frame, len);
	}
	give_room(d, fits ? HEADER + len : 0);
	return true;
}

/* A frame of our own. Where the guest has no room it is lost, as on a wire. */
static void deliver_answer(struct device *d, const uint8_t *frame, size_t len)
{
	if (net.receives && !net.full)
		deliver(d, frame, len);
}

static void deliver_acks(struct device *d)
{
	uint8_t frame[ANSWER_MAX];
	size_t len;

	while ((len = ack_next(frame)))
		deliver_answer(d, frame, len);
}

/* False: the guest has no room now, and then it is this frame's turn again. */
static bool deliver_one(struct device *d, uint8_t *frame, size_t len)
{
	if (!net.judged && !policy_in(frame, len)) {
		deliver_acks(d);
		device_again(d, TX);	/* more may wait for their ACK */
		return true;
	}
	if (!net.judged)
		frame_mend(frame, len);
	net.judged = !deliver(d, frame, len);
	return !net.judged;
}

/* All that is whole of what has been read. */
static void deliver_all(struct device *d)
{
	enum stream is;
	size_t len;

	net.full = false;
	while ((is = frame_next(net.in + net.from, net.to - net.from, &len)) == FRAME) {
		if (!deliver_one(d, net.in + net.from + FRAME_HEAD, len)) {
			net.full = true;
			return;
		}
		net.from += FRAME_HEAD + len;
	}
	if (is == NO_STREAM)
		cable_lost(d);
}

static bool hung_up(void)
{
	struct pollfd p = { .fd = net.source.fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) == 1 && p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

/* One read, so that others have their turn. */
static void receive(struct device *d)
{
	ssize_t n;

	if (net.full || !net.receives) {
		if (hung_up())
			cable_lost(d);
		return;
	}
	memmove(net.in, net.in + net.from, net.to - net.from);
	net.to -= net.from;
	net.from = 0;
	n = read(net.source.fd, net.in + net.to, IN_BYTES - net.to);
	if (n > 0) {
		net.to += n;
		deliver_all(d);
	} else if (!n || errno != EAGAIN) {
		cable_lost(d);
	}
}

/* Writes segments, and returns how many bytes the engine has taken. */
static size_t write_out(struct device *d, const struct iovec *v, int n)
{
	ssize_t done = writev(net.source.fd, v, n);

	if (done < 0 && errno != EAGAIN)
		cable_lost(d);
	return done < 0 ? 0 : done;
}

static void send_rest(struct device *d)
{
	struct iovec v = { net.rest + net.rest_from, net.rest_to - net.rest_from };
	size_t done = write_out(d, &v, 1);

	if (net.up)
		net.rest_from += done;
}

/* What is left of the batch is copied: the guest may have its memory back. */
static void keep_rest(size_t done)
{
	int n = iov_drop(net.out, net.nout, done);

	net.rest_from = net.rest_to = 0;
	for (int i = 0; i < n; i++) {
		guest_read(net.rest + net.rest_to, net.out[i].iov_base, net.out[i].iov_len);
		net.rest_to += net.out[i].iov_len;
	}
}

static void send_batch(struct device *d)
{
	size_t done = net.up && net.nout ? write_out(d, net.out, net.nout) : 0;

	if (net.up)
		keep_rest(done);
	for (int i = 0; i < net.nsent; i++)
		answer(d, TX, net.sent[i].head, net.sent[i].run, 0, i == net.nsent - 1);
	net.nout = net.nsent = net.bytes = 0;
}

static void add_segment(void *p, size_t n)
{
	if (n)
		net.out[net.nout++] = (struct iovec) { p, n };
}

/* What is refused has its answer at once. */
static bool leaves(struct device *d, const uint8_t *head, size_t n, size_t len)
{
	uint8_t answer[ANSWER_MAX];
	size_t answer_len;
	enum verdict v = policy_out(head, n, len, answer, &answer_len);

	if (v == ANSWER)
		deliver_answer(d, answer, answer_len);
	return v == PASS;
}

static void add_question(void)
{
	if (!net.up || !ack_question(net.question + FRAME_HEAD))
		return;
	frame_head(net.question, ARP_BYTES);
	add_segment(net.question, sizeof(net.question));
}

/* The frame's beginning is copied, and what is checked is what is sent. */
static void add_frame(struct device *d, struct vq_request *r)
{
	uint8_t *head = net.heads[net.nsent], *begin = head + FRAME_HEAD;
	int n = iov_drop(r->seg, r->nout, HEADER);
	uint64_t len = vq_bytes(r->seg, n);
	size_t got = 0;

	net.sent[net.nsent].head = r->head;
	net.sent[net.nsent++].run = r->run;
	if (len < FRAME_MIN || len > FRAME_MAX)
		return;
	while (n && got < FRAME_LOOKED_AT) {
		size_t part = r->seg[0].iov_len < FRAME_LOOKED_AT - got ? r->seg[0].iov_len : FRAME_LOOKED_AT - got;

		guest_read(begin + got, r->seg[0].iov_base, part);
		got += part;
		n = iov_drop(r->seg, n, part);
	}
	if (!leaves(d, begin, got, len))
		return;
	frame_head(head, len);
	add_segment(head, FRAME_HEAD + got);
	for (int i = 0; i < n; i++)
		add_segment(r->seg[i].iov_base, r->seg[i].iov_len);
	net.bytes += FRAME_HEAD + len;
}

/* Also its own head, and ack.c's question. */
static bool fits(const struct vq_request *r)
{
	uint64_t len = vq_bytes(r->seg, r->nout);

	return !net.nsent || (net.nsent < BATCH_FRAMES && net.bytes + len <= BATCH_BYTES &&
			      net.nout + 1 + r->nout + 1 <= (int)(sizeof(net.out) / sizeof(net.out[0])));
}

/* One batch. False: there is nothing to send, or the engine takes nothing. */
static bool transmit(struct device *d)
{
	if (net.rest_from < net.rest_to)
		return false;
	while (net.has_next || device_pop(d, TX, &net.next)) {
		net.has_next = true;
		if (!fits(&net.next))
			break;
		net.has_next = false;
		add_frame(d, &net.next);
	}
	add_question();
	if (!net.nsent && !net.nout)
		return false;
	send_batch(d);
	return net.rest_from == net.rest_to;
}

static bool notify(struct device *d, int queue)
{
	bool more = false;

	if (queue == TX)
		more = transmit(d);
	else if (net.up)
		deliver_all(d);
	watch();
	return more;
}

/* Of the loop: the engine has sent something, takes something again, or is gone. */
static void ready(void *arg)
{
	struct device *d = arg;

	receive(d);
	if (net.rest_from < net.rest_to) {
		send_rest(d);
		device_again(d, TX);
	}
	watch();
	device_tell(d);
}

static void start_queue(struct device *d, int queue)
{
	(void)d;
	net.receives |= queue == RX;
	watch();
}

/* What the engine has not taken of a frame is sent all the same: it is in the stream. */
static void stop_queue(struct device *d, int queue)
{
	(void)d;
	if (queue == RX) {
		net.receives = false;
		net.ntaken = net.nroom = net.free = 0;
		net.full = false;
	} else {
		net.has_next = false;
	}
	watch();
}

static void config(const struct device *d, void *config)
{
	struct virtio_net_config *c = config;

	(void)d;
	memcpy(c->mac, NET_BOX_MAC, sizeof(c->mac));
	c->status = net.up ? VIRTIO_NET_S_LINK_UP : 0;
	c->mtu = NET_MTU;
}

static bool init(struct device *d)
{
	if (d->box->opt.net == NET_NONE)
		return false;
	free(net.in);
	memset(&net, 0, sizeof(net));
	/* Not a part of every kbox, which may be given little memory (RLIMIT_DATA). */
	net.in = malloc(IN_BYTES + REST_BYTES + BATCH_FRAMES * sizeof(*net.heads));
	if (!net.in)
		die("--net: %s", reason(ENOMEM));
	net.rest = net.in + IN_BYTES;
	net.heads = (void *)(net.rest + REST_BYTES);
	net.source = (struct source) { .fd = d->box->net_fd, .ready = ready, .arg = d };
	net.up = true;
	d->features = VIRTIO_VERSION_1 | 1 << VIRTIO_NET_F_MAC | 1 << VIRTIO_NET_F_MTU |
		      1 << VIRTIO_NET_F_STATUS | 1 << VIRTIO_NET_F_MRG_RXBUF | 1 << VIRTIO_NET_F_GUEST_CSUM;
	d->queue_size[RX] = d->queue_size[TX] = KBOX_VQ_SIZE;
	return true;
}

static const struct device_ops ops = {
	.id = VIRTIO_ID_NET, .init = init, .config = config, .start_queue = start_queue,
	.stop_queue = stop_queue, .notify = notify,
};

DEVICE(ops);
