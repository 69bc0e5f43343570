// SPDX-License-Identifier: GPL-2.0-only
/* KBOX_HIDE: which lists are taken, and what is said of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "box.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void lists(void **state)
{
	static const struct { const char *list; uint32_t bits; } good[] = {
		{ "", 0 }, { "fsgsbase", KBOX_HIDE_FSGSBASE }, { "vdso", KBOX_HIDE_VDSO },
		{ "vdso-clock", KBOX_HIDE_VDSO_CLOCK }, { "dispatch,populate", KBOX_HIDE_DISPATCH | KBOX_HIDE_POPULATE },
		{ "populate,dispatch,populate", KBOX_HIDE_DISPATCH | KBOX_HIDE_POPULATE },
		{ "namespaces,landlock,broker", KBOX_HIDE_NAMESPACES | KBOX_HIDE_LANDLOCK | KBOX_HIDE_BROKER },
		{ "close-range,noexec-seal,lahf", KBOX_HIDE_CLOSE_RANGE | KBOX_HIDE_NOEXEC_SEAL | KBOX_HIDE_LAHF },
	};
	char err[HIDE_ERR];
	uint32_t bits;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		print_message("# %s\n", good[i].list);
		bits = ~0U;
		assert_true(parse_hidden(good[i].list, &bits, err));
		assert_int_equal(bits, good[i].bits);
	}
}

static void unknown(void **state)
{
	static const char *const bad[] = {
		"x", "vds", "vdsos", "Vdso", " vdso", "vdso ", ",", ",vdso", "vdso,,populate", "vdso,x", "vdso populate", "all",
	};
	char err[HIDE_ERR], longest[2000];
	uint32_t bits;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		print_message("# '%s'\n", bad[i]);
		assert_false(parse_hidden(bad[i], &bits, err));
		assert_non_null(strstr(err, "KBOX_HIDE: "));
		assert_non_null(strstr(err, "fsgsbase, "));
		assert_non_null(strstr(err, ", noexec-seal"));
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	assert_false(parse_hidden(longest, &bits, err));
	assert_non_null(strstr(err, ", noexec-seal"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lists), cmocka_unit_test(unknown) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
