/* Requests about files and stickers; see file_requests.h. */
#include "services/gateway/file_requests.h"

#include <sodium.h>

#include "services/gateway/client.h"
#include "services/gateway/request.h"

void file_request_upload(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    unsigned char sha256[crypto_hash_sha256_BYTES];
    size_t length = 0;
    /* The dialect has looked at the digits. */
    if (request->sha256.length > 0 &&
        sodium_hex2bin(sha256, sizeof sha256, request->sha256.data, request->sha256.length, NULL,
                       &length, NULL) != 0)
        length = 0;
    struct files_open body = {.account = client->account,
                              .name = request->name,
                              .size = request->size,
                              .mime = request->mime,
                              .sha256 = slice_make((const char *)sha256, length),
                              .nonce = request_nonce(client)};
    request_ask(client, client->gateway->files, &message_FILES_OPEN, &body, request_show);
}

void file_request_set_sticker(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct files_set_sticker body = {
        .account = client->account, .file = request->file, .on = request->accept};
    request_ask(client, client->gateway->files, &message_FILES_SET_STICKER, &body, request_show);
}

void file_request_stickers(struct client *client) {
    struct files_stickers body = {.account = client->account};
    request_ask(client, client->gateway->files, &message_FILES_STICKERS, &body, request_show);
}
