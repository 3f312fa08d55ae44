/*
 * The gateway alone: texts on their way to delivery, their nonces, and the results that senders
 * get. gateway_retry_test.c has a delivery that does not answer.
 */
#include <stdlib.h>
#include <string.h>

#include "common/peers.h"
#include "proto/ids.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define CAROL ((uint64_t)1004)
#define NONCE 16

/* A client with extensions, live. */
static struct talker *live_ext(struct stage *stage, uint64_t account, const char *id) {
    return stage_live_as(stage, BY_WEBSOCKET | WITH_EXT, account, id);
}

static void assert_texts(const struct delivery_send *send, const char *const *texts, size_t count) {
    assert_int_equal(send->texts.count, count);
    for (size_t i = 0; i < count; i++)
        assert_slice_text(send->texts.items[i], texts[i]);
}

/* --- order and windows --------------------------------------------------------------------- */

STAGED(texts_to_one_conversation_gather) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    static const char *const texts[] = {"one", "two", "three", "four"};
    struct delivery_send send;
    for (size_t i = 0; i < 4; i++)
        stage_say(alice, "alice", "2002", texts[i], texts[i]);
    struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
    assert_int_equal(send.account, ALICE);
    assert_slice_text(send.account_id, "alice");
    assert_int_equal(send.to_account, 2002);
    assert_int_equal(send.to_group, 0);
    assert_texts(&send, texts, 1);
    stage_quiet(stage);
    stage_answer_send(&asked, 100);
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_texts(&send, texts + 1, 3);
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'one','ok':true,'cid':100,'time_ms':1700000000100}");
    stage_quiet(stage);
    stage_answer_send(&asked, 200);
    for (size_t i = 1; i < 4; i++)
        stage_hears(stage, alice, "{'msgType':300,'ref':'%s','ok':true,'cid':%zu,'time_ms':#}",
                    texts[i], 199 + i);
    stage_quiet(stage);
}

STAGED(conversations_do_not_wait_for_each_other) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    static const char *const to[] = {"2002", "2003", "@500", "@2002"};
    struct asked *asked[4];
    struct delivery_send send[4];
    for (size_t i = 0; i < 4; i++)
        stage_say(alice, "alice", to[i], to[i], to[i]);
    for (size_t i = 0; i < 4; i++) {
        asked[i] = stage_expect_send(stage, DELIVERY, &send[i]);
        assert_texts(&send[i], to + i, 1);
    }
    assert_int_equal(send[1].to_account, 2003);
    assert_int_equal(send[2].to_group, 500);
    assert_int_equal(send[3].to_group, 2002);
    for (size_t i = 4; i-- > 0;) {
        stage_answer_send(&asked[i], 100 + i);
        stage_hears(stage, alice, "{'msgType':300,'ref':'%s','ok':true,'cid':%zu,'time_ms':#}",
                    to[i], 100 + i);
    }
}

/*
 * A group and a person may be chosen (their numbers can be) so that their conversations have the
 * same key for choosing an instance: they must not be taken for one all the same.
 */
STAGED(equal_keys_do_not_mix_conversations) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct delivery_send send;
    uint64_t person = 2002, group = 0;
    while (group == 0 || group >= NUMBER_LIMIT)
        group = ALICE + UINT64_C(0x9e3779b97f4a7c15) * ++person;
    assert_int_equal(peers_hash(ALICE, person), peers_hash(group, 0));
    for (int i = 0; i < 2; i++) {
        stage_say(alice, "alice", test_text("%llu", (unsigned long long)person), "private", NULL);
        stage_say(alice, "alice", test_text("@%llu", (unsigned long long)group), "public", NULL);
    }
    for (int i = 0; i < 4; i++) {
        struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
        assert_int_equal(send.texts.count, 1);
        bool private = send.to_account == person;
        assert_int_equal(send.to_group, private ? 0 : group);
        assert_slice_text(send.texts.items[0], private ? "private" : "public");
        stage_answer_send(&asked, 100);
    }
}

STAGED(beyond_the_window_nothing_is_read) {
    for (int websocket = 0; websocket < 2; websocket++) {
        struct talker *alice = stage_enter(stage, websocket ? BY_WEBSOCKET : 0, ALICE, "alice");
        struct delivery_send send;
        for (int i = 0; i < 64; i++)
            stage_say(alice, "alice", "2002", test_text("%d", i), NULL);
        stage_say(alice, "alice", "2003", "the 65th", NULL);
        stage_say(alice, "alice", "2004", "the 66th", NULL);
        talker_say(alice, "{'msgType':7777}");
        struct asked *first = stage_expect_send(stage, DELIVERY, &send);
        assert_int_equal(send.texts.count, 1);
        stage_quiet(stage);
        stage_answer_send(&first, 100); /* makes room for one */
        struct asked *rest = stage_expect_send(stage, DELIVERY, &send);
        assert_int_equal(send.texts.count, 63);
        for (int i = 0; i < 63; i++)
            assert_slice_text(send.texts.items[i], test_text("%d", i + 1));
        struct asked *other = stage_expect_send(stage, DELIVERY, &send);
        assert_int_equal(send.to_account, 2003);
        stage_quiet(stage);
        assert_int_equal(alice->text_count, 0);
        stage_answer_send(&rest, 101);
        struct asked *last = stage_expect_send(stage, DELIVERY, &send);
        assert_int_equal(send.to_account, 2004);
        stage_hears_system(stage, alice, "~");
        stage_answer_send(&other, 200);
        stage_answer_send(&last, 201);
    }
}

/* More than one request may hold leaves in several, one after the other. */
STAGED(long_texts_leave_in_parts) {
    enum { TEXTS = 25, BYTES = 60000 };
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct delivery_send send;
    char *text = malloc(BYTES + 1);
    assert_non_null(text);
    memset(text, 'x', BYTES);
    text[BYTES] = '\0';
    for (int i = 0; i < TEXTS; i++) {
        memcpy(text, test_text("%04d", i), 4);
        stage_say(alice, "alice", "2002", text, NULL);
    }
    int next = 0;
    for (uint64_t cid = 100; next < TEXTS; cid += 100) {
        struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
        assert_true(send.texts.count * BYTES <= (512 << 10));
        for (size_t i = 0; i < send.texts.count; i++, next++)
            assert_memory_equal(send.texts.items[i].data, test_text("%04d", next), 4);
        stage_answer_send(&asked, cid);
    }
    stage_quiet(stage);
    free(text);
}

/* --- nonces -------------------------------------------------------------------------------- */

/* The nonce that a text of this client with this ref (NULL: none) goes out with. */
static void take_nonce(struct stage *stage, struct talker *talker, const char *from,
                       const char *ref, char nonce[NONCE]) {
    struct delivery_send send;
    stage_say(talker, from, "2002", "hello", ref);
    struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
    memcpy(nonce, send.nonces.items[0].data, NONCE);
    stage_answer_send(&asked, 100);
    if (ref != NULL)
        stage_hears(stage, talker, "{'msgType':300,'ref':'%s','ok':true,'cid':100,'time_ms':#}",
                    ref);
}

STAGED(a_ref_gives_the_same_nonce) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    struct talker *again = live_ext(stage, ALICE, "alice");
    struct talker *carol = live_ext(stage, CAROL, "carol");
    char first[NONCE], other[NONCE];
    take_nonce(stage, alice, "alice", "ref-1", first);
    take_nonce(stage, alice, "alice", "ref-1", other);
    assert_memory_equal(first, other, NONCE);
    take_nonce(stage, again, "alice", "ref-1", other);
    assert_memory_equal(first, other, NONCE);
    take_nonce(stage, alice, "alice", "ref-2", other);
    assert_memory_not_equal(first, other, NONCE);
    take_nonce(stage, carol, "carol", "ref-1", other);
    assert_memory_not_equal(first, other, NONCE);
}

STAGED(other_nonces_never_repeat) {
    enum { EACH = 50 };
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct talker *carol = live_ext(stage, CAROL, "carol");
    static char nonces[2 * EACH][NONCE];
    struct delivery_send send;
    size_t count = 0;
    for (int i = 0; i < EACH; i++) {
        stage_say(alice, "alice", "2002", "hello", NULL);
        stage_say(carol, "carol", "2002", "hello", NULL);
    }
    while (count < 2 * EACH) {
        struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
        for (size_t i = 0; i < send.nonces.count; i++)
            memcpy(nonces[count++], send.nonces.items[i].data, NONCE);
        stage_answer_send(&asked, 100);
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(nonces[i], nonces[j], NONCE);
    stage_hears_nothing(stage, alice);
}

/* --- refusals ------------------------------------------------------------------------------ */

STAGED(a_refusal_reaches_the_sender) {
    struct talker *youim = stage_live(stage, ALICE, "alice");
    struct talker *ext = live_ext(stage, ALICE, "alice");
    struct talker *ourchat = stage_enter(stage, 0, CAROL, NULL);
    struct delivery_send send;
    static const enum err errors[] = {ERR_NOT_MEMBER, ERR_BLOCKED,     ERR_NO_ACCOUNT, ERR_NO_GROUP,
                                      ERR_TO_ONESELF, ERR_BAD_REQUEST, ERR_INTERNAL};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        stage_say(youim, "alice", i % 2 == 0 ? "@500" : "2002", "hello", NULL);
        struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
        played_refuse(&asked, errors[i]);
        stage_hears_system(stage, youim, "~");

        stage_say(ext, "alice", "2002", "hello", "r");
        asked = stage_expect_send(stage, DELIVERY, &send);
        played_refuse(&asked, errors[i]);
        stage_hears(stage, ext, "{'msgType':300,'ref':'r','ok':false,'error':'%s','text':'~'}",
                    err_word(errors[i]));

        talker_say(ourchat,
                   "{'code':0,'time':1,'data':{'sender':{'ocid':1004,'%s':2002},'msg':'hello'}}",
                   i % 2 == 0 ? "group_id" : "private_id");
        asked = stage_expect_send(stage, DELIVERY, &send);
        assert_slice_text(send.account_id, ""); /* it is the number's decimal form */
        played_refuse(&asked, errors[i]);
        stage_hears_system_as(stage, ourchat, 1004, "~");
    }
    stage_quiet(stage);
}

/* The reason that one text of several is refused for need not hold for the others. */
STAGED(each_text_of_a_refused_request_is_asked_alone) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    static const char *const texts[] = {"0", "1", "2", "3", "4"};
    struct delivery_send send;
    for (int i = 0; i < 4; i++)
        stage_say(alice, "alice", "@500", texts[i], texts[i]);
    struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
    stage_let_time_pass(stage);
    stage_answer_send(&asked, 100);
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_texts(&send, texts + 1, 3);
    char nonces[3][NONCE];
    for (size_t i = 0; i < 3; i++)
        memcpy(nonces[i], send.nonces.items[i].data, NONCE);
    played_refuse(&asked, ERR_INTERNAL);
    for (size_t i = 1; i < 4; i++) {
        asked = stage_expect_send(stage, DELIVERY, &send);
        assert_texts(&send, texts + i, 1);
        assert_memory_equal(send.nonces.items[0].data, nonces[i - 1], NONCE);
        if (i == 1)
            stage_say(alice, "alice", "@500", texts[4], texts[4]); /* overtakes none of them */
        stage_let_time_pass(stage);
        if (i == 2)
            played_refuse(&asked, ERR_INTERNAL);
        else
            stage_answer_send(&asked, 100 + i);
    }
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_texts(&send, texts + 4, 1);
    stage_answer_send(&asked, 104);
    for (int i = 0; i < 5; i++)
        if (i == 2)
            stage_hears(stage, alice,
                        "{'msgType':300,'ref':'2','ok':false,'error':'internal','text':'~'}");
        else
            stage_hears(stage, alice, "{'msgType':300,'ref':'%d','ok':true,'cid':%d,'time_ms':#}",
                        i, 100 + i);
    stage_quiet(stage);
}

/* A text that an answer leaves out is not reported as stored. */
STAGED(a_text_without_an_answer_is_not_stored) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    struct delivery_send send;
    stage_say(alice, "alice", "@500", "hello", "0");
    struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
    played_answer(&asked, &(struct delivery_send_reply){.conversation = STAGE_GROUP});
    stage_hears(stage, alice, "{'msgType':300,'ref':'0','ok':false,'error':'internal','text':'~'}");
}

/* Between the two requests alice was removed. The first one was stored, its answer was lost. */
STAGED(a_stored_text_is_not_refused_with_the_next) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    static const char *const texts[] = {"stored", "too late"};
    struct delivery_send send;
    stage_say(alice, "alice", "@500", texts[0], "0");
    struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
    stage_say(alice, "alice", "@500", texts[1], "1");
    stage_let_time_pass(stage);
    played_refuse(&asked, ERR_UNAVAILABLE);
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_texts(&send, texts, 2);
    played_refuse(&asked, ERR_NOT_MEMBER);
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_texts(&send, texts, 1);
    played_refuse(&asked, ERR_UNAVAILABLE); /* again, and still alone */
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_texts(&send, texts, 1);
    stage_answer_send(&asked, 100);
    stage_hears(stage, alice, "{'msgType':300,'ref':'0','ok':true,'cid':100,'time_ms':#}");
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_texts(&send, texts + 1, 1);
    played_refuse(&asked, ERR_NOT_MEMBER);
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'1','ok':false,'error':'not_member','text':'~'}");
    stage_quiet(stage);
}

/* The limit of a text is below that of an object. */
STAGED(too_long_a_text_is_refused_before_it_waits) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    struct delivery_send send;
    char *text = malloc(TEXT_MAX_BYTES + 2);
    assert_non_null(text);
    memset(text, 'x', TEXT_MAX_BYTES + 1);
    text[TEXT_MAX_BYTES + 1] = '\0';
    stage_say(alice, "alice", "2002", text, "longer");
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'longer','ok':false,'error':'bad_request',"
                "'text':'msg is longer than 65000 bytes'}");
    stage_quiet(stage);
    text[TEXT_MAX_BYTES] = '\0';
    stage_say(alice, "alice", "2002", text, "fits");
    struct asked *asked = stage_expect_send(stage, DELIVERY, &send);
    assert_int_equal(send.texts.items[0].length, TEXT_MAX_BYTES);
    stage_answer_send(&asked, 100);
    stage_hears(stage, alice, "{'msgType':300,'ref':'fits','ok':true,'cid':100,'time_ms':#}");
    free(text);
}

/* --- string ids ---------------------------------------------------------------------------- */

STAGED(a_string_id_is_looked_up_once) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct talker *carol = stage_live(stage, CAROL, "carol");
    struct auth_resolve resolve;
    struct group_resolve group_resolve;
    struct delivery_send send;
    uint64_t number = 2002;
    stage_say(alice, "alice", "bob", "to bob", NULL);
    stage_say(alice, "alice", "2003", "waits for the one before", NULL);
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_RESOLVE, &resolve);
    assert_int_equal(resolve.ids.count, 1);
    assert_slice_text(resolve.ids.items[0], "bob");
    stage_quiet(stage);
    played_answer(&asked, &(struct auth_resolve_reply){.accounts = {&number, 1}});
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_int_equal(send.to_account, 2002);
    stage_answer_send(&asked, 100);
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_int_equal(send.to_account, 2003);
    stage_answer_send(&asked, 101);

    stage_say(carol, "carol", "bob", "to bob", NULL);
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_int_equal(send.to_account, 2002);
    stage_answer_send(&asked, 102);

    number = 501; /* a group of the same name is another matter */
    stage_say(carol, "carol", "@bob", "to the group", NULL);
    asked = stage_expect(stage, GROUP, &message_GROUP_RESOLVE, &group_resolve);
    assert_slice_text(group_resolve.ids.items[0], "bob");
    played_answer(&asked, &(struct group_resolve_reply){.groups = {&number, 1}});
    asked = stage_expect_send(stage, DELIVERY, &send);
    assert_int_equal(send.to_group, 501);
    stage_answer_send(&asked, 103);
    stage_quiet(stage);
}

STAGED(an_unknown_id_is_refused_and_not_remembered) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    struct auth_resolve resolve;
    struct delivery_send send;
    uint64_t number = 0;
    stage_say(alice, "alice", "bob", "to nobody", "r");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_RESOLVE, &resolve);
    played_answer(&asked, &(struct auth_resolve_reply){.accounts = {&number, 1}});
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'r','ok':false,'error':'no_account','text':'~'}");
    stage_say(alice, "alice", "@bob", "to no group", "r");
    struct group_resolve group_resolve;
    asked = stage_expect(stage, GROUP, &message_GROUP_RESOLVE, &group_resolve);
    played_answer(&asked, &(struct group_resolve_reply){.groups = {&number, 1}});
    stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':false,'error':'no_group','text':'~'}");
    number = 2002;
    stage_say(alice, "alice", "bob", "to bob", "s");
    asked = stage_expect(stage, AUTH, &message_AUTH_RESOLVE, &resolve);
    played_answer(&asked, &(struct auth_resolve_reply){.accounts = {&number, 1}});
    asked = stage_expect_send(stage, DELIVERY, &send);
    stage_answer_send(&asked, 100);
    stage_hears(stage, alice, "{'msgType':300,'ref':'s','ok':true,'cid':100,'time_ms':#}");
    stage_quiet(stage);
}

/* Also when nobody is there to be asked: the connection goes on. */
static int set_up_impatient(void **state) {
    return stage_set_up_with(state, (const char *[]){"--send-timeout-ms=3000", NULL});
}

STAGED_WITH(a_look_up_that_fails_is_answered, set_up_impatient) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    struct auth_resolve resolve;
    stage_say(alice, "alice", "bob", "hello", "r");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_RESOLVE, &resolve);
    played_refuse(&asked, ERR_OVERLOADED);
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'r','ok':false,'error':'overloaded','text':'~'}");
    played_destroy(&stage->played[AUTH]);
    STAGE_UNTIL(stage,
                strstr(service_process_output(stage->gateway), "peers=auth address=") != NULL &&
                    strstr(service_process_output(stage->gateway), "state=down") != NULL);
    for (int i = 0; i < 2; i++) {
        stage_say(alice, "alice", "bob", "hello", "s");
        stage_hears(stage, alice,
                    "{'msgType':300,'ref':'s','ok':false,'error':'unavailable','text':'~'}");
    }
    stage_quiet(stage);
}

int main(void) { return test_run_all(NULL, NULL); }
