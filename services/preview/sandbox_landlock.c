/* Landlock: which files there are for this process. */
#include "services/preview/sandbox_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READ_AND_RUN                                                                               \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* Rights that came with later versions, by their bits; headers of older systems lack the names. */
#define ACCESS_REFER (UINT64_C(1) << 13)
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)
#define ACCESS_IOCTL_DEV (UINT64_C(1) << 15)

static uint64_t all_rights(unsigned version) {
    uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
    if (version >= 2)
        rights |= ACCESS_REFER;
    if (version >= 3)
        rights |= ACCESS_TRUNCATE;
    if (version >= 5)
        rights |= ACCESS_IOCTL_DEV;
    return rights;
}

/* A path that isn't there needs no rule. */
static bool allow(int rules, const char *path, uint64_t rights) {
    int file = open(path, O_PATH | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = file};
    long added = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(file);
    return added == 0;
}

unsigned sandbox_landlock(bool runs_tool) {
    static const char *const system[] = {"/usr", "/lib", "/lib64"};
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return 0;
    struct landlock_ruleset_attr attributes = {.handled_access_fs = all_rights((unsigned)version)};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attributes,
                             sizeof attributes.handled_access_fs, 0);
    if (rules < 0)
        return 0;
    bool right = true;
    for (size_t i = 0; runs_tool && i < sizeof system / sizeof system[0]; i++)
        right = right && allow(rules, system[i], READ_AND_RUN);
    if (runs_tool)
        right = right && allow(rules, "/etc/ld.so.cache", LANDLOCK_ACCESS_FS_READ_FILE);
    right = right && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
    close(rules);
    return right ? (unsigned)version : 0;
}
