/*
 * The gateway alone: a request that a service does not answer, or refuses for now, is sent again
 * under the same nonce until its time is over; one request after the other.
 */
#include <string.h>

#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define CAROL ((uint64_t)1004)
#define SEND_TIMEOUT_MS 3000
#define SLOW_MS 300 /* for a turn */

/* Room for the body of any request that has a nonce. */
union body {
    struct auth_register registration;
    struct group_set_admin role;
    struct group_rename name;
    struct group_create create;
    char bytes[256];
};

struct nonce {
    char bytes[NONCE_BYTES];
};

static struct talker *live_ext(struct stage *stage, uint64_t account, const char *id) {
    return stage_live_as(stage, WITH_EXT, account, id);
}

/* Waits for the request; the nonce that it has, which is its last field. */
static struct asked *expect(struct stage *stage, enum role role, const struct message_desc *message,
                            struct nonce *nonce_r) {
    union body body;
    struct slice nonce;
    assert_true(message->body->size <= sizeof body);
    struct asked *asked = stage_expect(stage, role, message, &body);
    const struct record_field *field = &message->body->fields[message->body->field_count - 1];
    assert_string_equal(field->name, "nonce");
    memcpy(&nonce, body.bytes + field->offset, sizeof nonce);
    assert_int_equal(nonce.length, NONCE_BYTES);
    memcpy(nonce_r->bytes, nonce.data, NONCE_BYTES);
    return asked;
}

static bool same(const struct nonce *a, const struct nonce *b) {
    return memcmp(a->bytes, b->bytes, NONCE_BYTES) == 0;
}

/* Leaves the group 500. */
static void say_leave(struct talker *talker, const char *id, const char *ref) {
    talker_say(talker,
               "{'msgType':11,'ref':'%s','msgBody':{'token':'%s','fromUserId':'%s',"
               "'groupId':'500'}}",
               ref, talker->token, id);
}

static void hears_done(struct stage *stage, struct talker *talker, const char *ref) {
    stage_hears(stage, talker, "{'msgType':300,'ref':'%s','ok':true}", ref);
}

static void hears_failed(struct stage *stage, struct talker *talker, const char *ref,
                         const char *word) {
    stage_hears(stage, talker, "{'msgType':300,'ref':'%s','ok':false,'error':'%s','text':'~'}", ref,
                word);
}

/* --- transient failures -------------------------------------------------------------------- */

STAGED(a_failure_that_passes_is_tried_again) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    struct nonce first, again;
    say_leave(alice, "alice", "1");
    say_leave(alice, "alice", "2");
    struct asked *asked = expect(stage, GROUP, &message_GROUP_LEAVE, &first);
    for (int i = 0; i < 4; i++) {
        played_refuse(&asked, i % 2 == 0 ? ERR_UNAVAILABLE : ERR_TIMEOUT);
        asked = expect(stage, GROUP, &message_GROUP_LEAVE, &again);
        assert_true(same(&first, &again));
    }
    stage_quiet(stage); /* the second has its turn when the first is done */
    played_answer(&asked, NULL);
    hears_done(stage, alice, "1");
    asked = expect(stage, GROUP, &message_GROUP_LEAVE, &again);
    assert_false(same(&first, &again));
    played_refuse(&asked, ERR_NOT_MEMBER);
    hears_failed(stage, alice, "2", "not_member");
    say_leave(alice, "alice", "3");
    asked = expect(stage, GROUP, &message_GROUP_LEAVE, &again);
    played_refuse(&asked, ERR_OVERLOADED); /* which asking more would not make better */
    hears_failed(stage, alice, "3", "overloaded");
    stage_quiet(stage);
}

static int set_up_two(void **state) { return stage_set_up_two(state, GROUP, GROUP_2); }

STAGED_WITH(another_instance_is_asked_when_one_vanishes, set_up_two) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    struct nonce first, again;
    say_leave(alice, "alice", "1");
    enum role chosen = stage_which_is_asked(stage, GROUP, GROUP_2);
    enum role other = chosen == GROUP ? GROUP_2 : GROUP;
    expect(stage, chosen, &message_GROUP_LEAVE, &first);
    played_destroy(&stage->played[chosen]);
    struct asked *asked = expect(stage, other, &message_GROUP_LEAVE, &again);
    assert_true(same(&first, &again));
    played_answer(&asked, NULL);
    hears_done(stage, alice, "1");
}

/* Within one heartbeat and at the same address: only its instance number tells. */
STAGED(an_instance_that_restarted_is_asked_again) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    struct nonce first, again;
    say_leave(alice, "alice", "1");
    expect(stage, GROUP, &message_GROUP_LEAVE, &first);
    played_set_instance(stage->played[GROUP], 12345);
    struct asked *asked = expect(stage, GROUP, &message_GROUP_LEAVE, &again);
    assert_true(same(&first, &again));
    played_answer(&asked, NULL);
    hears_done(stage, alice, "1");
}

STAGED(requests_wait_for_an_instance) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    struct talker *carol = live_ext(stage, CAROL, "carol");
    struct nonce nonces[2];
    played_destroy(&stage->played[GROUP]);
    say_leave(alice, "alice", "a");
    talker_say(carol,
               "{'msgType':114,'ref':'c','msgBody':{'token':'%s','ownerId':'carol',"
               "'groupId':'club'}}",
               carol->token);
    stage_let_time_pass(stage);
    assert_int_equal(alice->text_count + carol->text_count, 0);
    stage_play(stage, GROUP);
    struct asked *leave = expect(stage, GROUP, &message_GROUP_LEAVE, &nonces[0]);
    struct asked *create = expect(stage, GROUP, &message_GROUP_CREATE, &nonces[1]);
    played_answer(&leave, NULL);
    played_answer(&create, &(struct group_create_reply){
                               .group = 500, .id = slice_text("club"), .name = slice_text("club")});
    hears_done(stage, alice, "a");
    hears_done(stage, carol, "c");
}

/* --- auth, and look-ups -------------------------------------------------------------------- */

STAGED(registrations_and_logins_wait_for_auth) {
    struct talker *alice = stage_talker(stage, true);
    struct nonce first, again;
    struct auth_login login;
    talker_say(alice, "{'msgType':113,'ref':'r','msgBody':{'userId':'alice','ext':1}}");
    struct asked *asked = expect(stage, AUTH, &message_AUTH_REGISTER, &first);
    played_refuse(&asked, ERR_UNAVAILABLE);
    asked = expect(stage, AUTH, &message_AUTH_REGISTER, &again);
    assert_true(same(&first, &again));
    played_answer(&asked,
                  &(struct auth_register_reply){.account = ALICE, .id = slice_text("alice")});
    hears_done(stage, alice, "r");
    talker_say(alice, "{'msgType':1,'msgBody':{'loginUserId':'alice'}}");
    asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
    played_refuse(&asked, ERR_UNAVAILABLE);
    asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
    assert_slice_text(login.login, "alice");
    played_refuse(&asked, ERR_BAD_LOGIN);
    stage_hears(stage, alice, "{'msgType':2,'resultCode':'fail','token':'~'}");
    stage_log_in_ext(stage, alice, ALICE, "alice"); /* nothing of it stays */
    stage_expect_pull(stage, ALICE, NULL, 0);
}

STAGED(look_ups_wait_for_their_service) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    struct group_resolve groups;
    struct auth_resolve accounts;
    struct delivery_send send;
    struct nonce nonce;
    uint64_t number = 500;
    talker_say(alice,
               "{'msgType':17,'ref':'1','msgBody':{'token':'%s','fromAdministratorId':'alice',"
               "'fromGroupId':'club','toUSerId':'bob'}}",
               alice->token);
    struct asked *asked = stage_expect(stage, GROUP, &message_GROUP_RESOLVE, &groups);
    played_refuse(&asked, ERR_UNAVAILABLE);
    asked = stage_expect(stage, GROUP, &message_GROUP_RESOLVE, &groups);
    assert_slice_text(groups.ids.items[0], "club");
    played_destroy(&stage->played[AUTH]);
    played_answer(&asked, &(struct group_resolve_reply){.groups = {&number, 1}});
    stage_let_time_pass(stage);
    stage_play(stage, AUTH);
    asked = stage_expect(stage, AUTH, &message_AUTH_RESOLVE, &accounts);
    assert_slice_text(accounts.ids.items[0], "bob");
    played_refuse(&asked, ERR_TIMEOUT);
    asked = stage_expect(stage, AUTH, &message_AUTH_RESOLVE, &accounts);
    number = 2002;
    played_answer(&asked, &(struct auth_resolve_reply){.accounts = {&number, 1}});
    asked = expect(stage, GROUP, &message_GROUP_REMOVE, &nonce);
    played_answer(&asked, NULL);
    hears_done(stage, alice, "1");

    stage_say(alice, "alice", "dave", "hello", "2");
    asked = stage_expect(stage, AUTH, &message_AUTH_RESOLVE, &accounts);
    played_refuse(&asked, ERR_UNAVAILABLE);
    asked = stage_expect(stage, AUTH, &message_AUTH_RESOLVE, &accounts);
    played_answer(&asked, &(struct auth_resolve_reply){.accounts = {&number, 1}});
    asked = stage_expect_send(stage, DELIVERY, &send);
    stage_answer_send(&asked, 100);
    stage_hears(stage, alice, "{'msgType':300,'ref':'2','ok':true,'cid':100,'time_ms':#}");
}

/* --- the end of its time -------------------------------------------------------------------- */

static int set_up_impatient(void **state) {
    return stage_set_up_with(
        state, (const char *[]){test_text("--send-timeout-ms=%d", SEND_TIMEOUT_MS), NULL});
}

/* A failure is never reported early, nor much later than a busy machine makes it. */
static void assert_within_its_time(int64_t began_ms) {
    assert_in_range(loop_now_ms() - began_ms, SEND_TIMEOUT_MS / 3, TEST_DEADLINE_MS);
}

STAGED_WITH(without_an_instance_requests_are_given_up, set_up_impatient) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    struct talker *carol = live_ext(stage, CAROL, "carol");
    struct nonce nonce;
    played_destroy(&stage->played[GROUP]);
    int64_t began_ms = loop_now_ms();
    say_leave(alice, "alice", "1");
    stage_say(carol, "carol", "@club", "hello", "2");
    /* Unavailable, or unknown where it was sent before the gateway saw that group is gone. */
    hears_failed(stage, alice, "1", "~");
    hears_failed(stage, carol, "2", "unavailable");
    assert_within_its_time(began_ms);
    stage_play(stage, GROUP);
    stage_wait_live(stage, GROUP);
    say_leave(alice, "alice", "3"); /* the next has its own time */
    struct asked *asked = expect(stage, GROUP, &message_GROUP_LEAVE, &nonce);
    played_answer(&asked, NULL);
    hears_done(stage, alice, "3");
}

STAGED_WITH(silence_is_given_up, set_up_impatient) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    struct talker *guest = stage_talker(stage, false);
    struct nonce nonce;
    struct auth_login login;
    int64_t began_ms = loop_now_ms();
    say_leave(alice, "alice", "1");
    talker_say(guest, "{'code':6,'time':1,'data':{'account':'a@b.c','password':'no'}}");
    struct asked *late = expect(stage, GROUP, &message_GROUP_LEAVE, &nonce);
    stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
    hears_failed(stage, alice, "1", "unknown_outcome");
    stage_hears(stage, guest, "{'code':7,'time':#,'data':{'state':2}}");
    assert_within_its_time(began_ms);
    played_answer(&late, NULL); /* far too late */
    stage_quiet(stage);
}

/* Refuses until the client gets its answer; how often. `slowest_ms_r`: the longest that this took
 * once. */
static size_t refuse_for_ever(struct stage *stage, struct talker *alice, int64_t *slowest_ms_r) {
    struct group_leave body;
    size_t count = 0;
    *slowest_ms_r = 0;
    for (int64_t before_ms = loop_now_ms(); alice->text_count == 0;) {
        struct asked *asked = played_take(stage->played[GROUP], &message_GROUP_LEAVE, &body);
        if (asked != NULL) {
            count++;
            played_refuse(&asked, ERR_UNAVAILABLE);
        }
        stage_turn(stage);
        int64_t now_ms = loop_now_ms();
        *slowest_ms_r = now_ms - before_ms > *slowest_ms_r ? now_ms - before_ms : *slowest_ms_r;
        before_ms = now_ms;
    }
    return count;
}

/* An instance that refuses for ever is asked a few times. */
STAGED_WITH(refusals_are_given_up, set_up_impatient) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    int64_t began_ms = loop_now_ms(), slowest_ms;
    say_leave(alice, "alice", "1");
    size_t count = refuse_for_ever(stage, alice, &slowest_ms);
    assert_within_its_time(began_ms);
    assert_in_range(count, 2, 8); /* the pauses grow: 50, 100, 200, 400, 800, 800 */
    /* A test that stood still may have been silent in the end. */
    hears_failed(stage, alice, "1", slowest_ms < SLOW_MS ? "unavailable" : "~");
}

/* --- clients that go ----------------------------------------------------------------------- */

STAGED(requests_of_a_closed_client_go_with_it) {
    struct talker *alice = live_ext(stage, ALICE, "alice");
    struct talker *carol = live_ext(stage, CAROL, "carol");
    struct session_unbind unbind;
    played_destroy(&stage->played[GROUP]);
    say_leave(alice, "alice", "1");
    stage_say(carol, "carol", "@club", "hello", "2");
    stage_let_time_pass(stage);
    uint64_t connections[] = {alice->connection, carol->connection};
    struct gateway_kick kick = {.connections = {connections, 2}};
    played_send(stage->played[SESSION], &message_GATEWAY_KICK, &kick);
    struct talker *talkers[] = {alice, carol};
    for (size_t i = 0; i < 2; i++) {
        stage_hears(stage, talkers[i],
                    "{'msg':'the operator closed this connection',"
                    "'msgType':101,'fromUserId':'SYSTEM'}");
        stage_sees_close(stage, talkers[i], 0);
    }
    size_t gone = 0;
    while (gone < 2) {
        struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_UNBIND, &unbind);
        gone += unbind.accounts.count;
        played_answer(&asked, NULL);
    }
    stage_play(stage, GROUP);
    stage_wait_live(stage, GROUP);
    stage_let_time_pass(stage);
    assert_null(played_waiting(stage->played[GROUP]));
}

/* --- nonces -------------------------------------------------------------------------------- */

static struct nonce nonce_of_leave(struct stage *stage, struct talker *talker, const char *id,
                                   const char *ref) {
    struct nonce nonce;
    say_leave(talker, id, ref);
    struct asked *asked = expect(stage, GROUP, &message_GROUP_LEAVE, &nonce);
    played_refuse(&asked, ERR_NOT_MEMBER);
    if (ref[0] == '\0')
        stage_hears_system(stage, talker, "~");
    else
        hears_failed(stage, talker, ref, "not_member");
    return nonce;
}

STAGED(a_ref_is_the_accounts) {
    struct talker *alice = live_ext(stage, ALICE, "alice"),
                  *again = live_ext(stage, ALICE, "alice");
    struct talker *carol = live_ext(stage, CAROL, "carol");
    struct nonce first = nonce_of_leave(stage, alice, "alice", "r");
    struct nonce other = nonce_of_leave(stage, again, "alice", "r");
    assert_true(same(&first, &other));
    other = nonce_of_leave(stage, carol, "carol", "r");
    assert_false(same(&first, &other));
    other = nonce_of_leave(stage, alice, "alice", "rr");
    assert_false(same(&first, &other));
}

static struct nonce nonce_of_registration(struct stage *stage, const char *ref, const char *id) {
    struct talker *guest = stage_talker(stage, false);
    struct nonce nonce;
    talker_say(guest, "{'msgType':113,'ref':'%s','msgBody':{'userId':'%s','ext':1}}", ref, id);
    struct asked *asked = expect(stage, AUTH, &message_AUTH_REGISTER, &nonce);
    played_refuse(&asked, ERR_TAKEN);
    hears_failed(stage, guest, ref, "taken");
    stage_hang_up(stage, &guest);
    return nonce;
}

STAGED(a_ref_of_a_registration_is_the_ids) {
    struct nonce first = nonce_of_registration(stage, "r", "dora");
    struct nonce other = nonce_of_registration(stage, "r", "dora");
    assert_true(same(&first, &other));
    other = nonce_of_registration(stage, "r", "doris");
    assert_false(same(&first, &other));
    other = nonce_of_registration(stage, "ar", "dor");
    assert_false(same(&first, &other));
    /* An address is no id. */
    struct talker *guest = stage_talker(stage, false);
    talker_say(guest, "{'code':4,'time':1,'ref':'r','data':{'email':'a@b.c','password':'secret',"
                      "'name':'A','ext':1}}");
    struct asked *asked = expect(stage, AUTH, &message_AUTH_REGISTER, &first);
    played_refuse(&asked, ERR_EMAIL_TAKEN);
    other = nonce_of_registration(stage, "r", "a@b.c");
    assert_false(same(&first, &other));
}

int main(void) { return test_run_all(NULL, NULL); }
