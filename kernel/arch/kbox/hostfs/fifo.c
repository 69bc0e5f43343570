// SPDX-License-Identifier: GPL-2.0-only
/*
 * FIFOs of the host, in volumes of KBOX_VOLUME_SPECIAL: whoever opens one has a descriptor of the
 * host's (drivers/hostfd.h). The kernel must not wait in the host for the other end, so it opens
 * without, and waits itself.
 */
#include <linux/poll.h>
#include "../drivers/hostfd.h"
#include "hostfs.h"

/* The host refuses who writes while nobody reads, and does not say when that changes. */
static int open_end(struct dentry *dentry, const struct file *file)
{
	unsigned int flags = (file->f_flags & O_ACCMODE) | O_NONBLOCK;
	int fd, ret = 0;

	while ((fd = hostfs_open_path(dentry, flags, 0)) == -ENXIO && !(file->f_flags & O_NONBLOCK) && !ret)
		ret = hostfs_wait();
	return ret ?: fd;
}

/*
 * Who reads would see the end of the file before there was a writer. Of one who has written nothing
 * yet the host does not tell.
 */
static int wait_for_writer(struct hostfd *h)
{
	struct hostfd_wait w = { .events = POLLIN, .timeout = MAX_SCHEDULE_TIMEOUT };
	int ret = 0;

	while (!ret && !host_poll(host_number(h), POLLIN))
		ret = hostfd_wait(h, &w);
	return ret;
}

static int open_fifo(struct inode *inode, struct file *file)
{
	int fd = open_end(file_dentry(file), file), ret;

	if (fd < 0)
		return fd;
	ret = hostfs_check(inode, fd);
	if (ret) {
		host_close(fd);
		return ret;
	}
	ret = hostfd_adopt(file, fd);
	if (ret || file->f_flags & O_NONBLOCK || (file->f_flags & O_ACCMODE) != O_RDONLY)
		return ret;
	ret = wait_for_writer(file->private_data);
	if (ret)
		hostfd_drop(file);
	return ret;
}

const struct file_operations hostfs_fifo_fops = { .open = open_fifo, .llseek = noop_llseek };
