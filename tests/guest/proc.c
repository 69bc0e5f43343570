// SPDX-License-Identifier: GPL-2.0-only
/* Processes: fork, vfork, clone, wait, exit codes, groups, sessions, orphans. */
#include "tap.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static volatile int shared;

static void fork_pids(void)
{
	pid_t me = getpid(), pid = FORK();

	if (!pid) {
		EQ(getppid(), me);
		CHECK(getpid() != me && getpid() > 1);
		EQ(syscall(SYS_gettid), getpid());
		_exit(0);
	}
	CHECK(pid > 1 && pid != me);
	CHILD_OK(pid);
	EQ(getpid(), me);
}

static void vfork_shares_memory(void)
{
	pid_t pid;
	int st;

	if (!VFORK_SHARES)
		SKIP("this libc's vfork() is a fork()");
	pid = vfork();
	if (!pid) {
		shared = 77;
		_exit(3);
	}
	EQ(shared, 77);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(WEXITSTATUS(st), 3);
}

static int clone_child(void *arg)
{
	shared = *(int *)arg;
	return 9;
}

static void clone_vm(void)
{
	char *stack = map_anon(65536, MAP_PRIVATE);
	int arg = 1234, st;
	pid_t pid = clone(clone_child, stack + 65536, CLONE_VM | SIGCHLD, &arg);

	CHECK(pid > 0);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, 9 << 8);
	EQ(shared, 1234);
}

static int open_child(void *arg)
{
	*(int *)arg = open("/dev/null", O_RDONLY);
	return chdir("/");
}

static void clone_files_and_fs(void)
{
	char *stack = map_anon(65536, MAP_PRIVATE), cwd[100];
	int fd = -1, st;
	pid_t pid = clone(open_child, stack + 65536, CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, &fd);

	CHECK(pid > 0);
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(fd > 2);
	EQ(fcntl(fd, F_GETFD), 0);
	IS(getcwd(cwd, sizeof(cwd)), "/");
}

static void clone_other_signal(void)
{
	char *stack = map_anon(65536, MAP_PRIVATE);
	int arg = 5, st;
	pid_t pid = clone(clone_child, stack + 65536, 0, &arg);

	CHECK(pid > 0);
	FAILS(waitpid(pid, &st, 0), ECHILD);
	EQ(waitpid(pid, &st, __WALL), pid);
	EQ(st, 9 << 8);
	EQ(shared, 0);
}

static void exit_codes(void)
{
	for (int i = 0; i < 256; i += 5) {
		pid_t pid = FORK();
		int st;

		if (!pid)
			_exit(i);
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, i << 8);
	}
}

static void death_by_signal(void)
{
	static const int sigs[] = { SIGKILL, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE, SIGALRM };
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++) {
		pid_t pid = FORK();
		int st;

		if (!pid)
			for (;;)
				pause();
		EQ(kill(pid, sigs[i]), 0);
		EQ(waitpid(pid, &st, 0), pid);
		CHECK(WIFSIGNALED(st));
		EQ(WTERMSIG(st), sigs[i]);
	}
}

static void kill_a_spinning_child(void)
{
	pid_t pid = FORK();
	int st;

	if (!pid)
		for (;;)
			shared++;
	sleep_ms(20);
	EQ(waitpid(pid, &st, WNOHANG), 0);
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(WTERMSIG(st), SIGKILL);
}

static void stop_and_continue(void)
{
	pid_t pid = FORK();
	int st;

	if (!pid) {
		raise(SIGSTOP);
		for (;;)
			pause();
	}
	EQ(waitpid(pid, &st, WUNTRACED), pid);
	CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
	EQ(kill(pid, SIGCONT), 0);
	EQ(waitpid(pid, &st, WCONTINUED), pid);
	CHECK(WIFCONTINUED(st));
	EQ(kill(pid, SIGTERM), 0);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(WTERMSIG(st), SIGTERM);
}

static void stop_a_spinning_child(void)
{
	volatile long *n = map_anon(4096, MAP_SHARED);
	pid_t pid = FORK();
	long seen;
	int st;

	if (!pid)
		for (;;)
			++*n;
	SOON(*n > 1000);
	EQ(kill(pid, SIGSTOP), 0);
	EQ(waitpid(pid, &st, WUNTRACED), pid);
	CHECK(WIFSTOPPED(st));
	seen = *n;
	sleep_ms(50);
	EQ(*n, seen);
	EQ(kill(pid, SIGCONT), 0);
	SOON(*n > seen);
	kill(pid, SIGKILL);
	EQ(waitpid(pid, &st, 0), pid);
}

static void waitid_info(void)
{
	siginfo_t si = { 0 };
	pid_t pid = FORK();

	if (!pid)
		_exit(21);
	EQ(waitid(P_PID, pid, &si, WEXITED | WNOWAIT), 0);
	EQ(si.si_pid, pid);
	EQ(si.si_code, CLD_EXITED);
	EQ(si.si_status, 21);
	EQ(si.si_signo, SIGCHLD);
	EQ(si.si_uid, getuid());
	memset(&si, 0, sizeof(si));
	EQ(waitid(P_ALL, 0, &si, WEXITED), 0);
	EQ(si.si_pid, pid);
	FAILS(waitid(P_ALL, 0, &si, WEXITED), ECHILD);
	FAILS(waitid(P_ALL, 0, &si, 0), EINVAL);
}

static void waitid_nohang(void)
{
	siginfo_t si = { .si_pid = 5 };
	pid_t pid = FORK();

	if (!pid)
		for (;;)
			pause();
	EQ(waitid(P_PID, pid, &si, WEXITED | WNOHANG), 0);
	EQ(si.si_pid, 0);
	kill(pid, SIGKILL);
	EQ(waitid(P_PID, pid, &si, WEXITED), 0);
	EQ(si.si_code, CLD_KILLED);
	EQ(si.si_status, SIGKILL);
}

static void wait_by_pidfd(void)
{
	siginfo_t si = { 0 };
	pid_t pid = FORK();
	int fd;

	if (!pid)
		for (;;)
			pause();
	fd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(fd >= 0);
	EQ(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0), 0);
	EQ(waitid(P_PIDFD, fd, &si, WEXITED), 0);
	EQ(si.si_pid, pid);
	EQ(si.si_status, SIGTERM);
	FAILS(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0), ESRCH);
}

static void pidfd_becomes_readable(void)
{
	struct pollfd p = { .events = POLLIN };
	int gate[2];
	pid_t pid;
	char c;

	EQ(pipe(gate), 0);
	pid = FORK();
	if (!pid) {
		close(gate[1]);
		_exit(read(gate[0], &c, 1) ? 1 : 12);
	}
	p.fd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(p.fd >= 0);
	EQ(fcntl(p.fd, F_GETFD), FD_CLOEXEC);
	EQ(poll(&p, 1, 0), 0);
	EQ(syscall(SYS_pidfd_send_signal, p.fd, 0, NULL, 0), 0);
	close(gate[1]);
	EQ(poll(&p, 1, -1), 1);
	EQ(p.revents, POLLIN);
	EQ(waitpid(pid, NULL, WNOHANG), pid);
	FAILS(syscall(SYS_pidfd_open, 999999, 0), ESRCH);
	FAILS(syscall(SYS_pidfd_open, getpid(), 0x10000), EINVAL);
}

static void clone3_with_pidfd(void)
{
	struct { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls; } args = { 0 };
	siginfo_t si = { 0 };
	int fd = -1, tid = 0;
	pid_t pid;

	args.flags = 0x1000 /* CLONE_PIDFD */ | CLONE_PARENT_SETTID;
	args.pidfd = (uintptr_t)&fd;
	args.parent_tid = (uintptr_t)&tid;
	args.exit_signal = SIGCHLD;
	pid = syscall(435 /* clone3 */, &args, sizeof(args));
	if (!pid)
		syscall(SYS_exit_group, 21);
	CHECK(pid > 0 && fd >= 0);
	EQ(tid, pid);
	EQ(waitid(P_PIDFD, fd, &si, WEXITED), 0);
	EQ(si.si_pid, pid);
	EQ(si.si_status, 21);
}

static void waitid_stopped_and_continued(void)
{
	siginfo_t si = { 0 };
	pid_t pid = FORK();

	if (!pid)
		for (;;)
			pause();
	EQ(kill(pid, SIGTSTP), 0);
	EQ(waitid(P_PID, pid, &si, WSTOPPED | WNOWAIT), 0);
	EQ(si.si_code, CLD_STOPPED);
	EQ(waitid(P_PID, pid, &si, WSTOPPED), 0);
	EQ(si.si_status, SIGTSTP);
	si.si_pid = 7;
	EQ(waitid(P_PID, pid, &si, WSTOPPED | WNOHANG), 0);
	EQ(si.si_pid, 0);
	EQ(kill(pid, SIGCONT), 0);
	EQ(waitid(P_PID, pid, &si, WCONTINUED | WNOWAIT), 0);
	EQ(waitid(P_PID, pid, &si, WCONTINUED), 0);
	EQ(si.si_code, CLD_CONTINUED);
	EQ(si.si_status, SIGCONT);
	EQ(kill(pid, SIGSTOP), 0);
	EQ(waitid(P_PID, pid, &si, WSTOPPED), 0);
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitid(P_PID, pid, &si, WEXITED | WSTOPPED), 0);
	EQ(si.si_code, CLD_KILLED);
}

static void wait_any(void)
{
	int seen = 0;

	for (int i = 0; i < 10; i++)
		if (!FORK())
			_exit(i);
	for (int i = 0; i < 10; i++) {
		int st;

		CHECK(waitpid(-1, &st, 0) > 0);
		seen |= 1 << WEXITSTATUS(st);
	}
	EQ(seen, 1023);
	FAILS(waitpid(-1, NULL, 0), ECHILD);
	FAILS(waitpid(getpid(), NULL, 0), ECHILD);
}

static void wait_rusage(void)
{
	struct rusage ru;
	pid_t pid = FORK();
	int st;

	if (!pid) {
		char *p = map_anon(8 << 20, MAP_PRIVATE);

		for (size_t i = 0; i < 8 << 20; i += 4096)
			p[i] = 1;
		while (clock() < CLOCKS_PER_SEC / 20)
			shared++;
		_exit(0);
	}
	EQ(wait4(pid, &st, 0, &ru), pid);
	EQ(st, 0);
	CHECK(ru.ru_minflt > 100);
	CHECK(ru.ru_maxrss >= 8192);
	CHECK(ru.ru_utime.tv_sec * 1000000L + ru.ru_utime.tv_usec + ru.ru_stime.tv_sec * 1000000L + ru.ru_stime.tv_usec > 10000);
}

static void process_groups(void)
{
	pid_t a = FORK(), b, st;

	if (!a) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(a, a);
	EQ(getpgid(a), a);
	b = FORK();
	if (!b)
		for (;;)
			pause();
	EQ(getpgid(b), getpgrp());
	EQ(setpgid(b, a), 0);
	EQ(getpgid(b), a);
	EQ(kill(-a, SIGTERM), 0);
	EQ(waitpid(-a, &st, 0) + waitpid(-a, &st, 0), a + b);
	FAILS(waitpid(-a, &st, 0), ECHILD);
	FAILS(kill(-a, 0), ESRCH);
}

static void sessions(void)
{
	pid_t pid = FORK();

	if (!pid) {
		EQ(setsid(), getpid());
		EQ(getsid(0), getpid());
		EQ(getpgrp(), getpid());
		FAILS(setsid(), EPERM);
		FAILS(setpgid(0, 0), EPERM);
		_exit(0);
	}
	CHILD_OK(pid);
}

static void orphans_go_to_the_subreaper(void)
{
	int p[2], st;
	pid_t pid, grandchild;

	EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	EQ(pipe(p), 0);
	pid = FORK();
	if (!pid) {
		pid_t g = FORK();

		if (!g) {
			SOON(getppid() != pid);
			sleep_ms(30);
			_exit(17);
		}
		CHECK(write(p[1], &g, sizeof(g)) == sizeof(g));
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(read(p[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
	EQ(waitpid(-1, &st, 0), grandchild);
	EQ(WEXITSTATUS(st), 17);
}

static pid_t parent_of(pid_t pid)
{
	char path[50], text[500];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	CHECK(slurp(path, text, sizeof(text)) > 0);
	return atoi(strrchr(text, ')') + 4);
}

static void orphans_go_up(void)
{
	int gate[2], out[2];
	pid_t pid, parent = 0;

	EQ(pipe(gate), 0);
	EQ(pipe(out), 0);
	pid = FORK();
	if (!pid) {
		pid_t middle = getpid();

		if (FORK())
			_exit(0);
		SOON(getppid() != middle);
		parent = getppid();
		CHECK(write(out[1], &parent, sizeof(parent)) == sizeof(parent));
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(read(out[0], &parent, sizeof(parent)), sizeof(parent));
	/* Init, or the session manager above us that asked for orphans. */
	for (pid = getppid(); (pid = parent_of(pid)) && pid != parent;)
		;
	EQ(pid, parent);
}

static void orphans_are_reaped(void)
{
	int p[2];
	pid_t pid, g;
	char path[50];

	EQ(pipe(p), 0);
	pid = FORK();
	if (!pid) {
		pid_t me = getpid();

		g = FORK();
		if (g)
			_exit(0);
		SOON(getppid() != me);
		g = getpid();
		CHECK(write(p[1], &g, sizeof(g)) == sizeof(g));
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(read(p[0], &g, sizeof(g)), sizeof(g));
	snprintf(path, sizeof(path), "/proc/%d", g);
	SOON(access(path, F_OK) != 0);
	FAILS(kill(g, 0), ESRCH);
}

static void parent_death_signal(void)
{
	int p[2];
	pid_t pid;
	char c;

	EQ(pipe(p), 0);
	pid = FORK();
	if (!pid) {
		int ready[2];

		EQ(pipe(ready), 0);
		if (!FORK()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			CHECK(write(p[1], "x", 1) == 1);
			close(ready[1]);
			for (;;)
				pause();
		}
		close(ready[1]);
		EQ(read(ready[0], &c, 1), 0);
		_exit(0);
	}
	close(p[1]);
	CHILD_OK(pid);
	EQ(read(p[0], &c, 1), 1);
	EQ(read(p[0], &c, 1), 0);
}

static void ignored_sigchld_reaps(void)
{
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 5; i++)
		if (!FORK())
			_exit(i);
	FAILS(waitpid(-1, NULL, 0), ECHILD);
}

static siginfo_t chld;

static void save_chld(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	chld = *si;
}

static void sigchld_info(void)
{
	sigset_t mask, old;
	pid_t pid;

	on_signal(SIGCHLD, save_chld, 0);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, &old);
	pid = FORK();
	if (!pid)
		_exit(33);
	while (!chld.si_pid)
		sigsuspend(&old);
	EQ(chld.si_pid, pid);
	EQ(chld.si_status, 33);
	EQ(chld.si_code, CLD_EXITED);
	EQ(waitpid(pid, NULL, 0), pid);
}

static void zombie_state(void)
{
	char path[50], text[500];
	pid_t pid = FORK();
	siginfo_t si;

	if (!pid)
		_exit(0);
	EQ(waitid(P_PID, pid, &si, WEXITED | WNOWAIT), 0);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	CHECK(slurp(path, text, sizeof(text)) > 0);
	CHECK(strstr(text, ") Z "));
	EQ(waitpid(pid, NULL, 0), pid);
	FAILS(access(path, F_OK), ENOENT);
}

static void *spin(void *arg)
{
	for (;;)
		++*(volatile int *)arg;
	return arg;
}

static void exit_ends_all_threads(void)
{
	pid_t pid = FORK();
	int st;

	if (!pid) {
		static int n;
		pthread_t t;

		for (int i = 0; i < 4; i++)
			CHECK(!pthread_create(&t, NULL, spin, &n));
		sleep_ms(20);
		_exit(5);
	}
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, 5 << 8);
}

static void *exit_from_thread(void *arg)
{
	_exit((long)arg);
	return NULL;
}

static void exit_from_another_thread(void)
{
	pid_t pid = FORK();
	int st;

	if (!pid) {
		pthread_t t;

		CHECK(!pthread_create(&t, NULL, exit_from_thread, (void *)6));
		for (;;)
			pause();
	}
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, 6 << 8);
}

static void proc_self(void)
{
	char link[50], text[4000], want[50];

	link[readlink("/proc/self", link, sizeof(link) - 1)] = 0;
	EQ(atoi(link), getpid());
	slurp("/proc/self/status", text, sizeof(text));
	snprintf(want, sizeof(want), "\nPid:\t%d\n", getpid());
	CHECK(strstr(text, want));
	snprintf(want, sizeof(want), "\nPPid:\t%d\n", getppid());
	CHECK(strstr(text, want));
	CHECK(!prctl(PR_SET_NAME, "a-name"));
	slurp("/proc/self/comm", text, sizeof(text));
	IS(text, "a-name\n");
}

static void hundred_generations(void)
{
	int depth = 0, st;

	while (depth < 100) {
		pid_t pid = FORK();

		if (pid) {
			EQ(waitpid(pid, &st, 0), pid);
			if (depth == 0)
				break;
			_exit(WEXITSTATUS(st) + 1);
		}
		if (++depth == 100)
			_exit(1);
	}
	EQ(st, 100 << 8);
}

static void fork_copies_state(void)
{
	sigset_t mask, got;
	pid_t pid;

	umask(027);
	signal(SIGUSR1, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	raise(SIGUSR2);
	nice(3);
	pid = FORK();
	if (!pid) {
		struct sigaction sa;

		EQ(umask(0), 027);
		sigaction(SIGUSR1, NULL, &sa);
		CHECK(sa.sa_handler == SIG_IGN);
		sigprocmask(SIG_BLOCK, NULL, &got);
		CHECK(sigismember(&got, SIGUSR2));
		sigpending(&got);
		CHECK(!sigismember(&got, SIGUSR2));
		EQ(getpriority(PRIO_PROCESS, 0), 3);
		_exit(0);
	}
	CHILD_OK(pid);
}

static void user_ids(void)
{
	pid_t pid;

	if (getuid())
		SKIP("needs root");
	pid = FORK();
	if (!pid) {
		EQ(setresgid(12, 12, 12), 0);
		EQ(setresuid(1234, 1234, 1234), 0);
		EQ(getuid(), 1234);
		EQ(getegid(), 12);
		FAILS(setuid(0), EPERM);
		FAILS(kill(getppid(), SIGTERM), EPERM);
		FAILS(open("/etc/shadow-none", O_CREAT | O_WRONLY, 0600), EACCES);
		_exit(0);
	}
	CHILD_OK(pid);
}

static const struct test tests[] = {
	T(fork_pids), T(vfork_shares_memory), T(clone_vm), T(clone_files_and_fs), T(clone_other_signal), T(exit_codes),
	T(death_by_signal), T(kill_a_spinning_child), T(stop_and_continue), T(stop_a_spinning_child), T(waitid_info),
	T(waitid_nohang), T(wait_by_pidfd), T(pidfd_becomes_readable), T(clone3_with_pidfd), T(waitid_stopped_and_continued),
	T(wait_any), T(wait_rusage), T(process_groups), T(sessions), T(orphans_go_to_the_subreaper), T(orphans_are_reaped),
	T(orphans_go_up), T(parent_death_signal), T(ignored_sigchld_reaps), T(sigchld_info), T(zombie_state),
	T(exit_ends_all_threads), T(exit_from_another_thread), T(proc_self), T(hundred_generations), T(fork_copies_state),
	T(user_ids),
};
MAIN(tests)
