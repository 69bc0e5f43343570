// SPDX-License-Identifier: GPL-2.0-only
/* Clients of a box with a name, and its agent, who are both this test. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "box.h"
#include "control.h"
#include "exec_proto.h"
#include "loop.h"
#include "rundir.h"

/* A program that needs no descriptors. */
static const char start[] = "{\"exec\":{\"argv\":[\"a\"],\"stdio\":[\"closed\",\"closed\",\"closed\"]}}\n";

static struct kbox_boot boot;
static char *command[] = { "sleep", "1", NULL };
static struct box box = { .opt = { .name = "unit", .command = command }, .boot = &boot };
static char directory[] = "/tmp/kbox-unit.XXXXXX";

static int new_client(void)
{
	int fd = connect_name("unit");

	assert_true(fd >= 0);
	loop_turn();
	return fd;
}

/* Until there is an answer, of which the first line is returned. */
static const char *ask(int fd, const char *text, size_t n)
{
	static char answer[65536];
	ssize_t got = -1, sent = 0, part;

	while (got < 0) {
		part = (size_t)sent < n ? send(fd, text + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
		sent += part > 0 ? part : 0;
		loop_wake();
		loop_turn();
		got = recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT);
		if (got < 0 && errno == ECONNRESET)
			got = 0;
	}
	answer[got] = 0;
	return answer;
}

static const char *say(int fd, const char *text)
{
	return ask(fd, text, strlen(text));
}

static void status(void **state)
{
	int fd = new_client();
	const char *answer = say(fd, "{\"status\":{}}\n");

	(void)state;
	assert_non_null(strstr(answer, "\"name\":\"unit\""));
	assert_non_null(strstr(answer, "[\"sleep\",\"1\"]"));
	close(fd);
}

/* It is refused, and what has come of it is given back once. */
static void long_line(void **state)
{
	size_t n = 400 << 10;
	char *text = malloc(n);
	int fd = new_client();

	(void)state;
	memset(text, ' ', n);
	assert_non_null(strstr(ask(fd, text, n), "256 KiB"));
	close(fd);
	fd = new_client();
	assert_non_null(strstr(say(fd, "{\"status\":{}}\n"), "unit"));
	close(fd);
	free(text);
}

/* The next message to the agent, with how many descriptors came beside it. */
static struct exec_message *heard(int *nfds)
{
	static union {
		struct exec_message head;
		char text[EXEC_MAX];
	} m;
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(EXEC_FDS * sizeof(int))];
	} control;
	struct iovec v = { &m, sizeof(m) };
	struct msghdr h = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	int fd;

	*nfds = 0;
	if (recvmsg(box.agent_fd, &h, MSG_DONTWAIT) < (ssize_t)sizeof(m.head))
		return NULL;
	c = CMSG_FIRSTHDR(&h);
	for (; c && c->cmsg_len >= CMSG_LEN((*nfds + 1) * sizeof(int)); ++*nfds) {
		memcpy(&fd, CMSG_DATA(c) + *nfds * sizeof(int), sizeof(fd));
		close(fd);
	}
	return &m.head;
}

static void program(void **state)
{
	int fd = new_client(), nfds;
	struct exec_message *m, ended;

	(void)state;
	assert_non_null(strstr(say(fd, start), "\"ok\":true"));
	m = heard(&nfds);
	assert_non_null(m);
	assert_int_equal(m->what, EXEC_START);
	assert_int_equal(nfds, 0);
	ended = (struct exec_message) { EXEC_ENDED, m->id, 3 << 8 };
	assert_int_equal(send(box.agent_fd, &ended, sizeof(ended), 0), sizeof(ended));
	assert_non_null(strstr(say(fd, ""), "\"exited\":768"));
	/* It has ended: nobody is told when the client goes. */
	close(fd);
	loop_turn();
	assert_null(heard(&nfds));
	/* One that has not is told of. */
	fd = new_client();
	assert_non_null(strstr(say(fd, start), "\"ok\":true"));
	assert_non_null(heard(&nfds));
	close(fd);
	loop_turn();
	m = heard(&nfds);
	assert_non_null(m);
	assert_int_equal(m->what, EXEC_END);
}

static void no_program(void **state)
{
	static const char *const bad[] = {
		"{\"exec\":{}}\n", "{\"exec\":{\"argv\":[]}}\n",
		"{\"exec\":{\"argv\":[\"a\"],\"stdio\":[\"fd\",\"closed\",\"closed\"]}}\n",
		"{\"exec\":{\"argv\":[1],\"stdio\":[\"closed\",\"closed\",\"closed\"]}}\n",
		"{\"exec\":{\"argv\":[\"a\\u0000b\"],\"stdio\":[\"closed\",\"closed\",\"closed\"]}}\n",
		"{\"exec\":{\"argv\":[\"a\"],\"stdio\":[\"closed\",\"closed\",\"closed\"],\"uid\":-1}}\n",
		"{\"exec\":{\"argv\":[\"a\"],\"stdio\":[\"closed\",\"closed\",\"closed\"],\"env\":{}}}\n",
		"{\"exec\":{\"argv\":[\"a\"],\"stdio\":[\"closed\",\"closed\",\"closed\"],\"size\":[1]}}\n",
		"{\"signal\":15}\n", "{\"signal\":0}\n", "{}\n", "[]\n", "\n", "x\n", "{\"status\":{}\n",
	};
	int fd = new_client(), nfds;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *answer = say(fd, bad[i]);

		print_message("# %s", answer);
		assert_non_null(strstr(answer, "\"error\":"));
	}
	assert_null(heard(&nfds));
	close(fd);
}

/* What is of no length of a message, or of no program, is nothing; what ends the channel ends programs. */
static void agent(void **state)
{
	struct exec_message m = { EXEC_ENDED, 12345, 0 };
	int fd = new_client(), nfds;

	(void)state;
	send(box.agent_fd, &m, sizeof(m), 0);
	send(box.agent_fd, &m, 5, 0);
	m.what = 77;
	send(box.agent_fd, &m, sizeof(m), 0);
	assert_non_null(strstr(say(fd, "{\"status\":{}}\n"), "unit"));
	assert_non_null(strstr(say(fd, start), "ok"));
	assert_non_null(heard(&nfds));
	close(box.agent_fd);
	assert_string_equal(say(fd, ""), "");
	close(fd);
	fd = new_client();
	assert_non_null(strstr(say(fd, start), "gone"));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status), cmocka_unit_test(long_line), cmocka_unit_test(program),
		cmocka_unit_test(no_program), cmocka_unit_test(agent),
	};
	char path[sizeof(directory) + 8];
	int failed;

	if (!mkdtemp(directory) || setenv("XDG_RUNTIME_DIR", directory, 1))
		return 1;
	box.mem_fd = new_memfd("unit");
	loop_init();
	control_init(&box);
	control_start();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	release_name();
	snprintf(path, sizeof(path), "%s/kbox", directory);
	rmdir(path);
	rmdir(directory);
	return failed;
}
