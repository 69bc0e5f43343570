#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a guest's kernel may ask of the host is a list of calls with their arguments; whatever is
beside it ends the box, with a line that names the call. Each form of the list is here with neighbours
that are not on it, of which one argument is another."""
import sys
sys.dont_write_bytecode = True
from outside import *  # noqa: E402,F403

S32 = 1 << 32   # a bit that only the upper half of an argument has

# Of the list itself, once: a box that does all this goes on.
status, lines = run(PROGRAM, "call", *"""getpid , getppid , tgkill pid pid 23 , sched_yield , futex page 1 1 , futex page 0 7 0 ,
    mmap hole 4096 3 0x11 memfd 0x200000 , munmap = 4096 , mmap hole 4096 3 0x8011 memfd 0x200000 , mprotect = 4096 1 ,
    clock_gettime 0 page , clock_gettime 1 page , clock_gettime 3 page , madvise page 4096 23 , fallocate memfd 1 0x200000 4096 ,
    membarrier 16 0 , membarrier 8 0 , prctl 1 9""".split())
check(status == 0 and len(results(lines)) == 18, "what the kernel asks for is done", status, lines)

NEIGHBOURS = """
futex page 3 1 0 page
futex page 4 1 0 page
futex page 5 1 1 page
futex page 6 0
futex page 7 0
futex page 13 0
futex page 0x101 1
mmap 0 4096 3 0x22 -1
mmap hole 4096 3 0x32 -1
mmap hole 4096 3 0x31 -1
mmap hole 4096 3 0x12 memfd
mmap 0 4096 3 0x01 memfd
mmap hole 4096 3 0x13 memfd
mmap hole 4096 3 0x2011 memfd
mmap hole 4096 3 0x40011 memfd
mmap hole 4096 3 0x111 memfd
mmap hole 4096 3 0x11 nullfd
mmap hole 4096 3 0x11 epollfd
mmap hole 4096 1 0x11 0
mmap hole 4096 0x1000003 0x11 memfd
mprotect hole 4096 2
mprotect hole 4096 3
mprotect hole 4096 7
mprotect text 4096 7
mprotect text 4096 3
mprotect vdso 4096 7
mprotect vdso 4096 3
mprotect hole 4096 0x1000001
mprotect hole 4096 0x2000001
tgkill pid pid 0
tgkill pid pid 1
tgkill pid pid 9
tgkill pid pid 10
tgkill pid pid 15
tgkill pid pid 19
tgkill pid pid 20
tgkill pid pid 22
tgkill pid pid 24
tgkill pid pid 34
tgkill pid pid 64
tgkill pid thread 9
tkill pid 23
kill pid 23
clone 0x11 ending page
clone 0x8411 ending page
clone 0x108011 ending page
clone 0x100411 ending page
clone 0x108412 ending page
clone 0x108400 ending page
clone 0x10c411 ending page
clone 0x10108411 ending page
clone 0x20108411 ending page
clone 0x40108411 ending page
clone 0x80108411 ending page
clone 0x4108411 ending page
clone 0x8108411 ending page
clone 0x2108411 ending page
clone 0x108511 ending page
clone 0x10a411 ending page
clone 0x109411 ending page page
clone 0x128411 ending page
clone 0x908411 ending page
clone 0x118411 ending page
prctl 1 0
prctl 1 15
prctl 1 19
prctl 2 page
prctl 4 0
prctl 4 1
prctl 8 1
prctl 15 page
prctl 16 page
prctl 22 2 page
prctl 23 1
prctl 24 1
prctl 26 3
prctl 29 1000000
prctl 33 1 1 1
prctl 35 1 hole 0
prctl 35 8 hole 0
prctl 36 1
prctl 38 1
prctl 41 1
prctl 47 1 0
prctl 52 0
prctl 53 0 2
prctl 62 1 0 0
prctl 65 1
prctl 67 1
prctl 0x53564d41 0 hole 4096 page
prctl 0x59616d61 -1
clock_gettime 10 page
clock_gettime 0x7fffffff page
clock_gettime -6 page
clock_gettime -14 page
clock_gettime -21 page
madvise page 4096 4
madvise page 4096 8
madvise page 4096 9
madvise page 4096 10
madvise page 4096 12
madvise page 4096 14
madvise page 4096 18
madvise page 4096 20
madvise page 4096 21
madvise page 4096 22
madvise page 4096 24
madvise page 4096 25
madvise page 4096 100
madvise page 4096 101
fallocate memfd 0 0 4096
fallocate memfd 2 0 4096
fallocate memfd 8 0 4096
fallocate memfd 0x10 0 4096
fallocate memfd 0x11 0 4096
fallocate memfd 0x20 0 4096
fallocate memfd 0x40 0 4096
fallocate nullfd 1 0 4096
fallocate 0 1 0 4096
membarrier 2 0
membarrier 4 0
membarrier 8 1
membarrier 256 0
dup 0
dup nullfd
dup3 0 100 0
dup3 0 100 0x80000
dup3 memfd 100 0x80000
dup3 nullfd memfd 0
"""
for line in NEIGHBOURS.strip().split("\n"):
    refuses(line)

# A number's upper half is no way round a comparison.
for line in ("tgkill pid pid %d" % (S32 | 9), "kill pid %d" % S32, "prctl %d 0" % (S32 | 1), "mprotect hole 4096 %d" % (S32 | 3),
             "madvise page 4096 %d" % (S32 | 12), "clone %d ending page" % (S32 | 0x8411)):
    refuses(line)

for line in ("arch_prctl 0x1003 page", "arch_prctl 0x1004 page", "arch_prctl 0x1011", "arch_prctl 0x1012 0",
             "arch_prctl 0x1023 18", "arch_prctl 0x2001 0", "arch_prctl 0x2003 0x10000000", "arch_prctl 0x5001 1",
             "arch_prctl %d 0" % (S32 | 0x1012)):
    refuses(line)

# Calls that are on no list, with a path or without.
CALLS = """
open :/etc/passwd 0
openat -100 :/etc/passwd 0
openat2 -100 :/etc/passwd page 24
creat :/tmp/created 0644
stat :/etc/passwd page
lstat :/etc/passwd page
statx -100 :/etc/passwd 0 0xfff page
statx memfd : 0x1000 0xfff page
statfs :/ page
access :/etc/passwd 0
faccessat2 -100 :/etc/passwd 0 0
readlink :/proc/self/exe page 4096
readlinkat -100 :/proc/self/exe page 4096
unlink :/tmp/created
unlinkat -100 :/tmp/created 0
rename :/tmp/a :/tmp/b
renameat2 -100 :/tmp/a -100 :/tmp/b 0
link :/etc/passwd :/tmp/link
symlink :/etc/passwd :/tmp/link
mkdir :/tmp/dir 0755
rmdir :/tmp/dir
mknod :/tmp/node 0x1000 0
chmod :/tmp 0777
chown :/tmp 0 0
chdir :/
fchdir 0
getcwd page 4096
chroot :/
truncate :/tmp/created 0
utimensat -100 :/tmp page 0
setxattr :/tmp :user.a page 1 0
getdents64 0 page 4096
inotify_init1 0
inotify_add_watch 0 :/ 1
fanotify_init 0 0
name_to_handle_at -100 :/ page page 0
open_by_handle_at 0 page 0
mount :a :/mnt :tmpfs 0 0
umount2 :/ 0
pivot_root :/ :/
swapon :/dev/null 0
quotactl 0 :/dev/null 0 page
acct :/dev/null
execve :/bin/sh page page
execveat -100 :/bin/sh page page 0
memfd_create :more 0
447 0
shmget 0 4096 0600
shmat 0 0 0
msgget 0 0600
semget 0 1 0600
mq_open :more 0x42 0600 0
socket 1 1 0
socketpair 1 1 0 page
pipe2 page 0
eventfd2 0 0
signalfd4 -1 page 8 0
timerfd_create 1 0
timer_create 1 page page
setitimer 0 page 0
alarm 1
epoll_create1 0
userfaultfd 1
perf_event_open page 0 -1 -1 0
bpf 0 page 64
io_uring_setup 8 page
io_setup 8 page
fork
vfork
clone3 page 88
unshare 0x10000000
unshare 0x20000000
setns 0 0
wait4 -1 page 1 0
waitid 0 0 page 4
setsid
getsid 0
getpgid 0
setuid 0
setreuid 0 0
setresuid 0 0 0
setgroups 0 page
capset page page
personality 0
sethostname :x 1
syslog 3 page 10
reboot 0 0 0
kexec_load 0 0 0 0
init_module page 0 :
sync
syncfs memfd
settimeofday page 0
clock_settime 0 page
adjtimex page
getrlimit 7 page
setrlimit 7 page
prlimit64 0 7 0 page
getrusage 0 page
sysinfo page
uname page
times page
sched_setscheduler 0 1 page
sched_setattr 0 page 0
sched_getaffinity 0 8 page
getcpu page page 0
getrandom page 1 0
add_key :user :a page 1 -3
request_key :user :a 0 -3
keyctl 0 -3 0
seccomp 1 0 page
seccomp 3 0 page
seccomp 2 0 page
rseq page 32 0 0
set_tid_address page
set_robust_list page 24
rt_sigprocmask 2 page page 8
rt_sigsuspend page 8
rt_sigpending page 8
rt_sigtimedwait page 0 page 8
mremap page 4096 8192 1
mremap text 4096 4096 3 hole
mlock page 4096
mlockall 1
munlockall
mincore page 4096 page
msync page 4096 4
mbind hole 4096 0 0 0 0
set_mempolicy 0 0 0
remap_file_pages hole 4096 0 0 0
pkey_alloc 0 0
pkey_mprotect hole 4096 3 -1
splice 0 0 1 0 1 0
tee 0 1 1 0
vmsplice 1 page 1 0
sendfile 1 0 0 1
copy_file_range 0 0 1 0 1 0
pause
nanosleep page 0
poll page 0 0
select 0 0 0 0 page
vhangup
ustat 0 page
lookup_dcookie 0 page 0
modify_ldt 0 page 16
ioperm 0 1 1
iopl 3
"""
for line in CALLS.strip().split("\n"):
    refuses(line)
for nr in (-1, 467, 500, 1000, 0x7fffffff, 0xffffffff, S32 | 62, 0x4000003e):
    refuses(str(nr), "a call of number %#x" % nr)

# Where the host cannot tell kbox of a call, it kills the process, and the box ends all the same.
for line in ("kill pid 0", "mmap 0 4096 3 0x22 -1", "prctl 1 0", "socket 1 1 0"):
    status, lines = run(PROGRAM, "call", *line.split(), env={"KBOX_HIDE": "user-notif"})
    check(was_killed(status, lines) and not results(lines), line + ", without user notifications", status, lines)
done()
