// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's first process (static musl): makes the root (init_root.c), starts the
 * command, reaps, and says goodbye with the command's wait status. With --init
 * the command takes its place instead.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <asm/kbox.h>
#include "init.h"

#define TTY_GROUP	5
#define GRACE		5	/* seconds from SIGTERM to SIGKILL, while nothing ends */
#define GRACE_IN_ALL	60	/* the supervisor has more */

struct config config;

/* End the box. status: as wait(2) gives it. */
void goodbye(int status)
{
	char arg[32];

	snprintf(arg, sizeof(arg), "status=%d", status);
	syscall(SYS_reboot, 0xfee1dead, 672274793, 0xa1b2c3d4 /* RESTART2 */, arg);
	_exit(1);
}

void fail(const char *what)
{
	dprintf(2, "kbox: %s: %s\n", what, strerror(errno));
	goodbye(125 << 8);
}

static char *next;

void read_from(char *strings)
{
	next = strings;
}

char *next_string(void)
{
	char *s = next;

	next += strlen(s) + 1;
	return s;
}

unsigned long next_number(void)
{
	return strtoul(next_string(), NULL, 10);
}

/* An array of so many, and one more. */
static void *array(size_t n, size_t size)
{
	void *a = calloc(n + 1, size);

	if (!a)
		fail("/config");
	return a;
}

char **next_list(void)
{
	unsigned long n = next_number();
	char **l = array(n, sizeof(*l));

	for (unsigned long i = 0; i < n; i++)
		l[i] = next_string();
	return l;
}

static char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *buf;

	if (fd < 0 || fstat(fd, &st))
		fail(path);
	buf = calloc(1, st.st_size + 1);
	for (off_t got = 0; got < st.st_size; ) {
		ssize_t n = buf ? read(fd, buf + got, st.st_size - got) : -1;

		if (n <= 0)
			fail(path);
		got += n;
	}
	close(fd);
	return buf;
}

static void read_groups(void)
{
	config.ngroups = next_number();
	config.groups = array(config.ngroups, sizeof(*config.groups));
	for (size_t i = 0; i < config.ngroups; i++)
		config.groups[i] = next_number();
}

static void read_places(void)
{
	config.nplaces = next_number();
	config.places = array(config.nplaces, sizeof(*config.places));
	for (size_t i = 0; i < config.nplaces; i++) {
		struct place *p = &config.places[i];

		p->path = next_string();
		p->link = next_string();
		p->mode = next_number();
		p->uid = next_number();
		p->gid = next_number();
	}
}

static void read_volumes(void)
{
	config.data = next_string();
	config.layers = next_number();
	config.root = next_number();
	config.upper = next_number();
	config.nvolumes = next_number();
	config.volumes = array(config.nvolumes, sizeof(*config.volumes));
	for (size_t i = 0; i < config.nvolumes; i++) {
		struct volume *v = &config.volumes[i];

		v->arg = next_string();
		v->target = next_string();
		v->read_only = next_number();
		v->below = next_number();
		v->file = next_string();
	}
	read_places();
}

static void read_config(void)
{
	read_from(read_file("/config"));
	unlink("/config");
	config.root_is = next_number();
	config.system = next_number();
	config.read_only = next_number();
	config.overlay = next_number();
	config.uid = next_number();
	config.gid = next_number();
	config.umask = next_number();
	config.init = next_number();
	config.hostname = next_string();
	config.cwd = next_string();
	for (int i = 0; i < 3; i++) {
		config.stdio[i].kind = next_number();
		config.stdio[i].access = next_number();
	}
	config.nfds = next_number();
	config.fds = array(config.nfds, sizeof(*config.fds));
	for (size_t i = 0; i < config.nfds; i++) {
		config.fds[i].host = next_number();
		config.fds[i].guest = next_number();
	}
	config.env = next_list();
	config.argv = next_list();
	read_groups();
	read_volumes();
	config.diff = next_number();
	config.agent = next_number();
	config.net = next_number();
	config.ipv6 = next_number();
	config.resolv_conf = next_string();
}

static int kboxfd, nullfd;
static int agent = -1;		/* its socket */
static int started = -1;	/* the agent hears by it of the command's exec */
static struct rlimit files;	/* as the command is to have it */

int move_up(int fd)
{
	struct rlimit more = files;
	int most = 2;

	for (size_t i = 0; i < config.nfds; i++)
		if (config.fds[i].guest > most)
			most = config.fds[i].guest;
	if (most + 16UL > files.rlim_cur) {
		more.rlim_cur = most + 16;
		more.rlim_max = more.rlim_cur > files.rlim_max ? more.rlim_cur : files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &more);
	}
	return fcntl(fd, F_DUPFD_CLOEXEC, most + 1);
}

static void open_devices(void)
{
	getrlimit(RLIMIT_NOFILE, &files);
	kboxfd = move_up(open("/dev/kboxfd", O_RDWR | O_CLOEXEC));
	nullfd = move_up(open("/dev/null", O_RDWR | O_CLOEXEC));
	if (kboxfd < 0 || nullfd < 0)
		fail("/dev/kboxfd");
}

/* A descriptor of the host becomes ours, as number "to", to be closed by exec or not; only once. */
static int take(int host, int to)
{
	int fd = ioctl(kboxfd, KBOX_IOC_TAKE, host);

	if (fd < 0 || fd == to)
		return fd;
	if (dup2(fd, to) != to)
		return -1;
	close(fd);
	return to;
}

/* Out of the way of the command's, which does not have it. It may be our own standard output. */
static void open_diff(void)
{
	int fd = config.diff < 3 ? config.diff : ioctl(kboxfd, KBOX_IOC_TAKE, config.diff), out = move_up(fd);

	if (fd < 0 || out < 0)
		fail("--diff");
	if (fd > 2)
		close(fd);
	diff_prepare(out);
}

static void open_agent(void)
{
	int fd = ioctl(kboxfd, KBOX_IOC_TAKE, config.agent);

	agent = move_up(fd);
	if (fd < 0 || agent < 0)
		fail("--name");
	close(fd);
}

/* Before the root changes: the devices need not be in the image. */
static void open_stdio(void)
{
	for (int i = 0; i < 3; i++) {
		int fd = -1;

		if (!config.stdio[i].kind)
			fd = take(i, i);
		else if (config.stdio[i].kind == KBOX_STDIO_TTY)
			fd = open("/dev/ttyK0", O_RDWR | O_NOCTTY);
		if (fd < 0)
			fd = nullfd;	/* of a closed one it holds the place, see run() */
		if (fd != i)
			dup2(fd, i);
		if (fd > 2 && fd != nullfd)
			close(fd);
		fcntl(i, F_SETFD, 0);
	}
}

static int terminal(void)
{
	for (int i = 0; i < 3; i++)
		if (config.stdio[i].kind == KBOX_STDIO_TTY)
			return i;
	return -1;
}

/*
 * The launcher makes its terminal raw where both input and output are the terminal (its
 * tty.c). Else that one goes on to echo and to turn \n into \r\n, and once is enough.
 */
void set_up_terminal(void)
{
	struct termios t;
	int tty = terminal();

	if (tty < 0 || (config.stdio[0].kind == KBOX_STDIO_TTY && config.stdio[1].kind == KBOX_STDIO_TTY))
		return;
	if (tcgetattr(tty, &t))
		return;
	t.c_oflag &= ~OPOST;
	t.c_lflag &= ~ECHO;
	tcsetattr(tty, TCSANOW, &t);
}

/*
 * The kernel makes these for root, and udev, which a box need not have, for everyone: what they
 * give asks for its own rights.
 */
static void open_to_everyone(void)
{
	static const char *const devices[] = { "/dev/fuse", "/dev/net/tun", "/dev/vsock" };

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		chmod(devices[i], 0666);	/* fails where the kernel is one without it */
}

static void loopback_up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		ioctl(fd, SIOCSIFFLAGS, &r);
		close(fd);
	}
}

static void default_env(const char *var, const char *value)
{
	setenv(var, value, 0);
}

void set_environment(void)
{
	environ = config.env;
	default_env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	default_env("HOME", config.uid ? "/" : "/root");
	if (terminal() >= 0)
		default_env("TERM", "xterm");
}

/* The command has not become one. A first process does not exit. */
static void __attribute__((noreturn)) leave(int status)
{
	if (started >= 0)
		write(started, "", 1);
	if (config.init)
		goodbye(status << 8);
	_exit(status);
}

/*
 * The command's own session, terminal, user and directory. A first process leaves sessions and the
 * terminal to those who log in.
 */
static void set_up_command(void)
{
	int tty = terminal();
	sigset_t none;

	if (!config.init)
		setsid();
	if (tty >= 0 && isatty(tty)) {
		if (!config.init)
			ioctl(tty, TIOCSCTTY, 1);
		/* As login(1) does: it may be opened by name again. */
		if (!fchown(tty, config.uid, TTY_GROUP))
			fchmod(tty, 0620);
	}
	if (chdir(config.cwd)) {
		dprintf(2, "kbox: %s: %s\n", config.cwd, strerror(errno));
		leave(125);
	}
	if ((config.uid || config.gid || config.ngroups) &&
	    (setgroups(config.ngroups, config.groups) || setgid(config.gid) || setuid(config.uid))) {
		dprintf(2, "kbox: cannot change the user: %s\n", strerror(errno));
		leave(125);
	}
	umask(config.umask);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * The command's descriptor of --fd; a second one for the same of the host is a duplicate. stdio:
 * what 0 to 2 are before any.
 */
static int give(size_t i, const int stdio[3])
{
	int host = config.fds[i].host, to = config.fds[i].guest;

	if (host < 3)
		return dup2(stdio[host], to);
	for (size_t j = 0; j < i; j++)
		if (config.fds[j].host == host)
			return dup2(config.fds[j].guest, to);
	return take(host, to);
}

/* Messages go to the first stderr. */
static int give_all(void)
{
	int stdio[3];

	for (int i = 0; i < 3; i++) {
		stdio[i] = move_up(i);
		if (config.stdio[i].kind == KBOX_STDIO_CLOSED)
			close(i);
	}
	for (size_t i = 0; i < config.nfds; i++) {
		if (give(i, stdio) < 0) {
			dprintf(stdio[2], "kbox: --fd %d:%d: %s\n", config.fds[i].host, config.fds[i].guest, strerror(errno));
			leave(125);
		}
		fcntl(config.fds[i].guest, F_SETFD, 0);
	}
	return stdio[2];
}

void run(void)
{
	const char *name = config.argv[0];
	int err, said;

	set_up_command();
	said = give_all();
	setrlimit(RLIMIT_NOFILE, &files);
	execvp(name, config.argv);
	err = errno;
	if (err == ENOENT && strchr(name, '/') && !access(name, F_OK)) {
		dprintf(said, "kbox: %s: its interpreter is not in the image\n", name);
		leave(126);
	}
	dprintf(said, "kbox: %s: %s\n", name, err == ENOEXEC ? "not a program for this machine" : strerror(err));
	leave(err == ENOENT ? 127 : 126);
}

/* They end where the command and its children close them. Messages go on to need 2. */
static void leave_stdio(void)
{
	for (int i = 0; i < 2; i++)
		if (!config.stdio[i].kind)
			dup2(nullfd, i);
	close(kboxfd);
}

void drop_stdio(void)
{
	for (int i = 0; i < 3; i++)
		dup2(nullfd, i);
	close(kboxfd);
	started = -1;
}

time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/*
 * What has been written is to be in the image, whatever becomes of the rest. Another file system
 * may be one that does not answer. So the image comes first, and a process of its own waits for
 * both; init does if it cannot make one.
 */
static void sync_aside(void)
{
	pid_t pid = fork();

	if (pid > 0)
		return;
	syncfs(open("/", O_RDONLY | O_CLOEXEC));
	sync();
	if (!pid)
		_exit(0);
}

/* Processes and threads, the kernel's among them. */
static unsigned int tasks(void)
{
	struct sysinfo info;

	return sysinfo(&info) ? 0 : info.procs;
}

/* From the first signal on: how far the end has come. */
static struct {
	time_t since, until;	/* 0: nobody has asked */
	time_t counted;		/* when there were so many tasks */
	unsigned int tasks;
	unsigned int fewest;	/* tasks that there have been, for a second */
} end;

/* A signal for us is one for the command's process group. */
static void begin_end(pid_t command, int sig)
{
	sync_aside();
	/* It has no group of its own before its setsid(). */
	if (kill(-command, sig))
		kill(command, sig);
	kill(-command, SIGCONT);
	end.since = end.counted = seconds();
	end.until = end.since + GRACE;
	end.tasks = tasks();
	end.fewest = UINT_MAX;
}

/*
 * As long as there are fewer and fewer they have time. There are few for a moment, too, when the
 * children of shells have been killed and the shells have not made their next ones: that is why two
 * counts in a row have to be low.
 */
static void count_tasks(time_t now)
{
	unsigned int before = end.tasks;

	if (now == end.counted)
		return;
	end.counted = now;
	end.tasks = tasks();
	if (MAX(before, end.tasks) < end.fewest) {
		end.fewest = MAX(before, end.tasks);
		end.until = now + GRACE;
	}
}

/* Whoever is killed may have made another one just before. */
static void go_on_ending(void)
{
	time_t now = seconds();

	count_tasks(now);
	if (now < end.until && now < end.since + GRACE_IN_ALL)
		return;
	kill(-1, SIGKILL);
	end.until = now + 1;
	end.fewest = 0;
}

/* Reap everything until the command ends. */
static int reap_until(pid_t command, const sigset_t *set)
{
	static const struct timespec second = { 1, 0 };
	int status, sig;
	pid_t pid;

	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == command)
				return status;
		sig = sigtimedwait(set, NULL, end.since ? &second : NULL);
		if (end.since)
			go_on_ending();
		else if (sig > 0 && sig != SIGCHLD)
			begin_end(command, sig);
	}
}

/*
 * Nobody else is left. A signal that comes now has nothing to end, but must not find anything
 * unwritten either.
 */
static void reap_all(const sigset_t *set)
{
	pid_t pid;
	int sig;

	kill(-1, SIGKILL);
	if (end.since)
		sync_aside();	/* the one that was at it is among the killed */
	for (;;) {
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0)
			return;
		sig = sigwaitinfo(set, NULL);
		if (sig > 0 && sig != SIGCHLD && !end.since) {
			end.since = seconds();
			sync_aside();
		}
	}
}

/* No writer is left: what has changed stays so, and then the file system is clean. */
static void close_root(const sigset_t *set)
{
	reap_all(set);
	diff_write();
	sync();
	mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

static sigset_t block_signals(void)
{
	static const int sigs[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaddset(&set, sigs[i]);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return set;
}

int main(void)
{
	sigset_t set = block_signals();
	pid_t command;
	int status;

	read_config();
	if (mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, ""))
		fail("devtmpfs");
	open_to_everyone();
	open_devices();
	open_stdio();
	if (config.diff >= 0)
		open_diff();
	if (config.agent >= 0)
		open_agent();
	set_up_terminal();
	sethostname(config.hostname, strlen(config.hostname));
	loopback_up();
	if (config.net)
		net_up();
	enter_root();
	mount_volumes();
	if (config.net)
		net_names();
	set_environment();
	if (agent >= 0)
		started = start_agent(agent);
	if (config.init)
		run();
	command = fork();
	if (!command)
		run();
	if (command < 0)
		fail("fork (see ulimit -u, and pids.max of the control group)");
	leave_stdio();
	close(agent);
	close(started);
	status = reap_until(command, &set);
	close_root(&set);
	goodbye(status);
}
