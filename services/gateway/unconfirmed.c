/* Entries that wait to be confirmed; see unconfirmed.h. */
#include "services/gateway/unconfirmed.h"
#include "proto/conversation.h"
#include "services/gateway/client.h"
#include "services/gateway/cursors.h"
#include "services/gateway/pairs.h"

/* Entries that wait to be confirmed are counted in two halves, so that a 301 in their midst makes
 * room again. */
#define HALF (POSITIONS_MAX_UNCONFIRMED / 2)

bool unconfirmed_is_full(const struct position *position) {
    return position->shown[0] + position->shown[1] >= POSITIONS_MAX_UNCONFIRMED;
}

static void count_shown(struct position *position, uint64_t cid) {
    position->unconfirmed = cid;
    if (position->shown[0] < HALF) {
        position->shown[0]++;
        position->half = cid;
    } else {
        position->shown[1]++;
    }
}

void unconfirmed_wrote(struct client *client, const struct entry *entry, bool shown) {
    if (conversation_kind(entry->conversation) == CONVERSATION_PAIR)
        pairs_keep(client->gateway->pairs, entry->from, entry->to, entry->conversation);
    struct position *position = positions_find(client->positions, entry->conversation);
    if (position == NULL)
        return;
    if (shown)
        count_shown(position, entry->cid);
    else if (position->unconfirmed == 0)
        cursors_add(client->gateway->cursors, &(struct written){.account = client->account,
                                                                .conversation = entry->conversation,
                                                                .cid = entry->cid});
}

uint64_t unconfirmed_confirm(struct position *position, uint64_t cid) {
    if (position->unconfirmed == 0)
        return cid;
    if (cid >= position->unconfirmed) {
        position->unconfirmed = 0;
        position->shown[0] = position->shown[1] = 0;
        return position->sent > cid ? position->sent : cid;
    }
    if (cid >= position->half) {
        position->shown[0] = position->shown[1];
        position->shown[1] = 0;
        position->half = position->unconfirmed;
    }
    return cid;
}
