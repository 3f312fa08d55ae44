/* Who may write to a conversation; see rights.h. */
#include "services/delivery/rights.h"

#include "proto/conversation.h"
#include "services/entries/entries.h"

enum err rights_check_in(const struct entry_head *head, uint64_t account) {
    if (head == NULL)
        return ERR_NO_GROUP; /* pairs are made before they are locked */
    if (conversation_kind(head->id) != CONVERSATION_GROUP)
        return account == head->lo || account == head->hi ? ERR_OK : ERR_NOT_ALLOWED;
    if (head->dissolved)
        return ERR_NO_GROUP;
    return entries_is_member(head, account) ? ERR_OK : ERR_NOT_MEMBER;
}

uint64_t rights_muted_until_ms(const struct entry_head *head, uint64_t account) {
    return entries_standing(head, account).muted_until_ms;
}

enum err rights_check_write(const struct entry_head *head, uint64_t account, uint64_t now_ms,
                            bool friends_only) {
    enum err err = rights_check_in(head, account);
    if (err != ERR_OK)
        return err;
    if (conversation_kind(head->id) == CONVERSATION_GROUP)
        return rights_muted_until_ms(head, account) > now_ms ? ERR_MUTED : ERR_OK;
    unsigned bit = account == head->lo ? 1 : 2;
    if ((head->blocked & bit) != 0)
        return ERR_BLOCKED;
    return friends_only && !head->friends ? ERR_STRANGERS : ERR_OK;
}
