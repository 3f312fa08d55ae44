/* Keys of the links between programs; see keys.h. */
#include "common/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

const struct config_option keys_options[] = {
    CONFIG_STRING(
        struct keys_settings, keys_folder, "/etc/parley/keys",
        "where the keys are that `parleyctl keys` makes; a program reads the folder of its "
        "own name there"),
    CONFIG_BOOL(
        struct keys_settings, curve, true,
        "encrypt the links between programs, and refuse strangers; off: trust whoever reaches "
        "a port, the same for all programs"),
    CONFIG_END};

struct keys {
    char secret[KEYS_TEXT_BYTES], own[KEYS_TEXT_BYTES]; /* own: the public one */
    char trusted_path[KEYS_PATH_BYTES];
    struct keys_list trusted;
};

enum program program_by_name(const char *name) {
    static const char *const names[] = {
#define X(name, word) word,
        PARLEY_PROGRAMS(X)
#undef X
    };
    for (size_t i = 0; i < PROGRAM_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return (enum program)i;
    return PROGRAM_COUNT;
}

bool keys_path(char path_r[KEYS_PATH_BYTES], const char *folder, const char *program,
               const char *file) {
    int length = snprintf(path_r, KEYS_PATH_BYTES, "%s/%s/%s", folder, program, file);
    return length > 0 && length < KEYS_PATH_BYTES;
}

/* The file's text, with a 0. -1 with a sentence. */
static int read_text(const char *path, bool secret, char *text_r, size_t size,
                     char fault_r[KEYS_FAULT_BYTES]) {
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file) != 0) {
        snprintf(fault_r, KEYS_FAULT_BYTES, "cannot read %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    ssize_t length = -1;
    if (!S_ISREG(file.st_mode))
        snprintf(fault_r, KEYS_FAULT_BYTES, "%s is not a file", path);
    else if (secret && (file.st_mode & 077) != 0)
        snprintf(fault_r, KEYS_FAULT_BYTES, "others may read %s: chmod 600 it", path);
    else if ((length = read(fd, text_r, size)) < 0)
        snprintf(fault_r, KEYS_FAULT_BYTES, "cannot read %s: %s", path, strerror(errno));
    else if ((size_t)length == size)
        snprintf(fault_r, KEYS_FAULT_BYTES, "%s is too long", path), length = -1;
    else if (memchr(text_r, '\0', (size_t)length) != NULL)
        snprintf(fault_r, KEYS_FAULT_BYTES, "%s is not a text", path), length = -1;
    else
        text_r[length] = '\0';
    close(fd);
    return length < 0 ? -1 : 0;
}

static bool is_key(const char *text) {
    unsigned char bytes[32];
    return strlen(text) == KEYS_TEXT_BYTES - 1 && zmq_z85_decode(bytes, text) != NULL;
}

int keys_read_secret(const char *path, char secret_r[KEYS_TEXT_BYTES],
                     char public_r[KEYS_TEXT_BYTES], char fault_r[KEYS_FAULT_BYTES]) {
    char text[KEYS_TEXT_BYTES + 8];
    if (read_text(path, true, text, sizeof text, fault_r) != 0)
        return -1;
    text[strcspn(text, "\r\n")] = '\0';
    bool sound = is_key(text) && zmq_curve_public(public_r, text) == 0;
    if (sound)
        memcpy(secret_r, text, KEYS_TEXT_BYTES);
    else
        snprintf(fault_r, KEYS_FAULT_BYTES, "%s holds no key", path);
    explicit_bzero(text, sizeof text);
    return sound ? 0 : -1;
}

/* `PROGRAM KEY`. */
static bool take_line(struct keys_list *list, const char *line) {
    struct keys_entry *entry = &list->entries[list->count];
    char rest;
    if (sscanf(line, "%31s%*[ \t]%40s %c", entry->program, entry->key, &rest) != 2 ||
        !is_key(entry->key))
        return false;
    entry->number = program_by_name(entry->program);
    list->count++;
    return true;
}

int keys_read_trusted(const char *path, struct keys_list *list_r, char fault_r[KEYS_FAULT_BYTES]) {
    char text[KEYS_FILE_BYTES], *place = NULL;
    list_r->count = 0;
    if (read_text(path, false, text, sizeof text, fault_r) != 0)
        return -1;
    for (char *line = strtok_r(text, "\n", &place); line != NULL;
         line = strtok_r(NULL, "\n", &place)) {
        if (list_r->count == KEYS_MAX || !take_line(list_r, line)) {
            snprintf(fault_r, KEYS_FAULT_BYTES, "%s: %s", path,
                     list_r->count == KEYS_MAX ? "there are too many keys"
                                               : "a line is not `PROGRAM KEY`");
            return -1;
        }
    }
    return 0;
}

struct keys *keys_load(const char *folder, const char *program, char fault_r[KEYS_FAULT_BYTES]) {
    char path[KEYS_PATH_BYTES];
    struct keys *self = calloc(1, sizeof *self);
    if (self == NULL || !keys_path(path, folder, program, "secret") ||
        !keys_path(self->trusted_path, folder, program, "trusted")) {
        snprintf(fault_r, KEYS_FAULT_BYTES, "the name of the folder of keys is too long");
        keys_destroy(&self);
        return NULL;
    }
    if (access(path, F_OK) != 0) {
        snprintf(fault_r, KEYS_FAULT_BYTES,
                 "there is no key %s: make keys with `parleyctl keys %s`, or set keys_folder", path,
                 folder);
        keys_destroy(&self);
    } else if (keys_read_secret(path, self->secret, self->own, fault_r) != 0 ||
               keys_reload(self, fault_r) != 0) {
        keys_destroy(&self);
    }
    return self;
}

void keys_destroy(struct keys **self) {
    if (*self != NULL)
        explicit_bzero((*self)->secret, sizeof(*self)->secret);
    free(*self);
    *self = NULL;
}

int keys_reload(struct keys *self, char fault_r[KEYS_FAULT_BYTES]) {
    struct keys_list list;
    if (keys_read_trusted(self->trusted_path, &list, fault_r) != 0)
        return -1;
    self->trusted = list;
    return 0;
}

const char *keys_trusted_path(const struct keys *self) { return self->trusted_path; }

const struct keys_entry *keys_find(const struct keys *self, const char *key) {
    for (size_t i = 0; i < self->trusted.count; i++)
        if (strcmp(self->trusted.entries[i].key, key) == 0)
            return &self->trusted.entries[i];
    return NULL;
}

unsigned keys_programs_of(const struct keys *self, const char *key) {
    unsigned bits = 0;
    for (size_t i = 0; i < self->trusted.count; i++)
        if (self->trusted.entries[i].number != PROGRAM_COUNT &&
            strcmp(self->trusted.entries[i].key, key) == 0)
            bits |= 1u << self->trusted.entries[i].number;
    return bits;
}

static bool is_of(const struct keys_entry *entry, const char *program) {
    return program == NULL || strcmp(entry->program, program) == 0;
}

size_t keys_count(const struct keys *self, const char *program) {
    size_t count = 0;
    for (size_t i = 0; i < self->trusted.count; i++)
        count += is_of(&self->trusted.entries[i], program);
    return count;
}

/* What CURVE adds to a message: command, nonce, authenticator, flags. */
#define MESSAGE_BYTES (8 + 8 + 16 + 1)

static int allow_for_curve(void *socket) {
    int64_t most;
    size_t size = sizeof most;
    if (zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &most, &size) != 0)
        return -1;
    most += most < 0 ? 0 : MESSAGE_BYTES; /* -1: there is no limit */
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
}

int keys_serve(const struct keys *self, void *socket) {
    const int on = 1;
    if (self == NULL)
        return 0;
    if (allow_for_curve(socket) != 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on) != 0)
        return -1;
    return zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, self->secret, KEYS_TEXT_BYTES);
}

int keys_call(const struct keys *self, void *socket, const char *program, size_t turn) {
    if (self == NULL)
        return 0;
    size_t count = keys_count(self, program), left = count == 0 ? 0 : turn % count;
    for (size_t i = 0; i < self->trusted.count; i++) {
        const struct keys_entry *entry = &self->trusted.entries[i];
        if (!is_of(entry, program) || left-- > 0)
            continue;
        if (allow_for_curve(socket) != 0 ||
            zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, self->secret, KEYS_TEXT_BYTES) != 0 ||
            zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, self->own, KEYS_TEXT_BYTES) != 0)
            return -1;
        return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, entry->key, KEYS_TEXT_BYTES);
    }
    errno = ENOENT;
    return -1;
}
