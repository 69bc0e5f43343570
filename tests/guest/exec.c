// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running programs: arguments and environment, scripts, descriptors, what a new program
 * keeps and what it loses, every refusal, threads, vfork and posix_spawn. The program
 * runs itself: a first argument that starts with -- says which check to make there.
 */
#include "tap.h"
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/auxv.h>

extern char **environ;

static char self[PATH_MAX];

#define ARGS(...) ((char *[]) { "exec-test", __VA_ARGS__, NULL })

static char *number(long n)
{
	char *s = malloc(24);

	snprintf(s, 24, "%ld", n);
	return s;
}

/* The child's exit status, or minus the signal that ended it. */
static int status_of(pid_t pid)
{
	int st;

	EQ(waitpid(pid, &st, 0), pid);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -WTERMSIG(st);
}

static int run(const char *path, char **argv, char **env)
{
	pid_t pid = FORK();

	if (!pid) {
		execve(path, argv, env);
		dprintf(1, "# execve %s: errno %d\n", path, errno);
		_exit(99);
	}
	return status_of(pid);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	EQ(write(fd, text, strlen(text)), strlen(text));
	EQ(fchmod(fd, mode), 0);
	EQ(close(fd), 0);
}

static void copy_self(const char *name, mode_t mode)
{
	int in = open(self, O_RDONLY | O_CLOEXEC), out = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char buf[65536];
	ssize_t n;

	CHECK(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		EQ(write(out, buf, n), n);
	EQ(n, 0);
	EQ(fchmod(out, mode), 0);
	close(in);
	close(out);
}

static void arguments(void)
{
	char *env[] = { "A=1", "EMPTY=", "SPACE=x y", NULL };

	EQ(run(self, ARGS("--args", "one", "", "two words"), env), 31);
}

static int helper_args(int argc, char **argv)
{
	char buf[200];
	int n = 0;

	EQ(argc, 5);
	IS(argv[0], "exec-test");
	IS(argv[2], "one");
	IS(argv[3], "");
	IS(argv[4], "two words");
	CHECK(!argv[5]);
	while (environ[n])
		n++;
	EQ(n, 3);
	IS(getenv("A"), "1");
	IS(getenv("EMPTY"), "");
	IS(getenv("SPACE"), "x y");
	EQ(slurp("/proc/self/cmdline", buf, sizeof(buf)), 32);
	EQ(memcmp(buf, "exec-test\0--args\0one\0\0two words\0", 32), 0);
	EQ(slurp("/proc/self/environ", buf, sizeof(buf)), 21);
	EQ(memcmp(buf, "A=1\0EMPTY=\0SPACE=x y\0", 21), 0);
	return 31;
}

static void empty_argv(void)
{
	char *none[] = { NULL }, *blank[] = { "", "--blank", NULL };

	EQ(run(self, none, environ), 44);
	EQ(run(self, none, none), 44);
	EQ(run(self, blank, environ), 45);
	EQ(run(self, NULL, NULL), 44);
}

static void many_arguments(void)
{
	enum { N = 1000, SIZE = 1000 };
	static char *argv[N + 3];

	argv[0] = "exec-test";
	argv[1] = "--many";
	for (int i = 0; i < N; i++) {
		argv[i + 2] = malloc(SIZE + 1);
		memset(argv[i + 2], 'a' + i % 26, SIZE);
		argv[i + 2][SIZE] = 0;
	}
	EQ(run(self, argv, environ), 32);
}

static int helper_many(int argc, char **argv)
{
	EQ(argc, 1002);
	for (int i = 2; i < argc; i++) {
		EQ(strlen(argv[i]), 1000);
		EQ(argv[i][0], 'a' + (i - 2) % 26);
		EQ(argv[i][999], 'a' + (i - 2) % 26);
	}
	return 32;
}

static void auxiliary_vector(void)
{
	EQ(run(self, ARGS("--auxv", self), environ), 33);
}

#ifdef __aarch64__
#define PLATFORM "aarch64"
#else
#define PLATFORM "x86_64"
#endif

static int helper_auxv(int argc, char **argv)
{
	unsigned char *seed = (unsigned char *)getauxval(AT_RANDOM);
	int sum = 0;

	EQ(argc, 3);
	EQ(getauxval(AT_PAGESZ), 4096);
	EQ(getauxval(AT_UID), getuid());
	EQ(getauxval(AT_EGID), getegid());
	EQ(getauxval(AT_SECURE), 0);
	IS((char *)getauxval(AT_EXECFN), argv[2]);
	IS((char *)getauxval(AT_PLATFORM), PLATFORM);
	CHECK(getauxval(AT_PHDR) && getauxval(AT_PHNUM) && getauxval(AT_ENTRY));
	CHECK(seed);
	for (int i = 0; i < 16; i++)
		sum += seed[i];
	CHECK(sum);
	return 33;
}

static void own_name(void)
{
	char *argv[] = { "x", "--exe", self, "x", NULL };

	EQ(run(self, argv, environ), 34);
	EQ(run("/proc/self/exe", ARGS("--exe", self, "exe"), environ), 34);
	EQ(symlink(self, "link"), 0);
	EQ(run("./link", ARGS("--exe", self, "link"), environ), 34);
}

static int helper_exe(int argc, char **argv)
{
	const char *base = strrchr(argv[2], '/') + 1;
	char buf[PATH_MAX], want[20];

	EQ(argc, 4);
	buf[readlink("/proc/self/exe", buf, sizeof(buf) - 1)] = 0;
	IS(buf, argv[2]);
	slurp("/proc/self/comm", buf, sizeof(buf));
	snprintf(want, sizeof(want), "%.15s\n", strcmp(argv[3], "x") ? argv[3] : base);
	IS(buf, want);
	return 34;
}

static void deleted_program(void)
{
	copy_self("gone", 0700);
	EQ(run("./gone", ARGS("--gone"), environ), 35);
	EQ(access("gone", F_OK), -1);
}

static int helper_gone(void)
{
	char buf[PATH_MAX];

	EQ(unlink("gone"), 0);
	buf[readlink("/proc/self/exe", buf, sizeof(buf) - 1)] = 0;
	CHECK(strstr(buf, "/gone (deleted)"));
	execve("/proc/self/exe", ARGS("--exit", "35"), environ);
	return 1;
}

static void script(void)
{
	char text[PATH_MAX + 50];

	snprintf(text, sizeof(text), "#! %s --script  and more \nrest\n", self);
	write_file("s", text, 0700);
	EQ(run("./s", ARGS("p", "q"), environ), 36);
	write_file("t", "#!/bin/sh\nexit $(($# + 40))\n", 0700);
	EQ(run("./t", ARGS("1", "2"), environ), 42);
	write_file("u", "#!./t x\n", 0700);
	EQ(run("./u", ARGS("1", "2"), environ), 44);
	write_file("v", "#!./missing\n", 0700);
	FAILS(execve("./v", ARGS("x"), environ), ENOENT);
	write_file("w", "#!./w\n", 0700);
	FAILS(execve("./w", ARGS("x"), environ), ELOOP);
	write_file("e", "#!   \n", 0700);
	FAILS(execve("./e", ARGS("x"), environ), ENOEXEC);
}

static int helper_script(int argc, char **argv)
{
	char buf[64];

	EQ(argc, 5);
	IS(argv[0], self);
	IS(argv[1], "--script  and more");
	IS(argv[2], "./s");
	IS(argv[3], "p");
	IS(argv[4], "q");
	slurp("/proc/self/comm", buf, sizeof(buf));
	IS(buf, "s\n");
	return 36;
}

static void no_magic(void)
{
	write_file("plain", "exit 37\n", 0700);
	FAILS(execve("./plain", ARGS("x"), environ), ENOEXEC);
	write_file("empty", "", 0700);
	FAILS(execve("./empty", ARGS("x"), environ), ENOEXEC);
	write_file("short", "\177ELF", 0700);
	FAILS(execve("./short", ARGS("x"), environ), ENOEXEC);
	write_file("junk", "\177ELF\2\1\1jjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjj", 0700);
	FAILS(execve("./junk", ARGS("x"), environ), ENOEXEC);
}

static void refused(void)
{
	char *huge = malloc(140000), **many = calloc(3000, sizeof(char *)), name[300];
	char *volatile bad = (char *)16;
	int fd;

	FAILS(execve("./none", ARGS("x"), environ), ENOENT);
	FAILS(execve("", ARGS("x"), environ), ENOENT);
	write_file("f", "#!/bin/sh\n", 0600);
	FAILS(execve("./f", ARGS("x"), environ), EACCES);
	FAILS(execve("./f/x", ARGS("x"), environ), ENOTDIR);
	FAILS(execve(".", ARGS("x"), environ), EACCES);
	FAILS(execve("/dev/null", ARGS("x"), environ), EACCES);
	EQ(symlink("loop", "loop"), 0);
	FAILS(execve("./loop", ARGS("x"), environ), ELOOP);
	memset(name, 'n', 299);
	name[299] = 0;
	FAILS(execve(name, ARGS("x"), environ), ENAMETOOLONG);
	memset(huge, 'h', 139999);
	huge[139999] = 0;
	FAILS(execve(self, ARGS(huge), environ), E2BIG);
	huge[100000] = 0;
	for (int i = 0; i < 2999; i++)
		many[i] = huge;
	FAILS(execve(self, many, environ), E2BIG);
	FAILS(execve(self, ARGS("x"), many), E2BIG);
	FAILS(syscall(SYS_execve, bad, ARGS("x"), environ), EFAULT);
	FAILS(syscall(SYS_execve, self, bad, environ), EFAULT);
	FAILS(syscall(SYS_execve, self, ARGS(bad), environ), EFAULT);
	copy_self("busy", 0700);
	fd = open("busy", O_WRONLY | O_CLOEXEC);
	FAILS(execve("./busy", ARGS("x"), environ), ETXTBSY);
	close(fd);
	EQ(run("./busy", ARGS("--exit", "3"), environ), 3);
}

static void running_program_is_busy(void)
{
	pid_t pid;
	int fd[2];
	char c;

	copy_self("busy", 0700);
	EQ(pipe(fd), 0);
	pid = FORK();
	if (!pid) {
		execve("./busy", ARGS("--hang", number(fd[1])), environ);
		_exit(99);
	}
	EQ(read(fd[0], &c, 1), 1);
	FAILS(open("busy", O_WRONLY), ETXTBSY);
	EQ(kill(pid, SIGKILL), 0);
	EQ(status_of(pid), -SIGKILL);
	CHECK(open("busy", O_WRONLY) >= 0);
}

static void by_descriptor(void)
{
	int fd = open(self, O_RDONLY | O_CLOEXEC), dir, sfd;
	pid_t pid;

	CHECK(fd >= 0);
	pid = FORK();
	if (!pid) {
		fexecve(fd, ARGS("--exit", "51"), environ);
		_exit(99);
	}
	EQ(status_of(pid), 51);
	pid = FORK();
	if (!pid) {
		syscall(SYS_execveat, fd, "", ARGS("--exit", "52"), environ, AT_EMPTY_PATH);
		_exit(99);
	}
	EQ(status_of(pid), 52);
	EQ(mkdir("d", 0700), 0);
	copy_self("d/prog", 0700);
	EQ(symlink("prog", "d/link"), 0);
	dir = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid = FORK();
	if (!pid) {
		syscall(SYS_execveat, dir, "link", ARGS("--exit", "53"), environ, 0);
		_exit(99);
	}
	EQ(status_of(pid), 53);
	FAILS(syscall(SYS_execveat, dir, "link", ARGS("x"), environ, AT_SYMLINK_NOFOLLOW), ELOOP);
	FAILS(syscall(SYS_execveat, dir, "none", ARGS("x"), environ, 0), ENOENT);
	FAILS(syscall(SYS_execveat, fd, "x", ARGS("x"), environ, 0), ENOTDIR);
	FAILS(syscall(SYS_execveat, 999, "x", ARGS("x"), environ, 0), EBADF);
	FAILS(syscall(SYS_execveat, fd, "", ARGS("x"), environ, 0), ENOENT);
	write_file("t", "#!/bin/sh\nexit $(($# + 40))\n", 0700);
	sfd = open("t", O_RDONLY);
	pid = FORK();
	if (!pid) {
		syscall(SYS_execveat, sfd, "", ARGS("1"), environ, AT_EMPTY_PATH);
		_exit(99);
	}
	EQ(status_of(pid), 41);
	EQ(fcntl(sfd, F_SETFD, FD_CLOEXEC), 0);
	FAILS(syscall(SYS_execveat, sfd, "", ARGS("1"), environ, AT_EMPTY_PATH), ENOENT);
}

static void memory_file(void)
{
	int in = open(self, O_RDONLY | O_CLOEXEC), fd = syscall(SYS_memfd_create, "prog", 1);
	char buf[65536];
	ssize_t n;
	pid_t pid;

	CHECK(in >= 0 && fd >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		EQ(write(fd, buf, n), n);
	pid = FORK();
	if (!pid) {
		syscall(SYS_execveat, fd, "", ARGS("--exit", "54"), environ, AT_EMPTY_PATH);
		_exit(99);
	}
	EQ(status_of(pid), 54);
}

static void descriptors(void)
{
	int keep = open("/dev/null", O_RDONLY), gone = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int late = open("/dev/null", O_RDONLY), copy = dup(gone), high = fcntl(gone, F_DUPFD_CLOEXEC, 100);

	EQ(fcntl(late, F_SETFD, FD_CLOEXEC), 0);
	EQ(fcntl(gone, F_GETFD), FD_CLOEXEC);
	EQ(high, 100);
	EQ(run(self, ARGS("--fds", number(keep), number(copy), number(gone), number(late), number(high)), environ), 38);
	EQ(fcntl(gone, F_GETFD), FD_CLOEXEC);
}

static int helper_fds(char **argv)
{
	for (int i = 2; i < 4; i++)
		EQ(fcntl(atoi(argv[i]), F_GETFD), 0);
	for (int i = 4; i < 7; i++)
		FAILS(fcntl(atoi(argv[i]), F_GETFD), EBADF);
	return 38;
}

static void ignore(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si, (void)uc;
}

static void kept_and_lost(void)
{
	pid_t pid = FORK();

	if (!pid) {
		static char stack[65536];
		stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
		sigset_t set;

		EQ(sigaltstack(&ss, NULL), 0);
		signal(SIGUSR1, SIG_IGN);
		on_signal(SIGUSR2, ignore, 0);
		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		sigaddset(&set, SIGRTMIN + 5);
		EQ(sigprocmask(SIG_SETMASK, &set, NULL), 0);
		EQ(raise(SIGTERM), 0);
		EQ(alarm(1000), 0);
		umask(035);
		EQ(nice(2), 2);
		set_fp_control(FP_DOWN);
		execve(self, ARGS("--kept", number(getpid()), number(getppid()), number(getpgrp())), environ);
		_exit(99);
	}
	EQ(status_of(pid), 39);
}

static int helper_kept(char **argv)
{
	struct sigaction sa;
	sigset_t set;
	stack_t ss;

	EQ(getpid(), atoi(argv[2]));
	EQ(getppid(), atoi(argv[3]));
	EQ(getpgrp(), atoi(argv[4]));
	sigaction(SIGUSR1, NULL, &sa);
	CHECK(sa.sa_handler == SIG_IGN);
	sigaction(SIGUSR2, NULL, &sa);
	CHECK(sa.sa_handler == SIG_DFL);
	sigprocmask(SIG_SETMASK, NULL, &set);
	CHECK(sigismember(&set, SIGTERM) && sigismember(&set, SIGRTMIN + 5) && !sigismember(&set, SIGINT));
	sigpending(&set);
	CHECK(sigismember(&set, SIGTERM) && !sigismember(&set, SIGINT));
	EQ(sigaltstack(NULL, &ss), 0);
	EQ(ss.ss_flags, SS_DISABLE);
	CHECK(alarm(0) > 900);
	EQ(umask(0), 035);
	EQ(getpriority(PRIO_PROCESS, 0), 2);
	EQ(fp_control() & ~FP_STATUS, FP_NORMAL);
	return 39;
}

static void chain(void)
{
	EQ(run(self, ARGS("--chain", "50", "0"), environ), 40);
}

static int helper_chain(char **argv)
{
	int left = atoi(argv[2]), pid = atoi(argv[3]);

	if (pid)
		EQ(getpid(), pid);
	if (!left)
		return 40;
	execve(self, ARGS("--chain", number(left - 1), number(getpid())), environ);
	return 1;
}

static void chain_under_fire(void)
{
	pid_t pid;
	int st;

	signal(SIGUSR1, SIG_IGN);
	pid = FORK();
	if (!pid) {
		execve(self, ARGS("--chain", "50", "0"), environ);
		_exit(99);
	}
	while (!waitpid(pid, &st, WNOHANG))
		EQ(kill(pid, SIGUSR1), 0);
	EQ(st, 40 << 8);
}

static void *exec_from_thread(void *arg)
{
	execve(self, arg, environ);
	_exit(99);
}

static void *spin(void *arg)
{
	for (;;)
		++*(volatile long *)arg;
	return arg;
}

static void *sleep_forever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void from_another_thread(void)
{
	for (int i = 0; i < 10; i++) {
		pid_t pid = FORK();

		if (!pid) {
			static long n;
			pthread_t t;

			EQ(pthread_create(&t, NULL, sleep_forever, NULL), 0);
			EQ(pthread_create(&t, NULL, spin, &n), 0);
			EQ(pthread_create(&t, NULL, exec_from_thread, ARGS("--alone", number(getpid()))), 0);
			if (i % 2)
				spin(&n);
			sleep_forever(NULL);
		}
		EQ(status_of(pid), 41);
	}
}

static int helper_alone(char **argv)
{
	char text[4000];

	EQ(getpid(), atoi(argv[2]));
	EQ(syscall(SYS_gettid), getpid());
	slurp("/proc/self/status", text, sizeof(text));
	CHECK(strstr(text, "\nThreads:\t1\n"));
	return 41;
}

static void two_threads_exec(void)
{
	for (int i = 0; i < 20; i++) {
		pid_t pid = FORK();

		if (!pid) {
			pthread_t t;

			EQ(pthread_create(&t, NULL, exec_from_thread, ARGS("--exit", "61")), 0);
			execve(self, ARGS("--exit", "61"), environ);
			_exit(99);
		}
		EQ(status_of(pid), 61);
	}
}

static void vfork_and_exec(void)
{
	for (volatile int i = 0; i < 100; i++) {
		char *n = number(i);
		pid_t pid = vfork();

		if (!pid) {
			execve(self, ARGS("--exit", n), environ);
			_exit(99);
		}
		CHECK(pid > 0);
		EQ(status_of(pid), i);
	}
}

static volatile int failure;

static void vfork_and_fail(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execve("./none", ARGS("x"), environ);
		failure = errno;
		_exit(127);
	}
	EQ(status_of(pid), 127);
	if (VFORK_SHARES)
		EQ(failure, ENOENT);
}

static void fork_and_exec(void)
{
	for (int i = 0; i < 100; i++)
		EQ(run(self, ARGS("--exit", number(i)), environ), i);
}

static void twenty_at_once(void)
{
	pid_t pid[20];

	for (int i = 0; i < 20; i++) {
		pid[i] = FORK();
		if (!pid[i]) {
			execve(self, ARGS("--chain", "5", "0"), environ);
			_exit(99);
		}
	}
	for (int i = 0; i < 20; i++)
		EQ(status_of(pid[i]), 40);
}

static void spawn(void)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t set;
	pid_t pid;
	char buf[20] = "";
	int fd[2];

	EQ(pipe2(fd, O_CLOEXEC), 0);
	EQ(posix_spawn_file_actions_init(&fa), 0);
	EQ(posix_spawn_file_actions_adddup2(&fa, fd[1], 1), 0);
	EQ(posix_spawn_file_actions_addopen(&fa, 7, "/dev/null", O_RDONLY, 0), 0);
	EQ(posix_spawnattr_init(&attr), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	EQ(posix_spawnattr_setsigmask(&attr, &set), 0);
	EQ(posix_spawnattr_setpgroup(&attr, 0), 0);
	EQ(posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK), 0);
	EQ(posix_spawn(&pid, self, &fa, &attr, ARGS("--spawned"), environ), 0);
	close(fd[1]);
	EQ(read(fd[0], buf, sizeof(buf) - 1), 7);
	IS(buf, "spawned");
	EQ(status_of(pid), 43);
	EQ(posix_spawn(&pid, "./none", NULL, NULL, ARGS("x"), environ), ENOENT);
	EQ(posix_spawnp(&pid, "sh", NULL, NULL, (char *[]) { "sh", "-c", "exit 9", NULL }, environ), 0);
	EQ(status_of(pid), 9);
	EQ(WEXITSTATUS(system("exit 8")), 8);
	EQ(WEXITSTATUS(system("/no/such/program 2>/dev/null")), 127);
}

static int helper_spawned(void)
{
	sigset_t set;

	if (getpgrp() != getpid() || fcntl(7, F_GETFD) != 0)
		return 1;
	sigprocmask(SIG_SETMASK, NULL, &set);
	if (!sigismember(&set, SIGHUP) || sigismember(&set, SIGTERM))
		return 2;
	return write(1, "spawned", 7) == 7 ? 43 : 3;
}

static void set_user_id(void)
{
	pid_t pid;

	if (getuid())
		SKIP("needs root");
	EQ(chmod(".", 0755), 0);
	EQ(chmod("..", 0755), 0);
	copy_self("suid", 0700);
	EQ(chown("suid", 4321, 4322), 0);
	EQ(chmod("suid", 06755), 0);
	pid = FORK();
	if (!pid) {
		EQ(setresgid(500, 500, 500), 0);
		EQ(setresuid(501, 501, 501), 0);
		execve("./suid", ARGS("--ids"), environ);
		_exit(99);
	}
	EQ(status_of(pid), 46);
}

static int helper_ids(void)
{
	EQ(getuid(), 501);
	EQ(geteuid(), 4321);
	EQ(getgid(), 500);
	EQ(getegid(), 4322);
	EQ(getauxval(AT_SECURE), 1);
	return 46;
}

static const struct test tests[] = {
	T(arguments), T(empty_argv), T(many_arguments), T(auxiliary_vector), T(own_name), T(deleted_program), T(script),
	T(no_magic), T(refused), T(running_program_is_busy), T(by_descriptor), T(memory_file), T(descriptors),
	T(kept_and_lost), T(chain), T(chain_under_fire), T(from_another_thread), T(two_threads_exec), T(vfork_and_exec),
	T(vfork_and_fail), T(fork_and_exec), T(twenty_at_once), T(spawn), T(set_user_id),
};

static int helper(int argc, char **argv)
{
	const char *what = argv[1];

	if (!strcmp(what, "--exit"))
		return atoi(argv[2]);
	if (!strcmp(what, "--args"))
		return helper_args(argc, argv);
	if (!strcmp(what, "--blank"))
		return argc == 2 && !*argv[0] ? 45 : 1;
	if (!strcmp(what, "--many"))
		return helper_many(argc, argv);
	if (!strcmp(what, "--auxv"))
		return helper_auxv(argc, argv);
	if (!strcmp(what, "--exe"))
		return helper_exe(argc, argv);
	if (!strcmp(what, "--gone"))
		return helper_gone();
	if (!strncmp(what, "--script", 8))
		return helper_script(argc, argv);
	if (!strcmp(what, "--hang"))
		return write(atoi(argv[2]), "x", 1) != 1 || !sleep_forever(NULL);
	if (!strcmp(what, "--fds"))
		return helper_fds(argv);
	if (!strcmp(what, "--kept"))
		return helper_kept(argv);
	if (!strcmp(what, "--chain"))
		return helper_chain(argv);
	if (!strcmp(what, "--alone"))
		return helper_alone(argv);
	if (!strcmp(what, "--spawned"))
		return helper_spawned();
	if (!strcmp(what, "--ids"))
		return helper_ids();
	return 98;
}

int main(int argc, char **argv)
{
	if (argc == 1 && !*argv[0])
		return 44;
	self[readlink("/proc/self/exe", self, sizeof(self) - 1)] = 0;
	if (argc > 1 && !strncmp(argv[1], "--", 2))
		return helper(argc, argv);
	return tap_main(argc, argv, tests, ARRAY_SIZE(tests));
}
