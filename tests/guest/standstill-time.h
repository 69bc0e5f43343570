/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STANDSTILL_TIME_H
#define STANDSTILL_TIME_H
/* Clocks, which do not go back, and timers. */
#include "standstill.h"
#include <sys/timerfd.h>

static uint64_t by_call(clockid_t clock)
{
	struct timespec t;

	EQ(syscall(SYS_clock_gettime, clock, &t), 0);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static uint64_t by_library(clockid_t clock)
{
	struct timespec t;

	EQ(clock_gettime(clock, &t), 0);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* As late as anybody has seen it. */
static uint64_t *latest;

static void look(clockid_t clock, uint64_t (*by)(clockid_t))
{
	uint64_t before = __atomic_load_n(&latest[clock], __ATOMIC_SEQ_CST), now = by(clock);

	if (now < before)
		tap_fail(__FILE__, __LINE__, "clock %d %s: %llu after %llu", clock,
				by == by_call ? "by the call" : "by the vDSO",
			 (unsigned long long)now, (unsigned long long)before);
	while (before < now && !__atomic_compare_exchange_n(&latest[clock], &before, now, 0,
			__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static void look_at_all(void)
{
	static const clockid_t all[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW,
			CLOCK_MONOTONIC_COARSE };

	while (goes_on()) {
		for (size_t i = 0; i < ARRAY_SIZE(all); i++)
			for (int n = 0; n < 50; n++) {
				look(all[i], by_library);
				if (n % 8 == 0)
					look(all[i], by_call);
			}
		look(CLOCK_MONOTONIC, by_call);
		sleep_us(dice(2000));
	}
}

static void clocks(void)
{
	uint64_t cpu = 0;
	pid_t pid;

	latest = map_anon(4096, MAP_SHARED);
	pid = FORK();
	look_at_all();
	CHECK(by_call(CLOCK_PROCESS_CPUTIME_ID) >= cpu);
	if (!pid)
		_exit(0);
	CHILD_OK(pid);
}

static void timers(void)
{
	const uint64_t interval = 3000000;
	struct itimerspec often = { { 0, interval }, { 0, interval } }, once = { 0 };
	int repeated = timerfd_create(CLOCK_MONOTONIC, 0), single = timerfd_create(CLOCK_BOOTTIME,
			0);
	uint64_t begun = by_library(CLOCK_MONOTONIC), all = 0, n;

	EQ(timerfd_settime(repeated, 0, &often, NULL), 0);
	while (goes_on()) {
		uint64_t at = by_library(CLOCK_BOOTTIME) + dice(4000000);

		EQ(read(repeated, &n, sizeof(n)), sizeof(n));
		CHECK(n > 0);
		all += n;
		CHECK(all <= (by_library(CLOCK_MONOTONIC) - begun) / interval);
		once.it_value = (struct timespec) { at / 1000000000, at % 1000000000 };
		EQ(timerfd_settime(single, TFD_TIMER_ABSTIME, &once, NULL), 0);
		EQ(read(single, &n, sizeof(n)), sizeof(n));
		EQ(n, 1);
		CHECK(by_library(CLOCK_BOOTTIME) >= at);
	}
}

#endif
