# SPDX-License-Identifier: GPL-2.0-only
"""gdb commands for the port: gdb -p PID -x scripts/gdb/kbox.py

PID is any host process of a box. kbox-cpu, kbox-threads and kbox-regs work with any kernel that has
been built here: their types come from an object of their own (kernel/arch/kbox/kernel/gdb-types.c).
The commands of the kernel's tree (lx-ps, lx-dmesg) need the kernel of "make kernel-debug".

The kernel is build/vmlinux, or what KBOX_KERNEL says, as for the box.
"""

import os

import gdb


def load():
    """The kernel's symbols, the types, and what gdb is to do about a box's signals."""
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    build = os.environ.get("BUILD") or os.path.join(top, "build")
    kernel = os.path.realpath(os.environ.get("KBOX_KERNEL") or os.path.join(build, "vmlinux"))
    there = os.path.dirname(kernel)
    gdb.execute(f"add-symbol-file {kernel} -o 0", to_string=True)
    gdb.execute(f"add-symbol-file {there}/arch/kbox/kernel/gdb-types.o -o 0", to_string=True)
    if os.path.exists(f"{there}/vmlinux-gdb.py"):
        gdb.execute(f"source {there}/vmlinux-gdb.py")
    gdb.execute("handle SIGSYS SIGSEGV SIGURG SIGWINCH nostop noprint pass", to_string=True)


def variable(name, kind):
    """The kernel's variable; without debug information its address is all that gdb knows of it."""
    return gdb.parse_and_eval(f"*({kind} *)&{name}")


def this_vcpu():
    return variable("vcpu0", "struct vcpu")


def members(first, member, owner):
    """The structs of the type owner that are on a circular list by their member, but for its head."""
    offset = int(gdb.parse_and_eval(f"(unsigned long)&(({owner} *)0)->{member}"))
    pointer = gdb.lookup_type(owner).pointer()
    node = first["next"]
    while node != first.address:
        yield (node.cast(gdb.lookup_type("unsigned long")) - offset).cast(pointer).dereference()
        node = node["next"]


def processes():
    init = variable("init_task", "struct task_struct")
    yield init
    yield from members(init["tasks"], "tasks", "struct task_struct")


def tasks():
    for process in processes():
        yield from members(process["signal"]["thread_head"], "thread_node", "struct task_struct")


def chain(first):
    """The host threads on a list by next."""
    while first:
        yield first.dereference()
        first = first["next"]


def host_threads():
    """Each with what it is for: a task, or None and a word."""
    yield variable("host_z", "struct host_thread"), None, "Z"
    for task in tasks():
        if task["thread"]["host"]:
            yield task["thread"]["host"].dereference(), task, ""
    for host in chain(variable("spares", "struct host_thread *")):
        yield host, None, "spare"
    for host in chain(variable("graveyard", "struct host_thread *")):
        yield host, None, "ended"


def name_of(task):
    return f"{int(task['pid'])} {task['comm'].string()}"


def host_name(pointer):
    if not pointer:
        return "none"
    if pointer == variable("host_z", "struct host_thread").address:
        return f"{int(pointer['tid'])} (Z)"
    return str(int(pointer["tid"]))


# Words of struct host_thread that have one of an enum's values, and its flags.
WORDS = ("state", "fate", "grant", "ipi")
FLAGS = ("preempted", "queued", "arrived", "last", "idle")


def state_of(host):
    """Its words by the names of their values, but for what is 0, and its flags that are set."""
    said = [str(host["state"].cast(gdb.lookup_type("enum ht_state")))]
    said += [str(host[word].cast(gdb.lookup_type(f"enum ht_{word}"))) for word in WORDS[1:] if host[word]]
    return " ".join(said + [flag for flag in FLAGS if host[flag]])


class KboxCpu(gdb.Command):
    """Who runs the kernel: the virtual CPU's lock, its host thread and task, and who wants it."""

    def __init__(self):
        super().__init__("kbox-cpu", gdb.COMMAND_DATA)

    def invoke(self, arg, from_tty):
        cpu = this_vcpu()
        words = gdb.parse_and_eval("((struct kbox_shared *)KBOX_GDB_SHARED)->vcpu")
        held = "held" if int(words["lock"]) else "free: user code runs, or all are at rest"
        print(f"lock      {held}")
        print(f"host      {host_name(cpu['host'])}")
        print(f"current   {name_of(cpu['current_task'])}")
        print(f"entrants  {' '.join(host_name(h.address) for h in chain(cpu['entrants'])) or 'none'}")
        print(f"watcher   {host_name(cpu['watcher'])}")
        print(f"pending   {int(words['irq_pending']):#x}")


class KboxThreads(gdb.Command):
    """The host threads: numbers of the host's, of the guest's task, and its state."""

    def __init__(self):
        super().__init__("kbox-threads", gdb.COMMAND_DATA)

    def invoke(self, arg, from_tty):
        running = this_vcpu()["host"]
        print(f"  {'tid':>7} {'tgid':>7}  {'task':<24} state")
        for host, task, word in host_threads():
            mark = "*" if host.address == running else " "
            whose = name_of(task) if task else word
            print(f"{mark} {int(host['tid']):>7} {int(host['tgid']):>7}  {whose:<24} {state_of(host)}")


class KboxRegs(gdb.Command):
    """kbox-regs PID: the user registers of a task of the guest, as it entered the kernel last."""

    def __init__(self):
        super().__init__("kbox-regs", gdb.COMMAND_DATA)

    def invoke(self, arg, from_tty):
        task = self.find(arg)
        end = int(task["stack"]) + gdb.lookup_type("union thread_union").sizeof
        top = self.at(end - gdb.lookup_type("struct stack_top").sizeof, "struct stack_top")
        regs = self.at(int(top.address) - gdb.lookup_type("struct pt_regs").sizeof, "struct pt_regs")
        host = task["thread"]["host"]
        print(f"{name_of(task)} on host thread {host_name(host)}: {state_of(host.dereference())}")
        print(regs.format_string(format="x", max_elements=0))
        if top["resume_ip"]:
            print(f"resume {int(top['resume']):#x}, instead of {int(top['resume_ip']):#x}")

    def find(self, arg):
        for task in tasks():
            if arg.isdigit() and int(task["pid"]) == int(arg):
                if not task["thread"]["host"]:
                    raise gdb.GdbError(f"{name_of(task)} is a thread of the kernel's")
                return task
        raise gdb.GdbError("kbox-regs PID: the number of a task, as kbox-threads lists them")

    def at(self, address, kind):
        return gdb.Value(address).cast(gdb.lookup_type(kind).pointer()).dereference()


load()
KboxCpu()
KboxThreads()
KboxRegs()
