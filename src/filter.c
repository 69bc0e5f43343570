// SPDX-License-Identifier: GPL-2.0-only
/*
 * The seccomp filter of a box's processes, from the table in hostcalls.c. It decides by the
 * instruction pointer, then by number and arguments: a binary search, since it runs for each host
 * call.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include "arch.h"
#include "filter.h"
#include "hostcalls.h"

#define FORMS_MAX 128

struct program {
	struct sock_filter *f;
	size_t n;
	const struct filter_box *box;
};

static size_t add(struct program *p, struct sock_filter insn)
{
	if (p->n == FILTER_MAX)
		abort();	/* the table is too long: the unit test sees it */
	p->f[p->n] = insn;
	return p->n++;
}

static void load(struct program *p, size_t offset)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

/* Skips "yes" instructions if it is so, else "no". */
static size_t jump(struct program *p, int op, uint32_t k, uint8_t yes, uint8_t no)
{
	return add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | op | BPF_K, k, yes, no));
}

static void decide(struct program *p, uint32_t verdict)
{
	add(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

/* Falls through for host calls of the kernel's text; all hosts are little-endian. */
static void check_ip(struct program *p)
{
	uint64_t start = p->box->start, end = p->box->end;

	load(p, offsetof(struct seccomp_data, instruction_pointer) + 4);
	jump(p, BPF_JEQ, start >> 32, 0, 3);
	load(p, offsetof(struct seccomp_data, instruction_pointer));
	jump(p, BPF_JGE, (uint32_t)start, 0, 1);
	jump(p, BPF_JGE, (uint32_t)end, 0, 1);
	decide(p, SECCOMP_RET_TRAP);
}

static uint32_t value(const struct program *p, const struct check *c, int i)
{
	if (c->fd == FD_MEMORY)
		return p->box->mem_fd;
	if (c->fd == FD_NULL)
		return p->box->null_fd;
	return c->value[i];
}

static void load_half(struct program *p, const struct check *c, int half)
{
	uint32_t mask = c->mask >> 32 * half;

	load(p, offsetof(struct seccomp_data, args[c->arg]) + 4 * half);
	if (mask != UINT32_MAX)
		add(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
}

static size_t go(struct program *p)
{
	return add(p, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
}

/* Falls through for numbers of volumes; the jumps for others are in at[]. */
static size_t check_volume(struct program *p, int first, size_t *at)
{
	at[0] = jump(p, BPF_JGE, first, 0, 0);
	jump(p, BPF_JGE, p->box->volumes_end, 0, 1);
	at[1] = go(p);
	return 2;
}

static size_t check_closes(struct program *p, size_t *at)
{
	jump(p, BPF_JEQ, p->box->mem_fd, 2, 0);
	jump(p, BPF_JGE, p->box->volumes, 0, 2);
	jump(p, BPF_JGE, p->box->volumes_end, 1, 0);
	at[0] = go(p);
	return 1;
}

static size_t check_opened(struct program *p, size_t *at)
{
	at[0] = jump(p, BPF_JGE, 3, 0, 0);
	jump(p, BPF_JEQ, p->box->mem_fd, 2, 0);
	jump(p, BPF_JEQ, p->box->null_fd, 1, 0);
	jump(p, BPF_JEQ, p->box->epoll_fd, 0, 1);
	at[1] = go(p);
	return 2;
}

/* Falls through if the argument is right, else goes to a place that is written into at[] later. */
static size_t check(struct program *p, const struct check *c, size_t *at)
{
	size_t n = 0;

	if (c->mask >> 32) {
		load_half(p, c, 1);
		at[n++] = jump(p, BPF_JEQ, c->value[0] >> 32, 0, 0);
	}
	if (!(uint32_t)c->mask)
		return n;
	load_half(p, c, 0);
	if (c->fd == FD_VOLUME || c->fd == FD_WRITTEN)
		return n + check_volume(p, c->fd == FD_VOLUME ? p->box->volumes : p->box->written, at + n);
	if (c->fd == FD_CLOSES)
		return n + check_closes(p, at + n);
	if (c->fd == FD_OPENED)
		return n + check_opened(p, at + n);
	for (int i = 0; i < c->nvalues - 1; i++)
		jump(p, BPF_JEQ, value(p, c, i), c->nvalues - 1 - i, 0);
	at[n++] = jump(p, BPF_JEQ, value(p, c, c->nvalues - 1), 0, 0);
	return n;
}

/* What comes next is for where the argument was not right. */
static void goes_on(struct program *p, size_t at)
{
	size_t by = p->n - at - 1;

	if (p->f[at].code == (BPF_JMP | BPF_JA))
		p->f[at].k = by;
	else
		p->f[at].jf = by;
}

static void form(struct program *p, const struct form *f)
{
	size_t at[2 * CHECKS_MAX], n = 0;

	for (int i = 0; i < CHECKS_MAX && f->check[i].nvalues; i++)
		n += check(p, &f->check[i], at + n);
	decide(p, f->nr == SYS_tgkill ? p->box->signals : f->by_path ? p->box->paths : SECCOMP_RET_ALLOW);
	while (n--)
		goes_on(p, at[n]);
}

/* For calls with numbers from forms[0]'s to forms[n - 1]'s: a number may have several forms. */
static void search(struct program *p, const struct form **forms, size_t n)
{
	size_t middle = n / 2, right;

	while (middle && forms[middle]->nr == forms[middle - 1]->nr)
		middle--;
	if (!middle)
		for (middle = n / 2; middle < n && forms[middle]->nr == forms[0]->nr; middle++)
			;
	if (middle == n) {
		jump(p, BPF_JEQ, forms[0]->nr, 1, 0);
		decide(p, p->box->refused);
		for (size_t i = 0; i < n; i++)
			form(p, forms[i]);
		decide(p, p->box->refused);
		return;
	}
	jump(p, BPF_JGE, forms[middle]->nr, 0, 1);
	right = go(p);
	search(p, forms, middle);
	p->f[right].k = p->n - right - 1;
	search(p, forms + middle, n - middle);
}

static int by_number(const void *a, const void *b)
{
	const struct form *x = *(const struct form **)a, *y = *(const struct form **)b;

	return x->nr != y->nr ? x->nr - y->nr : x < y ? -1 : 1;
}

static size_t forms_for(const struct form *forms[FORMS_MAX], unsigned given)
{
	size_t n = 0;

	for (size_t i = 0; i < nhost_calls && n < FORMS_MAX; i++)
		if (!(host_calls[i].needs & ~given))
			forms[n++] = &host_calls[i];
	/* cppcheck-suppress uninitvar ; the first n are set */
	qsort(forms, n, sizeof(*forms), by_number);
	return n;
}

size_t make_filter(struct sock_filter f[FILTER_MAX], const struct filter_box *box)
{
	struct program p = { .f = f, .box = box };
	const struct form *forms[FORMS_MAX];
	size_t n = forms_for(forms, box->given);

	check_ip(&p);
	load(&p, offsetof(struct seccomp_data, arch));
	jump(&p, BPF_JEQ, ARCH_AUDIT, 1, 0);
	decide(&p, box->refused);
	load(&p, offsetof(struct seccomp_data, nr));
	search(&p, forms, n);
	return p.n;
}

/* As check() has it, of the arguments that paths come with. */
static bool is_right(const struct filter_box *box, const struct check *c, uint64_t arg)
{
	uint32_t fd = arg;

	if (c->fd == FD_VOLUME || c->fd == FD_WRITTEN)
		return fd >= (uint32_t)(c->fd == FD_VOLUME ? box->volumes : box->written) &&
		       fd < (uint32_t)box->volumes_end;
	for (int i = 0; i < c->nvalues; i++)
		if ((arg & c->mask) == c->value[i])
			return true;
	return false;
}

static bool is_of_form(const struct filter_box *box, const struct form *f, const struct seccomp_data *d)
{
	if (!f->by_path || f->nr != d->nr || f->needs & ~box->given)
		return false;
	for (int i = 0; i < CHECKS_MAX && f->check[i].nvalues; i++)
		if (!is_right(box, &f->check[i], d->args[f->check[i].arg]))
			return false;
	return true;
}

bool is_path_call(const struct filter_box *box, const struct seccomp_data *d)
{
	for (size_t i = 0; d->arch == ARCH_AUDIT && i < nhost_calls; i++)
		if (is_of_form(box, &host_calls[i], d))
			return true;
	return false;
}
