// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's side of the supervisor's doorbell. */
#include <asm/boot.h>
#include <asm/host.h>

void kbox_ring(int bell)
{
	u32 old = __sync_fetch_and_or(&kbox_shared->doorbell, 1u << bell);

	if (!old)
		host_futex_wake(&kbox_shared->doorbell);
}
