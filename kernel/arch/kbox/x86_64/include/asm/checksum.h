/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_CHECKSUM_H
#define _ASM_KBOX_CHECKSUM_H
/* Each IPv4 packet has its header summed twice, so that is not done by do_csum(), which takes any length and place. */
#define ip_fast_csum ip_fast_csum
#include <asm-generic/checksum.h>

static inline __sum16 ip_fast_csum(const void *iph, unsigned int ihl)
{
	const u32 *word = iph;
	u64 sum = 0;

	do
		sum += *word++;
	while (--ihl);
	sum = (u32)sum + (sum >> 32);
	return csum_fold((__force __wsum)((u32)sum + (sum >> 32)));
}
#endif
