// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /proc says of a task: whether it runs, sleeps or is stopped, what it waits in, and what load
 * that is.
 */
#include "tap.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#define READINGS 200

enum { UTIME = 14 };

/*
 * Field n of /proc/PATH/stat, behind the name (3 is the state); as a number, or as the letter that
 * it begins with.
 */
static long stat_field(const char *path, int n)
{
	char name[60], text[600], *at;

	snprintf(name, sizeof(name), "/proc/%s/stat", path);
	if (!slurp(name, text, sizeof(text)))
		return -1;
	at = strrchr(text, ')');
	for (int i = 2; at && i < n; i++)
		at = strchr(at + 1, ' ');
	if (!at)
		return -1;
	return n == 3 ? at[1] : atol(at + 1);
}

static int state(pid_t pid)
{
	char path[20];

	snprintf(path, sizeof(path), "%d", pid);
	return stat_field(path, 3);
}

static long utime(pid_t pid)
{
	char path[20];

	snprintf(path, sizeof(path), "%d", pid);
	return stat_field(path, UTIME);
}

static volatile int spinning;	/* of a child: in memory that is shared */

static void spin(volatile int *begun)
{
	for (*begun = 1;;)
		spinning++;
}

/* A child that only computes, and has begun to. */
static pid_t spinner(void)
{
	volatile int *begun = map_anon(4096, MAP_SHARED);
	pid_t pid = FORK();

	if (!pid)
		spin(begun);
	SOON(*begun);
	return pid;
}

static void end(pid_t pid)
{
	int st;

	kill(pid, SIGKILL);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, SIGKILL);
}

static void spinning_child_runs(void)
{
	pid_t pid = spinner();

	for (int i = 0; i < READINGS; i++) {
		EQ(state(pid), 'R');
		if (i % 10 == 0)
			sleep_ms(1);
	}
	end(pid);
}

static void three_spinning_children_run(void)
{
	pid_t pid[3] = { spinner(), spinner(), spinner() };

	for (int i = 0; i < READINGS; i++)
		EQ(state(pid[i % 3]), 'R');
	for (int i = 0; i < 3; i++)
		end(pid[i]);
}

static volatile int thread_begun, thread_stop;
static pid_t thread_tid;

static void *spinning_thread(void *x)
{
	thread_tid = syscall(SYS_gettid);
	for (thread_begun = 1; !thread_stop;)
		spinning++;
	return x;
}

static void spinning_thread_runs(void)
{
	char path[60];
	pthread_t t;

	pthread_create(&t, NULL, spinning_thread, NULL);
	SOON(thread_begun);
	snprintf(path, sizeof(path), "self/task/%d", thread_tid);
	for (int i = 0; i < READINGS; i++)
		EQ(stat_field(path, 3), 'R');
	thread_stop = 1;
	pthread_join(t, NULL);
}

/* In "status" it is a word. */
static void status_says_running(void)
{
	char path[40], text[3000];
	pid_t pid = spinner();

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	slurp(path, text, sizeof(text));
	CHECK(strstr(text, "State:\tR (running)"));
	end(pid);
}

static int pipe_ends[2];

static void in_pause(void) { pause(); }
static void in_nanosleep(void) { sleep_ms(1000000); }
static void in_futex(void)
{
	int word = 0;

	syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0);
}
static void in_read(void)
{
	char c;

	(void)!read(pipe_ends[0], &c, 1);
}

static const struct { void (*wait)(void); const char *wchan; } waits[] = {
#ifdef __x86_64__
	{ in_pause, "pause" },
#else
	{ in_pause, "poll" },
#endif
	{ in_nanosleep, "nanosleep" }, { in_futex, "futex" }, { in_read, "pipe" },
};

static pid_t sleeper(int how)
{
	pid_t pid = FORK();

	if (!pid) {
		waits[how].wait();
		_exit(1);
	}
	SOON(state(pid) == 'S' && sleeps_in_a_call(pid));
	return pid;
}

static void sleepers_sleep(void)
{
	pid_t pid;

	EQ(pipe(pipe_ends), 0);
	for (size_t how = 0; how < ARRAY_SIZE(waits); how++) {
		pid = sleeper(how);
		for (int i = 0; i < READINGS; i++)
			EQ(state(pid), 'S');
		end(pid);
	}
}

static void wchan_names_the_wait(void)
{
	char path[40], text[200];
	pid_t pid;

	EQ(pipe(pipe_ends), 0);
	for (size_t how = 0; how < ARRAY_SIZE(waits); how++) {
		pid = sleeper(how);
		snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
		slurp(path, text, sizeof(text));
		if (!strstr(text, waits[how].wchan))
			tap_fail(__FILE__, __LINE__, "wchan is %s, not something with %s", text, waits[how].wchan);
		CHECK(1);
		end(pid);
	}
	pid = spinner();
	snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
	slurp(path, text, sizeof(text));
	IS(text, "0");
	end(pid);
}

static void stack_names_the_wait(void)
{
	char path[40], text[4000];
	pid_t pid;

	EQ(pipe(pipe_ends), 0);
	pid = sleeper(3);
	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	if (geteuid() || (!slurp(path, text, sizeof(text)) && errno == EACCES)) {
		end(pid);
		SKIP("needs CAP_SYS_ADMIN");
	}
	CHECK(strstr(text, "pipe_read") && strstr(strstr(text, "pipe_read"), "sys_read"));
	CHECK(!strstr(text, "switch"));
	end(pid);
}

static void vfork_parent_is_uninterruptible(void)
{
	pid_t pid, me;

	if (!VFORK_SHARES)
		SKIP("this libc's vfork() is a fork()");
	pid = FORK();
	if (!pid) {
		me = getpid();
		if (!vfork()) {
			double until = seconds() + SOON_MS / 1e3;

			while (state(me) != 'D' && seconds() < until)
				;
			_exit(state(me) == 'D' ? 0 : 1);
		}
		wait(&me);
		_exit(WEXITSTATUS(me));
	}
	CHILD_OK(pid);
}

static void stopped_and_running_again(void)
{
	pid_t pid = spinner();
	int st;

	kill(pid, SIGSTOP);
	EQ(waitpid(pid, &st, WUNTRACED), pid);
	CHECK(WIFSTOPPED(st));
	EQ(state(pid), 'T');
	kill(pid, SIGCONT);
	SOON(state(pid) == 'R');
	for (int i = 0; i < READINGS; i++)
		EQ(state(pid), 'R');
	end(pid);
}

static void traced_and_running_again(void)
{
	pid_t pid = spinner();
	int st;

	EQ(ptrace(PTRACE_SEIZE, pid, 0, 0), 0);
	for (int i = 0; i < 20; i++) {
		EQ(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
		EQ(waitpid(pid, &st, 0), pid);
		CHECK(WIFSTOPPED(st));
		EQ(state(pid), 't');
		EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
		SOON(state(pid) == 'R');
	}
	end(pid);
}

static volatile int got;

static void count(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si, (void)uc;
	got++;
}

/* It is off the virtual CPU, and each signal fetches it. */
static void signals_reach_a_spinning_child(void)
{
	volatile int *seen = map_anon(4096, MAP_SHARED);
	pid_t pid = FORK();

	if (!pid) {
		on_signal(SIGUSR1, count, 0);
		for (seen[1] = 1;; seen[0] = got)
			;
	}
	SOON(seen[1]);
	for (int i = 1; i <= 200; i++) {
		kill(pid, SIGUSR1);
		SOON(seen[0] == i);
	}
	end(pid);
}

static void death_of_the_parent_ends_a_spinning_child(void)
{
	volatile int *begun = map_anon(4096, MAP_SHARED);
	pid_t pid;
	int st;

	EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	pid = FORK();
	if (!pid) {
		pid = FORK();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			spin(begun);
		}
		SOON(*begun);
		_exit(0);
	}
	CHILD_OK(pid);
	CHECK(wait(&st) > 0);
	EQ(st, SIGTERM);
}

static void user_time_is_counted(void)
{
	pid_t pid = spinner();
	long before = utime(pid);

	SOON(utime(pid) >= before + 20);
	end(pid);
}

/* What /proc/stat says: the two, and who asks. */
static void running_are_counted(void)
{
	pid_t one = spinner(), two = spinner();
	char text[20000], *at;

	for (int i = 0; i < 50; i++) {
		slurp("/proc/stat", text, sizeof(text));
		at = strstr(text, "procs_running ");
		CHECK(at);
		CHECK(atoi(at + strlen("procs_running ")) >= 3);
	}
	end(one);
	end(two);
}

static double load(void)
{
	char text[100];

	slurp("/proc/loadavg", text, sizeof(text));
	return atof(text);
}

static void spinning_is_load(void)
{
	pid_t one = spinner(), two = spinner();

	SOON(load() >= 0.1);
	end(one);
	end(two);
}

static const struct test tests[] = {
	T(spinning_child_runs), T(three_spinning_children_run), T(spinning_thread_runs), T(status_says_running),
	T(sleepers_sleep), T(wchan_names_the_wait), T(stack_names_the_wait), T(vfork_parent_is_uninterruptible),
	T(stopped_and_running_again), T(traced_and_running_again), T(signals_reach_a_spinning_child),
	T(death_of_the_parent_ends_a_spinning_child), T(user_time_is_counted), T(running_are_counted), T(spinning_is_load),
};
MAIN(tests)
