/* The sandbox: limits, then what the kernel has besides. */
#include "services/preview/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "services/preview/sandbox_landlock.h"
#include "services/preview/sandbox_seccomp.h"

/* Files that the loader and libvips have open at once are a few. */
#define OPEN_FILES 64
#define NICE 5

static bool limit(int what, uint64_t value) {
    const struct rlimit both = {.rlim_cur = value, .rlim_max = value};
    return setrlimit(what, &both) == 0;
}

/* The sanitizer's shadow memory takes terabytes of addresses. A tool that is run has none. */
static bool limit_memory(uint64_t bytes, bool runs_tool) {
#if defined(__SANITIZE_ADDRESS__)
    if (!runs_tool)
        return true;
#endif
    (void)runs_tool;
    return limit(RLIMIT_AS, bytes);
}

static void be_first_to_go(void) {
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return;
    /* A kernel that takes none leaves the choice as it is. */
    (void)!write(file, "1000", 4);
    close(file);
}

/* Of a service that runs as root, too. Without new privileges a program that is run gets none back.
 */
static bool drop_capabilities(void) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    return syscall(SYS_capset, &head, none) == 0;
}

bool sandbox_enter(const struct sandbox_limits *limits, bool runs_tool,
                   struct sandbox_means *means_r) {
    be_first_to_go();
    /* The parent may have ended before it could be watched. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != limits->parent)
        return false;
    /* Where it gave way already it stays so. */
    (void)!nice(NICE);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !drop_capabilities() ||
        !limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, OPEN_FILES) ||
        !limit(RLIMIT_FSIZE, limits->file_bytes) || !limit(RLIMIT_CPU, limits->cpu_seconds))
        return false;
    means_r->landlock = sandbox_landlock(runs_tool);
    means_r->seccomp = sandbox_seccomp(runs_tool);
    return limit_memory(limits->memory_bytes, runs_tool);
}
