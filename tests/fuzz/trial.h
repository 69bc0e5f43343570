/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_FUZZ_TRIAL_H
#define KBOX_FUZZ_TRIAL_H
/* One piece of code, rewritten at one site. */
#include "child.h"
#include <asm/insn.h>
#include <asm/site.h>

#define CODE_BEGIN	(CODE + 0x400)
#define CODE_MAX	160U

struct trial {
	u64 call, end;			/* of the system call; end of the code */
	struct site_text text;		/* what the planner gets to see */
	struct site site;
	u64 slot;
	struct child *o, *p;		/* runs the original; runs the patched code */
	struct user_regs_struct regs;	/* at each entry */
};

enum verdict {
	SAME,
	SKIP,		/* not comparable, for example it reads the time or its own code */
	DIFFERENT,
};

bool decode_original(const struct trial *t, u64 ip, struct insn *insn);
u64 original_ip(const struct trial *t, u64 ip);
bool in_slot(const struct trial *t, u64 ip);
bool near_slot(const struct trial *t, u64 addr);
bool is_landing(const struct trial *t, u64 ip);
bool lands(struct trial *t);
const char *same_registers(const struct user_regs_struct *a, const struct user_regs_struct *b, bool rax, bool rcx);
const char *same_end(const struct trial *t);
void enter(struct trial *t, struct child *c, u64 entry);

enum verdict lockstep(struct trial *t, u64 entry, const char **why);
#endif
