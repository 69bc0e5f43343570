// SPDX-License-Identifier: GPL-2.0-only
/* hostile channel FD ATTACK: messages by a socket of the host's, for whoever has its other end. */
#include <sys/socket.h>
#include "hostile.h"

#define FDS	253		/* SCM_MAX_FD of the host */
#define DATA	1024
#define PIECES	64

/* One page, so that all of it is in one piece in the kernel's memory, too. */
static struct {
	struct msghdr m;
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FDS * sizeof(int))];
	} control;
	struct iovec iov[PIECES];
	uint32_t data[DATA / 4];
} parcel __attribute__((aligned(4096))), *there;

_Static_assert(sizeof(parcel) <= PAGE, "more than a page");

static int channel;
static long refused;		/* messages that the host has not taken */

static uint32_t any(void)
{
	static uint32_t x = 2463534242;

	x ^= x << 13;
	x ^= x >> 17;
	return x ^= x << 5;
}

/* -EINTR is a kick that comes between, -EAGAIN a queue that is full. */
static long until_done(int nr, int flags)
{
	long ret;

	do
		ret = host_call(nr, channel, &there->m, flags | MSG_DONTWAIT);
	while (ret == -EINTR || ret == -EAGAIN);
	return ret;
}

static void prepare(size_t n, int nfds)
{
	size_t pieces = (n + DATA - 1) / DATA;

	for (size_t i = 0; i < pieces; i++)
		parcel.iov[i] = (struct iovec) { there->data, n - i * DATA < DATA ? n - i * DATA : DATA };
	memset(&parcel.m, 0, sizeof(parcel.m));
	parcel.m.msg_iov = there->iov;
	parcel.m.msg_iovlen = pieces;
	if (!nfds)
		return;
	parcel.control.header.cmsg_len = CMSG_LEN(nfds * sizeof(int));
	parcel.control.header.cmsg_level = SOL_SOCKET;
	parcel.control.header.cmsg_type = SCM_RIGHTS;
	parcel.m.msg_control = &there->control;
	parcel.m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
}

/* So many bytes of the data, again and again, and so many descriptors. */
static long post(size_t n, int nfds)
{
	long ret;

	prepare(n, nfds);
	ret = until_done(SYS_sendmsg, MSG_NOSIGNAL);
	refused += ret < 0;
	return ret;
}

static void fill_data(void)
{
	for (int i = 0; i < DATA / 4; i++)
		parcel.data[i] = any();
}

static void garbage(void)
{
	for (int i = 0; i < 20000; i++) {
		fill_data();
		post(1 + (i % 16 ? any() % 64 : any() % (PIECES * DATA - 1)), 0);
	}
}

/* Less of them, or more. */
static void three(uint32_t what, uint32_t id, uint32_t arg)
{
	static const size_t lengths[] = { 1, 4, 8, 11, 12, 13, 16, 24, DATA, 40000 };

	parcel.data[0] = what;
	parcel.data[1] = id;
	parcel.data[2] = arg;
	for (unsigned int i = 0; i < COUNT(lengths); i++)
		post(lengths[i], 0);
}

/* Messages of three words: what, of which program, and more of it. */
static void numbers(void)
{
	static const uint32_t ids[] = { 0, 1, 2, 3, 63, 64, 65, 1000, 0x7fffffff, 0x80000000, ~0u };

	for (unsigned int what = 0; what < 10; what++)
		for (unsigned int i = 0; i < COUNT(ids); i++)
			for (unsigned int j = 0; j < COUNT(ids); j++)
				three(what < 9 ? what : ~0u, ids[i], ids[j]);
}

/* Descriptors of the box's, which the other end is not to keep: the socket itself is one. */
static void rights(void)
{
	static const int counts[] = { 1, 2, 3, 4, 5, 100, FDS };
	int of[] = { BOOT->null_fd, BOOT->mem_fd, BOOT->epoll_fd, channel };
	int *fds = (int *)CMSG_DATA(&parcel.control.header);

	for (int i = 0; i < 1000; i++) {
		for (int j = 0; j < FDS; j++)
			fds[j] = of[(i + j) % COUNT(of)];
		parcel.data[0] = i % 6;
		parcel.data[1] = any() % 4;
		post(i % 3 ? 12 : 1 + any() % DATA, counts[i % COUNT(counts)]);
	}
}

/* As a socket that has ended is read. */
static void empty(void)
{
	post(0, 0);
}

static void flood(void)
{
	printf("ready\n");
	for (;;) {
		parcel.data[0] = any() % 6;
		parcel.data[1] = any() % 8;
		parcel.data[2] = any();
		post(12, any() % 4);
	}
}

/* What is for another process of the guest's is taken from it, with its descriptors. */
static void steal(void)
{
	printf("ready\n");
	for (;;) {
		prepare(PIECES * DATA, FDS);
		if (until_done(SYS_recvmsg, 0) >= 0)
			printf("stolen\n");
	}
}

static const struct { const char *name; void (*run)(void); } attacks[] = {
	{ "garbage", garbage }, { "numbers", numbers }, { "rights", rights },
	{ "empty", empty }, { "flood", flood }, { "steal", steal },
};

static int attack(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	channel = atoi(argv[1]);
	memset(&parcel, 0, sizeof(parcel));
	there = in_kernel(&parcel);
	for (size_t i = 0; i < COUNT(attacks); i++) {
		if (strcmp(attacks[i].name, argv[2]))
			continue;
		attacks[i].run();
		printf("refused = %ld\n", refused);
		printf("last = %ld\n", post(12, 0));
		stay();
	}
	return 2;
}

const struct command channels[] = { { "channel", attack }, { } };
