/*
 * What a process gives up before it touches bytes that may be hostile, for good, in this order:
 *
 * - limits: address space, processor time, size of a file written, open files, no core; it is the
 *   first that the kernel ends when memory runs out, and it gives way to others (nice)
 * - it ends with the process that started it, has no capabilities, and can't win any
 *   (no_new_privs)
 * - Landlock: no file can be opened; where it runs a tool, those below /usr and /lib* for reading
 *   and running, and the cache of the loader
 * - seccomp: only the calls that decoding needs. No socket, no file opened for writing, none
 *   removed or renamed, no further process (threads alone), no signal to another process, no
 *   ptrace; any other call fails with ENOSYS. `execve` is there only where a tool is run: the tool
 *   may run another program then, which has the same sandbox.
 *
 * None of it needs rights, and Docker's own seccomp filter lets all of it through. A bound on
 * processes (RLIMIT_NPROC) isn't among it, since it counts all processes of the user: seccomp
 * allows none at all.
 */
#ifndef PARLEY_PREVIEW_SANDBOX_H
#define PARLEY_PREVIEW_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sandbox_limits {
    uint64_t memory_bytes, cpu_seconds, file_bytes;
    pid_t parent; /* with which it ends */
};

/* What the kernel had. */
struct sandbox_means {
    unsigned landlock; /* its version; 0: none */
    bool seccomp;
};

/* False: not even the limits hold, or the parent is gone; the process must end. Where the kernel
 * has no Landlock or no seccomp the rest holds. */
bool sandbox_enter(const struct sandbox_limits *limits, bool runs_tool,
                   struct sandbox_means *means_r) __attribute__((warn_unused_result));

#endif
