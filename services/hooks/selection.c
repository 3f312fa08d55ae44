/* What a hook wants to be told of; see selection.h. */
#include "services/hooks/selection.h"

#include "proto/mentions.h"

void selection_read_parties(struct slice packed, struct parties *parties_r) {
    parties_r->count = mentions_count(packed);
    if (parties_r->count > HOOK_PARTIES_MAX)
        parties_r->count = HOOK_PARTIES_MAX;
    for (size_t i = 0; i < parties_r->count; i++)
        parties_r->items[i] = mentions_get(packed, i);
}

struct slice selection_pack_parties(const uint64_t *items, size_t count, char *out) {
    return mentions_pack(items, count, out);
}

static bool has(const struct parties *parties, uint64_t number) {
    for (size_t i = 0; i < parties->count && number != 0; i++)
        if (parties->items[i] == number)
            return true;
    return false;
}

static bool concerns(const struct selection *selection, const struct selection_about *about) {
    if (selection->accounts.count == 0 && selection->groups.count == 0)
        return true;
    for (size_t i = 0; i < SELECTION_ACCOUNTS; i++)
        if (has(&selection->accounts, about->accounts[i]))
            return true;
    return has(&selection->groups, about->group);
}

bool selection_takes(const struct selection *selection, const struct selection_about *about) {
    if ((selection->families & about->family) == 0)
        return false;
    if (about->family == HOOK_FAMILY_MESSAGES && (selection->kinds & about->kind) == 0)
        return false;
    return concerns(selection, about);
}
