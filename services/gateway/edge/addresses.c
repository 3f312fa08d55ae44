/* Sockets and connections by address; see addresses.h. */
#include "services/gateway/edge/addresses.h"

#include <stdlib.h>

#include "common/address_key.h"
#include "common/hash.h"

struct edge_address {
    struct address_key key;
    uint64_t sockets, connections, exchanges;
    UT_hash_handle hh;
};

static struct edge_address *find_or_add(struct edge_addresses *self,
                                        const struct address_key *key) {
    struct edge_address *address = NULL;
    HASH_FIND(hh, self->all, key, sizeof *key, address);
    if (address != NULL)
        return address;
    address = calloc(1, sizeof *address);
    if (address == NULL)
        return NULL;
    address->key = *key;
    if (HASH_TRY_ADD(hh, self->all, key, address))
        return address;
    free(address);
    return NULL;
}

static void forget_if_empty(struct edge_addresses *self, struct edge_address *address) {
    if (address->sockets > 0 || address->connections > 0)
        return;
    HASH_DEL(self->all, address);
    free(address);
}

bool edge_addresses_admit(struct edge_addresses *self, const char *host,
                          struct edge_address **address_r) {
    struct address_key key;
    *address_r = NULL;
    if (self->max == 0 || !address_key_make(slice_text(host), &key))
        return true;
    struct edge_address *address = find_or_add(self, &key);
    if (address == NULL || address->sockets >= self->max + EDGE_ADDRESS_SPARE_SOCKETS)
        return false;
    address->sockets++;
    *address_r = address;
    return true;
}

void edge_addresses_release(struct edge_addresses *self, struct edge_address *address) {
    if (address == NULL)
        return;
    address->sockets--;
    forget_if_empty(self, address);
}

bool edge_address_is_full(const struct edge_addresses *self, const struct edge_address *address) {
    return address != NULL && address->connections >= self->max;
}

void edge_address_connect(struct edge_address *address) {
    if (address != NULL)
        address->connections++;
}

void edge_address_disconnect(struct edge_addresses *self, struct edge_address *address) {
    if (address == NULL)
        return;
    address->connections--;
    forget_if_empty(self, address);
}

uint64_t edge_address_exchanges(const struct edge_address *address) {
    return address == NULL ? 0 : address->exchanges;
}

void edge_address_begin_exchange(struct edge_address *address) {
    if (address != NULL)
        address->exchanges++;
}

void edge_address_end_exchange(struct edge_address *address) {
    if (address != NULL)
        address->exchanges--;
}
