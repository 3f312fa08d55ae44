/*
 * Which connection has a login's token.
 *
 * A client that resumes has often lost its connection without the server's having noticed. The old
 * one, where it is on this gateway, gives way: else it would count as a connection of the account,
 * and get what nobody reads, until it is missed. One on another gateway ends as any that is lost.
 */
#include <string.h>

#include "services/gateway/gateway.h"

void tokens_take(struct client *client) {
    HASH_ADD_KEYPTR(by_token, client->gateway->tokens, client->token, strlen(client->token),
                    client);
    client->has_token = true;
}

void tokens_drop(struct client *client) {
    if (client->has_token)
        HASH_DELETE(by_token, client->gateway->tokens, client);
    client->has_token = false;
}

bool tokens_supersede(struct client *client) {
    struct client *other = NULL;
    HASH_FIND(by_token, client->gateway->tokens, client->token, strlen(client->token), other);
    if (other == NULL || other == client)
        return false;
    /* Before its connection is closed, which waits for what is queued: from here on nothing is read
     * for the account, and nobody counts it. */
    tokens_drop(other);
    feed_leave(other);
    bindings_unbind(other);
    client_set_state(other, CLIENT_NEW);
    edge_close(other->edge, 1008, "resumed on another connection");
    return true;
}
