// SPDX-License-Identifier: GPL-2.0-only
/* Instructions that know where they are, as arch/arm64 simulates them for its probes. */
#include <linux/bits.h>
#include <asm/insn.h>
#include <asm/ptrace.h>

/* Does the condition hold with these flags? ARM ARM C1.2.4. */
#define CONDITION(name, holds)				\
static bool is_##name(unsigned long flags) { return holds; }	\
static bool is_not_##name(unsigned long flags) { return !(holds); }
#define IS_SET(flag)	(!!(flags & (flag)))
#define IS_GE		(IS_SET(PSR_N_BIT) == IS_SET(PSR_V_BIT))

CONDITION(eq, IS_SET(PSR_Z_BIT))
CONDITION(cs, IS_SET(PSR_C_BIT))
CONDITION(mi, IS_SET(PSR_N_BIT))
CONDITION(vs, IS_SET(PSR_V_BIT))
CONDITION(hi, IS_SET(PSR_C_BIT) && !IS_SET(PSR_Z_BIT))
CONDITION(ge, IS_GE)
CONDITION(gt, IS_GE && !IS_SET(PSR_Z_BIT))
static bool is_al(unsigned long flags) { return true; }

pstate_check_t * const aarch32_opcode_cond_checks[16] = {
	is_eq, is_not_eq, is_cs, is_not_cs, is_mi, is_not_mi, is_vs, is_not_vs,
	is_hi, is_not_hi, is_ge, is_not_ge, is_gt, is_not_gt, is_al, is_al,
};

#include <arm64/kernel/probes/simulate-insn.c>
