// SPDX-License-Identifier: GPL-2.0-only
/* Sizes, user and group numbers: what is taken, what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "box.h"
#include "rundir.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define UNTOUCHED 0x5a5a5a5a5a5a5a5aULL

static void sizes(void **state)
{
	static const struct { const char *s; uint64_t bytes; } good[] = {
		{ "0", 0 }, { "1", 1 }, { "007", 7 }, { "33554432", 32 << 20 },
		{ "1k", 1024 }, { "1K", 1024 }, { "3m", 3 << 20 }, { "64M", 64 << 20 },
		{ "2g", 2ULL << 30 }, { "4096G", 4096ULL << 30 }, { "0G", 0 },
		{ "9223372036854775807", INT64_MAX }, { "9007199254740991K", INT64_MAX >> 10 << 10 },
		{ "8796093022207M", INT64_MAX >> 20 << 20 }, { "8589934591G", INT64_MAX >> 30 << 30 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		uint64_t got = UNTOUCHED;

		print_message("# %s\n", good[i].s);
		assert_true(parse_size(good[i].s, &got));
		assert_int_equal(got, good[i].bytes);
	}
}

static void not_sizes(void **state)
{
	static const char *const bad[] = {
		"", " ", "x", "M", "-1", "+1", " 1", "1 ", "1.5G", "1T", "1MB", "1Mi", "1KK", "0x10", "1e9", "G1", "1\t",
		"9223372036854775808", "18446744073709551615", "18446744073709551616", "99999999999999999999999",
		"9007199254740992K", "8796093022208M", "8589934592G", "18446744073709551615G",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		uint64_t got = UNTOUCHED;

		print_message("# '%s'\n", bad[i]);
		assert_false(parse_size(bad[i], &got));
		assert_int_equal(got, UNTOUCHED);
	}
}

static void ids(void **state)
{
	static const struct { const char *s; uid_t uid; gid_t gid; } good[] = {
		{ "0:0", 0, 0 }, { "1000:100", 1000, 100 }, { "65534:65534", 65534, 65534 }, { "01:02", 1, 2 },
		{ "4294967294:0", 4294967294u, 0 }, { "0:4294967294", 0, 4294967294u },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		uid_t uid = 77;
		gid_t gid = 77;

		print_message("# %s\n", good[i].s);
		assert_true(parse_ids(good[i].s, &uid, &gid));
		assert_int_equal(uid, good[i].uid);
		assert_int_equal(gid, good[i].gid);
	}
}

static void not_ids(void **state)
{
	static const char *const bad[] = {
		"", ":", "1", "1:", ":1", "root:root", "1:x", "x:1", "-1:0", "0:-1", "+1:1", "1:+1", "1: 1", " 1:1", "1 :1",
		"1:1 ", "1:1:1", "1::1", "1.1", "0x1:1", "1:1x",
		/* -1 means "do not change" to setuid's relatives. */
		"4294967295:0", "0:4294967295", "4294967296:0", "0:4294967296", "18446744073709551616:0",
		"0:99999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		uid_t uid = 77;
		gid_t gid = 78;

		print_message("# '%s'\n", bad[i]);
		assert_false(parse_ids(bad[i], &uid, &gid));
		assert_int_equal(uid, 77);
		assert_int_equal(gid, 78);
	}
}

static void fds(void **state)
{
	static const struct { const char *s; int host, guest; } good[] = {
		{ "0", 0, 0 }, { "5", 5, 5 }, { "7:3", 7, 3 }, { "65535:65535", 65535, 65535 },
	};
	static const char *const bad[] = { "", ":", "5:", ":5", "-1", "5:-1", "a", "5a", "5:3a", "5:3:1", " 5", "65536", "5:65536", "99999999999999999999" };
	struct fd_pair fd;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(parse_fd(good[i].s, &fd));
		assert_int_equal(fd.host, good[i].host);
		assert_int_equal(fd.guest, good[i].guest);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(parse_fd(bad[i], &fd));
}

static void id_maps(void **state)
{
	static const struct { const char *s; struct id_map m; } good[] = {
		{ "0:0", { 0, 0, 1 } }, { "1000:0", { 1000, 0, 1 } }, { "100000:1:65536", { 100000, 1, 65536 } },
		{ "0:1:4294967294", { 0, 1, 4294967294U } }, { "4294967294:4294967294", { 4294967294U, 4294967294U, 1 } },
	};
	static const char *const bad[] = {
		"", ":", "1", "1:", ":1", "1:2:", "1:2:0", "1:2:3:4", "1::2", "-1:0", "1:-1", " 1:2", "1:2x", "1 :2", "4294967295:0",
		"0:4294967295", "4294967294:0:2", "0:2:4294967295", "99999999999999999999:0", "1:2:99999999999999999999",
	};
	struct id_map m;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(parse_id_map(good[i].s, &m));
		assert_memory_equal(&m, &good[i].m, sizeof(m));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		print_message("# '%s'\n", bad[i]);
		assert_false(parse_id_map(bad[i], &m));
	}
}

static void default_memory(void **state)
{
	(void)state;
	assert_true(default_mem() >= KBOX_MEM_MIN);
	assert_int_equal(default_mem() % (1 << 20), 0);
}


static char err[OPTIONS_ERR];

static bool parse(struct options *o, char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	memset(o, 0x7f, sizeof(*o));
	memset(err, 0x7f, sizeof(err));
	return parse_options(argc, argv, o, err);
}

#define ARGS(...) ((char *[]) { "kbox", __VA_ARGS__, NULL })

static void defaults(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(&o, ARGS("-S", "img", "ls")));
	assert_int_equal(o.action, ACTION_RUN);
	assert_string_equal(o.image, "img");
	assert_true(o.system);
	assert_false(o.read_only || o.ephemeral || o.no_cancel_promote);
	assert_int_equal(o.mem, default_mem());
	assert_int_equal(o.overlay_size, 0);
	assert_int_equal(o.uid, 0);
	assert_int_equal(o.gid, 0);
	assert_string_equal(o.hostname, "kbox");
	assert_string_equal(o.cwd, "/");
	assert_int_equal(o.nenv, 0);
	assert_null(o.kernel_cmdline);
	assert_string_equal(o.command[0], "ls");
	assert_null(o.command[1]);
}

static void network(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(&o, ARGS("run", "ls")));
	assert_int_equal(o.net, NET_NONE);
	assert_true(parse(&o, ARGS("run", "--net=none", "ls")));
	assert_int_equal(o.net, NET_NONE);
	assert_true(parse(&o, ARGS("run", "-p", "80:81", "-p", "127.0.0.1:80:82/udp", "--net", "ls")));
	assert_int_equal(o.net, NET_USER);
	assert_int_equal(o.nports, 2);
	assert_false(o.ports[0].udp);
	assert_int_equal(o.ports[0].guest, 81);
	assert_true(o.ports[1].udp);
	assert_string_equal(o.command[0], "ls");
	free(o.ports);
	assert_true(parse(&o, ARGS("-S", "img", "--net=user", "ls")));
	assert_int_equal(o.net, NET_USER);
	assert_true(parse(&o, ARGS("run", "--net=passt", "ls")));
	assert_int_equal(o.net, NET_PASST);
	assert_true(parse(&o, ARGS("run", "--net=slirp", "ls")));
	assert_int_equal(o.net, NET_SLIRP);
}

static void every_option(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(&o, ARGS("-r", "img", "--syscall-mode=trap", "-k", "loglevel=7", "--mem", "65M", "--read-only",
				   "--ephemeral", "--overlay-size", "3M", "--no-cancel-promote", "--change-id", "5:6", "--init", "--hostname", "h", "-e", "A=1", "-e", "B==",
				   "-w", "/w", "--", "-x", "--help")));
	assert_int_equal(o.action, ACTION_RUN);
	assert_string_equal(o.image, "img");
	assert_false(o.system);
	assert_true(o.read_only && o.ephemeral && o.no_cancel_promote && o.init);
	assert_string_equal(o.kernel_cmdline, "loglevel=7");
	assert_int_equal(o.mem, 65 << 20);
	assert_int_equal(o.overlay_size, 3 << 20);
	assert_int_equal(o.uid, 5);
	assert_int_equal(o.gid, 6);
	assert_string_equal(o.hostname, "h");
	assert_int_equal(o.nenv, 2);
	assert_string_equal(o.env[0], "A=1");
	assert_string_equal(o.env[1], "B==");
	assert_null(o.env[2]);
	assert_string_equal(o.cwd, "/w");
	assert_string_equal(o.command[0], "-x");
	assert_string_equal(o.command[1], "--help");
	assert_null(o.command[2]);
	free(o.env);
}

static void names(void **state)
{
	char longest[NAME_LENGTH + 2];
	struct options o;

	(void)state;
	assert_true(parse(&o, ARGS("run", "--name", "a.b_c-1", "-d", "ls")));
	assert_string_equal(o.name, "a.b_c-1");
	assert_true(o.detach);
	assert_true(parse(&o, ARGS("run", "--detach", "ls")));
	assert_true(o.detach && !o.name);
	assert_true(parse(&o, ARGS("run", "ls", "-d")));
	assert_false(o.detach);
	memset(longest, 'x', sizeof(longest));
	longest[NAME_LENGTH] = 0;
	assert_true(is_name(longest) && is_name("0"));
	longest[NAME_LENGTH] = 'x';
	longest[NAME_LENGTH + 1] = 0;
	assert_false(is_name(longest) || is_name("") || is_name(".") || is_name("..") || is_name("-a") || is_name("_a"));
	assert_false(is_name("a/b") || is_name("a b") || is_name("a\n") || is_name("\xc3\xa4"));
}

static void from_snapshot(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(&o, ARGS("--from", "file", "--name", "n", "-d", "--stats", "--require-fence")));
	assert_string_equal(o.from, "file");
	assert_true(o.detach && !o.beside);
	assert_true(parse(&o, ARGS("run", "--from", "file", "--change-id", "1:2", "-w", "/w", "--", "ls", "-d")));
	assert_string_equal(o.beside[0], "ls");
	assert_string_equal(o.beside[1], "-d");
	assert_null(o.beside[2]);
	assert_true(o.ids_given && o.uid == 1 && o.gid == 2 && !o.detach);
}

static void free_volumes(struct options *o)
{
	for (size_t i = 0; i < o->nvolumes; i++) {
		free(o->volumes[i].source);
		free(o->volumes[i].target);
	}
	free(o->volumes);
	free(o->root.source);
	free(o->root.target);
}

static void roots(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(&o, ARGS("run", "ls", "-v")));
	assert_int_equal(o.root_is, ROOT_OWN);
	assert_true(o.system && !o.cwd && !o.ids_given && !o.clear_env && !o.nvolumes);
	assert_string_equal(o.command[0], "ls");
	assert_true(parse(&o, ARGS("run", "--root", "d", "ls")));
	assert_int_equal(o.root_is, ROOT_OVERLAY);
	assert_string_equal(o.root.source, "d");
	assert_string_equal(o.cwd, "/");
	assert_int_equal(o.overlay_size, 0);
	free_volumes(&o);
	assert_true(parse(&o, ARGS("--root", "d:rw", "ls")));
	assert_int_equal(o.root_is, ROOT_VOLUME);
	assert_true(o.system);
	free_volumes(&o);
	assert_true(parse(&o, ARGS("run", "-r", "img", "--", "ls")));
	assert_int_equal(o.root_is, ROOT_IMAGE);
	assert_false(o.system);
	assert_true(parse(&o, ARGS("-S", "img", "run")));
	assert_string_equal(o.command[0], "run");
}

static void volumes(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(&o, ARGS("run", "-v", "a:b", "-v", "c:ro", "--overlay-size", "2M", "--clear-env", "--root-id", "-w", "x", "ls")));
	assert_int_equal(o.nvolumes, 2);
	assert_string_equal(o.volumes[0].source, "a");
	assert_string_equal(o.volumes[0].target, "b");
	assert_null(o.volumes[1].target);
	assert_int_equal(o.volumes[1].access, 'o');
	assert_int_equal(o.overlay_size, 2 << 20);
	assert_true(o.clear_env && o.ids_given);
	assert_string_equal(o.cwd, "x");
	free_volumes(&o);
}

static void changes(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(&o, ARGS("run", "--diff", "f", "--upper", "d", "ls")));
	assert_string_equal(o.diff, "f");
	assert_string_equal(o.upper, "d");
	assert_int_equal(o.nfds, 0);
	/* The archive has standard output: the command's is another one. */
	assert_true(parse(&o, ARGS("run", "--diff", "-", "ls")));
	assert_int_equal(o.nfds, 1);
	assert_int_equal(o.fds[0].host, 2);
	assert_int_equal(o.fds[0].guest, 1);
	free(o.fds);
	assert_true(parse(&o, ARGS("run", "--fd", "7:1", "--diff", "-", "ls")));
	assert_int_equal(o.nfds, 1);
	assert_int_equal(o.fds[0].host, 7);
	free(o.fds);
}

static void the_commands_options_are_its_own(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(&o, ARGS("-S", "img", "ls", "-r", "--mem")));
	assert_string_equal(o.command[0], "ls");
	assert_string_equal(o.command[1], "-r");
	assert_string_equal(o.command[2], "--mem");
}

static void the_last_id_counts(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(&o, ARGS("-S", "img", "--change-id", "5:6", "--root-id", "ls")));
	assert_int_equal(o.uid, 0);
	assert_int_equal(o.gid, 0);
}

static void memory_is_in_whole_mib(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(&o, ARGS("-S", "img", "--mem", "33554433", "ls")));
	assert_int_equal(o.mem, KBOX_MEM_MIN);
	assert_true(parse(&o, ARGS("-S", "img", "--mem", "70000K", "ls")));
	assert_int_equal(o.mem, 68 << 20);
}

static void an_overlay_is_as_large_as_memory(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(&o, ARGS("-S", "img", "--mem", "65M", "--ephemeral", "ls")));
	assert_int_equal(o.overlay_size, 65 << 20);
	assert_true(parse(&o, ARGS("-S", "img", "--ephemeral", "ls")));
	assert_int_equal(o.overlay_size, default_mem());
	assert_true(parse(&o, ARGS("-S", "img", "--overlay-size", "9000G", "--ephemeral", "ls")));
	assert_int_equal(o.overlay_size, 9000UL << 30);
}

static void other_actions(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(&o, ARGS("doctor")));
	assert_int_equal(o.action, ACTION_DOCTOR);
	assert_true(parse(&o, ARGS("--help")));
	assert_int_equal(o.action, ACTION_HELP);
	assert_true(parse(&o, ARGS("-S", "img", "--version", "--nonsense")));
	assert_int_equal(o.action, ACTION_VERSION);
	assert_true(parse(&o, ARGS("-S", "img", "doctor")));
	assert_int_equal(o.action, ACTION_RUN);
}

/* Each is refused, and the message names what is wrong, in one line. */
static void refused(void **state)
{
	static char long_name[66], long_env[400];
	memset(long_name, 'h', 65);
	memset(long_env, 'e', sizeof(long_env) - 1);
	const struct { const char *says; char *argv[8]; } bad[] = {
		{ "image", { "kbox" } },
		{ "image", { "kbox", "--", "ls" } },
		{ "command", { "kbox", "-S", "img" } },
		{ "command", { "kbox", "-S", "img", "--" } },
		{ "-S", { "kbox", "-r", "img", "-S", "img", "ls" } },
		{ "S", { "kbox", "-S" } },
		{ "--mem", { "kbox", "-S", "img", "--mem" } },
		{ "--mem", { "kbox", "-S", "img", "--mem", "1x", "ls" } },
		{ "--mem", { "kbox", "-S", "img", "--mem", "", "ls" } },
		{ "--mem", { "kbox", "-S", "img", "--mem", "31M", "ls" } },
		{ "--mem", { "kbox", "-S", "img", "--mem", "8589934591G", "ls" } },
		{ "--overlay-size 1x", { "kbox", "-S", "img", "--ephemeral", "--overlay-size", "1x", "ls" } },
		{ "at least 1M", { "kbox", "-S", "img", "--ephemeral", "--overlay-size", "1048575", "ls" } },
		{ "--ephemeral", { "kbox", "-S", "img", "--overlay-size", "1G", "ls" } },
		{ "--ephemeral", { "kbox", "-S", "img", "--read-only", "--overlay-size", "1G", "ls" } },
		{ "--change-id", { "kbox", "-S", "img", "--change-id", "root", "ls" } },
		{ "--name", { "kbox", "run", "--name", "../x", "ls" } },
		{ "--name", { "kbox", "run", "--name", "", "ls" } },
		{ "--name", { "kbox", "run", "--name" } },
		{ "'--detach=yes' is given a value", { "kbox", "run", "--detach=yes", "ls" } },
		{ "--from", { "kbox", "--from" } },
		{ "--from", { "kbox", "--from", "file", "-S", "img" } },
		{ "--from", { "kbox", "--from", "file", "--mem", "64M", "--", "ls" } },
		{ "--from and -d", { "kbox", "--from", "file", "-d", "--", "ls" } },
		{ "for a command", { "kbox", "--from", "file", "-e", "A=1" } },
		{ "--hostname", { "kbox", "-S", "img", "--hostname", "", "ls" } },
		{ "--hostname", { "kbox", "-S", "img", "--hostname", long_name, "ls" } },
		{ "--net=tap", { "kbox", "run", "--net=tap", "ls" } },
		{ "--net=", { "kbox", "run", "--net=", "ls" } },
		{ "--net", { "kbox", "run", "-p", "80:80", "ls" } },
		{ "--net", { "kbox", "run", "--net", "-p", "80:80", "--net=none", "ls" } },
		{ "-p 80:", { "kbox", "run", "--net", "-p", "80", "ls" } },
		{ "'p'", { "kbox", "run", "--net", "-p" } },
		{ "already", { "kbox", "run", "--net", "-p", "80:1", "-p127.0.0.1:80:2", "ls" } },
		{ "--syscall-mode=", { "kbox", "-S", "img", "--syscall-mode=", "ls" } },
		{ "--syscall-mode=x", { "kbox", "-S", "img", "--syscall-mode=x", "ls" } },
		{ "-e NAME", { "kbox", "-S", "img", "-e", "NAME", "ls" } },
		{ "-e =", { "kbox", "-S", "img", "-e", "=", "ls" } },
		{ "-e eee", { "kbox", "-S", "img", "-e", long_env, "ls" } },
		{ "--nonsense", { "kbox", "-S", "img", "--nonsense", "ls" } },
		{ "--read-only=yes", { "kbox", "-S", "img", "--read-only=yes", "ls" } },
		{ "command", { "kbox", "run" } },
		{ "image", { "kbox", "-v", "a:b", "ls" } },
		{ "-v a:b:c:", { "kbox", "run", "-v", "a:b:c", "ls" } },
		{ "--root", { "kbox", "--root", "a", "-S", "img", "ls" } },
		{ "--root", { "kbox", "--root", "a", "--root", "b", "ls" } },
		{ "--root a:b", { "kbox", "--root", "a:b", "ls" } },
		{ "--root :rw", { "kbox", "--root", ":rw", "ls" } },
		{ "--ephemeral", { "kbox", "run", "--ephemeral", "ls" } },
		{ "--read-only", { "kbox", "run", "--root", "a", "--read-only", "ls" } },
		{ "--overlay-size", { "kbox", "run", "--root", "a:rw", "--overlay-size", "1G", "ls" } },
		{ "--diff", { "kbox", "-S", "img", "--diff", "f", "ls" } },
		{ "--diff", { "kbox", "--root", "a:rw", "--diff", "f", "ls" } },
		{ "--diff and --init", { "kbox", "run", "--init", "--diff", "f", "ls" } },
		{ "--upper", { "kbox", "-S", "img", "--upper", "d", "ls" } },
		{ "--upper", { "kbox", "run", "--upper", "d", "--overlay-size", "1G", "ls" } },
		{ "'Z'", { "kbox", "-Z" } },
		{ "'Z'", { "kbox", "-S", "img", "-Zx", "ls" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct options o;

		assert_false(parse(&o, (char **)bad[i].argv));
		print_message("# %s\n", err);
		assert_non_null(memchr(err, 0, sizeof(err)));
		assert_non_null(strstr(err, bad[i].says));
		assert_null(strchr(err, '\n'));
		free(o.env);
		free(o.ports);
		free_volumes(&o);
	}
}

static void many_variables(void **state)
{
	static char *argv[2 * 5000 + 5] = { "kbox", "-S", "img" };
	struct options o;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		argv[3 + 2 * i] = "-e";
		argv[4 + 2 * i] = "A=1";
	}
	argv[3 + 2 * 5000] = "ls";
	assert_true(parse(&o, argv));
	assert_int_equal(o.nenv, 5000);
	assert_null(o.env[5000]);
	free(o.env);
}

static void counts(void **state)
{
	static const struct { const char *s; unsigned int n; } good[] = {
		{ "8", 8 }, { "0050", 50 }, { "4096", 4096 }, { "4194304", 4194304 },
	};
	static const char *const bad[] = {
		"", " 8", "8 ", "-8", "+8", "x", "8x", "8.0", "8K", "0", "7", "4194305", "4294967304", "18446744073709551624",
		"99999999999999999999999",
	};
	unsigned int n;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(parse_count(good[i].s, &n));
		assert_int_equal(n, good[i].n);
	}
	n = 4711;
	for (size_t i = 0; i < COUNT(bad); i++) {
		print_message("# '%s'\n", bad[i]);
		assert_false(parse_count(bad[i], &n));
		assert_int_equal(n, 4711);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts), cmocka_unit_test(sizes),
		cmocka_unit_test(not_sizes),
		cmocka_unit_test(ids),
		cmocka_unit_test(not_ids),
		cmocka_unit_test(fds),
		cmocka_unit_test(id_maps),
		cmocka_unit_test(default_memory),
		cmocka_unit_test(defaults),
		cmocka_unit_test(network), cmocka_unit_test(every_option), cmocka_unit_test(names),
		cmocka_unit_test(from_snapshot),
		cmocka_unit_test(roots),
		cmocka_unit_test(volumes),
		cmocka_unit_test(changes),
		cmocka_unit_test(the_commands_options_are_its_own),
		cmocka_unit_test(the_last_id_counts),
		cmocka_unit_test(memory_is_in_whole_mib),
		cmocka_unit_test(an_overlay_is_as_large_as_memory),
		cmocka_unit_test(other_actions),
		cmocka_unit_test(refused),
		cmocka_unit_test(many_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
