// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's side of the supervisor's doorbell. */
#include <uapi/linux/futex.h>
#include <asm/kbox.h>
#include <asm/unistd.h>

void kbox_ring(int bell)
{
	u32 old = __sync_fetch_and_or(&kbox_boot->doorbell, 1u << bell);

	if (!old)
		HCALL(__NR_futex, &kbox_boot->doorbell, FUTEX_WAKE, 1, 0, 0, 0);
}
