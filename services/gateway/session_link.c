/* Pushes from instances of session, and the gaps among them. */
#include "services/gateway/session_link.h"

#include "common/log.h"
#include "services/gateway/bindings.h"
#include "services/gateway/client.h"
#include "services/gateway/feed.h"
#include "services/gateway/gateway.h"
#include "services/gateway/login.h"

/* Of the numbers that a peer carries for us, bindings.c has the first. */
static uint64_t *seq_of(struct peer *peer) { return &peer_numbers(peer)[1]; }

/* Everyone who is bound under a link goes back to the message log. */
static void catch_up_link(struct gateway *gateway, struct peer *peer, const char *reason) {
    struct client *client, *next;
    log_warn("pushes_missed", "session=%s reason=\"%s\"", peer_address(peer), reason);
    metric_add(gateway->gaps, 1);
    HASH_ITER(hh, gateway->clients, client, next) {
        if (client->bound_link == *link_of(peer) && client_is_in(client))
            feed_catch_up(client);
    }
}

void session_link_pong(void *context, struct peer *peer, const struct service_pong *pong) {
    struct gateway *gateway = context;
    if (*link_of(peer) != pong->link) {
        bindings_set_link(gateway, peer, pong->link);
        *seq_of(peer) = pong->pushed;
    } else if (*seq_of(peer) < pong->pushed) {
        *seq_of(peer) = pong->pushed;
        catch_up_link(gateway, peer, "the last pushes were lost");
    }
}

/* Pushes and replies to pings arrive in order over one link. */
static void take_seq(struct gateway *gateway, struct peer *peer, uint64_t seq) {
    bool gap = *link_of(peer) != 0 && seq != *seq_of(peer) + 1;
    *seq_of(peer) = seq;
    if (gap)
        catch_up_link(gateway, peer, "a push was lost");
}

static void on_push(void *context, struct peer *peer, const void *body) {
    struct gateway *gateway = context;
    const struct gateway_push *push = body;
    take_seq(gateway, peer, push->seq);
    const struct push_item *items = push->items.items;
    for (size_t i = 0; i < push->items.count; i++)
        feed_push(gateway->feed, items[i].entry, &items[i].connections);
}

static void on_dirty(void *context, struct peer *peer, const void *body) {
    struct gateway *gateway = context;
    const struct gateway_dirty *dirty = body;
    *seq_of(peer) = dirty->seq;
    catch_up_link(gateway, peer, "session reports lost pushes");
}

/* Why a connection ends that gives way to another; NULL: it is for another reason. */
static const char *const way_texts[] = {
    [KICK_RESUMED] = "resumed on another connection",
    [KICK_CROWDED] = "another connection of the account has taken its place",
    [KICK_DELETED] = "the account was deleted",
    [KICK_ENDED] = "this login was ended from another device",
};

/* Before the connection is closed, which waits for its queue. */
static void kick_client(struct client *client, struct slice reason) {
    login_stop_serving(client);
    client_kick(client, reason);
}

static void on_kick(void *context, struct peer *peer, const void *body) {
    struct gateway *gateway = context;
    const struct gateway_kick *kick = body;
    bool is_known = kick->cause < sizeof way_texts / sizeof way_texts[0];
    const char *gives_way = is_known ? way_texts[kick->cause] : NULL;
    (void)peer;
    for (size_t i = 0; i < kick->connections.count; i++) {
        struct client *client = client_find_binding(gateway, kick->connections.items[i]);
        if (client == NULL)
            continue;
        if (gives_way != NULL)
            login_give_way(client, gives_way);
        else if (kick->cause == KICK_FULL)
            edge_close(client->edge, 1013, "the server has as many connections as it may have");
        else
            kick_client(client, kick->reason);
    }
}

/* For connections that are not reported here, session uses the times that it knows. */
static void on_heard(void *context, struct peer *peer, const void *body) {
    struct gateway *gateway = context;
    const struct gateway_heard *heard = body;
    for (size_t i = 0; i < heard->connections.count; i++) {
        struct client *client = client_find_binding(gateway, heard->connections.items[i]);
        if (client == NULL)
            continue;
        uint64_t silent_ms = edge_silent_ms(client->edge);
        struct session_heard report = {.accounts = {&client->account, 1},
                                       .connections = {&client->binding, 1},
                                       .silent_ms = {&silent_ms, 1}};
        if (peers_ask(gateway->session, peer,
                      &(struct peers_request){.message = &message_SESSION_HEARD,
                                              .body = &report}) != ERR_OK)
            log_debug("heard_not_sent", "session=%s", peer_address(peer));
    }
}

const struct peers_event session_link_events[SESSION_LINK_EVENTS] = {
    {&message_GATEWAY_PUSH, on_push},
    {&message_GATEWAY_DIRTY, on_dirty},
    {&message_GATEWAY_KICK, on_kick},
    {&message_GATEWAY_HEARD, on_heard},
};
