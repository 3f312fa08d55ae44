/*
 * Fuzz target of lists of peers: one is refused, or gives addresses that each are read again as the
 * same. Names are never looked up: the target's own getaddrinfo finds none.
 */
#include <dlfcn.h>
#include <ev.h>
#include <netdb.h>
#include <stdbool.h>

#include "common/peers_addresses.h"
#include "tests/fuzz/fuzz.h"

typedef int find_addresses(const char *node, const char *service, const struct addrinfo *hints,
                           struct addrinfo **found_r);

/* Its arguments are called as in netdb.h. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *req,
                struct addrinfo **pai) {
    static find_addresses *numeric;
    if (req == NULL || (req->ai_flags & AI_NUMERICHOST) == 0)
        return EAI_NONAME;
    if (numeric == NULL)
        numeric = (find_addresses *)dlsym(RTLD_NEXT, "getaddrinfo");
    require(numeric != NULL);
    return numeric(name, service, req, pai);
}

static void keep(void *argument, const struct peers_address_list *list) {
    *(struct peers_address_list *)argument = *list;
}

static bool read_list(struct ev_loop *ev, const char *text, struct peers_address_list *list_r) {
    static struct peers_list parts;
    char reason[PEERS_REASON_BYTES];
    if (!peers_list_read(text, &parts, reason)) {
        require(memchr(reason, '\0', sizeof reason) != NULL);
        return false;
    }
    struct peers_addresses *addresses = peers_addresses_new(ev, &parts, keep, list_r);
    require(addresses != NULL);
    peers_addresses_destroy(&addresses);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct peers_address_list list, again;
    struct ev_loop *ev = ev_default_loop(EVFLAG_AUTO);
    char *text = strndup((const char *)data, size);
    require(text != NULL);
    if (read_list(ev, text, &list)) {
        require(list.count <= PEERS_MAX && strpbrk(text, " \t") == NULL);
        for (size_t i = 0; i < list.count; i++) {
            require(memchr(list.addresses[i], '\0', PEERS_ADDRESS_BYTES) != NULL);
            require(read_list(ev, list.addresses[i], &again) && again.count == 1);
            require(strcmp(list.addresses[i], again.addresses[0]) == 0);
        }
    }
    free(text);
    return 0;
}
