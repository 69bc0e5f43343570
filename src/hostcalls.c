// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host calls of a box. An argument that the host takes for an int is checked as one: its upper
 * half is nothing to it. Pointers are into the process's own memory, and need no check.
 */
#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#ifdef __x86_64__
#include <asm/prctl.h>
#endif
#include <asm/kbox.h>
#include "hostcalls.h"

#define OPEN_HOW_SIZE 24	/* struct open_how */
/* linux/stat.h and libc's do not go together. */
#define AT_STATX_SYNC 0x6000	/* AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif

/* What the guest's kernel has in kernel/threads.c. */
#define PROCESS	(CLONE_PARENT | CLONE_FILES | CLONE_PARENT_SETTID | SIGCHLD)
#define THREAD	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID)

/* linux/termbits' and libc's termios do not go together. */
#define TERMIOS2 0x802c542a, 0x402c542b, 0x402c542c, 0x402c542d	/* TCGETS2, TCSETS2, TCSETSW2, TCSETSF2 */

#define CALL(name) .call = #name, .nr = SYS_##name
#define PATH_CALL(name) CALL(name), .by_path = true
#define VALUES(...) \
	.value = (const uint64_t[]){ __VA_ARGS__ }, .nvalues = sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t)
#define IS(n, what, ...) { .arg = n, .mask = ~0UL, VALUES(__VA_ARGS__), .name = #what, .text = "= " #__VA_ARGS__ }
#define INT(n, what, ...) { .arg = n, .mask = 0xffffffff, VALUES(__VA_ARGS__), .name = #what, .text = "= " #__VA_ARGS__ }
#define WITHIN(n, what, bits) { .arg = n, .mask = ~(uint64_t)(bits), VALUES(0), .name = #what, .text = "within " #bits }
#define WITHOUT(n, what, bits) { .arg = n, .mask = (bits), VALUES(0), .name = #what, .text = "without " #bits }
#define FD(n, which, words) { .arg = n, .mask = 0xffffffff, .nvalues = 1, .fd = which, .name = "fd", .text = words }
#define VOLUME(n, what) { .arg = n, .mask = 0xffffffff, .nvalues = 1, .fd = FD_VOLUME, .name = #what, .text = "= a volume" }
#define WRITTEN(n, what) \
	{ .arg = n, .mask = 0xffffffff, .nvalues = 1, .fd = FD_WRITTEN, .name = #what, .text = "= a written volume" }
/* What a volume's file can be: numbers 0 to 2 stay taken, so none has one of them. */
#define OPENED FD(0, FD_OPENED, "any but stdio, memory, epoll and /dev/null")
/* Of a mode, the kind of file: no device. */
#define KIND(n, what, ...) { .arg = n, .mask = S_IFMT, VALUES(__VA_ARGS__), .name = #what, .text = "of " #__VA_ARGS__ }

const struct form host_calls[] = {
	{ CALL(futex), .check = { INT(1, op, FUTEX_WAIT, FUTEX_WAKE) },
	  .why = "host threads wait for each other, and for the supervisor",
	  .gives = "a wait, or a wake-up of its own threads" },
	{ CALL(mmap), .check = { WITHIN(2, prot, PROT_READ | PROT_WRITE | PROT_EXEC),
				 IS(3, flags, MAP_SHARED | MAP_FIXED, MAP_SHARED | MAP_FIXED | MAP_POPULATE),
				 FD(4, FD_MEMORY, "= memory") },
	  .why = "pages of the guest are mapped", .gives = "its own memory, at other addresses" },
	{ CALL(munmap), .why = "mappings are a cache, and are flushed", .gives = "holes in its own memory" },
	{ CALL(mprotect), .check = { WITHIN(2, prot, PROT_READ | PROT_EXEC) },
	  .why = "fork makes pages read-only", .gives = "nothing: no more rights than mapping gives" },
	{ CALL(madvise), .check = { INT(2, advice, MADV_POPULATE_WRITE) },
	  .why = "memory is made present", .gives = "its own memory, used" },
	{ CALL(fallocate), .check = { FD(0, FD_MEMORY, "= memory"),
				      INT(1, mode, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) },
	  .why = "memory is made present, and goes back to the host", .gives = "its own memory, within its sealed size" },
	{ CALL(tgkill), .check = { INT(2, sig, SIGURG, SIGWINCH) },
	  .why = "a thread is called into the kernel (IPI, flush)",
	  .gives = "these signals for its own threads (see Signals)" },
	{ CALL(clone), .check = { INT(0, flags, PROCESS) },
	  .why = "a host process", .gives = "processes with the same fences, children of the supervisor, up to the limit" },
	{ CALL(clone), .check = { INT(0, flags, THREAD) },
	  .why = "a host thread", .gives = "threads, up to the limit" },
	{ CALL(prctl), .check = { INT(0, option, PR_SET_PDEATHSIG), IS(1, signal, SIGKILL) },
	  .why = "a box ends with its supervisor", .gives = "nothing" },
	{ CALL(prctl), .check = { INT(0, option, PR_SET_SYSCALL_USER_DISPATCH), IS(1, mode, PR_SYS_DISPATCH_ON) },
	  .why = "calls of user code trap sooner", .gives = "traps" },
	{ CALL(prctl), .check = { INT(0, option, PR_SET_TSC), INT(1, mode, PR_TSC_ENABLE, PR_TSC_SIGSEGV) },
	  .why = "a guest's prctl(PR_SET_TSC)", .gives = "a counter that it can read, or not" },
#ifdef __x86_64__
	{ CALL(arch_prctl), .check = { INT(0, option, ARCH_SET_FS, ARCH_SET_GS) },
	  .why = "thread pointers, without FSGSBASE", .gives = "its own registers" },
#endif
	{ CALL(sigaltstack), .why = "traps arrive on the task's kernel stack", .gives = "its own stack" },
	{ CALL(rt_sigaction), .why = "host signals are the traps of this machine", .gives = "its own handlers" },
	{ CALL(rt_sigreturn), .why = "the way back from a trap", .gives = "its own registers" },
	{ CALL(restart_syscall), .why = "the host goes on with an interrupted wait", .gives = "that" },
	{ CALL(clock_gettime), .check = { INT(0, clock, CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
					      CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
					      CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM,
					      CLOCK_BOOTTIME_ALARM, CLOCK_TAI) },
	  .why = "the time, where the vDSO has none; a thread's CPU time", .gives = "the time" },
	{ CALL(membarrier), .check = { INT(0, cmd, MEMBARRIER_CMD_GLOBAL, MEMBARRIER_CMD_PRIVATE_EXPEDITED,
					   MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED), INT(1, flags, 0) },
	  .why = "a guest's membarrier(2) is the host's", .gives = "a barrier" },
	{ CALL(sched_yield), .why = "a wait for another host thread", .gives = "nothing" },
	{ CALL(getpid), .why = "an IPI that has been sent arrives; the kernel's own number", .gives = "its number" },
	{ CALL(getppid), .why = "whether the supervisor is there", .gives = "the supervisor's number" },
	{ CALL(exit), .why = "a host thread ends", .gives = "its end" },
	{ CALL(exit_group), .why = "a host process ends", .gives = "its end" },

	{ CALL(read), .needs = WITH_FILES, .why = "reading what it was given", .gives = "what can be read there" },
	{ CALL(pread64), .needs = WITH_FILES, .why = "the same, elsewhere in a file", .gives = "the same" },
	{ CALL(preadv2), .needs = WITH_FILES, .check = { WITHIN(5, flags, RWF_NOWAIT) },
	  .why = "the same, without a wait", .gives = "the same" },
	{ CALL(write), .needs = WITH_FILES, .why = "writing to what it was given", .gives = "what can be written there" },
	{ CALL(pwrite64), .needs = WITH_FILES, .why = "the same, elsewhere in a file", .gives = "the same" },
	{ CALL(pwritev2), .needs = WITH_FILES,
	  .check = { WITHIN(5, flags, RWF_NOWAIT | RWF_APPEND | RWF_DSYNC | RWF_SYNC) },
	  .why = "the same, without a wait", .gives = "the same" },
	{ CALL(lseek), .needs = WITH_FILES, .why = "the offset is the host's", .gives = "the offset, also for others that have it" },
	{ CALL(fstat), .needs = WITH_FILES, .why = "what kind of file it is", .gives = "size, owner and times of what it was given" },
	{ CALL(ftruncate), .needs = WITH_FILES, .why = "a given file's size", .gives = "the same; memory is sealed" },
	{ CALL(fallocate), .needs = WITH_FILES, .why = "a given file's space", .gives = "space on its file system" },
	{ CALL(fsync), .needs = WITH_FILES, .why = "a given file is to be on disk", .gives = "a wait for it" },
	{ CALL(fdatasync), .needs = WITH_FILES, .why = "the same", .gives = "the same" },
	{ CALL(fcntl), .needs = WITH_FILES, .check = { INT(1, op, F_GETFL) },
	  .why = "how it was opened", .gives = "that" },
	{ CALL(fcntl), .needs = WITH_FILES, .check = { INT(1, op, F_SETFL), WITHOUT(2, flags, O_ASYNC) },
	  .why = "O_NONBLOCK, O_APPEND", .gives = "these and O_DIRECT, also for others that have it" },
	{ CALL(ioctl), .needs = WITH_FILES,
	  .check = { INT(1, op, TCGETS, TCSETS, TCSETSW, TCSETSF, TERMIOS2, TIOCGWINSZ, TIOCSWINSZ, FIONREAD, TIOCOUTQ,
			 TIOCGPTN, TCFLSH, TCXONC, TIOCGEXCL, TIOCMGET, TIOCGETD, SIOCATMARK) },
	  .why = "a given terminal's settings, what waits in a pipe",
	  .gives = "a given terminal's settings" },
	{ CALL(ppoll), .needs = WITH_FILES, .check = { IS(3, sigmask, 0) }, .why = "whether a descriptor is ready", .gives = "that, or a wait" },
	{ CALL(epoll_ctl), .needs = WITH_FILES, .why = "waiting for descriptors", .gives = "the same" },
	{ CALL(epoll_pwait), .needs = WITH_FILES, .check = { IS(4, sigmask, 0) }, .why = "the same", .gives = "the same" },
	{ CALL(close), .needs = WITH_FILES, .check = { FD(0, FD_CLOSES, "any but memory and volumes") }, .why = "the last file of the guest has gone", .gives = "fewer descriptors" },
	{ CALL(dup3), .needs = WITH_FILES,
	  .check = { FD(0, FD_NULL, "= /dev/null"), INT(1, newfd, 0, 1, 2), INT(2, flags, O_CLOEXEC) },
	  .why = "the numbers of stdio stay taken", .gives = "/dev/null" },

	{ CALL(mmap), .needs = WITH_FILES | WITH_MAPS,
	  .check = { WITHIN(2, prot, PROT_READ | PROT_WRITE | PROT_EXEC), IS(3, flags, MAP_SHARED | MAP_FIXED) },
	  .why = "a given file in memory", .gives = "what can be read and written there" },

	{ CALL(sendmsg), .needs = WITH_SOCKETS,
	  .check = { WITHIN(2, flags, MSG_OOB | MSG_MORE | MSG_EOR | MSG_DONTROUTE | MSG_CONFIRM | MSG_DONTWAIT | MSG_NOSIGNAL) },
	  .why = "given sockets", .gives = "messages, and the box's descriptors in them; with a socket of datagrams: to any name" },
	{ CALL(recvmsg), .needs = WITH_SOCKETS, .why = "the same", .gives = "messages, and descriptors that others send" },
	{ CALL(accept4), .needs = WITH_SOCKETS, .check = { INT(3, flags, SOCK_CLOEXEC) },
	  .why = "the same", .gives = "connections that others make" },
	{ CALL(listen), .needs = WITH_SOCKETS, .why = "the same", .gives = "the length of the queue" },
	{ CALL(shutdown), .needs = WITH_SOCKETS, .why = "the same", .gives = "the end of a connection, for others too" },
	{ CALL(getsockname), .needs = WITH_SOCKETS, .why = "the same", .gives = "names of given sockets" },
	{ CALL(getpeername), .needs = WITH_SOCKETS, .why = "the same", .gives = "names of their peers" },
	{ CALL(getsockopt), .needs = WITH_SOCKETS, .why = "the same", .gives = "options of given sockets" },
	{ CALL(setsockopt), .needs = WITH_SOCKETS,
	  .check = { INT(1, level, SOL_SOCKET),
		     INT(2, name, SO_REUSEADDR, SO_DONTROUTE, SO_BROADCAST, SO_SNDBUF, SO_RCVBUF, SO_KEEPALIVE, SO_OOBINLINE,
			 SO_PRIORITY, SO_REUSEPORT, SO_LINGER, SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TYPE, SO_ERROR,
			 SO_ACCEPTCONN, SO_PROTOCOL, SO_DOMAIN) },
	  .why = "options that say something of the connection", .gives = "these" },
	{ CALL(setsockopt), .needs = WITH_SOCKETS,
	  .check = { INT(1, level, IPPROTO_TCP),
		     INT(2, name, TCP_NODELAY, TCP_MAXSEG, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_SYNCNT,
			 TCP_LINGER2, TCP_DEFER_ACCEPT, TCP_WINDOW_CLAMP, TCP_INFO, TCP_QUICKACK, TCP_CONGESTION,
			 TCP_USER_TIMEOUT, TCP_FASTOPEN, TCP_NOTSENT_LOWAT) },
	  .why = "the same", .gives = "these" },
	{ CALL(setsockopt), .needs = WITH_SOCKETS,
	  .check = { INT(1, level, IPPROTO_IP),
		     INT(2, name, IP_TOS, IP_TTL, IP_PKTINFO, IP_RECVERR, IP_MTU_DISCOVER, IP_RECVTTL, IP_RECVTOS, IP_MTU,
			 IP_MULTICAST_TTL, IP_MULTICAST_LOOP) },
	  .why = "the same", .gives = "these" },
	{ CALL(setsockopt), .needs = WITH_SOCKETS,
	  .check = { INT(1, level, IPPROTO_IPV6),
		     INT(2, name, IPV6_V6ONLY, IPV6_UNICAST_HOPS, IPV6_TCLASS, IPV6_RECVTCLASS, IPV6_RECVPKTINFO,
			 IPV6_RECVHOPLIMIT, IPV6_RECVERR, IPV6_MTU_DISCOVER) },
	  .why = "the same", .gives = "these" },

	{ CALL(bind), .needs = WITH_SOCKETS | WITH_NAMES, .why = "given sockets of a network",
	  .gives = "any free address of the host's, for any of its sockets" },
	{ CALL(connect), .needs = WITH_SOCKETS | WITH_NAMES, .why = "the same", .gives = "the host's network; for one of AF_UNIX that was given too, other processes" },

	{ PATH_CALL(openat2), .needs = WITH_VOLUMES, .check = { VOLUME(0, dirfd), IS(3, size, OPEN_HOW_SIZE) },
	  .why = "files of a volume, beneath it",
	  .gives = "what can be opened there; elsewhere where a path alone leads, as the fence of volumes says" },
	{ CALL(getdents64), .needs = WITH_VOLUMES, .why = "a directory's names", .gives = "these" },
	{ CALL(fstat), .needs = WITH_VOLUMES, .why = "a file's attributes", .gives = "these" },
	{ CALL(fstatfs), .needs = WITH_VOLUMES, .why = "how full the file system is", .gives = "that" },
	{ PATH_CALL(readlinkat), .needs = WITH_VOLUMES, .check = { VOLUME(0, dirfd) },
	  .why = "what a symlink says", .gives = "that; with Landlock alone: of any symlink of the host's" },
	{ CALL(pread64), .needs = WITH_VOLUMES, .why = "reading a file", .gives = "what can be read there" },
	{ CALL(preadv2), .needs = WITH_VOLUMES, .check = { WITHIN(5, flags, RWF_NOWAIT) },
	  .why = "the same, into several buffers, or without a wait", .gives = "the same" },
	{ CALL(lseek), .needs = WITH_VOLUMES, .why = "where a file has data and holes; a directory again", .gives = "that" },
	{ CALL(mmap), .needs = WITH_VOLUMES,
	  .check = { WITHIN(2, prot, PROT_READ | PROT_WRITE | PROT_EXEC), IS(3, flags, MAP_SHARED | MAP_FIXED) },
	  .why = "a file in memory, a program's text", .gives = "what can be read and written there" },
	{ CALL(fgetxattr), .needs = WITH_VOLUMES, .why = "extended attributes", .gives = "these" },
	{ CALL(flistxattr), .needs = WITH_VOLUMES, .why = "their names", .gives = "these" },
	{ CALL(close), .needs = WITH_VOLUMES, .check = { FD(0, FD_CLOSES, "any but memory and volumes") },
	  .why = "the last file of the guest has gone", .gives = "fewer descriptors" },

	{ PATH_CALL(statx), .needs = WITH_VOLUMES | WITH_PATHS,
	  .check = { VOLUME(0, dirfd), WITHIN(2, flags, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_SYNC) },
	  .why = "attributes of a name, in one call", .gives = "those of files in volumes" },

	{ CALL(pwrite64), .needs = WITH_VOLUMES | WITH_WRITES, .why = "writing a file", .gives = "what can be written there" },
	{ CALL(pwritev2), .needs = WITH_VOLUMES | WITH_WRITES,
	  .check = { WITHIN(5, flags, RWF_NOWAIT | RWF_APPEND | RWF_DSYNC | RWF_SYNC) },
	  .why = "the same, from several buffers, or without a wait", .gives = "the same" },
	{ CALL(ftruncate), .needs = WITH_VOLUMES | WITH_WRITES, .why = "a file's size", .gives = "that; memory is sealed" },
	{ CALL(fallocate), .needs = WITH_VOLUMES | WITH_WRITES, .why = "a file's space", .gives = "space on its file system" },
	{ CALL(copy_file_range), .needs = WITH_VOLUMES | WITH_WRITES, .check = { INT(5, flags, 0) },
	  .why = "a copy that the host's file system makes", .gives = "no more than reading and writing" },
	{ CALL(ioctl), .needs = WITH_VOLUMES | WITH_WRITES, .check = { OPENED, INT(1, op, FICLONERANGE) },
	  .why = "a copy that shares its blocks", .gives = "the same" },
	{ CALL(fsync), .needs = WITH_VOLUMES | WITH_WRITES, .why = "a file is to be on disk", .gives = "a wait for it" },
	{ CALL(fdatasync), .needs = WITH_VOLUMES | WITH_WRITES, .why = "the same", .gives = "the same" },
	{ CALL(fcntl), .needs = WITH_VOLUMES | WITH_WRITES, .check = { OPENED, INT(1, op, F_OFD_SETLK, F_OFD_GETLK) },
	  .why = "locks of files, with those of the host and of other boxes",
	  .gives = "locks of any file that it has open: who wants one waits, as for any program of the caller's" },
	{ CALL(flock), .needs = WITH_VOLUMES | WITH_WRITES,
	  .check = { OPENED, INT(1, op, LOCK_SH | LOCK_NB, LOCK_EX | LOCK_NB, LOCK_UN) },
	  .why = "the same, of flock(2)", .gives = "the same" },
	{ CALL(fchmod), .needs = WITH_VOLUMES | WITH_WRITES | WITH_OPENED, .check = { OPENED },
	  .why = "a file's mode",
	  .gives = "that, of the caller's files in written volumes, and of given ones; with Landlock alone: in all volumes" },
	{ CALL(fchown), .needs = WITH_VOLUMES | WITH_WRITES | WITH_OPENED, .check = { OPENED },
	  .why = "a file's owner",
	  .gives = "the same, as far as the caller may give files away" },
	{ CALL(utimensat), .needs = WITH_VOLUMES | WITH_WRITES | WITH_OPENED, .check = { OPENED, IS(1, path, 0), INT(3, flags, 0) },
	  .why = "a file's times", .gives = "the same" },
	{ CALL(fsetxattr), .needs = WITH_VOLUMES | WITH_WRITES, .check = { OPENED },
	  .why = "extended attributes",
	  .gives = "these, of the caller's files in written volumes, and of given ones; without a namespace: in all volumes" },
	{ CALL(fremovexattr), .needs = WITH_VOLUMES | WITH_WRITES, .check = { OPENED },
	  .why = "the same", .gives = "the same" },
	{ PATH_CALL(mkdirat), .needs = WITH_VOLUMES | WITH_WRITES, .check = { WRITTEN(0, dirfd) },
	  .why = "new directories", .gives = "these, in written volumes" },
	{ PATH_CALL(mknodat), .needs = WITH_VOLUMES | WITH_WRITES,
	  .check = { WRITTEN(0, dirfd), KIND(2, mode, S_IFREG, S_IFIFO, S_IFSOCK) },
	  .why = "new FIFOs and sockets' names", .gives = "the same" },
	{ PATH_CALL(symlinkat), .needs = WITH_VOLUMES | WITH_WRITES, .check = { WRITTEN(1, dirfd) },
	  .why = "new symlinks", .gives = "the same: the host's programs follow them" },
	{ PATH_CALL(linkat), .needs = WITH_VOLUMES | WITH_WRITES,
	  .check = { WRITTEN(0, olddirfd), WRITTEN(2, newdirfd), INT(4, flags, 0) },
	  .why = "more names of a file", .gives = "the same" },
	{ PATH_CALL(unlinkat), .needs = WITH_VOLUMES | WITH_WRITES,
	  .check = { WRITTEN(0, dirfd), WITHIN(2, flags, AT_REMOVEDIR) },
	  .why = "fewer names of a file", .gives = "the same" },
	{ PATH_CALL(renameat2), .needs = WITH_VOLUMES | WITH_WRITES,
	  .check = { WRITTEN(0, olddirfd), WRITTEN(2, newdirfd), WITHIN(4, flags, RENAME_NOREPLACE | RENAME_EXCHANGE) },
	  .why = "other names of a file", .gives = "the same" },

	{ PATH_CALL(fchmodat), .needs = WITH_VOLUMES | WITH_WRITES | WITH_PATHS, .check = { WRITTEN(0, dirfd) },
	  .why = "the mode of a file that cannot be opened", .gives = "the caller's files in written volumes" },
	{ PATH_CALL(fchownat), .needs = WITH_VOLUMES | WITH_WRITES | WITH_PATHS,
	  .check = { WRITTEN(0, dirfd), INT(4, flags, AT_SYMLINK_NOFOLLOW) },
	  .why = "the owner of one, or of a symlink", .gives = "the same" },
	{ PATH_CALL(utimensat), .needs = WITH_VOLUMES | WITH_WRITES | WITH_PATHS,
	  .check = { WRITTEN(0, dirfd), INT(3, flags, AT_SYMLINK_NOFOLLOW) },
	  .why = "the times of one, or of a symlink", .gives = "the same" },

	{ PATH_CALL(mknodat), .needs = WITH_VOLUMES | WITH_WRITES | WITH_UPPER,
	  .check = { WRITTEN(0, dirfd), KIND(2, mode, S_IFCHR), INT(3, dev, 0) },
	  .why = "a name of a lower layer's is gone (a whiteout)", .gives = "devices that nobody can open" },
	{ PATH_CALL(renameat2), .needs = WITH_VOLUMES | WITH_WRITES | WITH_UPPER,
	  .check = { WRITTEN(0, olddirfd), WRITTEN(2, newdirfd), INT(4, flags, RENAME_WHITEOUT) },
	  .why = "the same, of one that has been moved", .gives = "the same" },
};

const size_t nhost_calls = sizeof(host_calls) / sizeof(host_calls[0]);
