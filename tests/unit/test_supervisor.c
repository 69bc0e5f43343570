// SPDX-License-Identifier: GPL-2.0-only
/* What the supervisor makes of a page that a guest has filled with whatever it likes. */
#define _GNU_SOURCE
#include <ctype.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "box.h"

static char said[1 << 16];

/* What fn prints, without the newlines at the ends of lines; its exit status. */
static int hear(int (*fn)(struct box *), struct box *b)
{
	FILE *f = tmpfile();
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		dup2(fileno(f), 2);
		_exit(fn(b));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rewind(f);
	said[fread(said, 1, sizeof(said) - 1, f)] = 0;
	fclose(f);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The page ends where its memory does, so ASAN sees what is read beyond. */
static void with_page(struct box *b, char fill)
{
	*b = (struct box) { .shared = aligned_alloc(64, sizeof(struct kbox_shared)) };
	memset(b->shared, fill, sizeof(*b->shared));
}

static void all_printable(void)
{
	for (const char *p = said; *p; p++)
		assert_true(*p == '\n' || isprint((unsigned char)*p));
}

static void printables(void **state)
{
	char to[5];

	(void)state;
	printable(to, "ab\n\033\377z", 4);
	assert_string_equal(to, "ab??");
	printable(to, "ab\0cd", 4);
	assert_string_equal(to, "ab");
	printable(to, "", 0);
	assert_string_equal(to, "");
}

static int say(struct box *b, uint32_t kind)
{
	char words[LAST_WORDS] = "";
	int status = exit_of(b, kind, words);

	fputs(words, stderr);
	return status;
}

static int panicked(struct box *b)
{
	return say(b, KBOX_PANICKED);
}

static void reason_without_end(void **state)
{
	static const char start[] = "kbox: kernel panic: ";
	struct box b;

	(void)state;
	with_page(&b, 'x');
	assert_int_equal(hear(panicked, &b), EXIT_PANIC);
	assert_int_equal(strlen(said), strlen(start) + sizeof(b.shared->exit_reason) + 1);
	assert_memory_equal(said, start, strlen(start));
	free(b.shared);
}

static void reason_of_terminal_codes(void **state)
{
	struct box b;

	(void)state;
	with_page(&b, 0);
	strcpy(b.shared->exit_reason, "a\033]0;title\a\n\tb\x80");
	assert_int_equal(hear(panicked, &b), EXIT_PANIC);
	assert_string_equal(said, "kbox: kernel panic: a?]0;title???b?\n");
	free(b.shared);
}

/* The guest does not stop writing because its end is being told. */
static void *scribble(void *arg)
{
	volatile char *reason = arg;

	for (unsigned i = 0;; i++)
		reason[i % 256] = i / 256 % 3 ? 'x' + i % 3 : 0;
	return NULL;
}

static int panicked_often(struct box *b)
{
	pthread_t t;

	if (pthread_create(&t, NULL, scribble, b->shared->exit_reason))
		return 1;
	for (int i = 0; i < 200; i++)
		if (panicked(b) != EXIT_PANIC)
			return 2;
	return 0;
}

static void reason_that_changes(void **state)
{
	struct box b;
	int lines = 0;

	(void)state;
	with_page(&b, 'x');
	assert_int_equal(hear(panicked_often, &b), 0);
	all_printable();
	for (char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		assert_true(strlen(line) <= 20 + sizeof(b.shared->exit_reason));
		assert_memory_equal(line, "kbox: kernel panic: ", 20);
	}
	assert_int_equal(lines, 200);
	free(b.shared);
}

static int unknown(struct box *b)
{
	return say(b, 0x5a5a5a5a);
}

static void unknown_kind(void **state)
{
	struct box b;

	(void)state;
	with_page(&b, 0x5a);
	assert_int_equal(hear(unknown, &b), EXIT_PANIC);
	assert_ptr_equal(strstr(said, "kbox: kernel panic: "), said);
	free(b.shared);
}

static void any_status(void **state)
{
	static const struct { uint32_t said; int is; } statuses[] = {
		{ 0, 0 }, { 0x700, 7 }, { 0xff00, 255 }, { 9, 137 }, { 0x7e, 254 }, { 0x7f, 0 }, { 0xffffffff, 255 },
		{ 0x80, 0 }, { 0xabcd0100, 1 },
	};
	struct box b;

	(void)state;
	with_page(&b, 0);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		b.shared->exit_status = statuses[i].said;
		assert_int_equal(say(&b, KBOX_EXITED), statuses[i].is);
	}
	free(b.shared);
}

static int stats(struct box *b)
{
	print_stats(b->shared);
	return 0;
}

static void counters_of_garbage(void **state)
{
	static const char fills[] = { '\033', 'x', (char)0xff };
	struct box b;

	(void)state;
	for (size_t i = 0; i < sizeof(fills); i++) {
		with_page(&b, fills[i]);
		assert_int_equal(hear(stats, &b), 0);
		all_printable();
		assert_true(strlen(said) < 4096);
		free(b.shared);
	}
}

/* Its memory is gone while it is read, here since it is cut off. */
static int read_nothing(struct box *b)
{
	guard_memory(b);
	(void)!ftruncate(b->mem_fd, 0);
	return panicked(b);
}

static void no_memory(void **state)
{
	struct box b = { .mem_fd = new_memfd("kbox"), .opt.mem = 1 << 16 };
	void *want = (void *)KBOX_PAGE_OFFSET;

	(void)state;
	assert_int_equal(ftruncate(b.mem_fd, b.opt.mem), 0);
	b.mem = mmap(want, b.opt.mem, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, b.mem_fd, 0);
	if (b.mem != want)
		skip();
	b.shared = (void *)(b.mem + KBOX_SHARED_PHYS);
	assert_int_equal(hear(read_nothing, &b), EXIT_FAIL);
	assert_ptr_equal(strstr(said, "kbox: the host has no more memory for the guest"), said);
	munmap(b.mem, b.opt.mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printables), cmocka_unit_test(reason_without_end), cmocka_unit_test(reason_of_terminal_codes),
		cmocka_unit_test(reason_that_changes), cmocka_unit_test(unknown_kind), cmocka_unit_test(any_status),
		cmocka_unit_test(counters_of_garbage), cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
