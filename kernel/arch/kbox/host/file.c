// SPDX-License-Identifier: GPL-2.0-only
/* The host's calls for descriptors. */
#include <linux/fcntl.h>
#include "call.h"

ssize_t host_read(int fd, void *buf, size_t n)
{
	return HCALL3(__NR_read, fd, buf, n);
}

ssize_t host_write(int fd, const void *buf, size_t n)
{
	return HCALL3(__NR_write, fd, buf, n);
}

ssize_t host_pread(int fd, void *buf, size_t n, loff_t pos)
{
	return HCALL4(__NR_pread64, fd, buf, n, pos);
}

ssize_t host_pwrite(int fd, const void *buf, size_t n, loff_t pos)
{
	return HCALL4(__NR_pwrite64, fd, buf, n, pos);
}

ssize_t host_preadv2(int fd, void *buf, size_t n, loff_t pos, int flags)
{
	struct host_iovec iov = { buf, n };

	return HCALL6(__NR_preadv2, fd, &iov, 1, pos, 0, flags);
}

ssize_t host_pwritev2(int fd, const void *buf, size_t n, loff_t pos, int flags)
{
	struct host_iovec iov = { (void *)buf, n };

	return HCALL6(__NR_pwritev2, fd, &iov, 1, pos, 0, flags);
}

loff_t host_lseek(int fd, loff_t off, int whence)
{
	return HCALL3(__NR_lseek, fd, off, whence);
}

int host_fsync(int fd, bool datasync)
{
	return HCALL1(datasync ? __NR_fdatasync : __NR_fsync, fd);
}

int host_ftruncate(int fd, loff_t size)
{
	return HCALL2(__NR_ftruncate, fd, size);
}

int host_fstat(int fd, struct stat *st)
{
	return HCALL2(__NR_fstat, fd, st);
}

long host_getfl(int fd)
{
	return HCALL2(__NR_fcntl, fd, F_GETFL);
}

int host_setfl(int fd, long flags)
{
	return HCALL3(__NR_fcntl, fd, F_SETFL, flags);
}

long host_ioctl(int fd, unsigned int cmd, unsigned long arg)
{
	return HCALL3(__NR_ioctl, fd, cmd, arg);
}

int host_dup3(int from, int to, int flags)
{
	return HCALL3(__NR_dup3, from, to, flags);
}

int host_close(int fd)
{
	return HCALL1(__NR_close, fd);
}

u16 host_poll(int fd, u16 events)
{
	struct { int fd; short events, revents; } p = { fd, events, 0 };
	struct host_timespec now = { };

	return HCALL4(__NR_ppoll, &p, 1, &now, NULL) == 1 ? p.revents : 0;
}

int host_epoll_ctl(int epoll, int op, int fd, struct epoll_event *ev)
{
	return HCALL4(__NR_epoll_ctl, epoll, op, fd, ev);
}

int host_epoll_take(int epoll, struct epoll_event *seen, int n)
{
	return HCALL5(__NR_epoll_pwait, epoll, seen, n, 0, NULL);
}

ssize_t host_preadv(int fd, const struct host_iovec *iov, int n, loff_t pos, int flags)
{
	return HCALL6(__NR_preadv2, fd, iov, n, pos, 0, flags);
}

ssize_t host_copy_file_range(int from, loff_t from_pos, int to, loff_t to_pos, size_t n)
{
	return HCALL6(__NR_copy_file_range, from, &from_pos, to, &to_pos, n, 0);
}

int host_lock(int fd, int cmd, struct flock *l)
{
	return HCALL3(__NR_fcntl, fd, cmd, l);
}

int host_flock(int fd, int operation)
{
	return HCALL2(__NR_flock, fd, operation);
}

int host_fstatfs(int fd, struct statfs *st)
{
	return HCALL2(__NR_fstatfs, fd, st);
}

int host_fchmod(int fd, unsigned int mode)
{
	return HCALL2(__NR_fchmod, fd, mode);
}

int host_fchown(int fd, u32 uid, u32 gid)
{
	return HCALL3(__NR_fchown, fd, uid, gid);
}

int host_futimens(int fd, const struct host_timespec times[2])
{
	return HCALL4(__NR_utimensat, fd, NULL, times, 0);
}

ssize_t host_fgetxattr(int fd, const char *name, void *value, size_t size)
{
	return HCALL4(__NR_fgetxattr, fd, name, value, size);
}

int host_fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)
{
	return HCALL5(__NR_fsetxattr, fd, name, value, size, flags);
}

int host_fremovexattr(int fd, const char *name)
{
	return HCALL2(__NR_fremovexattr, fd, name);
}

ssize_t host_flistxattr(int fd, char *names, size_t size)
{
	return HCALL3(__NR_flistxattr, fd, names, size);
}

ssize_t host_getdents(int dir, void *buf, size_t n)
{
	return HCALL3(__NR_getdents64, dir, buf, n);
}
