// SPDX-License-Identifier: GPL-2.0-only
/* /sys/devices/system/cpu/cpu0/cache: libraries choose the sizes of their blocks by it. */
#include <linux/cacheinfo.h>
#include <linux/cpu.h>
#include <linux/sizes.h>
#include <asm/cpuid.h>
#include "processor.h"

#define LEVELS_MAX	8

/* AMD's has the form of Intel's. */
static u32 caches_leaf(void)
{
	return cpuid_word(0x80000001, 0, CPUID_ECX) & 1U << 22 ? 0x8000001d : 4;
}

/* Cache number i of the processor's; false: it has none of that number. */
static bool find_cache(unsigned int i, struct cacheinfo *c)
{
	static const enum cache_type types[] = { CACHE_TYPE_NOCACHE, CACHE_TYPE_DATA, CACHE_TYPE_INST, CACHE_TYPE_UNIFIED };
	u32 nr = caches_leaf(), a = cpuid_word(nr, i, CPUID_EAX), b = cpuid_word(nr, i, CPUID_EBX);

	if (!(a & 31) || (a & 31) >= ARRAY_SIZE(types))
		return false;
	*c = (struct cacheinfo) {
		.type = types[a & 31], .level = a >> 5 & 7,
		.coherency_line_size = (b & 0xfff) + 1, .physical_line_partition = (b >> 12 & 0x3ff) + 1,
		.ways_of_associativity = (b >> 22) + 1, .number_of_sets = cpuid_word(nr, i, CPUID_ECX) + 1,
	};
	c->size = c->number_of_sets * c->coherency_line_size * c->physical_line_partition * c->ways_of_associativity;
	return true;
}

/* As the ISA's own port chooses: the last one where leaf 4 tells of it, else the second. */
u32 cache_kb(void)
{
	struct cacheinfo c;
	u32 size = 0;
	int i;

	for (i = 0; caches_leaf() == 4 && i < LEVELS_MAX && find_cache(i, &c); i++)
		if (c.level > 1)
			size = c.size / SZ_1K;
	return size ?: cpuid_word(0x80000006, 0, CPUID_ECX) >> 16;
}

int init_cache_level(unsigned int cpu)
{
	struct cpu_cacheinfo *all = get_cpu_cacheinfo(cpu);
	struct cacheinfo c;

	while (all->num_leaves < LEVELS_MAX && find_cache(all->num_leaves, &c)) {
		all->num_leaves++;
		all->num_levels = max(all->num_levels, c.level);
	}
	return all->num_leaves ? 0 : -ENOENT;
}

/* Nobody shares them with the only processor. */
int populate_cache_leaves(unsigned int cpu)
{
	struct cpu_cacheinfo *all = get_cpu_cacheinfo(cpu);
	unsigned int i;

	for (i = 0; i < all->num_leaves; i++) {
		find_cache(i, &all->info_list[i]);
		cpumask_set_cpu(cpu, &all->info_list[i].shared_cpu_map);
	}
	all->cpu_map_populated = true;
	return 0;
}
