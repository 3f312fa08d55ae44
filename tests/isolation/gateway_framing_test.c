/*
 * The gateway alone: the YouIM dialect over its own binary framing.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/conversation.h"
#include "tests/support/gateway_fixture.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define HEAD 5

/* A client whose bytes the test reads itself: the talker would look for lines. */
static struct talker *framed_talker(struct stage *stage) {
    struct talker *talker = talker_new(stage->youim_port, false, 0);
    talker->deaf = true;
    stage->talkers[stage->talker_count++] = talker;
    return talker;
}

/* ' stands for ". */
static void say(struct talker *talker, unsigned char type, const char *body) {
    char bytes[1024];
    uint32_t length = htobe32((uint32_t)strlen(body));
    assert_true(strlen(body) < sizeof bytes - HEAD);
    bytes[0] = (char)type;
    memcpy(bytes + 1, &length, sizeof length);
    for (size_t i = 0; body[i] != '\0'; i++)
        bytes[HEAD + i] = body[i] == '\'' ? '"' : body[i];
    talker_say_raw(talker, bytes, HEAD + strlen(body));
}

static bool has(struct talker *talker, size_t length) {
    char bytes[4096];
    ssize_t got;
    while ((got = recv(talker->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        assert_int_equal(buffer_add(&talker->in, bytes, (size_t)got), 0);
    if (got == 0)
        talker->ended = true;
    return talker->in.length >= length || talker->ended;
}

static void hears(struct stage *stage, struct talker *talker, unsigned type, const char *body) {
    uint32_t length;
    STAGE_UNTIL(stage, has(talker, HEAD));
    assert_true(talker->in.length >= HEAD);
    memcpy(&length, talker->in.data + 1, sizeof length);
    size_t whole = HEAD + be32toh(length);
    STAGE_UNTIL(stage, has(talker, whole));
    assert_true(talker->in.length >= whole);
    const char *found = test_text("%.*s", (int)be32toh(length), talker->in.data + HEAD);
    if (!talker_matches(body, found) || (unsigned char)talker->in.data[0] != type)
        fail_msg("this came: %u %s\ninstead of: %u %s", (unsigned char)talker->in.data[0], found,
                 type, body);
    buffer_drop(&talker->in, whole);
}

static void log_in(struct stage *stage, struct talker *talker) {
    struct auth_login login;
    struct session_bind bind;
    say(talker, 1, "{'loginUserId':'alice'}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
    assert_slice_text(login.login, "alice");
    assert_true(login.open);
    played_answer(&asked, &(struct auth_login_reply){.account = ALICE,
                                                     .id = slice_text("alice"),
                                                     .token = slice_text("t")});
    asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
    talker->connection = bind.connections.items[0];
    played_answer(&asked, NULL);
    hears(stage, talker, 2, "{'resultCode':'success','token':'t'}");
}

STAGED(a_conversation_in_frames) {
    struct talker *alice = framed_talker(stage);
    log_in(stage, alice);
    struct entry page[] = {stage_text(11, 10, ALICE, "one"), stage_group_text(21, 20, "two")};
    stage_expect_pull(stage, ALICE, page, 2);
    hears(stage, alice, 6, "{'msg':'one','fromUserId':'bob'}");
    hears(stage, alice, 8, "{'msg':'two','fromUserId':'bob','toGroup':'500'}");
    stage_expect_pull(stage, ALICE, NULL, 0);
    /* The kernel's word that it has arrived counts as on TCP. */
    for (int i = 0; i < 2; i++) {
        STAGE_UNTIL(stage, stage->move_count > 0);
        bool pair = stage->moves[0].conversation == STAGE_PAIR;
        stage_expect_move(stage, ALICE, pair ? STAGE_PAIR : conversation_of_group(STAGE_GROUP),
                          pair ? 11 : 21);
    }
    say(alice, 99, "");
    say(alice, 5, "{'token':'t','toUserId':'2002','msg':'three','fromUserId':'alice'}");
    struct delivery_send send;
    struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
    assert_slice_text(send.texts.items[0], "three");
    assert_int_equal(send.to_account, 2002);
    stage_answer_send(&asked, 12);
    say(alice, 9, "{'token':'t','logoutUserId':'alice'}");
    struct auth_logout logout;
    asked = stage_expect(stage, AUTH, &message_AUTH_LOGOUT, &logout);
    played_answer(&asked, NULL);
    hears(stage, alice, 10, "{}");
}

/* The dialect is known before the first object, so even that is answered in it. */
STAGED(faults_are_framed) {
    struct talker *talker = framed_talker(stage);
    say(talker, 1, "[]");
    hears(stage, talker, 101, "{'msg':'the input is not a JSON object','fromUserId':'SYSTEM'}");
    say(talker, 77, "{}");
    hears(stage, talker, 101, "{'msg':'msgType 77 is not known','fromUserId':'SYSTEM'}");
    say(talker, 113, "");
    hears(stage, talker, 101, "{'msg':'msgBody is missing','fromUserId':'SYSTEM'}");
    say(talker, 7, "{'code':6}");
    hears(stage, talker, 101, "{'msg':'token is missing','fromUserId':'SYSTEM'}");
    talker_say_raw(talker, "\x05\x01\x00\x00\x00", HEAD);
    hears(stage, talker, 101,
          "{'msg':'the body is longer than 65504 bytes','fromUserId':'SYSTEM'}");
    STAGE_UNTIL(stage, has(talker, 1));
    assert_true(talker->ended);
    stage_quiet(stage);
}

/* Its numbers have no room in a head. */
STAGED(ext_is_refused) {
    struct talker *alice = framed_talker(stage);
    say(alice, 1, "{'loginUserId':'alice','ext':1}");
    hears(stage, alice, 2,
          "{'resultCode':'fail','token':'ext is not possible over the binary framing'}");
    say(alice, 113, "{'userId':'alice','ext':1}");
    hears(stage, alice, 101,
          "{'msg':'ext is not possible over the binary framing','fromUserId':'SYSTEM'}");
    say(alice, 1, "{'loginUserId':true,'ext':1}");
    hears(stage, alice, 2,
          "{'resultCode':'fail','token':'loginUserId must be a string or a whole number from 1 "
          "to 9007199254740991'}");
    log_in(stage, alice);
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_quiet(stage);
}

int main(void) { return test_run_all(NULL, NULL); }
