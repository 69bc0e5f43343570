/* SPDX-License-Identifier: GPL-2.0-only */
#ifdef __aarch64__
#include "../../arm64/kernel/vdso/vgetrandom-chacha.S"
#elif defined(__x86_64__)
#include "../../x86/entry/vdso/vgetrandom-chacha.S"
#else
#error "vDSO: there is no getrandom() for this instruction set"
#endif
