/* See group_scene.h. */
#include "tests/support/group_scene.h"

void set_scene(struct group_fixture *f, struct scene *s) {
    s->ada = new_account(f->database, "");
    s->bob = new_account(f->database, "");
    s->eve = new_account(f->database, "");
    s->owner = new_account(f->database, "");
    s->group = new_group(f, s->owner, "");
    const uint64_t people[] = {s->ada, s->bob, s->eve, s->owner};
    for (size_t i = 0; i < 4; i++) {
        assert_err(ask_say(f, people[i], 0, "welcome"), ERR_OK);
        next_routed_item(f, f->session);
    }
    assert_err(ask_say(f, 0, 0, "welcome, all"), ERR_OK);
    next_routed_item(f, f->session);
    add_quietly(f, s->group, s->eve);
    make_friends(f, s->ada, s->eve);
    make_friends(f, s->bob, s->eve);
    sql_run(f->database,
            "INSERT INTO request (kind, target, account, created_ms) VALUES (1, %" PRIu64
            ", %" PRIu64 ", 1), (2, %" PRIu64 ", %" PRIu64 ", 1)",
            s->bob, s->ada, s->group, s->ada);
    make_pair(f, s->ada, s->bob);
    s->befriend = (struct group_befriend){.account = s->owner, .target = s->ada};
    s->answer_friend =
        (struct group_answer_friend){.account = s->bob, .asker = s->ada, .accept = true};
    s->unfriend = (struct group_unfriend){.account = s->ada, .target = s->eve};
    s->join = (struct group_join){.group = s->group, .account = s->bob};
    s->accept = (struct group_answer_join){
        .group = s->group, .account = s->owner, .asker = s->ada, .accept = true};
    s->refuse = (struct group_answer_join){
        .group = s->group, .account = s->owner, .asker = s->ada, .accept = false};
    s->add = (struct group_add){.group = s->group, .account = s->bob, .by = 0};
    s->leave = (struct group_leave){.group = s->group, .account = s->eve};
    s->block = (struct group_block){.account = s->bob, .target = s->ada, .on = true};
    s->mute =
        (struct group_mute){.group = s->group, .account = s->eve, .by = s->owner, .until_ms = 1};
    s->ban = (struct group_ban){.group = s->group, .account = s->eve, .by = s->owner, .on = true};
    s->remove = (struct group_remove){.group = s->group, .account = s->eve, .by = s->owner};
    s->set_admin =
        (struct group_set_admin){.group = s->group, .account = s->eve, .by = s->owner, .on = true};
    s->rename =
        (struct group_rename){.group = s->group, .by = s->owner, .name = slice_text("renamed")};
    s->rename_account =
        (struct group_rename_account){.account = s->eve, .name = slice_text("renamed")};
    s->say = (struct group_say){.to_account = s->ada, .text = slice_text("said")};
    s->say_all = (struct group_say){.text = slice_text("said")};
    s->dissolve = (struct group_dissolve){.group = s->group, .by = s->owner};
}

struct change change_of(const struct scene *s, size_t which) {
    const uint64_t group = conversation_of_group(s->group);
    const uint64_t ada = conversation_of_account(s->ada), eve = conversation_of_account(s->eve);
    const uint64_t bob = conversation_of_account(s->bob);
    const uint64_t owner = conversation_of_account(s->owner), all = CONVERSATION_OF_ALL;
    const struct change changes[CHANGES] = {
        {&message_GROUP_BEFRIEND, &s->befriend, ada, ada, 1},
        {&message_GROUP_ANSWER_FRIEND, &s->answer_friend, ada, ada, 1},
        {&message_GROUP_UNFRIEND, &s->unfriend, eve, eve, 1},
        {&message_GROUP_JOIN, &s->join, group, owner, 1},
        {&message_GROUP_ANSWER_JOIN, &s->accept, group, group, 1},
        {&message_GROUP_ANSWER_JOIN, &s->refuse, group, ada, 1},
        {&message_GROUP_ADD, &s->add, group, group, 1},
        {&message_GROUP_LEAVE, &s->leave, group, group, 1},
        {&message_GROUP_BLOCK, &s->block, bob, bob, 1},
        {&message_GROUP_MUTE, &s->mute, group, group, 1},
        {&message_GROUP_BAN, &s->ban, group, group, 2},
        {&message_GROUP_REMOVE, &s->remove, group, group, 1},
        {&message_GROUP_SET_ADMIN, &s->set_admin, group, eve, 1},
        {&message_GROUP_RENAME, &s->rename, group, group, 1},
        {&message_GROUP_RENAME_ACCOUNT, &s->rename_account, eve, eve, 3},
        {&message_GROUP_SAY, &s->say, ada, ada, 1},
        {&message_GROUP_SAY, &s->say_all, all, all, 1},
        {&message_GROUP_DISSOLVE, &s->dissolve, group, group, 1}};
    return changes[which];
}
