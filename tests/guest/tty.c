// SPDX-License-Identifier: GPL-2.0-only
/* Terminals: pseudo-terminals, line discipline, sessions and job control, window size. */
#include "tap.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;

static void need_pty(void)
{
	char name[100];

	master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 && (errno == ENOENT || errno == ENODEV))
		SKIP("no /dev/ptmx here");
	CHECK(master >= 0);
	EQ(grantpt(master), 0);
	EQ(unlockpt(master), 0);
	EQ(ptsname_r(master, name, sizeof(name)), 0);
	slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
}

/* Reads from the master until s has come. */
static void expect(const char *s)
{
	char buf[1000] = "";
	size_t n = 0;
	double end = seconds() + SOON_MS / 1e3;

	EQ(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	while (!strstr(buf, s)) {
		ssize_t r = read(master, buf + n, sizeof(buf) - 1 - n);

		if (r > 0)
			n += r, buf[n] = 0;
		else
			sleep_ms(1);
		if (seconds() > end)
			tap_fail(__FILE__, __LINE__, "\"%s\" has not come, but \"%s\"", s, buf);
	}
	EQ(fcntl(master, F_SETFL, 0), 0);
	tap_checks++;
}

static void is_a_terminal(void)
{
	struct stat st;
	int p[2];

	need_pty();
	EQ(isatty(slave), 1);
	EQ(pipe(p), 0);
	EQ(isatty(p[0]), 0);
	EQ(errno, ENOTTY);
	EQ(fstat(slave, &st), 0);
	CHECK(S_ISCHR(st.st_mode));
	EQ(st.st_rdev >> 8 & 0xff, 136);
}

static void open_pty(void)
{
	char name[100], buf[10];
	int m, s;

	need_pty();
	EQ(openpty(&m, &s, name, NULL, NULL), 0);
	CHECK(!strncmp(name, "/dev/pts/", 9));
	EQ(write(s, "x\n", 2), 2);
	EQ(read(m, buf, 10), 3);
	CHECK(!memcmp(buf, "x\r\n", 3));
}

static void canonical_mode(void)
{
	struct termios t;
	char buf[100];
	int n;

	need_pty();
	EQ(tcgetattr(slave, &t), 0);
	CHECK(t.c_lflag & ICANON && t.c_lflag & ECHO && t.c_lflag & ISIG);
	EQ(write(master, "hel", 3), 3);
	EQ(fcntl(slave, F_SETFL, O_NONBLOCK), 0);
	FAILS(read(slave, buf, 100), EAGAIN);
	EQ(write(master, "x\177lo\r", 5), 5);
	EQ(fcntl(slave, F_SETFL, 0), 0);
	EQ(read(slave, buf, 100), 6);
	CHECK(!memcmp(buf, "hello\n", 6));
	expect("lo\r\n");
	EQ(write(master, "half\025line\n", 10), 10);
	EQ(read(slave, buf, 100), 5);
	CHECK(!memcmp(buf, "line\n", 5));
	EQ(write(master, "\004", 1), 1);
	EQ(read(slave, buf, 100), 0);
	EQ(write(master, "abc\n", 4), 4);
	SOON(!ioctl(slave, FIONREAD, &n) && n == 4);
	EQ(tcflush(slave, TCIFLUSH), 0);
	EQ(ioctl(slave, FIONREAD, &n), 0);
	EQ(n, 0);
}

static void raw_mode(void)
{
	struct termios t, u;
	char buf[300], all[256];

	need_pty();
	EQ(tcgetattr(slave, &t), 0);
	cfmakeraw(&t);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	EQ(tcsetattr(slave, TCSANOW, &t), 0);
	EQ(tcgetattr(slave, &u), 0);
	CHECK(!(u.c_lflag & (ICANON | ECHO | ISIG)));
	for (int i = 0; i < 256; i++)
		all[i] = i;
	EQ(write(master, all, 256), 256);
	for (int n = 0; n < 256;) {
		ssize_t r = read(slave, buf + n, 300 - n);

		CHECK(r > 0);
		n += r;
	}
	CHECK(!memcmp(buf, all, 256));
	EQ(write(slave, all, 256), 256);
	for (int n = 0; n < 256;) {
		ssize_t r = read(master, buf + n, 300 - n);

		CHECK(r > 0);
		n += r;
	}
	CHECK(!memcmp(buf, all, 256));
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 1;
	EQ(tcsetattr(slave, TCSANOW, &t), 0);
	EQ(read(slave, buf, 10), 0);
}

static volatile int resized;

static void on_resize(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si, (void)uc;
	resized = 1;
}

static void window_size(void)
{
	struct winsize w = { 33, 111, 0, 0 }, got = { 0 };
	pid_t pid;
	int ready[2];
	char c;

	need_pty();
	EQ(ioctl(master, TIOCSWINSZ, &w), 0);
	EQ(ioctl(slave, TIOCGWINSZ, &got), 0);
	EQ(got.ws_row, 33);
	EQ(got.ws_col, 111);
	EQ(pipe(ready), 0);
	pid = FORK();
	if (!pid) {
		on_signal(SIGWINCH, on_resize, 0);
		EQ(setsid(), getpid());
		EQ(ioctl(slave, TIOCSCTTY, 0), 0);
		EQ(write(ready[1], "x", 1), 1);
		SOON(resized);
		EQ(ioctl(slave, TIOCGWINSZ, &got), 0);
		EQ(got.ws_col, 80);
		_exit(0);
	}
	EQ(read(ready[0], &c, 1), 1);
	w.ws_col = 80;
	EQ(ioctl(master, TIOCSWINSZ, &w), 0);
	CHILD_OK(pid);
}

/* A session leader on the slave, as login would start it. */
static pid_t session(void (*leader)(void))
{
	pid_t pid = FORK();

	if (pid)
		return pid;
	close(master);
	EQ(setsid(), getpid());
	EQ(ioctl(slave, TIOCSCTTY, 0), 0);
	leader();
	_exit(0);
}

static void say(const char *s)
{
	EQ(write(slave, s, strlen(s)), strlen(s));
}

static void wait_for_death(void)
{
	say("ready\n");
	for (;;)
		pause();
}

static void dies_by(const char *key, int sig)
{
	struct rlimit none = { 0, 0 };
	pid_t pid;
	int st;

	setrlimit(RLIMIT_CORE, &none);
	need_pty();
	pid = session(wait_for_death);
	expect("ready");
	EQ(write(master, key, 1), 1);
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSIGNALED(st));
	EQ(WTERMSIG(st), sig);
}

static void control_c(void)
{
	dies_by("\003", SIGINT);
}

static void control_backslash(void)
{
	dies_by("\034", SIGQUIT);
}

static void hangup(void)
{
	pid_t pid;
	int st;

	need_pty();
	pid = session(wait_for_death);
	expect("ready");
	close(slave);
	EQ(close(master), 0);
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSIGNALED(st));
	EQ(WTERMSIG(st), SIGHUP);
}

static void foreground(void)
{
	signal(SIGTTOU, SIG_IGN);
	EQ(tcgetpgrp(slave), getpgrp());
	EQ(tcgetsid(slave), getpid());
	pid_t pid = FORK();
	int st;

	if (!pid) {
		setpgid(0, 0);
		signal(SIGTTOU, SIG_DFL);
		SOON(tcgetpgrp(slave) == getpid());
		say("job\n");
		for (;;)
			pause();
	}
	setpgid(pid, pid);
	EQ(tcsetpgrp(slave, pid), 0);
	EQ(tcgetpgrp(slave), pid);
	EQ(waitpid(pid, &st, WUNTRACED), pid);
	CHECK(WIFSTOPPED(st));
	EQ(WSTOPSIG(st), SIGTSTP);
	EQ(tcsetpgrp(slave, getpgrp()), 0);
	EQ(kill(-pid, SIGCONT), 0);
	EQ(tcsetpgrp(slave, pid), 0);
	say("again\n");
	EQ(waitpid(pid, &st, 0), pid);
	EQ(WTERMSIG(st), SIGINT);
	EQ(tcsetpgrp(slave, getpgrp()), 0);
}

static void job_control(void)
{
	pid_t pid;

	need_pty();
	pid = session(foreground);
	expect("job");
	EQ(write(master, "\032", 1), 1);
	expect("again");
	EQ(write(master, "\003", 1), 1);
	CHILD_OK(pid);
}

static void background(void)
{
	pid_t pid = FORK();
	char c;
	int st;

	if (!pid) {
		setpgid(0, 0);
		read(slave, &c, 1) == 1 ? _exit(1) : _exit(2);
	}
	EQ(waitpid(pid, &st, WUNTRACED), pid);
	CHECK(WIFSTOPPED(st));
	EQ(WSTOPSIG(st), SIGTTIN);
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, &st, 0), pid);
}

static void background_read_stops(void)
{
	need_pty();
	CHILD_OK(session(background));
}

static void use_dev_tty(void)
{
	int fd = open("/dev/tty", O_RDWR);

	CHECK(fd >= 0);
	EQ(write(fd, "through tty\n", 12), 12);
	signal(SIGHUP, SIG_IGN);
	EQ(ioctl(fd, TIOCNOTTY), 0);
	FAILS(open("/dev/tty", O_RDWR), ENXIO);
}

static void dev_tty(void)
{
	pid_t pid;

	need_pty();
	pid = session(use_dev_tty);
	expect("through tty");
	CHILD_OK(pid);
}

static void end_of_the_other_side(void)
{
	char buf[10];

	need_pty();
	EQ(write(slave, "x", 1), 1);
	EQ(close(slave), 0);
	EQ(read(master, buf, 10), 1);
	FAILS(read(master, buf, 10), EIO);
}

static void much_output(void)
{
	static char buf[5000];
	long n = 0;
	pid_t pid;
	ssize_t r;

	need_pty();
	pid = FORK();
	if (!pid) {
		memset(buf, 'o', sizeof(buf));
		for (int i = 0; i < 200; i++)
			for (ssize_t at = 0; at < 5000; at += r) {
				r = write(slave, buf + at, sizeof(buf) - at);
				CHECK(r > 0);
			}
		_exit(0);
	}
	close(slave);
	while ((r = read(master, buf, sizeof(buf))) > 0)
		n += r;
	EQ(n, 1000000);
	CHILD_OK(pid);
}

static void shell_on_a_terminal(void)
{
	pid_t pid;

	need_pty();
	pid = FORK();
	if (!pid) {
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		dup2(slave, 0), dup2(slave, 1), dup2(slave, 2);
		close(master);
		execl("/bin/sh", "sh", "-i", (char *)NULL);
		_exit(99);
	}
	EQ(write(master, "echo an$((40+2))wer\n", 20), 20);
	expect("an42wer");
	EQ(write(master, "sleep 10000\n", 12), 12);
	SOON(tcgetpgrp(master) != pid);
	sleep_ms(300);
	EQ(write(master, "\003", 1), 1);
	EQ(write(master, "echo back$((1+1))\n", 18), 18);
	expect("back2");
	EQ(write(master, "exit 0\n", 7), 7);
	CHILD_OK(pid);
}

static const struct test tests[] = {
	T(is_a_terminal), T(open_pty), T(canonical_mode), T(raw_mode), T(window_size), T(control_c), T(control_backslash), T(hangup),
	T(job_control), T(background_read_stops), T(dev_tty), T(end_of_the_other_side), T(much_output), T(shell_on_a_terminal),
};
MAIN(tests)
