/*
 * Keys of the links between programs (CURVE, https://rfc.zeromq.org/spec/26/).
 *
 *     struct keys *keys = keys_load("/etc/parley/keys", "auth", fault);
 *     if (keys == NULL) ...                                   `fault` says what to do
 *     keys_serve(keys, router);                               before it is bound
 *     keys_call(keys, dealer, "session", 0);                  before it is connected
 *     const struct keys_entry *who = keys_find(keys, public_key);    who a caller is
 *     keys_destroy(&keys);
 *
 * A program reads FOLDER/PROGRAM alone. `secret` holds its secret key, and only its owner may read
 * it. `trusted` holds the public keys of all programs, in lines `PROGRAM KEY`. A program may have
 * several: so they are changed while everything runs (keys_make.h). Keys are in Z85, as ZeroMQ
 * writes them.
 *
 * Where keys are NULL, CURVE is off: keys_serve and keys_call leave the socket plain.
 */
#ifndef PARLEY_COMMON_KEYS_H
#define PARLEY_COMMON_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/config_options.h"
#include "common/program.h"

/* A key in Z85 and its 0. */
#define KEYS_TEXT_BYTES 41
#define KEYS_PROGRAM_BYTES 32
#define KEYS_PATH_BYTES 512
#define KEYS_FAULT_BYTES (KEYS_PATH_BYTES + 256)
/* limit: service | keys in a file of trusted keys; its bytes | {KEYS_MAX}; {KEYS_FILE_BYTES} | the
 * service does not start; one that runs keeps the keys that it knows */
#define KEYS_MAX 64
#define KEYS_FILE_BYTES 8192

/* Options of every program that speaks to services. */
struct keys_settings {
    char *keys_folder;
    bool curve;
};
extern const struct config_option keys_options[];

struct keys_entry {
    char program[KEYS_PROGRAM_BYTES];
    enum program
        number; /* PROGRAM_COUNT: one that this version does not know; it may send nothing */
    char key[KEYS_TEXT_BYTES]; /* public */
};

struct keys_list {
    struct keys_entry entries[KEYS_MAX];
    size_t count;
};

struct keys;

/* NULL: a sentence in `fault_r` says why, and what to do. */
struct keys *keys_load(const char *folder, const char *program, char fault_r[KEYS_FAULT_BYTES])
    __attribute__((warn_unused_result));
void keys_destroy(struct keys **self);

/* Reads the trusted keys again. -1 with a sentence: those from before stay. */
int keys_reload(struct keys *self, char fault_r[KEYS_FAULT_BYTES])
    __attribute__((warn_unused_result));
/* The file that keys_reload reads. */
const char *keys_trusted_path(const struct keys *self);
/* The first entry of the key; NULL when it is not listed. Valid until keys_reload. */
const struct keys_entry *keys_find(const struct keys *self, const char *key);
/* The programs that have this key (enum program_bit): it stands once for each of them. */
unsigned keys_programs_of(const struct keys *self, const char *key);
/* How many keys the program has; NULL: all programs. */
size_t keys_count(const struct keys *self, const char *program);

/* `socket` is one of ZeroMQ. 0, or -1 with errno. Its ZMQ_MAXMSGSIZE is that of messages as they
 * were sent: what CURVE adds to each is allowed for, here and in keys_call. */
int keys_serve(const struct keys *self, void *socket) __attribute__((warn_unused_result));
/* It will reach only an instance of `program` (NULL: of any) that has the key of number `turn`,
 * modulo their count. -1 with ENOENT: there is no such key. */
int keys_call(const struct keys *self, void *socket, const char *program, size_t turn)
    __attribute__((warn_unused_result));

/* --- files, for keys_make --- */

/* FOLDER/PROGRAM/FILE; false: it is too long. */
bool keys_path(char path_r[KEYS_PATH_BYTES], const char *folder, const char *program,
               const char *file);
/* Both -1 with a sentence. The public key is made from the secret one. */
int keys_read_secret(const char *path, char secret_r[KEYS_TEXT_BYTES],
                     char public_r[KEYS_TEXT_BYTES], char fault_r[KEYS_FAULT_BYTES])
    __attribute__((warn_unused_result));
int keys_read_trusted(const char *path, struct keys_list *list_r, char fault_r[KEYS_FAULT_BYTES])
    __attribute__((warn_unused_result));
/* PROGRAM_COUNT: there is no such program. */
enum program program_by_name(const char *name);

#endif
