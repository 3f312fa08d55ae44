/* Lists of people; see people_lists.h. */
#include "services/gateway/people_lists.h"

#include "services/gateway/client.h"
#include "services/gateway/request.h"

/* One of the list whose presence is shown. */
struct shown {
    uint64_t account;
    size_t item; /* its place in the list */
    bool asked, answered;
};

struct people_page {
    void *list; /* group's reply */
    struct shown *shown;
    size_t count;
    /* For each item. */
    bool *online;
    uint64_t *read; /* NULL: not shown */
};

static void show(struct client *client, enum err err) {
    const struct people_page *page = client->current->page;
    struct dialect_people people = {0};
    if (err == ERR_OK)
        people = (struct dialect_people){page->list, page->online, page->read};
    request_finish(client,
                   &(struct dialect_result){.err = err, .reply = err == ERR_OK ? &people : NULL});
}

/* --- keeping a page ------------------------------------------------------------------------ */

/* The reply lives only as long as it is being handled: the request keeps a copy. */
static void *keep_reply(struct record_arena *arena, const struct record_desc *desc,
                        const void *reply) {
    struct buffer packed = buffer_make(GATEWAY_TEXT_BYTES);
    const char *fault;
    record_pack(desc, reply, &packed);
    struct slice bytes = packed.failed
                             ? slice_make(NULL, 0)
                             : record_arena_copy(arena, slice_make(packed.data, packed.length));
    buffer_free(&packed);
    void *copy = bytes.length == 0 ? NULL : record_arena_alloc(arena, desc->size);
    return copy != NULL && record_unpack(desc, bytes, arena, copy, &fault) == 0 ? copy : NULL;
}

/* NULL without memory. */
static struct people_page *keep_page(struct client *client, const struct record_desc *desc,
                                     const void *reply, size_t count) {
    struct record_arena *arena = &client->current->arena;
    struct people_page *page = record_arena_alloc(arena, sizeof *page);
    if (page == NULL)
        return NULL;
    page->list = keep_reply(arena, desc, reply);
    page->shown = record_arena_alloc(arena, count * sizeof *page->shown);
    page->online = record_arena_alloc(arena, count * sizeof *page->online);
    client->current->page = page;
    return page->list == NULL || page->shown == NULL || page->online == NULL ? NULL : page;
}

static void add_shown(struct people_page *page, uint64_t account, size_t item) {
    page->shown[page->count++] = (struct shown){.account = account, .item = item};
}

/* --- who is online ------------------------------------------------------------------------- */

/* Those that were asked about, in their order, and of them those that are online. */
static void take_online(struct people_page *page, const struct u64_list *online) {
    size_t at = 0;
    for (size_t i = 0; i < page->count; i++) {
        struct shown *shown = &page->shown[i];
        if (!shown->asked || shown->answered)
            continue;
        shown->answered = true;
        if (at < online->count && online->items[at] == shown->account) {
            page->online[shown->item] = true;
            at++;
        }
    }
}

static void ask_online(struct client *client);
static void go_on(struct client *client);

static void online_reply(struct client *client, enum err err, const void *reply) {
    if (err != ERR_OK) {
        show(client, err);
        return;
    }
    take_online(client->current->page, &((const struct session_online_reply *)reply)->accounts);
    ask_online(client);
}

/* The first that is not known yet, and all others that belong to the same instance. */
static void ask_online(struct client *client) {
    struct people_page *page = client->current->page;
    struct peers *sessions = client->gateway->session;
    uint64_t accounts[LIST_MAX];
    struct session_online body = {.accounts = {accounts, 0}};
    struct peer *instance = NULL;
    client->current->ask = ask_online;
    for (size_t i = 0; i < page->count; i++) {
        struct shown *shown = &page->shown[i];
        struct peer *peer = peers_by_key(sessions, shown->account);
        if (body.accounts.count == 0 && !shown->answered)
            instance = peer;
        shown->asked = !shown->answered && peer == instance;
        if (shown->asked)
            accounts[body.accounts.count++] = shown->account;
    }
    if (body.accounts.count == 0)
        go_on(client);
    else
        request_ask_peer(client, sessions, instance, &message_SESSION_ONLINE, &body, online_reply);
}

/* --- how far they have read ---------------------------------------------------------------- */

static void cursors_reply(struct client *client, enum err err, const void *reply_v) {
    const struct delivery_cursors_reply *reply = reply_v;
    struct people_page *page = client->current->page;
    for (size_t i = 0; err == ERR_OK && i < page->count && i < reply->seen.count; i++)
        page->read[page->shown[i].item] = reply->seen.items[i];
    show(client, err);
}

static void ask_cursors(struct client *client) {
    const struct people_page *page = client->current->page;
    uint64_t accounts[SMALL_GROUP_MAX];
    struct delivery_cursors body = {.group = client->current->request.group.number,
                                    .accounts = {accounts, 0}};
    /* A group that grew meanwhile shows the first ones. */
    for (size_t i = 0; i < page->count && i < SMALL_GROUP_MAX; i++)
        accounts[body.accounts.count++] = page->shown[i].account;
    request_ask(client, client->gateway->delivery, &message_DELIVERY_CURSORS, &body, cursors_reply);
}

/* Presence is known. */
static void go_on(struct client *client) {
    if (client->current->page->read == NULL || client->current->page->count == 0) {
        show(client, ERR_OK);
        return;
    }
    client->current->ask = ask_cursors;
    ask_cursors(client);
}

/* --- the lists ----------------------------------------------------------------------------- */

static void friends_reply(struct client *client, enum err err, const void *reply_v) {
    const struct group_friends_reply *reply = reply_v;
    struct people_page *page = NULL;
    if (err == ERR_OK)
        page = keep_page(client, message_GROUP_FRIENDS.reply, reply, reply->items.count);
    if (page == NULL) {
        show(client, err == ERR_OK ? ERR_OVERLOADED : err);
        return;
    }
    const struct acquaintance *items = reply->items.items;
    for (size_t i = 0; i < reply->items.count; i++)
        if (items[i].relation == RELATION_FRIEND)
            add_shown(page, items[i].account, i);
    ask_online(client);
}

void people_list_friends(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct group_friends body = {
        .account = client->account, .after = request->after, .limit = request->limit};
    request_ask(client, client->gateway->group, &message_GROUP_FRIENDS, &body, friends_reply);
}

static void members_reply(struct client *client, enum err err, const void *reply_v) {
    const struct group_members_reply *reply = reply_v;
    struct people_page *page = NULL;
    if (err == ERR_OK)
        page = keep_page(client, message_GROUP_MEMBERS.reply, reply, reply->items.count);
    if (page != NULL && reply->small) {
        page->read =
            record_arena_alloc(&client->current->arena, reply->items.count * sizeof *page->read);
        page = page->read == NULL ? NULL : page;
    }
    if (page == NULL) {
        show(client, err == ERR_OK ? ERR_OVERLOADED : err);
        return;
    }
    const struct group_member *items = reply->items.items;
    for (size_t i = 0; i < reply->items.count; i++)
        if (items[i].role != 0)
            add_shown(page, items[i].account, i);
    ask_online(client);
}

void people_list_members(struct client *client) {
    const struct dialect_request *request = &client->current->request;
    struct group_members body = {.group = request->group.number,
                                 .account = client->account,
                                 .after = request->after,
                                 .limit = request->limit};
    request_ask(client, client->gateway->group, &message_GROUP_MEMBERS, &body, members_reply);
}
