/* The SHA-256 of a file; see file_hash.h. */
#include "services/files/file_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#define READ_BYTES 65536

static enum err add_bytes(EVP_MD_CTX *hash, int fd) {
    unsigned char bytes[READ_BYTES];
    for (;;) {
        ssize_t got = read(fd, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_UNAVAILABLE;
        if (got == 0)
            return ERR_OK;
        if (EVP_DigestUpdate(hash, bytes, (size_t)got) != 1)
            return ERR_INTERNAL;
    }
}

enum err file_hash(const char *path, unsigned char sha256_r[FILE_HASH_BYTES]) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    enum err err = fd < 0 ? ERR_UNAVAILABLE : hash == NULL ? ERR_OVERLOADED : ERR_OK;
    if (err == ERR_OK && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
        err = ERR_INTERNAL;
    if (err == ERR_OK)
        err = add_bytes(hash, fd);
    if (err == ERR_OK && EVP_DigestFinal_ex(hash, sha256_r, NULL) != 1)
        err = ERR_INTERNAL;
    EVP_MD_CTX_free(hash);
    if (fd >= 0)
        close(fd);
    return err;
}
