/* Nonces: what makes a request that is sent twice, by the client or by us, one request. */
#include "services/gateway/nonces.h"

#include <sodium.h>
#include <string.h>

#include "services/gateway/client.h"

/* A number of this gateway's that is never used again. */
static void count(struct gateway *gateway, unsigned char nonce_r[NONCE_BYTES]) {
    uint64_t instance = service_instance(gateway->service);
    /* Big-endian, so that nonces of one gateway grow: index pages stay in memory. */
    uint64_t counter = __builtin_bswap64(++gateway->nonce_counter);
    memcpy(nonce_r, &instance, sizeof instance);
    memcpy(nonce_r + sizeof instance, &counter, sizeof counter);
}

/* With the length before it, so that two texts in a row are no other two. */
static void add(crypto_generichash_state *state, struct slice text) {
    uint64_t length = text.length;
    crypto_generichash_update(state, (const unsigned char *)&length, sizeof length);
    if (length > 0)
        crypto_generichash_update(state, (const unsigned char *)text.data, text.length);
}

void client_nonce(const struct client *client, const struct dialect_request *request,
                  unsigned char nonce_r[NONCE_BYTES]) {
    bool registers = request->operation == OPERATION_REGISTER;
    struct slice ref = request->ref;
    /* Before the login a ref is told apart by what it registers. */
    if (ref.length == 0 || (registers && request->account.length + request->email.length == 0)) {
        count(client->gateway, nonce_r);
        return;
    }
    uint64_t account = registers ? 0 : client->account;
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, NONCE_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)&account, sizeof account);
    if (registers) {
        add(&state, request->account);
        add(&state, request->email);
    }
    crypto_generichash_update(&state, (const unsigned char *)ref.data, ref.length);
    crypto_generichash_final(&state, nonce_r, NONCE_BYTES);
}
