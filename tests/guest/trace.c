// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF, perf_event_open(2) and tracefs: events are counted, filtered, and sampled with the registers
 * of the user code that ran, which may not be on the kernel's one CPU then.
 */
#include "tap.h"
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

/* In mounts that nobody else sees, in a directory of the test's. */
static void mount_here(const char *type)
{
	if (unshare(CLONE_NEWNS))
		LACKING("mounts for this user");
	EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	EQ(mkdir(type, 0755), 0);
	EQ(mount(type, type, type, 0, NULL), 0);
}

/* --- BPF --- */

struct insn {
	uint8_t code, regs;	/* destination, source << 4 */
	int16_t off;
	int32_t imm;
};

#define MOV(reg, value)	{ 0xb7, reg, 0, value }
#define RETURN(value)	MOV(0, value), { 0x95, 0, 0, 0 }

enum { MAP_CREATE, MAP_LOOKUP, MAP_UPDATE, PROG_LOAD = 5, PROG_ATTACH = 8, PROG_DETACH };
enum { OF_SOCKET = 1, OF_TRACEPOINT = 5, OF_CGROUP_SKB = 8, OF_CGROUP_DEVICE = 15, AT_CGROUP_EGRESS = 1, AT_CGROUP_DEVICE = 6 };

static long bpf(int command, void *attr, size_t size)
{
	return syscall(SYS_bpf, command, attr, size);
}

static int load(int type, int attach, const struct insn *insns, size_t n)
{
	static char log[4096];
	struct {
		uint32_t type, count;
		uint64_t insns, license;
		uint32_t level, log_size;
		uint64_t log;
		uint32_t version, flags;
		char name[16];
		uint32_t ifindex, attach;
	} a = { .type = type, .count = n, .insns = (uintptr_t)insns, .license = (uintptr_t)"GPL", .level = 1, .log_size = sizeof(log),
		.log = (uintptr_t)log, .attach = attach };
	int fd = bpf(PROG_LOAD, &a, sizeof(a));

	if (fd < 0 && errno == EPERM)
		LACKING("BPF for this user");
	if (fd < 0)
		tap_fail(__FILE__, __LINE__, "no program: errno %d, %.300s", errno, log);
	return fd;
}

static int map_of(int type, int entries)
{
	struct { uint32_t type, key, value, entries, flags; } a = { type, 4, 8, entries, 0 };
	int fd = bpf(MAP_CREATE, &a, sizeof(a));

	if (fd < 0 && errno == EPERM)
		LACKING("BPF for this user");
	CHECK(fd >= 0);
	return fd;
}

static long map_value(int map, uint32_t key, uint64_t *value)
{
	struct { uint32_t map, pad; uint64_t key, value, flags; } a = { map, 0, (uintptr_t)&key, (uintptr_t)value, 0 };

	return bpf(MAP_LOOKUP, &a, sizeof(a));
}

static void bpf_map(void)
{
	uint64_t value = 77;
	uint32_t key = 5;
	int map = map_of(1 /* hash */, 10);
	struct { uint32_t map, pad; uint64_t key, value, flags; } a = { map, 0, (uintptr_t)&key, (uintptr_t)&value, 0 };

	EQ(bpf(MAP_UPDATE, &a, sizeof(a)), 0);
	value = 0;
	EQ(map_value(map, 5, &value), 0);
	EQ(value, 77);
	FAILS(map_value(map, 6, &value), ENOENT);
}

/* What is sent is cut to as much as the filter returns. */
static void bpf_socket_filter(void)
{
	static const struct insn three[] = { RETURN(3) };
	int filter = load(OF_SOCKET, 0, three, ARRAY_SIZE(three)), s[2];
	char text[10] = "";

	EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, s), 0);
	EQ(setsockopt(s[1], SOL_SOCKET, 50 /* SO_ATTACH_BPF */, &filter, sizeof(filter)), 0);
	EQ(write(s[0], "abcdef", 6), 6);
	EQ(read(s[1], text, sizeof(text)), 3);
	IS(text, "abc");
}

/* A verifier that would let this in would let in anything. */
static void bpf_verifier(void)
{
	static const struct insn wild[] = { MOV(1, 0), { 0x79, 0 | 1 << 4, 0, 0 } /* r0 = *r1 */, { 0x95, 0, 0, 0 } };
	struct { uint32_t type, count; uint64_t insns, license; } a = { OF_SOCKET, 3, (uintptr_t)wild, (uintptr_t)"GPL" };

	close(map_of(1, 1));	/* this user may do that */
	FAILS(bpf(PROG_LOAD, &a, sizeof(a)), EACCES);
}

/* In a control group with that program. */
static void in_group_with(int prog, int attach, void (*run)(void))
{
	struct { uint32_t target, prog, type, flags; } a = { 0, prog, attach, 0 };
	char text[20];
	pid_t pid;
	int go[2];

	mount_here("cgroup2");
	EQ(mkdir("cgroup2/kbox-test", 0755), 0);
	a.target = open("cgroup2/kbox-test", O_RDONLY | O_DIRECTORY);
	EQ(bpf(PROG_ATTACH, &a, sizeof(a)), 0);
	EQ(pipe(go), 0);
	pid = FORK();
	if (!pid) {
		EQ(read(go[0], text, 1), 1);
		run();
		_exit(0);
	}
	snprintf(text, sizeof(text), "%d", pid);
	EQ(write_text("cgroup2/kbox-test/cgroup.procs", text), 0);
	EQ(write(go[1], "x", 1), 1);
	CHILD_OK(pid);
	EQ(bpf(PROG_DETACH, &a, sizeof(a)), 0);
	SOON(!rmdir("cgroup2/kbox-test") || errno == ENOENT);
}

static void no_null(void)
{
	FAILS(open("/dev/null", O_RDONLY), EPERM);
}

/* What runc and systemd do with a list of devices. */
static void bpf_cgroup_device(void)
{
	static const struct insn none[] = { RETURN(0) };

	in_group_with(load(OF_CGROUP_DEVICE, 0, none, ARRAY_SIZE(none)), AT_CGROUP_DEVICE, no_null);
}

static void no_datagram(void)
{
	struct { uint16_t family, port; uint32_t addr; char zero[8]; } a = { AF_INET, 0x901f, 0x0100007f, "" };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	FAILS(sendto(s, "x", 1, 0, (void *)&a, sizeof(a)), EPERM);
}

static void bpf_cgroup_egress(void)
{
	static const struct insn none[] = { RETURN(0) };

	in_group_with(load(OF_CGROUP_SKB, AT_CGROUP_EGRESS, none, ARRAY_SIZE(none)), AT_CGROUP_EGRESS, no_datagram);
}

/* --- events --- */

struct event_attr {
	uint32_t type, size;
	uint64_t config, period, sample_type, read_format, flags;
	uint32_t wakeup, bp_type;
	uint64_t config1, config2, branch, regs_user;
	uint32_t stack_user, clock;
	uint64_t regs_intr;
	uint32_t aux_watermark, max_stack;
};

enum { SOFTWARE = 1, TRACEPOINT = 2, CPU_CLOCK = 0, TASK_CLOCK = 1, PAGE_FAULTS = 2, CONTEXT_SWITCHES = 3 };
enum { DISABLED = 1, EXCLUDE_KERNEL = 1 << 5, SAMPLE_IP = 1, SAMPLE_TID = 2, SAMPLE_REGS_USER = 1 << 12 };
enum { ENABLE = 0x2400, DISABLE = 0x2401, SET_BPF = 0x40042408 };

static int event(struct event_attr *a, pid_t pid)
{
	int fd;

	a->size = sizeof(*a);
	fd = syscall(SYS_perf_event_open, a, pid, -1, -1, 0);
	if (fd < 0 && (errno == EPERM || errno == EACCES))
		LACKING("events for this user");
	CHECK(fd >= 0);
	return fd;
}

static uint64_t count_of(int fd)
{
	uint64_t n;

	EQ(read(fd, &n, sizeof(n)), sizeof(n));
	return n;
}

static uint64_t thread_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static __attribute__((noinline)) void spin(void)
{
	for (volatile int i = 0; i < 300000; i++)
		;
}

static void spin_for(uint64_t ns)
{
	uint64_t end = thread_time() + ns;

	while (thread_time() < end)
		spin();
}

static void count_task_clock(void)
{
	struct event_attr a = { .type = SOFTWARE, .config = TASK_CLOCK };
	int fd = event(&a, 0);
	uint64_t used = thread_time();

	spin_for(200000000);
	used = thread_time() - used;
	CHECK(count_of(fd) >= used / 2);
}

static void count_switches(void)
{
	struct event_attr a = { .type = SOFTWARE, .config = CONTEXT_SWITCHES };
	int fd = event(&a, 0), i;
	uint64_t before = count_of(fd);

	for (i = 0; i < 20; i++)
		sleep_ms(1);
	CHECK(count_of(fd) - before >= 20);
}

static void count_faults(void)
{
	struct event_attr a = { .type = SOFTWARE, .config = PAGE_FAULTS };
	volatile char *p = map_anon(64 << 20, MAP_PRIVATE);
	int fd = event(&a, 0), i;
	uint64_t before = count_of(fd);

	for (i = 0; i < 8; i++)
		p[i * (8 << 20)] = 1;
	CHECK(count_of(fd) - before >= 8);
}

/* --- tracepoints --- */

static uint64_t tracepoint_id(const char *name)
{
	char path[100], text[20];

	snprintf(path, sizeof(path), "tracefs/events/%s/id", name);
	if (!slurp(path, text, sizeof(text)))
		tap_fail(__FILE__, __LINE__, "no tracepoint %s", name);
	return atoi(text);
}

/* Exactly as many calls as there were, at patched sites too. */
static void count_calls(void)
{
	struct event_attr enter = { .type = TRACEPOINT }, leave = { .type = TRACEPOINT };
	int in, out, i;

	mount_here("tracefs");
	enter.config = tracepoint_id("syscalls/sys_enter_getppid");
	leave.config = tracepoint_id("syscalls/sys_exit_getppid");
	for (i = 0; i < 10; i++)
		getppid();
	in = event(&enter, 0);
	out = event(&leave, 0);
	for (i = 0; i < 1000; i++)
		getppid();
	EQ(count_of(in), 1000);
	EQ(count_of(out), 1000);
}

/* As bpftrace does it: a program at the tracepoint counts in a map. */
static void bpf_at_tracepoint(void)
{
	int map = map_of(2 /* array */, 1), fd, prog, i;
	struct insn insns[] = {
		{ 0x62, 10, -4, 0 },			/* key = 0, on the stack */
		{ 0xbf, 2 | 10 << 4, 0, 0 }, { 0x07, 2, 0, -4 },
		{ 0x18, 1 | 1 << 4, 0, map }, { 0, 0, 0, 0 },
		{ 0x85, 0, 0, 1 },			/* r0 = &map[key] */
		{ 0x15, 0, 2, 0 },			/* unless it is NULL: */
		MOV(1, 1), { 0xdb, 0 | 1 << 4, 0, 0 },	/* lock *r0 += 1 */
		RETURN(0),
	};
	struct event_attr a = { .type = TRACEPOINT, .flags = DISABLED };
	uint64_t n = 0;

	mount_here("tracefs");
	a.config = tracepoint_id("syscalls/sys_enter_getpgid");
	prog = load(OF_TRACEPOINT, 0, insns, ARRAY_SIZE(insns));
	fd = event(&a, 0);
	EQ(ioctl(fd, SET_BPF, prog), 0);
	EQ(ioctl(fd, ENABLE, 0), 0);
	for (i = 0; i < 500; i++)
		syscall(SYS_getpgid, 0);
	EQ(ioctl(fd, DISABLE, 0), 0);
	EQ(map_value(map, 0, &n), 0);
	EQ(n, 500);
}

/* An instance of its own, with the calls of this process. */
static void trace_text(void)
{
	static char text[100000];
	char pid[20], *at;
	int n = 0, i;

	mount_here("tracefs");
	EQ(mkdir("tracefs/instances/kbox-test", 0755), 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	EQ(write_text("tracefs/instances/kbox-test/set_event_pid", pid), 0);
	EQ(write_text("tracefs/instances/kbox-test/events/syscalls/sys_enter_getsid/enable", "1"), 0);
	for (i = 0; i < 5; i++)
		getsid(i);
	EQ(write_text("tracefs/instances/kbox-test/events/enable", "0"), 0);
	slurp("tracefs/instances/kbox-test/trace", text, sizeof(text));
	for (at = text; (at = strstr(at, "sys_getsid(pid: ")); at++)
		EQ(atoi(at + 16), n++);
	EQ(n, 5);
	EQ(rmdir("tracefs/instances/kbox-test"), 0);
}

static void tracepoints_there(void)
{
	static const char *const names[] = {
		"sched/sched_switch", "sched/sched_process_exec", "block/block_rq_issue", "net/net_dev_queue", "raw_syscalls/sys_enter",
		"irq/softirq_entry", "timer/hrtimer_start", "tcp/tcp_probe", "skb/kfree_skb", "task/task_newtask",
	};
	size_t i;

	mount_here("tracefs");
	for (i = 0; i < ARRAY_SIZE(names); i++)
		CHECK(tracepoint_id(names[i]) > 0);
}

/* --- samples --- */

#define RING_PAGES 64

struct sampler {
	int fd;
	char *ring;
	uint64_t tail;
	unsigned all, in_spin, of_others, wrong_ip;
};

/*
 * A sample for each millisecond of pid's, with its ip and, if wanted, its registers: one of the
 * ISA's that has the same.
 */
static struct sampler sample(pid_t pid, uint64_t regs)
{
	struct event_attr a = {
		.type = SOFTWARE, .config = CPU_CLOCK, .period = 1000000, .flags = EXCLUDE_KERNEL,
		.sample_type = SAMPLE_IP | SAMPLE_TID | (regs ? SAMPLE_REGS_USER : 0), .regs_user = regs,
	};
	struct sampler s = { .fd = event(&a, pid) };

	s.ring = mmap(NULL, (RING_PAGES + 1) * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s.fd, 0);
	CHECK(s.ring != MAP_FAILED);
	return s;
}

static void take_sample(struct sampler *s, const uint64_t *r, pid_t tid)
{
	s->all++;
	s->in_spin += r[0] - (uintptr_t)spin < 200;
	s->of_others += (pid_t)(r[1] >> 32) != tid;
	if (r[2] == 2)	/* PERF_SAMPLE_REGS_ABI_64 */
		s->wrong_ip += r[3] != r[0];
}

static void take_samples(struct sampler *s, pid_t tid)
{
	uint64_t head = __atomic_load_n((uint64_t *)(s->ring + 1024), __ATOMIC_ACQUIRE), r[8], i;
	struct { uint32_t type; uint16_t misc, size; } h;
	char *data = s->ring + 4096;

	for (; s->tail < head; s->tail += h.size) {
		memcpy(&h, data + s->tail % (RING_PAGES * 4096), sizeof(h));
		memset(r, 0, sizeof(r));
		for (i = 8; i < h.size && i < 8 + sizeof(r); i += 8)
			memcpy(&r[i / 8 - 1], data + (s->tail + i) % (RING_PAGES * 4096), 8);
		if (h.type == 9)
			take_sample(s, r, tid);
	}
}

/* Most of the time it is there, and there its samples say that it is. */
static void samples_ok(struct sampler *s)
{
	CHECK(s->all >= 10);
	if (s->in_spin < s->all * 8 / 10)
		tap_fail(__FILE__, __LINE__, "%u of %u samples in spin()", s->in_spin, s->all);
	EQ(s->of_others, 0);
	EQ(s->wrong_ip, 0);
}

#ifdef __aarch64__
#define REG_IP (1ull << 32)
#else
#define REG_IP (1ull << 8)
#endif

static void sample_self(void)
{
	struct sampler s = sample(0, REG_IP);

	/*
	 * On a host that is busy with other things the timer comes late, or only when the program
	 * makes a call: there are fewer samples then, and none is to be made by calls.
	 */
	for (int i = 0; s.all < 50 && i < 100; i++) {
		EQ(ioctl(s.fd, ENABLE, 0), 0);
		for (int k = 0; k < 100; k++)
			spin();
		EQ(ioctl(s.fd, DISABLE, 0), 0);
		take_samples(&s, getpid());
	}
	samples_ok(&s);
}

/* Several of them at once: user code of a box runs on all of the host's processors. */
static void sample_many(void)
{
	volatile int *stop = map_anon(4096, MAP_SHARED);
	struct sampler s[3];
	pid_t pid[3];
	char c;
	int go[2], i;

	EQ(pipe(go), 0);
	for (i = 0; i < 3; i++) {
		pid[i] = FORK();
		if (!pid[i]) {
			EQ(read(go[0], &c, 1), 1);
			while (!*stop)
				spin();
			_exit(0);
		}
		s[i] = sample(pid[i], 0);
	}
	EQ(write(go[1], "xxx", 3), 3);
	for (i = 0; i < 3; i++)
		SOON((take_samples(&s[i], pid[i]), s[i].all >= 20));
	*stop = 1;
	for (i = 0; i < 3; i++) {
		CHILD_OK(pid[i]);
		take_samples(&s[i], pid[i]);
		samples_ok(&s[i]);
	}
}

/* Who is attached to while it runs. */
static void sample_running(void)
{
	volatile int *stop = map_anon(4096, MAP_SHARED);
	struct sampler s;
	pid_t pid = FORK();

	if (!pid) {
		*stop = 1;
		while (*stop < 2)
			spin();
		_exit(0);
	}
	SOON(*stop == 1);
	s = sample(pid, 0);
	SOON((take_samples(&s, pid), s.all >= 50));
	*stop = 2;
	CHILD_OK(pid);
	samples_ok(&s);
}

static const struct test tests[] = {
	T(bpf_map), T(bpf_socket_filter), T(bpf_verifier), T(bpf_cgroup_device), T(bpf_cgroup_egress), T(bpf_at_tracepoint),
	T(count_task_clock), T(count_switches), T(count_faults), T(count_calls), T(trace_text), T(tracepoints_there),
	T(sample_self), T(sample_many), T(sample_running),
};

int main(int argc, char **argv)
{
	return tap_main(argc, argv, tests, ARRAY_SIZE(tests));
}
