/* Nonces: what makes a request that is sent twice, by the client or by us, one request. */
#include "services/gateway/nonces.h"

#include <sodium.h>
#include <string.h>

#include "services/gateway/gateway.h"

/* A number that this gateway never uses twice. */
static void count(struct gateway *gateway, unsigned char nonce_r[NONCE_BYTES]) {
    uint64_t instance = service_instance(gateway->service);
    /* Big-endian, so that nonces of one gateway grow: index pages stay in memory. */
    uint64_t counter = __builtin_bswap64(++gateway->nonce_counter);
    memcpy(nonce_r, &instance, sizeof instance);
    memcpy(nonce_r + sizeof instance, &counter, sizeof counter);
}

/* With the length before it, so that "ab", "c" differs from "a", "bc". */
static void add(crypto_generichash_state *state, struct slice text) {
    uint64_t length = text.length;
    crypto_generichash_update(state, (const unsigned char *)&length, sizeof length);
    if (length > 0)
        crypto_generichash_update(state, (const unsigned char *)text.data, text.length);
}

void nonce_make(struct gateway *gateway, uint64_t account, const struct dialect_request *request,
                unsigned char nonce_r[NONCE_BYTES]) {
    bool registers = request->operation == OPERATION_REGISTER;
    struct slice ref = request->ref;
    /* Before the login, the account that is registered distinguishes equal refs. */
    if (ref.length == 0 || (registers && request->account.length + request->email.length == 0)) {
        count(gateway, nonce_r);
        return;
    }
    if (registers)
        account = 0;
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

/* No account has such a number. */
#define OF_KEY ((uint64_t)1 << 63)

void nonce_make_of_key(struct gateway *gateway, uint64_t key, struct slice ref,
                       unsigned char nonce_r[NONCE_BYTES]) {
    if (ref.length == 0) {
        count(gateway, nonce_r);
        return;
    }
    crypto_generichash_state state;
    key |= OF_KEY;
    crypto_generichash_init(&state, NULL, 0, NONCE_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)&key, sizeof key);
    crypto_generichash_update(&state, (const unsigned char *)ref.data, ref.length);
    crypto_generichash_final(&state, nonce_r, NONCE_BYTES);
}
