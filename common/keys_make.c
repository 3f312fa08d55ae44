/* Makes and changes keys; see keys_make.h. */
#include "common/keys_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

const char *const keys_programs[] = {
#define X(name, word) word,
    PARLEY_PROGRAMS(X)
#undef X
};

static int fail(char fault_r[KEYS_FAULT_BYTES], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int fail(char fault_r[KEYS_FAULT_BYTES], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault_r, KEYS_FAULT_BYTES, format, arguments);
    va_end(arguments);
    return -1;
}

static int make_folder(const char *path, char fault_r[KEYS_FAULT_BYTES]) {
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail(fault_r, "cannot make the folder %s: %s", path, strerror(errno));
    return 0;
}

/* --- files ----------------------------------------------------------------------------------- */

/* Writes the whole file anew at `path`.new, as the folder's owner's. */
static int write_new(const char *path, const char *text, size_t length,
                     char new_path_r[KEYS_PATH_BYTES], char fault_r[KEYS_FAULT_BYTES]) {
    char folder[KEYS_PATH_BYTES];
    struct stat owner;
    if (snprintf(new_path_r, KEYS_PATH_BYTES, "%s.new", path) >= KEYS_PATH_BYTES)
        return fail(fault_r, "%s is too long", path);
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    (void)unlink(new_path_r); /* of an attempt that was cut short */
    int fd = open(new_path_r, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
    /* Only root can, and only root needs to. */
    if (written && geteuid() == 0)
        written = stat(folder, &owner) == 0 && fchown(fd, owner.st_uid, owner.st_gid) == 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    return written ? 0 : fail(fault_r, "cannot write %s: %s", new_path_r, strerror(error));
}

static int replace(const char *new_path, const char *path, char fault_r[KEYS_FAULT_BYTES]) {
    if (rename(new_path, path) != 0)
        return fail(fault_r, "cannot write %s: %s", path, strerror(errno));
    return 0;
}

/* A new secret key at `path`.new; its public key. */
static int write_secret(const char *path, char public_r[KEYS_TEXT_BYTES],
                        char new_path_r[KEYS_PATH_BYTES], char fault_r[KEYS_FAULT_BYTES]) {
    char secret[KEYS_TEXT_BYTES + 1];
    if (zmq_curve_keypair(public_r, secret) != 0)
        return fail(fault_r, "cannot make a key: %s", zmq_strerror(errno));
    secret[KEYS_TEXT_BYTES - 1] = '\n';
    int status = write_new(path, secret, KEYS_TEXT_BYTES, new_path_r, fault_r);
    explicit_bzero(secret, sizeof secret);
    return status;
}

/* --- who is trusted -------------------------------------------------------------------------- */

static int add(struct keys_list *list, const char *program, const char *key,
               char fault_r[KEYS_FAULT_BYTES]) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->entries[i].key, key) == 0)
            return 0;
    if (list->count == KEYS_MAX)
        return fail(fault_r, "there are %d keys already: retire old ones", KEYS_MAX);
    struct keys_entry *entry = &list->entries[list->count++];
    snprintf(entry->program, sizeof entry->program, "%s", program);
    snprintf(entry->key, sizeof entry->key, "%s", key);
    return 0;
}

/* Those of the secrets, then those that were trusted before, without the further ones of `retired`
 * (which may be NULL). */
static int collect(const char *folder, const char *retired, struct keys_list *list,
                   char fault_r[KEYS_FAULT_BYTES]) {
    char path[KEYS_PATH_BYTES], secret[KEYS_TEXT_BYTES], public[KEYS_TEXT_BYTES];
    struct keys_list before = {.count = 0};
    for (size_t i = 0; i < PROGRAM_COUNT; i++) {
        if (!keys_path(path, folder, keys_programs[i], "secret"))
            return fail(fault_r, "%s is too long", folder);
        if (keys_read_secret(path, secret, public, fault_r) != 0)
            return -1;
        explicit_bzero(secret, sizeof secret);
        if (add(list, keys_programs[i], public, fault_r) != 0)
            return -1;
    }
    if (!keys_path(path, folder, keys_programs[PROGRAM_CTL], "trusted"))
        return fail(fault_r, "%s is too long", folder);
    if (access(path, F_OK) == 0 && keys_read_trusted(path, &before, fault_r) != 0)
        return -1;
    for (size_t i = 0; i < before.count; i++)
        if ((retired == NULL || strcmp(before.entries[i].program, retired) != 0) &&
            add(list, before.entries[i].program, before.entries[i].key, fault_r) != 0)
            return -1;
    return 0;
}

static int publish(const char *folder, const struct keys_list *list,
                   char fault_r[KEYS_FAULT_BYTES]) {
    char text[KEYS_FILE_BYTES], path[KEYS_PATH_BYTES], new_path[KEYS_PATH_BYTES];
    size_t length = 0;
    for (size_t i = 0; i < list->count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s %s\n",
                                   list->entries[i].program, list->entries[i].key);
    /* The operator's last: it is where the next change goes on from. */
    for (size_t i = 0; i < PROGRAM_COUNT; i++)
        if (!keys_path(path, folder, keys_programs[i], "trusted") ||
            write_new(path, text, length, new_path, fault_r) != 0 ||
            replace(new_path, path, fault_r) != 0)
            return -1;
    return 0;
}

/* --- the changes ----------------------------------------------------------------------------- */

/* A descriptor that holds the folder's lock until it is closed. -1 with a sentence. */
static int lock(const char *folder, char fault_r[KEYS_FAULT_BYTES]) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    fail(fault_r, "cannot read the folder %s: %s", folder, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static int make_missing(const char *folder, const char *program, char fault_r[KEYS_FAULT_BYTES]) {
    char path[KEYS_PATH_BYTES], new_path[KEYS_PATH_BYTES], public[KEYS_TEXT_BYTES];
    if (!keys_path(path, folder, program, ""))
        return fail(fault_r, "%s is too long", folder);
    if (make_folder(path, fault_r) != 0)
        return -1;
    if (!keys_path(path, folder, program, "secret"))
        return fail(fault_r, "%s is too long", folder);
    if (access(path, F_OK) == 0)
        return 0;
    return write_secret(path, public, new_path, fault_r) != 0 ? -1
                                                              : replace(new_path, path, fault_r);
}

int keys_make(const char *folder, char fault_r[KEYS_FAULT_BYTES]) {
    struct keys_list list = {.count = 0};
    if (make_folder(folder, fault_r) != 0)
        return -1;
    int held = lock(folder, fault_r), status = held < 0 ? -1 : 0;
    for (size_t i = 0; status == 0 && i < PROGRAM_COUNT; i++)
        status = make_missing(folder, keys_programs[i], fault_r);
    if (status == 0)
        status = collect(folder, NULL, &list, fault_r);
    if (status == 0)
        status = publish(folder, &list, fault_r);
    if (held >= 0)
        close(held);
    return status;
}

static int change(const char *folder, const char *program, bool retire,
                  char fault_r[KEYS_FAULT_BYTES]) {
    struct keys_list list = {.count = 0};
    char path[KEYS_PATH_BYTES], new_path[KEYS_PATH_BYTES], public[KEYS_TEXT_BYTES];
    if (program_by_name(program) == PROGRAM_COUNT)
        return fail(fault_r, "there is no program '%s'", program);
    if (!keys_path(path, folder, program, "secret"))
        return fail(fault_r, "%s is too long", folder);
    if (!retire && write_secret(path, public, new_path, fault_r) != 0)
        return -1;
    if (!retire && add(&list, program, public, fault_r) != 0)
        return -1;
    if (collect(folder, retire ? program : NULL, &list, fault_r) != 0 ||
        publish(folder, &list, fault_r) != 0)
        return -1;
    /* Everybody trusts it by now. */
    return retire ? 0 : replace(new_path, path, fault_r);
}

static int locked_change(const char *folder, const char *program, bool retire,
                         char fault_r[KEYS_FAULT_BYTES]) {
    int held = lock(folder, fault_r);
    if (held < 0)
        return -1;
    int status = change(folder, program, retire, fault_r);
    close(held);
    return status;
}

int keys_rotate(const char *folder, const char *program, char fault_r[KEYS_FAULT_BYTES]) {
    return locked_change(folder, program, false, fault_r);
}

int keys_retire(const char *folder, const char *program, char fault_r[KEYS_FAULT_BYTES]) {
    return locked_change(folder, program, true, fault_r);
}
