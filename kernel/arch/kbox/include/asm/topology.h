/* SPDX-License-Identifier: GPL-2.0-only */
/* One processor and one node. */
#ifndef _ASM_KBOX_TOPOLOGY_H
#define _ASM_KBOX_TOPOLOGY_H
#define cpu_to_node(cpu)	((void)(cpu), 0)
#define cpumask_of_node(node)	((void)(node), cpu_online_mask)
#define pcibus_to_node(bus)	((void)(bus), NUMA_NO_NODE)
#include <asm-generic/topology.h>
#endif
