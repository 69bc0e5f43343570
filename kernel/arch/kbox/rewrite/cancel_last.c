// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proof that a function is a cancellation wrapper of glibc's kind: (a, b, c, d, e, f, nr), which
 * makes that system call once, returns what the kernel does, and leaves no other trace. It is
 * compiled code that looks at the thread's state, so it is not compared but followed, on all of its
 * ways: which register has which of the arguments, and where the svc's result goes.
 */
#include <linux/types.h>
#include "a64.h"
#include "cancel_text.h"

#define STEPS	512	/* instructions that are followed at most, in all */
#define WAYS	8	/* branches not followed yet, in one function */
#define SEEN	16	/* those that have been */

/* What a register has: the argument of this number, or */
enum { NR = 6, OTHER, RESULT, LINK };

struct way {
	u64 pc;
	u8 reg[32];
	u8 depth;
	bool framed;		/* x30 has been stored and not been loaded again */
	bool called;		/* the system call has been made */
	bool more;		/* something else has been done that others can see */
};

struct search {
	const struct cancel_text *t;
	unsigned int steps;
	u64 inner;		/* see cancel_last_target() */
	bool found;		/* a svc behind the shuffle, with the number and its arguments */
	bool deep;		/* the number has been handed on to what is too deep */
};

/* One function: the branches in it that have still to be followed. */
struct function {
	struct way ways[WAYS];
	u64 seen[SEEN];
	unsigned int n, nseen;
	bool returns;
};

enum end { GOES_ON, ENDS, FAILS };

/* What a function returns on all of its ways. */
enum outcome { RETURNS_RESULT, RETURNS_OTHER, NEVER_RETURNS };

static enum outcome follow(struct search *q, const struct way *entry);

/* Whatever comes into x30 other than by a call is taken for the caller's: then a ret counts. */
static void set(struct way *s, unsigned int reg, unsigned int what)
{
	if (reg != 31)
		s->reg[reg] = reg == 30 ? LINK : what;
}

static void forget(struct way *s, u32 mask)
{
	unsigned int i;

	for (i = 0; mask; mask >>= 1, i++)
		if (mask & 1)
			set(s, i, OTHER);
}

/* By a call: AAPCS64 6.1.1 */
static void forget_call(struct way *s)
{
	forget(s, 0x7ffff);
	s->reg[30] = OTHER;
}

static bool has_args(const struct way *s, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (s->reg[i] != i)
			return false;
	return true;
}

/* How many arguments does the shuffle that ends before this svc move? 0: there is none. */
static unsigned int shuffled(const struct cancel_text *t, u64 svc)
{
	unsigned int n;

	for (n = SHUFFLE_MAX; n >= SHUFFLE_MIN; n--)
		if (cancel_shuffle(t, svc - 4 * n, 1) == n)
			return n - 1;
	return 0;
}

/* One without the shuffle is what a program with one thread makes. */
static void system_call(struct search *q, struct way *s)
{
	unsigned int args = shuffled(q->t, s->pc);
	bool ours = s->reg[8] == NR && has_args(s, args ?: 6);

	q->found |= ours && args;
	s->more |= s->called || !ours;
	s->called = true;
	s->reg[0] = RESULT;
}

static bool passes_number(const struct way *s)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (s->reg[i] == NR)
			return true;
	return false;
}

static enum outcome follow_call(struct search *q, const struct way *s, u64 target)
{
	struct way callee = *s;

	callee.pc = target;
	callee.depth++;
	callee.reg[30] = LINK;
	callee.framed = false;
	callee.called = callee.more = false;
	return follow(q, &callee);
}

/*
 * Two kinds of calls are of interest: that the number is handed to, and those after the system
 * call, since what begins to unwind the thread does not return. Others may do anything.
 */
static enum end call(struct search *q, struct way *s, u64 target)
{
	enum outcome what = RETURNS_OTHER;
	bool passes = passes_number(s);

	if (!s->depth && s->reg[6] == NR && !q->inner)
		q->inner = s->pc;
	if (s->depth < CANCEL_DEPTH && (passes || s->reg[0] == RESULT))
		what = follow_call(q, s, target);
	else if (passes)
		q->deep = true;
	if (what == NEVER_RETURNS)
		return ENDS;
	forget_call(s);
	s->more |= s->called || what != RETURNS_RESULT;
	s->called = true;
	s->reg[0] = RESULT;
	return GOES_ON;
}

/* By a pointer. */
static void call_any(struct way *s)
{
	forget_call(s);
	s->more = true;
}

/* A branch where x30 is the caller's is perhaps a tail call. */
static enum end jump(struct search *q, struct way *s, u64 target)
{
	if (s->reg[30] == LINK && !s->framed && s->depth++ == CANCEL_DEPTH) {
		q->deep |= passes_number(s);
		return FAILS;
	}
	s->pc = target - 4;
	return GOES_ON;
}

/* The same branch with the same registers leads nowhere new. */
static u64 digest(const struct way *s)
{
	u64 h = s->pc << 5 | s->depth << 3 | s->framed << 2 | s->called << 1 | s->more;
	unsigned int i;

	for (i = 0; i < 31; i++)
		h = (h ^ s->reg[i]) * 0x100000001b3;
	return h;
}

/* Follow the branch later. */
static enum end branch(struct function *f, const struct way *s, u64 target)
{
	u64 h = digest(s);
	unsigned int i;

	for (i = 0; i < f->nseen; i++)
		if (f->seen[i] == h)
			return GOES_ON;
	if (f->nseen == SEEN || f->n == WAYS)
		return FAILS;
	f->seen[f->nseen++] = h;
	f->ways[f->n] = *s;
	f->ways[f->n++].pc = target;
	return GOES_ON;
}

/* ret with x30 as a call has left it: that call does not return, and this is the next function. */
static enum end leave(struct function *f, const struct way *s)
{
	if (s->reg[30] != LINK)
		return ENDS;
	f->returns = true;
	return s->reg[0] == RESULT && !s->more ? ENDS : FAILS;
}

static enum end control(struct search *q, struct function *f, struct way *s, u32 w)
{
	if (a64_is_svc(w))
		system_call(q, s);
	else if (a64_is_exception(w))
		return ENDS;
	else if (a64_is_bl(w))
		return call(q, s, a64_target(w, s->pc));
	else if (a64_is_blr(w))
		call_any(s);
	else if (a64_is_ret(w))
		return leave(f, s);
	else if (a64_is_b(w))
		return jump(q, s, a64_target(w, s->pc));
	else if (a64_is_branch19(w) || a64_is_branch14(w))
		return branch(f, s, a64_branch_target(w, s->pc));
	else
		return FAILS;
	return GOES_ON;
}

/*
 * x30 goes to a stack frame and comes back from there. If it is stored after a call, that is the
 * next function.
 */
static enum end frame(struct way *s, u32 w)
{
	if (a64_is_push(w, 30)) {
		if (s->reg[30] != LINK)
			return ENDS;
		s->framed = true;
	}
	if (a64_is_pop(w, 30))
		s->framed = false;
	return GOES_ON;
}

static enum end step(struct search *q, struct function *f, struct way *s)
{
	u32 w;

	if (++q->steps > STEPS)
		return FAILS;
	if (!cancel_word(q->t, s->pc, &w))
		return s->reg[30] == LINK ? FAILS : ENDS;
	if (a64_is_control(w))
		return control(q, f, s, w);
	if (a64_is_mov(w)) {
		set(s, w & 31, s->reg[w >> 16 & 31]);	/* 31 is zero here, OTHER */
		return GOES_ON;
	}
	s->more |= a64_is_store(w) && !a64_is_local(w);
	forget(s, a64_written(w));
	return frame(s, w);
}

static enum outcome follow(struct search *q, const struct way *entry)
{
	struct function f = { .n = 1 };
	enum end end;
	struct way s;

	f.ways[0] = *entry;
	while (f.n) {
		s = f.ways[--f.n];
		while ((end = step(q, &f, &s)) == GOES_ON)
			s.pc += 4;
		if (end == FAILS)
			return RETURNS_OTHER;
	}
	return f.returns ? RETURNS_RESULT : NEVER_RETURNS;
}

/*
 * "inner": where it hands the number on in the same way. If that is to a wrapper then the call is
 * as good as one with a constant, whatever becomes of the result later. 0: nowhere.
 */
enum cancel_verdict cancel_last_target(const struct cancel_text *t, u64 target, u64 *inner)
{
	struct search q = { .t = t };
	struct way entry = { .pc = target };
	enum outcome what;
	unsigned int i;
	u32 w;

	*inner = 0;
	if (!cancel_word(t, target, &w))
		return CANCEL_OUTSIDE;
	for (i = 0; i < 32; i++)
		entry.reg[i] = i <= NR ? i : OTHER;
	entry.reg[30] = LINK;
	what = follow(&q, &entry);
	*inner = q.inner;
	if (q.found)
		return what == RETURNS_RESULT ? CANCEL_OK : CANCEL_NOT_RAW;
	return q.deep ? CANCEL_TOO_DEEP : CANCEL_NOT_WRAPPER;
}
