/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_SIGNAL_H
#define _ASM_KBOX_SIGNAL_H
#include <uapi/asm/signal.h>
#include <uapi/asm/siginfo.h>
#endif
