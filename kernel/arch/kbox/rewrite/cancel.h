/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_REWRITE_CANCEL_H
#define KBOX_REWRITE_CANCEL_H
/*
 * Where aarch64 code calls a cancellation wrapper of libc, a function that makes the system call
 * which it gets the number of, so that the call can go to the kernel instead. Read from the bytes
 * of the code, before any of it has run. Pure functions, for the kernel and for programs of the
 * host; docs/cancel-wrapper.md.
 */
#include <linux/types.h>

/*
 * How the wrapper takes the number, and its arguments in order. The result is the kernel's, in x0.
 */
enum cancel_convention {
	CANCEL_NR_FIRST,	/* the number in x0, arguments in x1 to x6: musl's __syscall_cp() */
	CANCEL_NR_LAST,		/* arguments in x0 to x5, the number in x6: glibc's __internal_syscall_cancel() */
};

/* The order is that of cancel_verdict_text[]. */
enum cancel_verdict {
	CANCEL_OK,
	CANCEL_TAIL_CALL,	/* b, not bl: the wrapper returns to the caller's caller */
	CANCEL_OUTSIDE,		/* the target is not in this text */
	CANCEL_NOT_WRAPPER,	/* it makes no system call with the number it is given */
	CANCEL_TOO_DEEP,	/* it hands the number on too often */
	CANCEL_NOT_RAW,		/* it makes the call, and returns something else than its result */
	CANCEL_BELOW,		/* it does more, such as to set errno, and calls a wrapper for it: that call is promoted */
	CANCEL_VERDICTS
};
extern const char *const cancel_verdict_text[];

#define CANCEL_NR_ANY	0xffffffffu

struct cancel_site {
	u64 addr;		/* of the bl, or of the b of a tail call */
	u64 target;		/* of that */
	u32 nr;			/* that is loaded, or CANCEL_NR_ANY; what counts is the register when it is called */
	enum cancel_convention convention;
	enum cancel_verdict verdict;
};

/* Called for each site, promoted or refused; false ends the scan. */
typedef bool cancel_fn(const struct cancel_site *s, void *cookie);

/*
 * The bytes are an executable segment that will be at addr. Refused are reported: tail calls of
 * wrappers; where a number is loaded to x6 and the target does not prove itself; and where one is
 * loaded to x0 and the target would be a wrapper but for its end. (Other functions whose first
 * argument is a constant are too many to be of interest.) They come in the order of their
 * addresses, but for those with CANCEL_NR_ANY. False: the callback has ended the scan.
 */
bool cancel_scan(const u8 *bytes, u64 addr, u64 size, cancel_fn *callback, void *cookie);

/* What one target is. */
enum cancel_verdict cancel_target(const u8 *bytes, u64 addr, u64 size, u64 target, enum cancel_convention convention);

/*
 * May calls of wrappers be replaced at all? Only in a program that nobody can cancel: with one
 * thread, which needs that all of its code has been seen (no PT_INTERP) and that none of it makes
 * threads.
 */
static inline bool cancel_promote_allowed(bool is_static, bool has_fork_sites)
{
	return is_static && !has_fork_sites;
}
#endif
