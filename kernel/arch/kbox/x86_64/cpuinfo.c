// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/cpuinfo: the host's processor, in the ISA's own form, as one that a box has. Of its flags
 * those that a program can use. What it can do for a kernel is not for the guest's, which is a
 * program itself.
 */
#include <linux/init.h>
#include <linux/math64.h>
#include <linux/seq_file.h>
#include <linux/timekeeping.h>
#include <asm/boot.h>
#include <asm/cpufeatures.h>
#include <asm/cpuid.h>
#include <asm/host.h>
#include <asm/vcpu.h>
#include "processor.h"

#define BIT_OSXSAVE	27	/* of word 4 */
#define XCR0_AVX	0x6
#define XCR0_AVX512	0xe6
#define XCR0_AMX	0x60000

extern const char *const x86_cap_flags[NCAPINTS * 32];	/* capflags.c, generated */

/* Where the words of cpufeatures.h come from. The others are put together by the ISA's own port. */
static const struct { u8 word, reg; u32 leaf, sub; } words[] = {
	{ 0, CPUID_EDX, 1 }, { 1, CPUID_EDX, 0x80000001 }, { 4, CPUID_ECX, 1 }, { 6, CPUID_ECX, 0x80000001 },
	{ 9, CPUID_EBX, 7 }, { 10, CPUID_EAX, 0xd, 1 }, { 12, CPUID_EAX, 7, 1 }, { 13, CPUID_EBX, 0x80000008 },
	{ 16, CPUID_ECX, 7 }, { 18, CPUID_EDX, 7 },
};

#define F(name) X86_FEATURE_##name
static const u16 plain[] = {
	F(FPU), F(TSC), F(CX8), F(CMOV), F(CLFLUSH), F(MMX), F(FXSR), F(XMM), F(XMM2), F(SELFSNOOP),
	F(SYSCALL), F(NX), F(MMXEXT), F(FXSR_OPT), F(RDTSCP), F(LM), F(3DNOWEXT), F(3DNOW),
	F(XMM3), F(PCLMULQDQ), F(SSSE3), F(CX16), F(XMM4_1), F(XMM4_2), F(MOVBE), F(POPCNT), F(AES), F(RDRAND),
	F(HYPERVISOR), F(ABM), F(SSE4A), F(MISALIGNSSE), F(3DNOWPREFETCH), F(TBM), F(MWAITX),
	F(BMI1), F(HLE), F(BMI2), F(ERMS), F(RTM), F(RDSEED), F(ADX), F(CLFLUSHOPT), F(CLWB), F(SHA_NI),
	F(CLZERO), F(XSAVEERPTR), F(RDPRU), F(WAITPKG), F(GFNI), F(RDPID), F(CLDEMOTE), F(MOVDIRI), F(MOVDIR64B),
	F(FSRM), F(SERIALIZE), F(TSXLDTRK),
};
/* These need the host to keep registers. */
static const u16 xsave[] = { F(XSAVE), F(XSAVEOPT), F(XSAVEC), F(XGETBV1) };
static const u16 avx[] = { F(AVX), F(F16C), F(FMA), F(FMA4), F(XOP), F(AVX2), F(VAES), F(VPCLMULQDQ), F(AVX_VNNI) };
static const u16 avx512[] = {
	F(AVX512F), F(AVX512DQ), F(AVX512IFMA), F(AVX512PF), F(AVX512ER), F(AVX512CD), F(AVX512BW), F(AVX512VL),
	F(AVX512VBMI), F(AVX512_VBMI2), F(AVX512_VNNI), F(AVX512_BITALG), F(AVX512_VPOPCNTDQ), F(AVX512_BF16),
	F(AVX512_4VNNIW), F(AVX512_4FMAPS), F(AVX512_VP2INTERSECT), F(AVX512_FP16),
};

static void leaf(u32 nr, u32 sub, u32 r[4])
{
	r[CPUID_EAX] = nr & 0x80000000;
	r[CPUID_ECX] = 0;
	native_cpuid(&r[CPUID_EAX], &r[CPUID_EBX], &r[CPUID_ECX], &r[CPUID_EDX]);
	if (r[CPUID_EAX] < nr || r[CPUID_EAX] > (nr | 0xffff)) {
		memset(r, 0, 4 * sizeof(*r));
		return;
	}
	r[CPUID_EAX] = nr;
	r[CPUID_ECX] = sub;
	native_cpuid(&r[CPUID_EAX], &r[CPUID_EBX], &r[CPUID_ECX], &r[CPUID_EDX]);
}

u32 cpuid_word(u32 nr, u32 sub, int reg)
{
	u32 r[4];

	leaf(nr, sub, r);
	return r[reg];
}

/*
 * The components of state that the host keeps for a program. AMX is for those that have asked for
 * it (ARCH_REQ_XCOMP_PERM).
 */
u64 xstate_components(void)
{
	u32 low, high;

	if (!(cpuid_word(1, 0, CPUID_ECX) & 1U << BIT_OSXSAVE))
		return 3;	/* x87 and SSE */
	asm volatile("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	return ((u64)high << 32 | low) & ~(u64)XCR0_AMX;
}

static void add(u32 caps[NCAPINTS], const u32 has[NCAPINTS], const u16 *list, int n)
{
	for (; n--; list++)
		caps[*list / 32] |= has[*list / 32] & 1U << *list % 32;
}

static void set(u32 caps[NCAPINTS], u16 feature)
{
	caps[feature / 32] |= 1U << feature % 32;
}

static void find_caps(u32 caps[NCAPINTS])
{
	u64 state = xstate_components();
	u32 has[NCAPINTS] = { 0 };
	int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		has[words[i].word] = cpuid_word(words[i].leaf, words[i].sub, words[i].reg);
	memset(caps, 0, NCAPINTS * sizeof(*caps));
	add(caps, has, plain, ARRAY_SIZE(plain));
	if (has[4] & 1U << BIT_OSXSAVE)
		add(caps, has, xsave, ARRAY_SIZE(xsave));
	if ((state & XCR0_AVX) == XCR0_AVX)
		add(caps, has, avx, ARRAY_SIZE(avx));
	if ((state & XCR0_AVX512) == XCR0_AVX512)
		add(caps, has, avx512, ARRAY_SIZE(avx512));
	if (has[6] & 1U << F(LAHF_LM) % 32 && !(kbox_boot->hidden & KBOX_HIDE_LAHF))
		set(caps, F(LAHF_LM));
	/* The host's kernel says whether it lets programs use them. */
	if (kbox_boot->hwcap2 & 2)
		set(caps, F(FSGSBASE));
	/* What the ISA's own port concludes. */
	set(caps, F(CPUID));
	set(caps, F(NOPL));
	if (has[9] & 1U << F(ERMS) % 32)
		set(caps, F(REP_GOOD));
	if (cpuid_word(0x80000007, 0, CPUID_EDX) & 1U << 8) {
		set(caps, F(CONSTANT_TSC));
		set(caps, F(NONSTOP_TSC));
	}
}

static void show_flags(struct seq_file *m)
{
	u32 caps[NCAPINTS];
	int i;

	find_caps(caps);
	seq_puts(m, "flags\t\t:");
	for (i = 0; i < 32 * NCAPINTS; i++)
		if (caps[i / 32] & 1U << i % 32 && x86_cap_flags[i])
			seq_printf(m, " %s", x86_cap_flags[i]);
	seq_putc(m, '\n');
}

static u64 tsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a" (low), "=d" (high));
	return (u64)high << 32 | low;
}

/* How fast the time stamp counter goes, by the clock: since the boot, so nobody waits for it. */
static u64 boot_tsc, boot_ns;

static int __init tsc_init(void)
{
	boot_ns = host_clock(CLOCK_MONOTONIC);
	boot_tsc = tsc();
	return 0;
}
early_initcall(tsc_init);

static u64 tsc_khz(void)
{
	static u64 khz;

	if (kbox_has_tsc())
		khz = mul_u64_u64_div_u64(tsc() - boot_tsc, 1000000, host_clock(CLOCK_MONOTONIC) - boot_ns);
	return khz;
}

static void show_names(struct seq_file *m)
{
	u32 r[4], part, name[12], sig = cpuid_word(1, 0, CPUID_EAX);
	u32 family = sig >> 8 & 15, model = sig >> 4 & 15;
	char text[sizeof(name) + 1] = "unknown";

	if (family >= 6)
		model |= sig >> 12 & 0xf0;
	if (family == 15)
		family += sig >> 20 & 255;
	leaf(0, 0, r);
	seq_printf(m, "processor\t: 0\nvendor_id\t: %.4s%.4s%.4s\n", (char *)&r[CPUID_EBX], (char *)&r[CPUID_EDX], (char *)&r[CPUID_ECX]);
	for (part = 0; part < 3; part++)
		leaf(0x80000002 + part, 0, &name[part * 4]);
	if (name[0])
		snprintf(text, sizeof(text), "%.48s", (char *)name);
	seq_printf(m, "cpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n", family, model, strim(text), sig & 15);
}

/* What a box has is one processor of one core. */
static void show_place(struct seq_file *m)
{
	u32 kb = cache_kb();

	if (kb)
		seq_printf(m, "cache size\t: %u KB\n", kb);
	seq_printf(m, "physical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\napicid\t\t: 0\ninitial apicid\t: 0\n"
		   "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\n", cpuid_word(0, 0, CPUID_EAX));
}

static int show_cpuinfo(struct seq_file *m, void *v)
{
	u32 khz = tsc_khz(), sizes = cpuid_word(0x80000008, 0, CPUID_EAX), line = (cpuid_word(1, 0, CPUID_EBX) >> 8 & 255) * 8;

	show_names(m);
	seq_printf(m, "cpu MHz\t\t: %u.%03u\n", khz / 1000, khz % 1000);
	show_place(m);
	show_flags(m);
	/* The ISA's own port delays by the counter as well. */
	seq_printf(m, "bogomips\t: %u.%02u\nclflush size\t: %u\ncache_alignment\t: %u\n", khz / 500, khz % 500 / 5, line ?: 64, line ?: 64);
	seq_printf(m, "address sizes\t: %u bits physical, 48 bits virtual\npower management:\n\n", sizes & 255 ?: 36);
	return 0;
}

static void *c_start(struct seq_file *m, loff_t *pos) { return *pos ? NULL : (void *)1; }
static void *c_next(struct seq_file *m, void *v, loff_t *pos) { ++*pos; return NULL; }
static void c_stop(struct seq_file *m, void *v) { }
/* For fs/proc/cpuinfo.c, which has this line itself. */
extern const struct seq_operations cpuinfo_op;
const struct seq_operations cpuinfo_op = { .start = c_start, .next = c_next, .stop = c_stop, .show = show_cpuinfo };
