// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/cpuinfo: the host's processor, in the ISA's own form, with those of its features that
 * guests are told of.
 */
#include <linux/seq_file.h>
#include <asm/boot.h>
#include <asm/hwcap.h>

/* By bit of AT_HWCAP and AT_HWCAP2. Bits that src/arch.h does not let through need no name. */
static const char *const hwcap[32] = {
	"fp", "asimd", "evtstrm", "aes", "pmull", "sha1", "sha2", "crc32", "atomics", "fphp", "asimdhp", "cpuid",
	"asimdrdm", "jscvt", "fcma", "lrcpc", "dcpop", "sha3", "sm3", "sm4", "asimddp", "sha512", "sve", "asimdfhm",
	"dit", "uscat", "ilrcpc", "flagm", "ssbs", "sb", "paca", "pacg",
};
static const char *const hwcap2[64] = {
	[0] = "dcpodp", [7] = "flagm2", [8] = "frint", [13] = "i8mm", [14] = "bf16", [15] = "dgh", [16] = "rng",
	[19] = "ecv", [20] = "afp", [21] = "rpres", [31] = "wfxt", [32] = "ebf16", [34] = "cssc", [35] = "rprfm",
	[43] = "mops", [44] = "hbc", [46] = "lrcpc3", [47] = "lse128", [49] = "lut", [50] = "faminmax",
};

static void show_features(struct seq_file *m, u64 bits, const char *const *names)
{
	for (; bits; bits &= bits - 1)
		if (names[__ffs(bits)])
			seq_printf(m, " %s", names[__ffs(bits)]);
}

/* The ISA's own port delays by this counter. */
static unsigned long counter_hz(void)
{
	unsigned long hz;

	asm volatile("mrs %0, cntfrq_el0" : "=r" (hz));
	return hz;
}

static int show_cpuinfo(struct seq_file *m, void *v)
{
	unsigned long hz = counter_hz();
	u32 midr = kbox_boot->midr;

	seq_printf(m, "processor\t: 0\nBogoMIPS\t: %lu.%02lu\nFeatures\t:", hz / 500000, hz / 5000 % 100);
	show_features(m, kbox_boot->hwcap & U32_MAX, hwcap);
	show_features(m, kbox_boot->hwcap2, hwcap2);
	seq_putc(m, '\n');
	if (midr) {
		seq_printf(m, "CPU implementer\t: 0x%02x\nCPU architecture: 8\nCPU variant\t: 0x%x\n", midr >> 24, midr >> 20 & 15);
		seq_printf(m, "CPU part\t: 0x%03x\nCPU revision\t: %u\n", midr >> 4 & 0xfff, midr & 15);
	}
	seq_putc(m, '\n');
	return 0;
}

static void *c_start(struct seq_file *m, loff_t *pos) { return *pos ? NULL : (void *)1; }
static void *c_next(struct seq_file *m, void *v, loff_t *pos) { ++*pos; return NULL; }
static void c_stop(struct seq_file *m, void *v) { }
extern const struct seq_operations cpuinfo_op;
const struct seq_operations cpuinfo_op = { .start = c_start, .next = c_next, .stop = c_stop, .show = show_cpuinfo };
