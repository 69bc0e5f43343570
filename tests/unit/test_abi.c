// SPDX-License-Identifier: GPL-2.0-only
/* What launcher and kernel both rely on in shared memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <asm/kbox.h>

static void what_is_shared_fits_below_the_image(void **state)
{
	(void)state;
	assert_true(KBOX_BOOT_PHYS + sizeof(struct kbox_boot) <= KBOX_SHARED_PHYS);
	assert_true(KBOX_SHARED_PHYS + sizeof(struct kbox_shared) <= KBOX_CONSOLE_PHYS);
	assert_true(KBOX_CONSOLE_PHYS + sizeof(struct kbox_console) <= KBOX_IMAGE_PHYS);
}

static void hot_words_have_their_own_lines(void **state)
{
	size_t words[] = {
		offsetof(struct kbox_shared, vcpu.lock),
		offsetof(struct kbox_shared, vcpu.irq_pending),
		offsetof(struct kbox_shared, doorbell),
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(words[i] % 64, 0);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(words[i] / 64, words[j] / 64);
	}
}

static void every_device_has_an_interrupt_and_a_bell(void **state)
{
	(void)state;
	assert_true(KBOX_IRQ_VIRTIO + KBOX_MAX_VIRTIO <= 32);
	assert_true(KBOX_BELL_VIRTIO + KBOX_MAX_VIRTIO <= 32);
#ifdef __x86_64__
	assert_int_equal(KBOX_PAGE_OFFSET % (1UL << 39), 0);	/* whole entries of the top page table */
#else
	assert_int_equal(KBOX_PAGE_OFFSET % (1UL << 30), 0);	/* whole entries of the one below */
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_shared_fits_below_the_image),
		cmocka_unit_test(hot_words_have_their_own_lines),
		cmocka_unit_test(every_device_has_an_interrupt_and_a_bell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
