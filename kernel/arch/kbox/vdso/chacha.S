/* SPDX-License-Identifier: GPL-2.0-only */
#ifdef __aarch64__
#include "../../arm64/kernel/vdso/vgetrandom-chacha.S"
#else
#include "../../x86/entry/vdso/vgetrandom-chacha.S"
#endif
