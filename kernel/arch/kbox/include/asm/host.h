/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_HOST_H
#define _ASM_HOST_H
/*
 * The host: what the kernel asks of the system below. host/ has the calls, and nothing else of the
 * port makes one. Each is named as the host's system call and acts on the host thread, or on the
 * host process, that runs it. What may fail returns an error number below 0, as the host's kernel
 * does; sizes and offsets are in bytes. None takes a lock, so they can be called anywhere; which of
 * them wait is said. The host's filter lets these through and no others: src/hostcalls.c.
 */
#include <linux/limits.h>
#include <linux/types.h>

struct sockaddr;
struct stat;
struct flock;
struct statfs;
struct statx;

/* Bounds of the text that makes host calls (vmlinux.lds.S). */
extern char __hostcall_start[], __hostcall_end[];

/*
 * Memory. A range is of whole pages, and its end is behind it. munmap() is refused where it would
 * make two mappings of one and the host process has vm.max_map_count of them.
 */
long host_mmap(unsigned long addr, unsigned long size, int prot, int flags, int fd, u64 offset);
int host_munmap(unsigned long start, unsigned long end);
int host_mprotect(unsigned long start, unsigned long end, int prot);
/* Have the pages made now, as by writes (Linux 5.14). */
int host_populate_write(unsigned long start, unsigned long end);
int host_fallocate(int fd, int mode, u64 offset, u64 size);

/*
 * Threads. A futex is a word in guest memory, which all host processes share. The first waits while
 * the word has that value, ns nanoseconds at most or with HOST_NO_TIMEOUT for as long as it takes,
 * and may return before. The others wake one of those who wait, or all.
 */
#define HOST_NO_TIMEOUT	U64_MAX
void host_futex_wait(u32 *word, u32 value, u64 ns);
void host_futex_wake(u32 *word);
void host_futex_wake_all(u32 *word);
void host_yield(void);
/*
 * One thread of the box. The signals of it that are pending come before the call returns, if it is
 * the caller.
 */
int host_tgkill(u32 tgid, u32 tid, int sig);
/* The signals that are pending for the caller come before this returns. */
void host_take_signals(void);
int host_getpid(void);
int host_getppid(void);
void host_exit_group(int status);
/*
 * fork() or a thread, by flags as clone(2) has them. The child begins with the address that it pops
 * from sp, and arg.
 */
long host_clone(unsigned long flags, void *child_sp, u32 *parent_tid, void *arg);
void host_set_pdeathsig(int sig);
/* A system call from outside of these bounds becomes a SIGSYS (Linux 5.11). Not inherited. */
int host_dispatch_calls(void *start, void *end);
int host_set_tsc(unsigned int mode);
int host_membarrier(int cmd);
void host_sigaltstack(void *sp, unsigned long size);
/* mask: a bit for each signal, from 1 on. */
void host_sigaction(int sig, void *handler, unsigned long flags, unsigned long mask);
#ifdef __x86_64__
void host_set_fs(unsigned long base);
void host_set_gs(unsigned long base);
#endif

/* Clocks: in nanoseconds; the first one by the host's vDSO where that can. */
struct host_timespec { s64 sec, nsec; };
u64 host_clock(int clock);
u64 host_thread_clock(void);
int host_clock_gettime(int clock, struct host_timespec *ts);

/*
 * Descriptors, by the host's numbers. Those that wait for a pipe, a terminal or a socket would stop
 * the whole kernel: callers have them not wait, by a flag or by O_NONBLOCK.
 */
struct host_iovec { void *base; size_t len; };
struct host_msghdr {
	void *name;
	int namelen;
	struct host_iovec *iov;
	size_t iovlen;
	void *control;
	size_t controllen;
	unsigned int flags;
};
struct epoll_event;
ssize_t host_read(int fd, void *buf, size_t n);
ssize_t host_write(int fd, const void *buf, size_t n);
ssize_t host_pread(int fd, void *buf, size_t n, loff_t pos);
ssize_t host_pwrite(int fd, const void *buf, size_t n, loff_t pos);
/* pos: -1 for where the open file is. flags: RWF_* */
ssize_t host_preadv2(int fd, void *buf, size_t n, loff_t pos, int flags);
ssize_t host_pwritev2(int fd, const void *buf, size_t n, loff_t pos, int flags);
loff_t host_lseek(int fd, loff_t off, int whence);
int host_fsync(int fd, bool datasync);
int host_ftruncate(int fd, loff_t size);
int host_fstat(int fd, struct stat *st);
long host_getfl(int fd);
int host_setfl(int fd, long flags);
long host_ioctl(int fd, unsigned int cmd, unsigned long arg);
int host_dup3(int from, int to, int flags);
int host_close(int fd);
/* The events, of those asked for, that are there now. */
u16 host_poll(int fd, u16 events);
int host_epoll_ctl(int epoll, int op, int fd, struct epoll_event *ev);
/* What is there now: how many. */
int host_epoll_take(int epoll, struct epoll_event *seen, int n);

/* As many buffers as there are, one behind the other in the file. */
ssize_t host_preadv(int fd, const struct host_iovec *iov, int n, loff_t pos, int flags);
ssize_t host_copy_file_range(int from, loff_t from_pos, int to, loff_t to_pos, size_t n);
/* F_OFD_SETLK, F_OFD_GETLK; and flock(2), with LOCK_NB. */
int host_lock(int fd, int cmd, struct flock *l);
int host_flock(int fd, int operation);
int host_fstatfs(int fd, struct statfs *st);
int host_fchmod(int fd, unsigned int mode);
int host_fchown(int fd, u32 uid, u32 gid);
/* As utimensat(2): UTIME_NOW and UTIME_OMIT are times. */
int host_futimens(int fd, const struct host_timespec times[2]);
ssize_t host_fgetxattr(int fd, const char *name, void *value, size_t size);
int host_fsetxattr(int fd, const char *name, const void *value, size_t size, int flags);
int host_fremovexattr(int fd, const char *name);
ssize_t host_flistxattr(int fd, char *names, size_t size);
/* Entries as getdents64(2) has them: bytes, 0 at the end. */
ssize_t host_getdents(int dir, void *buf, size_t n);

/*
 * Names: a path leads from the descriptor of a directory on. host_open() takes no symbolic link and
 * stays below the directory (Linux 5.6); none follows a link that the path ends with.
 */
int host_open(int dir, const char *path, unsigned int flags, unsigned int mode);
int host_statx(int dir, const char *path, unsigned int mask, struct statx *stx);
ssize_t host_readlinkat(int dir, const char *path, char *buf, size_t n);
int host_mkdirat(int dir, const char *path, unsigned int mode);
int host_mknodat(int dir, const char *path, unsigned int mode, u32 dev);
int host_symlinkat(const char *target, int dir, const char *path);
int host_linkat(int from_dir, const char *from, int to_dir, const char *to);
int host_unlinkat(int dir, const char *path, bool is_dir);
int host_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags);
int host_fchmodat(int dir, const char *path, unsigned int mode);
int host_fchownat(int dir, const char *path, u32 uid, u32 gid);
int host_utimensat(int dir, const char *path, const struct host_timespec times[2]);

int host_bind(int fd, const struct sockaddr *addr, int len);
int host_connect(int fd, const struct sockaddr *addr, int len);
int host_listen(int fd, int backlog);
int host_accept(int fd, int flags);
int host_shutdown(int fd, int how);
int host_getsockname(int fd, struct sockaddr *addr, int *len);
int host_getpeername(int fd, struct sockaddr *addr, int *len);
int host_getsockopt(int fd, int level, int name, void *value, int *len);
int host_setsockopt(int fd, int level, int name, const void *value, int len);
ssize_t host_sendmsg(int fd, const struct host_msghdr *msg, int flags);
ssize_t host_recvmsg(int fd, struct host_msghdr *msg, int flags);
#endif
