// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's first process (static musl): makes the image the root, starts the
 * command, reaps, and says goodbye with the command's wait status.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STDIO_TTY	1	/* KBOX_STDIO_TTY */
#define STDIO_CLOSED	2

static char config[2 << 20], *next = config;

static char *string(void)
{
	char *s = next;

	next += strlen(s) + 1;
	return s;
}

static unsigned long number(void)
{
	return strtoul(string(), NULL, 10);
}

static char **list(void)
{
	unsigned long n = number();
	char **l = calloc(n + 1, sizeof(*l));

	for (unsigned long i = 0; i < n; i++)
		l[i] = string();
	return l;
}

/* End the box. status: as wait(2) gives it. */
static void goodbye(int status)
{
	char arg[32];

	snprintf(arg, sizeof(arg), "status=%d", status);
	syscall(SYS_reboot, 0xfee1dead, 672274793, 0xa1b2c3d4 /* RESTART2 */, arg);
	_exit(1);
}

static void fail(const char *what)
{
	dprintf(2, "kbox: %s: %s\n", what, strerror(errno));
	goodbye(125 << 8);
}

static void open_stdio(const unsigned long kind[3])
{
	char name[] = "/dev/kboxio0";
	int fd;

	for (int i = 0; i < 3; i++) {
		name[11] = '0' + i;
		fd = open(kind[i] == STDIO_TTY ? "/dev/ttyK0" : kind[i] == STDIO_CLOSED ? "/dev/null" : name,
			  (kind[i] == STDIO_TTY ? O_RDWR : i ? O_WRONLY : O_RDONLY) | O_NOCTTY);
		if (fd < 0)
			fd = open("/dev/null", O_RDWR);
		if (fd != i) {
			dup2(fd, i);
			close(fd);
		}
	}
}

static void mount_in(const char *type, const char *dir, unsigned long flags, const char *data)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, flags, data) && errno != ENOENT)
		dprintf(2, "kbox: cannot mount %s on %s: %s\n", type, dir, strerror(errno));
}

static void mount_system(void)
{
	mount_in("proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	mount_in("sysfs", "sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	mount_in("devtmpfs", "dev", MS_NOSUID, "");
	mount_in("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
	mount_in("tmpfs", "dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
	mount_in("mqueue", "dev/mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	mount_in("tmpfs", "tmp", MS_NOSUID | MS_NODEV, "mode=1777");
	unlink("dev/ptmx");
	if (symlink("pts/ptmx", "dev/ptmx") || symlink("/proc/self/fd", "dev/fd") ||
	    symlink("fd/0", "dev/stdin") || symlink("fd/1", "dev/stdout") || symlink("fd/2", "dev/stderr"))
		return;
}

static void enter_root(int system, int read_only)
{
	if (mount("/dev/vda", "/root", "ext4", (read_only ? MS_RDONLY : 0), read_only ? "noload" : ""))
		fail("cannot mount the image");
	if (chdir("/root"))
		fail("/root");
	if (system)
		mount_system();
	if (mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		fail("cannot change the root");
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

static void run(char **argv, const char *cwd, uid_t uid, gid_t gid, int tty)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (tty >= 0)
		ioctl(tty, TIOCSCTTY, 1);
	if ((uid || gid) && (setgroups(0, NULL) || setgid(gid) || setuid(uid)))
		fail("cannot change the user");
	if (chdir(cwd)) {
		dprintf(2, "kbox: %s: %s\n", cwd, strerror(errno));
		_exit(125);
	}
	execvp(argv[0], argv);
	if (errno == ENOENT && strchr(argv[0], '/') && !access(argv[0], F_OK)) {
		dprintf(2, "kbox: %s: its interpreter is not in the image\n", argv[0]);
		_exit(126);
	}
	dprintf(2, "kbox: %s: %s\n", argv[0], errno == ENOEXEC ? "not a program for this machine" : strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Reap everything; the command's end, or 5 s after SIGTERM was passed on, is the end. */
static int reap_until(pid_t command, const sigset_t *set)
{
	struct timespec *limit = NULL, grace = { 5, 0 };
	int status, sig;
	pid_t pid;

	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == command)
				return status;
		sig = sigtimedwait(set, NULL, limit);
		if (sig == SIGTERM && !limit) {
			kill(-command, SIGTERM);
			kill(command, SIGTERM);
			kill(-command, SIGCONT);
			limit = &grace;
		} else if (sig < 0 && errno == EAGAIN) {
			kill(-1, SIGKILL);
		}
	}
}

/* No writer is left, then the file system is clean. */
static void close_root(void)
{
	kill(-1, SIGTERM);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	sync();
	mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

int main(void)
{
	unsigned long system, read_only, uid, gid, kind[3];
	char *hostname, *cwd, **argv;
	int fd, tty = -1, status;
	sigset_t set;
	pid_t command;

	fd = open("/config", O_RDONLY);
	if (fd < 0 || read(fd, config, sizeof(config) - 1) <= 0)
		fail("/config");
	close(fd);
	unlink("/config");
	system = number();
	read_only = number();
	uid = number();
	gid = number();
	hostname = string();
	cwd = string();
	for (int i = 0; i < 3; i++)
		kind[i] = number();
	environ = list();
	argv = list();
	if (mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, ""))
		fail("devtmpfs");
	open_stdio(kind);
	for (int i = 2; i >= 0; i--)
		if (kind[i] == STDIO_TTY)
			tty = i;
	sethostname(hostname, strlen(hostname));
	loopback_up();
	enter_root(system, read_only);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (!getenv("PATH"))
		setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	if (!getenv("HOME"))
		setenv("HOME", uid ? "/" : "/root", 1);
	if (tty >= 0 && !getenv("TERM"))
		setenv("TERM", "xterm", 1);
	command = fork();
	if (!command)
		run(argv, cwd, uid, gid, tty);
	if (command < 0)
		fail("fork");
	status = reap_until(command, &set);
	close_root();
	goodbye(status);
}
