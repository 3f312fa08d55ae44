/* The keys in use; see jwt_keys.h. */
#include "services/jwt/jwt_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

/* What a file was when it was read: any change of it changes one of these. */
struct version {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct jwt_keys {
    const char *path;
    pthread_rwlock_t lock; /* of the rest */
    struct version version;
    struct jwt_key_set *set;
};

static bool is_same(const struct version *a, const struct version *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* All zero where there is no file. */
static struct version version_of(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0)
        return (struct version){0};
    return (struct version){.device = status.st_dev,
                            .inode = status.st_ino,
                            .size = status.st_size,
                            .modified = status.st_mtim,
                            .changed = status.st_ctim};
}

/* How many bytes, up to `room`; -1: errno. */
static ssize_t read_file(const char *path, char *content, size_t room) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t length = 0;
    ssize_t got = 1;
    if (file < 0)
        return -1;
    while (got > 0 && length < room) {
        got = read(file, content + length, room - length);
        if (got > 0)
            length += (size_t)got;
    }
    int fault = errno;
    close(file);
    errno = fault;
    return got < 0 ? -1 : (ssize_t)length;
}

static struct jwt_key_set *load(const char *path, char fault_r[JWT_KEYS_FAULT_BYTES]) {
    char *content = malloc(JWT_KEY_FILE_BYTES + 1);
    const char *fault = "out of memory";
    struct jwt_key_set *set = NULL;
    ssize_t length = content == NULL ? 0 : read_file(path, content, JWT_KEY_FILE_BYTES + 1);
    char text[128];
    if (length < 0)
        fault = strerror_r(errno, text, sizeof text);
    else if (length > JWT_KEY_FILE_BYTES)
        fault = "it is larger than 64 KiB";
    else if (content != NULL)
        set = jwt_key_file_read(slice_make(content, (size_t)length), &fault);
    if (content != NULL)
        OPENSSL_cleanse(content, JWT_KEY_FILE_BYTES + 1);
    free(content);
    if (set == NULL)
        snprintf(fault_r, JWT_KEYS_FAULT_BYTES, "%s", fault);
    return set;
}

struct jwt_keys *jwt_keys_new(const char *path, char fault_r[JWT_KEYS_FAULT_BYTES]) {
    struct jwt_keys *self = calloc(1, sizeof *self);
    snprintf(fault_r, JWT_KEYS_FAULT_BYTES, "out of memory");
    if (self == NULL)
        return NULL;
    self->path = path;
    pthread_rwlock_init(&self->lock, NULL);
    /* Before it is read: a change in between has it read again. */
    self->version = version_of(path);
    self->set = load(path, fault_r);
    if (self->set == NULL)
        jwt_keys_destroy(&self);
    return self;
}

void jwt_keys_destroy(struct jwt_keys **self) {
    if (*self == NULL)
        return;
    jwt_key_set_destroy(&(*self)->set);
    pthread_rwlock_destroy(&(*self)->lock);
    free(*self);
    *self = NULL;
}

/* --- changes of the file -------------------------------------------------------------------- */

static void reload(struct jwt_keys *self, const struct version *found) {
    char fault[JWT_KEYS_FAULT_BYTES], quoted[LOG_QUOTED_BYTES];
    const char *path = log_quote(quoted, self->path, strlen(self->path));
    struct jwt_key_set *set = load(self->path, fault);
    self->version = *found; /* a bad one is logged once */
    if (set == NULL) {
        log_error("jwt_keys_kept", "file=%s reason=\"%s\" note=\"the keys of before stay in use\"",
                  path, fault);
        return;
    }
    jwt_key_set_destroy(&self->set);
    self->set = set;
    log_info("jwt_keys", "file=%s keys=%zu", path, set->count);
}

/* Returns with the lock for reading. */
static void lock_current(struct jwt_keys *self) {
    struct version found = version_of(self->path);
    pthread_rwlock_rdlock(&self->lock);
    if (is_same(&found, &self->version))
        return;
    pthread_rwlock_unlock(&self->lock);
    pthread_rwlock_wrlock(&self->lock);
    found = version_of(self->path);
    if (!is_same(&found, &self->version)) /* else another thread has read it */
        reload(self, &found);
    pthread_rwlock_unlock(&self->lock);
    pthread_rwlock_rdlock(&self->lock);
}

/* --- signatures ----------------------------------------------------------------------------- */

static bool is_meant(const struct jwt_key *key, const struct jwt_named *named) {
    return key->id[0] == '\0' || !named->has_id || slice_equal(slice_text(key->id), named->id);
}

static enum err verify(const struct jwt_key_set *set, const struct jwt_named *named,
                       struct slice text, struct slice signature) {
    enum err err = ERR_JWT_KEY;
    for (size_t i = 0; i < set->count; i++) {
        const struct jwt_key *key = &set->keys[i];
        if (!is_meant(key, named))
            continue;
        if (key->algorithm != named->algorithm) {
            err = err == ERR_JWT_KEY ? ERR_JWT_ALGORITHM : err;
            continue;
        }
        if (jwt_key_verify(key, text, signature))
            return ERR_OK;
        err = ERR_JWT_SIGNATURE;
    }
    return err;
}

enum err jwt_keys_verify(struct jwt_keys *self, const struct jwt_named *named, struct slice text,
                         struct slice signature) {
    lock_current(self);
    enum err err = verify(self->set, named, text, signature);
    pthread_rwlock_unlock(&self->lock);
    return err;
}
