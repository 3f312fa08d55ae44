/*
 * Addresses of files, which clients fetch over HTTP: signed, so that whoever was shown one may
 * fetch the file, and nobody can make one up.
 *
 *     struct file_address *address = file_address_new(public_url);
 *     file_address_set_key(address, key);                         files.key was answered
 *     if (file_address_write(address, file, false, name, now_ms, url, sizeof url)) ...
 *     if (file_address_check(address, path, query, now_ms, &file, &preview, &expired)) ...
 *
 *     /files/0123456789abcdef/holiday.jpg?until=1798761600&key=5d41402abc4b2a76b9719d911017c592
 *     /preview/0123456789abcdef?until=1798761600&key=...
 *
 * The signature covers the file, whether the preview is meant, and the time. The name is not in it:
 * it is for people, and for programs that save what they fetch. An address is good for
 * FILE_ADDRESS_DAYS, rounded up to a whole hour, so that all who read an entry within the hour get
 * the same text. Pure.
 */
#ifndef PARLEY_GATEWAY_FILE_ADDRESS_H
#define PARLEY_GATEWAY_FILE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/record.h"

/* limit: client | how long a file's address can be used | {FILE_ADDRESS_DAYS} days, up to a whole
 * hour | 410; history has fresh ones */
#define FILE_ADDRESS_DAYS 7
#define FILE_KEY_BYTES 32
/* limit: gateway | `public_url` | {FILE_PUBLIC_URL_BYTES} bytes | exit status 1 */
#define FILE_PUBLIC_URL_BYTES 200
/* Room for any address, with its 0: each byte of a name may take three. */
#define FILE_ADDRESS_BYTES 1152

struct file_address;

/* `public_url`: what addresses begin with, or empty; borrowed. NULL without memory. */
struct file_address *file_address_new(const char *public_url);
void file_address_destroy(struct file_address **self);

/* Whether this can stand in front of a path: empty, or an origin of HTTP, and a path if need be,
 * without a slash at its end. */
bool file_public_url_is_good(const char *public_url);

/* `key` has FILE_KEY_BYTES; it is the same for all gateways. */
void file_address_set_key(struct file_address *self, struct slice key);
bool file_address_has_key(const struct file_address *self);

/* false: there is no key yet, or no room for it. */
bool file_address_write(const struct file_address *self, uint64_t file, bool preview,
                        struct slice name, uint64_t now_ms, char *out, size_t size);
/* `path` is decoded or not, `query` is what follows the question mark. false: it is no address that
 * was signed here. */
bool file_address_check(const struct file_address *self, struct slice path, struct slice query,
                        uint64_t now_ms, uint64_t *file_r, bool *preview_r, bool *expired_r);
/* Of an address that is good: the Unix time at which it expires. */
uint64_t file_address_until_s(struct slice query);

#endif
