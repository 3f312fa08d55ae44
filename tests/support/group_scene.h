/*
 * Every kind of change, each with a request that can be carried out, for tests that go through all:
 *
 *     for (size_t i = 0; i < CHANGES; i++) {
 *         struct scene scene;
 *         set_scene(f, &scene);
 *         struct change change = change_of(&scene, i);
 *         assert_err(test_caller_ask(f->caller, change.message, change.body, NULL), ERR_OK);
 */
#ifndef PARLEY_TESTS_GROUP_SCENE_H
#define PARLEY_TESTS_GROUP_SCENE_H

#include "proto/conversation.h"
#include "tests/support/group_fixture.h"

/* A request of each kind that can be carried out, in a world of its own. */
struct scene {
    uint64_t ada, bob, eve, owner, group;
    struct group_befriend befriend;
    struct group_answer_friend answer_friend;
    struct group_unfriend unfriend;
    struct group_join join;
    struct group_answer_join accept, refuse;
    struct group_add add;
    struct group_leave leave;
    struct group_block block;
    struct group_mute mute;
    struct group_ban ban;
    struct group_remove remove;
    struct group_set_admin set_admin;
    struct group_rename rename;
    struct group_rename_account rename_account;
    struct group_say say, say_all;
    struct group_dissolve dissolve;
};

#define CHANGES 18

struct change {
    const struct message_desc *message;
    const void *body;
    uint64_t locked, notified; /* conversations: one that it locks, that of its first notice */
    size_t routed;             /* entries */
};

/* ada has asked bob, with whom she has a conversation, and the group; eve is a member, and a friend
 * of ada and bob. */
void set_scene(struct group_fixture *f, struct scene *s);

struct change change_of(const struct scene *s, size_t which);

#endif
