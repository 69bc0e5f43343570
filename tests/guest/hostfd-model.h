/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The random test. The model has what each descriptor of ours and of at most one child is: nothing,
 * a holder, or something else. It is in memory that both have, and that a program which the child
 * becomes gets, too.
 */
#ifndef HOSTFD_MODEL_H
#define HOSTFD_MODEL_H
#include "hostfd.h"

enum {
	FREE = 112,				/* descriptors; from there on they are the test's own */
	MODEL = FREE, HOSTFDS, LOOP, PAIR = LOOP + 2, PAIRS = 3, TABLE = PAIR + 2 * PAIRS,
	QUEUE = 6, MESSAGE = 4,
	CLOSED = -1, OTHER = -2,		/* instead of a holder */
	ORIGINALS = 32, OPS_MAX = 10000000,
};

struct entry { int holder; bool cloexec; };
struct holder { int host, access; bool openable; };

static struct model {
	struct entry table[2][TABLE];
	struct message { int n, holder[MESSAGE]; } queue[PAIRS][QUEUE];
	int queued[PAIRS];
	int base[HOSTS];		/* what others hold: they hold all that there was at the beginning */
	bool has_hostfds, has_loop;
	int holders, originals;
	uint64_t seed, random;
	long op, ops;
	struct holder holder[];
} *m;

static struct entry *table;		/* ours, in the model */

#define WRONG(...) do {												\
	char wrong_[400];											\
	snprintf(wrong_, sizeof(wrong_), __VA_ARGS__);								\
	tap_fail(__FILE__, __LINE__, "seed %llu, operation %ld%s: %s", (unsigned long long)m->seed, m->op,	\
		 table == m->table[1] ? ", in the child" : "", wrong_);						\
} while (0)

/* 0 to n - 1 */
static int any(int n)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (int)(m->random * 0x2545f4914f6cdd1dULL >> 33) % n;
}

/* ret as a call gives it; want: the same, or -errno */
static bool expect(long ret, long want, const char *what, int a, int b)
{
	long got = ret < 0 ? -errno : ret;

	if (got != want)
		WRONG("%s, %d, %d: %ld, not %ld", what, a, b, got, want);
	return got >= 0;
}

static bool is_open(int fd)
{
	return fd >= 0 && fd < TABLE && table[fd].holder != CLOSED;
}

static int lowest(int from)
{
	while (from < TABLE && is_open(from))
		from++;
	return from < TABLE ? from : -EMFILE;
}

static void set(int fd, int holder, bool cloexec)
{
	table[fd] = (struct entry) { holder, cloexec };
}

/* Mostly one that is open. */
static int any_fd(void)
{
	int fd = any(FREE);

	for (int tries = any(8); tries && !is_open(fd); tries--)
		fd = any(FREE);
	return fd;
}

static int any_target(void)
{
	return 3 + any(FREE - 3);
}

/* A holder that is open, or -1. */
static int any_held(void)
{
	int fd = any_fd();

	return is_open(fd) && table[fd].holder >= 0 ? fd : -1;
}

/* Each holder has a mark in its open file: by that two descriptors can be told to be of one. */
static void mark(int fd)
{
	if (fcntl(fd, F_SETSIG, table[fd].holder % 60 + 1))
		WRONG("F_SETSIG of %d: errno %d", fd, errno);
}

static void new_holder(int fd, int host, int access, bool openable, bool cloexec)
{
	m->holder[m->holders] = (struct holder) { host, access, openable };
	set(fd, m->holders++, cloexec);
	mark(fd);
}

static void op_dup(void)
{
	int fd = any_fd(), want = is_open(fd) ? lowest(0) : -EBADF;

	if (expect(dup(fd), want, "dup", fd, 0))
		set(want, table[fd].holder, false);
}

static void op_dup2(void)
{
	int fd = any_fd(), to = any(50) ? any_target() : TABLE + any(3), want = is_open(fd) && to < TABLE ? to : -EBADF;

	if (expect(dup2(fd, to), want, "dup2", fd, to) && to != fd)
		set(to, table[fd].holder, false);
}

static void op_dup3(void)
{
	int fd = any_fd(), to = any_target(), flags = any(2) ? O_CLOEXEC : 0, want = is_open(fd) ? to : -EBADF;

	if (fd == to)
		want = -EINVAL;
	if (expect(dup3(fd, to, flags), want, "dup3", fd, to))
		set(to, table[fd].holder, flags);
}

static void op_dupfd(void)
{
	int fd = any_fd(), from = any(TABLE + 1), cloexec = any(2), want = is_open(fd) ? lowest(from) : -EBADF;

	if (is_open(fd) && from == TABLE)
		want = -EINVAL;
	if (expect(fcntl(fd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, from), want, "F_DUPFD", fd, from))
		set(want, table[fd].holder, cloexec);
}

static void op_close(void)
{
	int fd = any_target();

	if (expect(close(fd), is_open(fd) ? 0 : -EBADF, "close", fd, 0))
		set(fd, CLOSED, false);
}

static void op_close_range(void)
{
	int from = any_target(), to = from + any(12), flags = any(3) ? 0 : CLOEXEC_RANGE;

	if (to >= FREE)
		to = FREE - 1;
	expect(close_range_(from, to, flags), 0, "close_range", from, to);
	for (int fd = from; fd <= to; fd++)
		if (!flags)
			set(fd, CLOSED, false);
		else if (is_open(fd))
			table[fd].cloexec = true;
}

static void op_setfd(void)
{
	int fd = any_target(), cloexec = any(2);

	if (expect(fcntl(fd, F_SETFD, cloexec), is_open(fd) ? 0 : -EBADF, "F_SETFD", fd, cloexec))
		table[fd].cloexec = cloexec;
}

static void op_reopen(void)
{
	int fd = any_held(), cloexec = any(2) ? O_CLOEXEC : 0, want = lowest(0);
	struct holder *h = fd < 0 ? NULL : &m->holder[table[fd].holder];

	if (h && h->openable && expect(reopen(fd, h->access | O_NONBLOCK | O_NOCTTY | cloexec), want, "open of another", fd, cloexec))
		new_holder(want, h->host, h->access, true, cloexec);
}

static void op_send(void)
{
	int pair = any(PAIRS), fds[MESSAGE], n = 1 + any(MESSAGE);
	struct message *msg = &m->queue[pair][m->queued[pair]];

	if (m->queued[pair] == QUEUE)
		return;
	for (int i = 0; i < n; i++) {
		fds[i] = any_held();
		if (fds[i] < 0)
			return;
		msg->holder[i] = table[fds[i]].holder;
	}
	msg->n = n;
	m->queued[pair]++;
	expect(send_byte(PAIR + 2 * pair, fds, n), 1, "sendmsg", pair, n);
}

/* Those for which there is no room, in the message or in our table, are dropped. */
static void op_receive(void)
{
	int pair = any(PAIRS), room = any(MESSAGE + 1), cloexec = any(2) ? MSG_CMSG_CLOEXEC : 0, to;
	struct message msg = m->queue[pair][0];
	struct received r;

	if (!m->queued[pair])
		return;
	memmove(m->queue[pair], m->queue[pair] + 1, --m->queued[pair] * sizeof(msg));
	expect(receive_byte(PAIR + 2 * pair + 1, cloexec, room, &r), 1, "recvmsg", pair, room);
	for (int i = 0; i < msg.n && i < room && (to = lowest(0)) >= 0; i++) {
		if (i >= r.n || r.fds[i] != to)
			WRONG("descriptor %d of a message: %d, not %d", i, i < r.n ? r.fds[i] : -1, to);
		set(to, msg.holder[i], cloexec);
		r.fds[i] = -1;
	}
	for (int i = 0; i < r.n; i++)
		if (r.fds[i] != -1)
			WRONG("one descriptor too many: %d", r.fds[i]);
}

static void make_pair(int pair)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds))
		WRONG("socketpair: errno %d", errno);
	for (int i = 0; i < 2; i++) {
		expect(dup2(fds[i], PAIR + 2 * pair + i), PAIR + 2 * pair + i, "dup2 of a socket", fds[i], pair);
		close(fds[i]);
	}
	m->queued[pair] = 0;
}

/* What is in flight is dropped, with both ends. */
static void op_drop(void)
{
	int a = lowest(0), b = a < 0 ? a : lowest(a + 1);

	if (table == m->table[0] && b >= 0)
		make_pair(any(PAIRS));
}

/* By way of the host: another descriptor of the host. */
static void op_loop(void)
{
	int fd = any_held(), want = lowest(0), cloexec = any(2) ? MSG_CMSG_CLOEXEC : 0;
	struct received r;

	if (!m->has_loop || fd < 0 || want < 0)
		return;
	expect(send_byte(LOOP, &fd, 1), 1, "sendmsg by the host", fd, 0);
	expect(receive_byte(LOOP + 1, cloexec, 1, &r), 1, "recvmsg by the host", fd, 0);
	if (r.n != 1 || r.fds[0] != want)
		WRONG("%d descriptors by the host, %d, not %d", r.n, r.n ? r.fds[0] : -1, want);
	new_holder(want, host_of(want), m->holder[table[fd].holder].access, true, cloexec);
}

/* How many hold each descriptor of the host. */
static void count_holders(int count[HOSTS])
{
	static int seen[2 * TABLE + PAIRS * QUEUE * MESSAGE];
	int n = 0;

	for (int who = 0; who < 2; who++)
		for (int fd = 0; fd < TABLE; fd++)
			seen[n++] = m->table[who][fd].holder;
	for (int pair = 0; pair < PAIRS; pair++)
		for (int i = 0; i < m->queued[pair]; i++)
			for (int j = 0; j < m->queue[pair][i].n; j++)
				seen[n++] = m->queue[pair][i].holder[j];
	memcpy(count, m->base, sizeof(m->base));
	for (int i = 0; i < n; i++) {
		int first = 0;

		while (seen[first] != seen[i])
			first++;
		if (first == i && seen[i] >= m->originals && m->holder[seen[i]].host >= 0)
			count[m->holder[seen[i]].host]++;
	}
}

static void verify_table(void)
{
	for (int fd = 0; fd < TABLE; fd++) {
		struct entry *e = &table[fd];
		int flags = fcntl(fd, F_GETFD), sig;

		if ((flags < 0 && (errno != EBADF || e->holder != CLOSED)) || (flags >= 0 && e->holder == CLOSED))
			WRONG("descriptor %d: F_GETFD gives %d, errno %d, the model has %d", fd, flags, errno, e->holder);
		if (e->holder < 0)
			continue;
		if (flags != e->cloexec)
			WRONG("descriptor %d: F_GETFD gives %d, not %d", fd, flags, e->cloexec);
		sig = fcntl(fd, F_GETSIG);
		if (sig != e->holder % 60 + 1)
			WRONG("descriptor %d: its mark is %d, that of holder %d is %d", fd, sig, e->holder, e->holder % 60 + 1);
	}
}

static void verify(void)
{
	static int got[HOSTS], want[HOSTS];

	verify_table();
	if (!m->has_hostfds)
		return;
	if (read_hostfds(HOSTFDS, got))
		WRONG("/proc/hostfds is not as it should be");
	count_holders(want);
	for (int host = 0; host < HOSTS; host++)
		if (got[host] != want[host])
			WRONG("descriptor %d of the host has %d holders, not %d", host, got[host], want[host]);
}

static void step(void);

static void some_steps(int n)
{
	while (n--)
		step();
	if (!any(4))
		verify();
}

/* The child becomes this program again, with what exec leaves it; the rest is in resumed(). */
static void become(void)
{
	char fd[12];

	for (int i = FREE - 3; i < FREE; i++) {	/* the loader needs some */
		close(i);
		set(i, CLOSED, false);
	}
	for (int i = 0; i < TABLE; i++)
		if (table[i].cloexec)
			set(i, CLOSED, false);
	snprintf(fd, sizeof(fd), "%d", MODEL);
	execl("/proc/self/exe", "hostfd", "resumed", fd, (char *)NULL);
	WRONG("exec: errno %d", errno);
}

static void op_fork(void)
{
	pid_t pid;
	int st;

	if (table != m->table[0])
		return;
	memcpy(m->table[1], m->table[0], sizeof(m->table[0]));
	pid = fork();
	if (pid < 0)
		WRONG("fork: errno %d", errno);
	if (!pid) {
		table = m->table[1];
		some_steps(any(20));
		if (!any(4))
			become();
		_exit(0);
	}
	if (waitpid(pid, &st, 0) != pid || st)
		WRONG("the child's status is %#x", st);
	for (int fd = 0; fd < TABLE; fd++)
		m->table[1][fd].holder = CLOSED;
	if (!any(4))
		verify();
}

static const struct { int weight; void (*run)(void); } operations[] = {
	{ 240, op_dup }, { 300, op_dup2 }, { 200, op_dup3 }, { 200, op_dupfd }, { 1100, op_close }, { 30, op_close_range }, { 150, op_setfd },
	{ 500, op_reopen }, { 120, op_send }, { 120, op_receive }, { 5, op_drop }, { 200, op_loop }, { 5, op_fork },
};

static void step(void)
{
	int sum = 0, n, i = 0;

	for (size_t j = 0; j < ARRAY_SIZE(operations); j++)
		sum += operations[j].weight;
	n = any(sum);
	while (n >= operations[i].weight)
		n -= operations[i++].weight;
	m->op++;
	operations[i].run();
}

static size_t model_size(long ops)
{
	return sizeof(*m) + (ops + ORIGINALS) * sizeof(struct holder);
}

static struct model *map_model(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, MODEL, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void make_model(long ops)
{
	int fd = memfd_create("model", 0);

	CHECK(fd >= 0);
	EQ(ftruncate(fd, model_size(ops)), 0);
	EQ(dup2(fd, MODEL), MODEL);
	close(fd);
	m = map_model(model_size(ops));
	CHECK(m);
	m->ops = ops;
	m->seed = m->random = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) : 20240601;
	CHECK(m->seed);
	table = m->table[0];
	for (int who = 0; who < 2; who++)
		for (int i = 0; i < TABLE; i++)
			m->table[who][i].holder = i < FREE || who ? CLOSED : OTHER;
}

static void open_loop(void)
{
	const char *loop = getenv("HOSTFD_LOOP");
	int a, b;

	if (loop && sscanf(loop, "%d,%d", &a, &b) == 2) {
		EQ(dup2(a, LOOP), LOOP);
		EQ(dup2(b, LOOP + 1), LOOP + 1);
		close(a);
		close(b);
		m->has_loop = true;
	} else {	/* both are ours, and are used by nobody */
		EQ(dup2(MODEL, LOOP), LOOP);
		EQ(dup2(MODEL, LOOP + 1), LOOP + 1);
	}
}

static void open_hostfds(void)
{
	int fd = open("/proc/hostfds", O_RDONLY);

	if (fd < 0) {
		EQ(dup2(MODEL, HOSTFDS), HOSTFDS);
		return;
	}
	EQ(dup2(fd, HOSTFDS), HOSTFDS);
	close(fd);
	EQ(read_hostfds(HOSTFDS, m->base), 0);
	m->has_hostfds = true;
}

/* What is open at the beginning. */
static void add_originals(void)
{
	struct stat st;

	for (int fd = 0; fd < FREE; fd++) {
		int flags = fcntl(fd, F_GETFL), other;

		if (flags < 0)
			continue;
		flags &= O_ACCMODE;
		other = reopen(fd, flags | O_NONBLOCK | O_NOCTTY);
		if (!fstat(fd, &st) && S_ISSOCK(st.st_mode))
			set(fd, OTHER, fcntl(fd, F_GETFD));
		else
			new_holder(fd, host_of(fd), flags, other >= 0, fcntl(fd, F_GETFD));
		close(other);
	}
	m->originals = m->holders;
	CHECK(m->originals <= ORIGINALS);
}

static long operations_wanted(void)
{
	const char *ops = getenv("HOSTFD_OPS");
	long n = ops ? atol(ops) : 1000000 / (slowness() < 20 ? slowness() : 20);

	CHECK(n > 0 && n <= OPS_MAX);
	return n;
}

static void random_operations(void)
{
	struct rlimit limit = { TABLE, TABLE };
	long next = 0;

	close_range_(FREE, ~0U, 0);
	EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	make_model(operations_wanted());
	dprintf(1, "# SEED=%llu HOSTFD_OPS=%ld\n", (unsigned long long)m->seed, m->ops);
	open_loop();
	open_hostfds();
	for (int pair = 0; pair < PAIRS; pair++)
		make_pair(pair);
	add_originals();
	while (m->op < m->ops) {
		step();
		if (m->op < next)
			continue;
		verify();
		next = m->op + 1000;
	}
	verify();
	/* Then nobody has any but who had them at the beginning. */
	close_range_(3, FREE - 1, 0);
	for (int fd = 3; fd < FREE; fd++)
		set(fd, CLOSED, false);
	for (int pair = 0; pair < PAIRS; pair++)
		make_pair(pair);
	verify();
}

/* What become() has made of the child. */
static int resumed(const char *fd)
{
	struct stat st;

	if (atoi(fd) != MODEL || fstat(MODEL, &st))
		return 1;
	m = map_model(st.st_size);
	if (!m)
		return 1;
	table = m->table[1];
	verify();
	some_steps(any(20));
	return 0;
}

#endif
