/* seccomp: which calls there are for this process. */
#include "services/preview/sandbox_seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

/* By name, since not every processor has all of them. */
static const char *const allowed[] = {
    "read", "pread64", "readv", "write", "writev", "pwrite64", "lseek", "close", "dup", "dup2",
    "dup3", "fstat", "fstat64", "newfstatat", "fstatat64", "stat", "lstat", "statx", "statfs",
    "fstatfs", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64",
    "getcwd", "fcntl", "fadvise64", "poll", "ppoll", "pipe2", "umask",
    /* memory */
    "mmap", "mmap2", "munmap", "mprotect", "mremap", "madvise", "brk", "get_mempolicy",
    /* threads */
    "futex", "set_robust_list", "rseq", "set_tid_address", "sched_yield", "sched_getaffinity",
    "sched_getparam", "sched_getscheduler", "exit", "exit_group", "arch_prctl", "membarrier",
    /* signals of its own */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
    /* what it is, and what time it is */
    "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getresuid",
    "getresgid", "uname", "sysinfo", "getrusage", "times", "getrandom", "clock_gettime",
    "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time"};

static bool allow(scmp_filter_ctx filter, const char *name, unsigned count,
                  const struct scmp_arg_cmp *conditions) {
    int number = seccomp_syscall_resolve_name(name);
    return number == __NR_SCMP_ERROR ||
           seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count, conditions) == 0;
}

/* Calls that are allowed with some arguments. */
static bool allow_some(scmp_filter_ctx filter) {
    const struct scmp_arg_cmp for_reading = SCMP_A1(SCMP_CMP_MASKED_EQ,
                                                    O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY),
                              at_for_reading = SCMP_A2(SCMP_CMP_MASKED_EQ,
                                                       O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY),
                              thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM,
                                               CLONE_THREAD | CLONE_VM),
                              itself = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()),
                              own_limits =
                                  SCMP_A0(SCMP_CMP_EQ, 0), /* which can only become narrower */
        naming = SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME);
    return allow(filter, "open", 1, &for_reading) && allow(filter, "openat", 1, &at_for_reading) &&
           allow(filter, "clone", 1, &thread) && allow(filter, "tgkill", 1, &itself) &&
           allow(filter, "prlimit64", 1, &own_limits) && allow(filter, "prctl", 1, &naming);
}

bool sandbox_seccomp(bool runs_tool) {
    /* clone3 hides its flags in memory: without it the C library uses clone. */
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (filter == NULL)
        return false;
    bool right = allow_some(filter);
    for (size_t i = 0; right && i < sizeof allowed / sizeof allowed[0]; i++)
        right = allow(filter, allowed[i], 0, NULL);
    if (runs_tool)
        right = right && allow(filter, "execve", 0, NULL);
    right = right && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return right;
}
