/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory is flat: nothing of the ISA's own port. linux/numa.h asks for it. */
