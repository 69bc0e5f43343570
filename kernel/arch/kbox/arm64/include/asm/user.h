/* SPDX-License-Identifier: GPL-2.0-only */
/* linux/user.h asks for it. */
