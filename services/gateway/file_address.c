/* Signed addresses of files; see file_address.h. */
#include "services/gateway/file_address.h"

#include <ctype.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_S UINT64_C(3600)
#define DAY_S (24 * HOUR_S)
#define ID_DIGITS ((size_t)16)
#define SIGNATURE_BYTES ((size_t)16)
#define SIGNATURE_DIGITS (2 * SIGNATURE_BYTES)
/* More digits are no time that was signed here. */
#define UNTIL_DIGITS ((size_t)12)

static const char files_path[] = "/files/", preview_path[] = "/preview/";

struct file_address {
    const char *public_url;
    unsigned char key[FILE_KEY_BYTES];
    bool has_key;
};

struct file_address *file_address_new(const char *public_url) {
    struct file_address *self = calloc(1, sizeof *self);
    if (self != NULL)
        self->public_url = public_url;
    return self;
}

void file_address_destroy(struct file_address **self) {
    if (*self == NULL)
        return;
    sodium_memzero((*self)->key, sizeof(*self)->key);
    free(*self);
    *self = NULL;
}

bool file_public_url_is_good(const char *public_url) {
    size_t length = strlen(public_url);
    const char *rest = strncmp(public_url, "http://", 7) == 0    ? public_url + 7
                       : strncmp(public_url, "https://", 8) == 0 ? public_url + 8
                                                                 : NULL;
    if (length == 0)
        return true;
    if (rest == NULL || rest[0] == '\0' || rest[0] == '/' || length > FILE_PUBLIC_URL_BYTES ||
        public_url[length - 1] == '/')
        return false;
    for (; *rest != '\0'; rest++)
        if (!isalnum((unsigned char)*rest) && strchr("-._~:/[]%", *rest) == NULL)
            return false;
    return true;
}

void file_address_set_key(struct file_address *self, struct slice key) {
    memcpy(self->key, key.data, FILE_KEY_BYTES);
    self->has_key = true;
}

bool file_address_has_key(const struct file_address *self) { return self->has_key; }

/* --- signatures ------------------------------------------------------------------------------ */

static void sign(const struct file_address *self, uint64_t file, bool preview, uint64_t until_s,
                 char digits_r[SIGNATURE_DIGITS + 1]) {
    char text[64];
    unsigned char signature[SIGNATURE_BYTES];
    int length = snprintf(text, sizeof text, "%s %016" PRIx64 " %" PRIu64,
                          preview ? "preview" : "file", file, until_s);
    crypto_generichash(signature, sizeof signature, (const unsigned char *)text,
                       (unsigned long long)length, self->key, sizeof self->key);
    sodium_bin2hex(digits_r, SIGNATURE_DIGITS + 1, signature, sizeof signature);
}

/* --- writing --------------------------------------------------------------------------------- */

/* As it stands in a path, so that no two segments come of it, and none that means another folder.
 */
static size_t write_name(struct slice name, char *out) {
    char *at = out;
    bool dots = true;
    for (size_t i = 0; i < name.length; i++) {
        unsigned char byte = (unsigned char)name.data[i];
        dots = dots && byte == '.';
        if (byte < ' ' || byte == 0x7f || byte == '/' || byte == '\\')
            *at++ = '_';
        else if (byte < 0x80 && (isalnum(byte) || strchr("-._~", byte) != NULL))
            *at++ = (char)byte;
        else
            at += sprintf(at, "%%%02X", (unsigned)byte);
    }
    if (dots)
        at = out + sprintf(out, "file");
    return (size_t)(at - out);
}

bool file_address_write(const struct file_address *self, uint64_t file, bool preview,
                        struct slice name, uint64_t now_ms, char *out, size_t size) {
    char signature[SIGNATURE_DIGITS + 1], last[3 * 255 + 8] = "/";
    if (!self->has_key || 3 * name.length + 8 > sizeof last)
        return false;
    uint64_t until_s = (now_ms / 1000 + FILE_ADDRESS_DAYS * DAY_S + HOUR_S - 1) / HOUR_S * HOUR_S;
    sign(self, file, preview, until_s, signature);
    size_t end = preview ? 0 : 1 + write_name(name, last + 1);
    int length =
        snprintf(out, size, "%s%s%016" PRIx64 "%.*s?until=%" PRIu64 "&key=%s", self->public_url,
                 preview ? preview_path : files_path, file, (int)end, last, until_s, signature);
    return length > 0 && (size_t)length < size;
}

/* --- reading --------------------------------------------------------------------------------- */

static bool take_text(struct slice *rest, const char *text) {
    size_t length = strlen(text);
    if (rest->length < length || memcmp(rest->data, text, length) != 0)
        return false;
    *rest = slice_make(rest->data + length, rest->length - length);
    return true;
}

static bool take_id(struct slice *rest, uint64_t *id_r) {
    *id_r = 0;
    if (rest->length < ID_DIGITS)
        return false;
    for (size_t i = 0; i < ID_DIGITS; i++) {
        char digit = rest->data[i];
        if (!isdigit((unsigned char)digit) && (digit < 'a' || digit > 'f'))
            return false;
        *id_r = *id_r << 4 | (uint64_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    *rest = slice_make(rest->data + ID_DIGITS, rest->length - ID_DIGITS);
    return true;
}

/* "files" takes any name behind it, one that holds a slash as well: a proxy may have decoded it. */
static bool read_path(struct slice path, uint64_t *file_r, bool *preview_r) {
    *preview_r = take_text(&path, preview_path);
    if (!*preview_r && !take_text(&path, files_path))
        return false;
    return take_id(&path, file_r) && (path.length == 0 || (!*preview_r && path.data[0] == '/'));
}

/* The value of the first parameter of that name; empty where there is none. */
static struct slice parameter(struct slice query, const char *name) {
    while (query.length > 0) {
        const char *end = memchr(query.data, '&', query.length);
        size_t length = end == NULL ? query.length : (size_t)(end - query.data);
        struct slice item = slice_make(query.data, length);
        if (take_text(&item, name))
            return item;
        length = end == NULL ? query.length : length + 1;
        query = slice_make(query.data + length, query.length - length);
    }
    return slice_make(NULL, 0);
}

uint64_t file_address_until_s(struct slice query) {
    struct slice digits = parameter(query, "until=");
    uint64_t until_s = 0;
    if (digits.length == 0 || digits.length > UNTIL_DIGITS || digits.data[0] == '0')
        return 0;
    for (size_t i = 0; i < digits.length; i++) {
        if (!isdigit((unsigned char)digits.data[i]))
            return 0;
        until_s = until_s * 10 + (uint64_t)(digits.data[i] - '0');
    }
    return until_s;
}

bool file_address_check(const struct file_address *self, struct slice path, struct slice query,
                        uint64_t now_ms, uint64_t *file_r, bool *preview_r, bool *expired_r) {
    char signature[SIGNATURE_DIGITS + 1];
    struct slice given = parameter(query, "key=");
    uint64_t until_s = file_address_until_s(query);
    *expired_r = until_s * 1000 <= now_ms;
    if (!self->has_key || !read_path(path, file_r, preview_r) || until_s == 0 ||
        given.length != SIGNATURE_DIGITS)
        return false;
    sign(self, *file_r, *preview_r, until_s, signature);
    return sodium_memcmp(signature, given.data, SIGNATURE_DIGITS) == 0;
}
