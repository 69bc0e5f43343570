// SPDX-License-Identifier: GPL-2.0-only
/*
 * The XSAVE image for tracers and core files (NT_X86_XSTATE). A host's signal frame has the
 * standard format already, so what is missing is that a component which is not in use reads as its
 * initial state, and that only an image which XRSTOR takes is taken; arch/x86/kernel/fpu/xstate.c.
 */
#include <linux/coredump.h>
#include <linux/elf.h>
#include <linux/sched.h>
#include <asm/cpuid.h>
#include <asm/fpstate.h>
#include <asm/xstate.h>
#include "processor.h"

#define FEATURE_FP	1ULL
#define FEATURE_SSE	2ULL
#define FEATURE_YMM	4ULL
#define FEATURES_TILE	(3ULL << 17)	/* AMX: a program has to ask the host for it, and there is no way to */
#define HEADER_END	offsetof(struct _xstate, ymmh)

/* Of all images, as the host has it, without what no program can use. */
static struct { u64 features; u32 size; } layout;

static struct component { u32 size, offset; } component[64];

/* CPUID leaf 0xd: Intel SDM vol. 1, 13.2. */
static void component_learn(unsigned int i)
{
	struct component c = { cpuid_word(0xd, i, CPUID_EAX), cpuid_word(0xd, i, CPUID_EBX) };

	if (c.offset + c.size <= layout.size)
		component[i] = c;
}

void xstate_learn(u64 features, unsigned int size)
{
	u32 end = HEADER_END;
	unsigned int i;

	features &= ~FEATURES_TILE;
	layout.features = features;
	layout.size = size;
	for (i = 2; i < 64; i++) {
		if (!(features & 1ULL << i))
			continue;
		component_learn(i);
		end = max(end, component[i].offset + component[i].size);
	}
	layout.size = end;
}

unsigned int xstate_size(void)
{
	return layout.size;
}

static u64 in_use(const struct _xstate *x)
{
	return fpstate_extended(x) ? x->xstate_hdr.xfeatures & layout.features : FEATURE_FP | FEATURE_SSE;
}

void xstate_get_legacy(struct _fpstate *to, const struct _xstate *x)
{
	const struct _fpstate *init = &init_fpstate.fpstate;
	u64 used = x == &init_fpstate ? FEATURE_FP | FEATURE_SSE : in_use(x);

	*to = x->fpstate;
	if (!(used & FEATURE_FP)) {
		memcpy(to, init, offsetof(struct _fpstate, mxcsr));
		memset(to->st_space, 0, sizeof(to->st_space));
	}
	if (!(used & (FEATURE_SSE | FEATURE_YMM))) {
		to->mxcsr = init->mxcsr;
		to->mxcsr_mask = init->mxcsr_mask;
	}
	if (!(used & FEATURE_SSE))
		memset(to->xmm_space, 0, sizeof(to->xmm_space));
}

int xstate_get(const struct _xstate *x, struct membuf to)
{
	struct _xstate head = { };
	unsigned int at = HEADER_END, i;
	u64 used;

	xstate_get_legacy(&head.fpstate, x);
	/* The first word that is free for software has XCR0. */
	memset(head.fpstate.reserved2, 0, sizeof(head.fpstate) - offsetof(struct _fpstate, reserved2));
	memcpy((void *)&head.fpstate.sw_reserved, &layout.features, sizeof(layout.features));
	used = x == &init_fpstate ? 0 : in_use(x);
	head.xstate_hdr.xfeatures = used;
	membuf_write(&to, &head, HEADER_END);
	for (i = 2; i < 64; i++) {
		const struct component *c = &component[i];

		if (!(used & 1ULL << i) || !c->size || c->offset < at)
			continue;
		membuf_zero(&to, c->offset - at);
		membuf_write(&to, (const void *)x + c->offset, c->size);
		at = c->offset + c->size;
	}
	return membuf_zero(&to, to.left);
}

int xstate_set_legacy(struct _xstate *x, const struct _fpstate *from)
{
	if (from->mxcsr & ~MXCSR_VALID)
		return -EINVAL;
	memcpy(x, from, offsetof(struct _fpstate, sw_reserved));
	fpstate_sanitize(x);
	return 0;
}

static bool refused(const struct _header *h)
{
	const u64 *reserved = h->reserved1;
	unsigned int i;

	/* The compacted format's mark is the first of them. */
	for (i = 0; i < ARRAY_SIZE(h->reserved1); i++)
		if (reserved[i])
			return true;
	for (i = 0; i < ARRAY_SIZE(h->reserved2); i++)
		if (h->reserved2[i])
			return true;
	return h->xfeatures & ~layout.features;
}

int xstate_set(struct _xstate *x, const struct _xstate *from)
{
	u64 use = from->xstate_hdr.xfeatures;
	unsigned int i;

	if (refused(&from->xstate_hdr))
		return -EINVAL;
	if (use & (FEATURE_FP | FEATURE_SSE | FEATURE_YMM)) {
		if (from->fpstate.mxcsr & ~MXCSR_VALID)
			return -EINVAL;
		x->fpstate.mxcsr = from->fpstate.mxcsr;
	}
	if (use & FEATURE_FP) {
		memcpy(x, from, offsetof(struct _fpstate, mxcsr));
		memcpy(x->fpstate.st_space, from->fpstate.st_space, sizeof(x->fpstate.st_space));
	}
	if (use & FEATURE_SSE)
		memcpy(x->fpstate.xmm_space, from->fpstate.xmm_space, sizeof(x->fpstate.xmm_space));
	for (i = 2; i < 64; i++)
		if (use & 1ULL << i)
			memcpy((void *)x + component[i].offset, (const void *)from + component[i].offset, component[i].size);
	x->xstate_hdr.xfeatures = use;
	return 0;
}

#ifdef CONFIG_COREDUMP
/*
 * Where each component is, for readers of another machine's core file;
 * arch/x86/include/uapi/asm/elf.h.
 */
struct layout_record { u32 type, size, offset, flags; };

static const char owner[] = "LINUX";

static unsigned int records(void)
{
	return hweight64(layout.features & ~(FEATURE_FP | FEATURE_SSE));
}

int elf_coredump_extra_notes_size(void)
{
	if (!layout.features)
		return 0;
	return sizeof(struct elf_note) + roundup(sizeof(owner), 4) + records() * sizeof(struct layout_record);
}

int elf_coredump_extra_notes_write(struct coredump_params *cprm)
{
	struct elf_note note = { sizeof(owner), records() * sizeof(struct layout_record), NT_X86_XSAVE_LAYOUT };
	unsigned int i;

	if (!layout.features)
		return 0;
	if (!dump_emit(cprm, &note, sizeof(note)) || !dump_emit(cprm, owner, sizeof(owner)) || !dump_align(cprm, 4))
		return 1;
	for (i = 2; i < 64; i++) {
		struct layout_record r = { i, component[i].size, component[i].offset, 0 };

		if (layout.features & 1ULL << i && !dump_emit(cprm, &r, sizeof(r)))
			return 1;
	}
	return 0;
}
#endif
