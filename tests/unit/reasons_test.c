/* The sentences that tell why a request was refused: by the kind of request, and with the client's
 * ids.
 */
#include <string.h>

#include "proto/ids.h"
#include "services/gateway/reasons.h"
#include "tests/support/test_list.h"

enum about { ABOUT_GROUP = 1, ABOUT_PERSON = 2, ABOUT_BOTH = 3 };

static const struct {
    enum operation operation;
    enum about about;
    enum err err;
    const char *sentence;
} cases[] = {
    {OPERATION_JOIN, ABOUT_GROUP, ERR_NO_GROUP, "group ccc does not exist"},
    {OPERATION_JOIN, ABOUT_GROUP, ERR_ALREADY_MEMBER, "you are a member of group ccc already"},
    {OPERATION_BEFRIEND, ABOUT_PERSON, ERR_NO_ACCOUNT, "user 456 does not exist"},
    {OPERATION_BEFRIEND, ABOUT_PERSON, ERR_ALREADY_FRIENDS, "456 is your friend already"},
    {OPERATION_TYPING, ABOUT_PERSON, ERR_BLOCKED, "456 does not take messages from you"},
    {OPERATION_BEFRIEND, ABOUT_PERSON, ERR_BLOCKED, "456 does not take requests from you"},
    {OPERATION_BEFRIEND, ABOUT_PERSON, ERR_TO_ONESELF,
     "456 is you: that cannot be done with yourself"},
    {OPERATION_UNFRIEND, ABOUT_PERSON, ERR_NOT_FRIENDS, "456 is not your friend"},
    {OPERATION_ANSWER_FRIEND, ABOUT_PERSON, ERR_NO_REQUEST,
     "there is no open request for friendship from 456"},
    {OPERATION_ANSWER_JOIN, ABOUT_BOTH, ERR_NO_REQUEST,
     "there is no open request from 456 to join group ccc"},
    {OPERATION_ANSWER_JOIN, ABOUT_BOTH, ERR_NO_GROUP, "group ccc does not exist"},
    {OPERATION_ANSWER_JOIN, ABOUT_BOTH, ERR_NOT_ALLOWED,
     "only the owner and the administrators of group ccc may do that"},
    {OPERATION_ADMIT, ABOUT_BOTH, ERR_NOT_FRIENDS,
     "456 has not asked to join group ccc and is not your friend"},
    {OPERATION_ADMIT, ABOUT_BOTH, ERR_ALREADY_MEMBER, "456 is a member of group ccc already"},
    {OPERATION_ADMIT, ABOUT_BOTH, ERR_BANNED, "456 is banned from group ccc"},
    {OPERATION_JOIN, ABOUT_GROUP, ERR_BANNED, "you are banned from group ccc"},
    {OPERATION_MUTE, ABOUT_BOTH, ERR_NOT_ALLOWED, "you may not mute 456 in group ccc"},
    {OPERATION_MUTE, ABOUT_BOTH, ERR_NOT_MEMBER, "456 is not a member of group ccc"},
    {OPERATION_BAN, ABOUT_BOTH, ERR_NOT_ALLOWED, "you may not ban 456 from group ccc"},
    {OPERATION_LEAVE, ABOUT_GROUP, ERR_NOT_MEMBER, "you are not a member of group ccc"},
    {OPERATION_LEAVE, ABOUT_GROUP, ERR_OWNER_STAYS,
     "the owner cannot leave group ccc, only dissolve it"},
    {OPERATION_REMOVE_MEMBER, ABOUT_BOTH, ERR_NOT_MEMBER, "456 is not a member of group ccc"},
    {OPERATION_REMOVE_MEMBER, ABOUT_BOTH, ERR_NOT_ALLOWED, "you may not remove 456 from group ccc"},
    {OPERATION_SET_ADMIN, ABOUT_BOTH, ERR_ALREADY_ADMIN,
     "456 is an administrator of group ccc already"},
    {OPERATION_SET_ADMIN, ABOUT_BOTH, ERR_NOT_ADMIN, "456 is not an administrator of group ccc"},
    {OPERATION_SET_ADMIN, ABOUT_BOTH, ERR_NOT_ALLOWED, "only the owner of group ccc may do that"},
    {OPERATION_DISSOLVE, ABOUT_GROUP, ERR_NOT_ALLOWED, "only the owner of group ccc may do that"},
    {OPERATION_RENAME_GROUP, ABOUT_GROUP, ERR_NOT_ALLOWED,
     "only the owner and the administrators of group ccc may do that"},
    {OPERATION_CREATE_GROUP, ABOUT_GROUP, ERR_TAKEN, "the id ccc is taken"},
    {OPERATION_RECALL, ABOUT_GROUP, ERR_NO_MESSAGE,
     "there is no message with that cid in group ccc"},
    {OPERATION_RECALL, ABOUT_PERSON, ERR_NOT_ALLOWED,
     "only its sender, or an administrator of its group, can recall a text"},
    {OPERATION_RECALL, ABOUT_GROUP, ERR_TOO_LATE, "it is too late to recall that text"},
    {OPERATION_RECALL, ABOUT_GROUP, ERR_NOT_MEMBER, "you are not a member of group ccc"},
    {OPERATION_EDIT, ABOUT_PERSON, ERR_NO_MESSAGE,
     "there is no message with that cid in the conversation with 456"},
    {OPERATION_EDIT, ABOUT_GROUP, ERR_NOT_ALLOWED, "only its sender can edit a text"},
    {OPERATION_EDIT, ABOUT_PERSON, ERR_TOO_LATE, "it is too late to edit that text"},
    {OPERATION_EDIT, ABOUT_PERSON, ERR_BLOCKED, "456 does not take messages from you"},
    {OPERATION_REACT, ABOUT_PERSON, ERR_NO_ACCOUNT, "user 456 does not exist"},
    {OPERATION_REACT, 0, ERR_NO_MESSAGE, "messages of user 0, SYSTEM, cannot be changed"},
    {OPERATION_REACT, ABOUT_GROUP, ERR_TOO_MANY,
     "that text has as many kinds of emoji as it may have"},
    {OPERATION_BEFRIEND, ABOUT_PERSON, ERR_UNAVAILABLE, ""},
    {OPERATION_LEAVE, ABOUT_GROUP, ERR_TIMEOUT, ""},
};

static void check(const struct dialect_request *request, enum err err, const char *sentence) {
    char text[DIALECT_FAULT_BYTES];
    struct slice reason = reason_of(request, err, text);
    char *found = slice_copy(reason);
    assert_non_null(found);
    assert_string_equal(found, sentence);
    free(found);
}

TEST(sentences_name_the_ids) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dialect_request request = {.operation = cases[i].operation};
        if (cases[i].about & ABOUT_GROUP) /* its number is known by then, but not the client's */
            request.group = (struct dialect_id){true, 100000001, slice_text("ccc")};
        if (cases[i].about & ABOUT_PERSON)
            request.person = (struct dialect_id){.present = true, .number = 456};
        check(&request, cases[i].err, cases[i].sentence);
    }
}

TEST(sentences_of_messages) {
    struct dialect_request request = {.operation = OPERATION_SEND,
                                      .recipient_kind = RECIPIENT_GROUP,
                                      .recipient = {true, 0, {"ccc", 3}}};
    check(&request, ERR_NO_GROUP, "group ccc does not exist");
    check(&request, ERR_NOT_MEMBER, "you are not a member of group ccc");
    request.recipient_kind = RECIPIENT_USER;
    request.recipient = (struct dialect_id){.present = true, .number = 9007199254740991};
    check(&request, ERR_NO_ACCOUNT, "user 9007199254740991 does not exist");
    check(&request, ERR_BLOCKED, "9007199254740991 does not take messages from you");
    check(&request, ERR_TO_ONESELF, "you cannot send messages to yourself");
}

TEST(sentences_without_an_id) {
    struct dialect_request request = {.operation = OPERATION_REGISTER,
                                      .account = slice_text("4564")};
    check(&request, ERR_TAKEN, "the id 4564 is taken");
    check(&request, ERR_EMAIL_TAKEN, "");
    request.operation = OPERATION_LOGIN;
    check(&request, ERR_NO_ACCOUNT, "");
    check(&request, ERR_BAD_LOGIN, "");
}

/* Ids may hold the mark that stands for an id in a pattern, and be as long as ids get. */
TEST(ids_are_not_looked_into) {
    struct dialect_request request = {.operation = OPERATION_ADMIT,
                                      .group = {true, 0, slice_text("GP%s")},
                                      .person = {true, 0, slice_text("P G")}};
    check(&request, ERR_NOT_MEMBER, "P G is not a member of group GP%s");
    char id[ID_MAX_BYTES];
    memset(id, 'x', sizeof id);
    request.group.text = request.person.text = slice_make(id, sizeof id);
    for (enum err err = ERR_OK; err < ERR_COUNT; err++) {
        char text[DIALECT_FAULT_BYTES];
        struct slice reason = reason_of(&request, err, text);
        assert_true(reason.length < sizeof text - 1);
        assert_true(reason.length == 0 || memmem(reason.data, reason.length, id, sizeof id));
    }
}

int main(void) { return test_run_all(NULL, NULL); }
