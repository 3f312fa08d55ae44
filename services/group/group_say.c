/* group.say: the operator's messages, to everyone, to one account, to one group. */
#include "proto/ids.h"
#include "services/group/group_change.h"

static enum err check_say(struct group_change *change) {
    const struct group_say *ask = change->plan->ask;
    struct group_notice notice = {.type = ENTRY_SYSTEM, .text = ask->text};
    if (ask->to_account != 0) {
        if (!change->subject.exists)
            return ERR_NO_ACCOUNT;
        notice.selves = (struct u64_list){&change->subject.account, 1};
    }
    group_change_notify(change, &notice);
    return ERR_OK;
}

enum err group_handle_say(void *context, struct db *db, struct record_arena *arena,
                          const void *body, void *reply_r) {
    const struct group_say *ask = body;
    if (ask->text.length == 0 || !text_is_utf8(ask->text) ||
        (ask->to_account != 0 && ask->to_group != 0))
        return ERR_BAD_REQUEST;
    return group_change_run(&(struct group_plan){.service = context,
                                                 .message = &message_GROUP_SAY,
                                                 .nonce = ask->nonce,
                                                 .ask = ask,
                                                 .kind = ask->to_account != 0 ? CHANGE_OF_ACCOUNTS
                                                         : ask->to_group != 0 ? CHANGE_OF_GROUP
                                                                              : CHANGE_OF_ALL,
                                                 .group = ask->to_group,
                                                 .operated = true,
                                                 .subject = ask->to_account,
                                                 .selves = {ask->to_account},
                                                 .check = check_say},
                            db, arena, reply_r);
}
