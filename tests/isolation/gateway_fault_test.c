/*
 * The gateway alone: input that makes no sense, clients that take too long or go at any moment,
 * services that answer nonsense or are not there, and the end.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)
#define CAROL ((uint64_t)1004)
#define PING_MS 3000

/* The gateway is well: somebody can log in. */
static void assert_well(struct stage *stage) {
    struct talker *talker = stage_live(stage, CAROL, "carol");
    stage_hang_up(stage, &talker);
}

/* --- input that makes no sense ------------------------------------------------------------- */

STAGED(ten_faults_in_a_row_are_enough) {
    for (int websocket = 0; websocket < 2; websocket++) {
        struct talker *talker = stage_talker(stage, websocket);
        for (int i = 0; i < 9; i++) {
            talker_say(talker, i % 2 == 0 ? "{'msgType' 1}" : "{'neither':1}");
            stage_hears(stage, talker, "{'error':'~'}");
        }
        talker_say(talker, "{'msgType':99}"); /* begins a new row, and fixes the dialect */
        for (int i = 0; i < 10; i++) {
            talker_say(talker, "{'msgType':}");
            stage_hears_system(stage, talker, "~");
        }
        stage_sees_close(stage, talker, websocket ? 1008 : 0);
    }
    assert_well(stage);
}

/* Requests that are JSON but wrong may be sent as often as one likes. */
STAGED(wrong_requests_do_not_close) {
    struct talker *talker = stage_enter(stage, BY_WEBSOCKET, ALICE, NULL);
    static const char *const requests[] = {
        "{'code':0}",
        "{'code':0,'data':7}",
        "{'code':-1}",
        "{'code':1e300}",
        "{'code':null}",
        "{'code':0,'time':1,'data':{'sender':{'ocid':1001},'msg':'x'}}",
        "{'code':0,'time':1,'data':{'sender':{'ocid':1001,'private_id':7},'msg':''}}",
        "{'code':6,'time':1,'data':{'account':{},'password':'x'}}"};
    for (int i = 0; i < 40; i++) {
        talker_say(talker, "%s", requests[i % 8]);
        stage_hears(stage, talker,
                    i % 8 == 7 ? "{'code':7,'time':#,'data':{'state':1}}"
                               : "{'code':0,'time':#,'data':{'cid':0,'sender':{'ocid':0,"
                                 "'private_id':1001},'msg':'~'}}");
    }
    stage_wait_talker_live(stage, talker);
    stage_quiet(stage);
}

/* Texts that may not be stored, which a client with an outbox sends again until each has its 300.
 */
STAGED(flawed_objects_are_answered_under_their_ref) {
    static const char *const flaws[] = {"'msg':'\\ud83d'", "'msg':'a\\u0000b'",
                                        "'msg':'one','msg':'two'"};
    for (int i = 0; i < 4; i++) {
        bool websocket = i % 2 != 0, youim = i / 2 != 0;
        struct talker *talker = stage_enter(stage, (websocket ? BY_WEBSOCKET : 0) | WITH_EXT, ALICE,
                                            youim ? "alice" : NULL);
        for (int j = 0; j < 12; j++) {
            if (youim)
                talker_say(talker, "{'msgType':5,'ref':'r%d','msgBody':{'toUserId':'7',%s}}", j,
                           flaws[j % 3]);
            else
                talker_say(talker, "{'code':0,'data':{'sender':{'private_id':7},%s},'ref':'r%d'}",
                           flaws[j % 3], j);
            stage_hears(stage, talker,
                        youim ? "{'msgType':300,'ref':'r%d','ok':false,'error':'bad_request',"
                                "'text':'~'}"
                              : "{'code':300,'time':#,'data':{'ref':'r%d','ok':false,"
                                "'error':'bad_request','text':'~'}}",
                        j);
        }
        for (int j = 0; j < 10; j++) { /* a `ref` that cannot be read is none */
            talker_say(talker, youim ? "{'msgType':99,'ref':'\\ud83d'}"
                                     : "{'code':199,'ref':'r','ref':'r'}");
            stage_hears(stage, talker,
                        youim ? "{'msg':'ref holds half of a surrogate pair','msgType':101,"
                                "'fromUserId':'SYSTEM'}"
                              : "{'code':0,'time':#,'data':{'cid':0,'sender':{'ocid':0,"
                                "'private_id':1001},'msg':'ref appears twice in one object'}}");
        }
        stage_sees_close(stage, talker, websocket ? 1008 : 0);
        stage_expect_unbind(stage, SESSION, ALICE, talker->connection);
    }
    assert_well(stage);
}

STAGED(an_overlong_object_or_no_text_closes_at_once) {
    char *text = malloc(70000);
    assert_non_null(text);
    memset(text, 'x', 70000);
    memcpy(text, "{\"msgType\":\"", 12);
    for (int websocket = 0; websocket < 2; websocket++) {
        struct talker *talker = stage_talker(stage, websocket);
        if (websocket)
            talker_send_frame(talker, 1, text, 70000);
        else
            talker_say_raw(talker, text, 70000);
        stage_hears(stage, talker, "{'error':'~'}");
        stage_sees_close(stage, talker, websocket ? 1009 : 0);
    }
    free(text);
    struct talker *talker = stage_talker(stage, true);
    talker_send_frame(talker, 1, "{\"msgType\":\"\xff\"}", 15);
    stage_hears(stage, talker, "{'error':'~'}");
    stage_sees_close(stage, talker, 1007);
    assert_well(stage);
}

/* --- clients that take too long ------------------------------------------------------------ */

static int set_up_login_timeout(void **state) {
    return stage_set_up_with(state, (const char *[]){"--login-timeout-ms=6000", NULL});
}

STAGED_WITH(whoever_does_not_log_in_is_closed, set_up_login_timeout) {
    struct talker *silent = stage_talker(stage, true), *failing = stage_talker(stage, false);
    struct auth_login login;
    talker_say(failing, "{'msgType':1,'msgBody':{'loginUserId':'carol'}}");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
    struct talker *alice = stage_live(stage, ALICE, "alice");
    stage_sees_close(stage, silent, 1008);
    assert_false(failing->ended); /* it is not its fault that auth is slow */
    played_refuse(&asked, ERR_BAD_LOGIN);
    stage_hears(stage, failing, "{'msgType':2,'resultCode':'fail','token':'~'}");
    talker_say(failing, "{'msgType':99}");
    stage_sees_close(stage, failing, 0);

    talker_say(alice, "{'msgType':9,'msgBody':{'logoutUserId':'alice','token':'%s'}}",
               alice->token);
    struct auth_logout logout;
    asked = stage_expect(stage, AUTH, &message_AUTH_LOGOUT, &logout);
    played_answer(&asked, NULL);
    stage_hears(stage, alice, "{'msgType':10}");
    stage_sees_close(stage, alice, 0); /* the time begins anew */
}

static int set_up_pings(void **state) {
    return stage_set_up_with(state,
                             (const char *[]){test_text("--ping-interval-ms=%d", PING_MS), NULL});
}

STAGED_WITH(whoever_answers_no_ping_is_closed, set_up_pings) {
    struct talker *alice = stage_talker(stage, true), *carol = stage_talker(stage, true);
    struct talker *silent = stage_live(stage, CAROL, "carol");
    stage_log_in(stage, alice, ALICE, "alice");
    stage_expect_pull(stage, ALICE, NULL, 0);
    stage_log_in(stage, carol, CAROL, "carol");
    stage_expect_pull(stage, CAROL, NULL, 0);
    stage_wait_talker_live(stage, alice);
    alice->pongless = true;
    STAGE_UNTIL(stage, alice->ended);
    assert_int_equal(alice->close_status, 1001);
    stage_expect_unbind(stage, SESSION, ALICE, alice->connection);
    unsigned pings = carol->pings;
    STAGE_UNTIL(stage, carol->pings > pings);
    stage_hears_nothing(stage, carol); /* nor was anything sent over TCP */
    stage_hears_nothing(stage, silent);
}

/* --- clients that go ----------------------------------------------------------------------- */

/* Each of these leaves a request unanswered; the client goes, then it is answered. */
struct parting {
    const char *says; /* after a log-in when it needs one */
    bool logs_in;
    enum role asked;
    const struct message_desc *message;
};

STAGED(a_client_may_go_at_any_moment) {
    static union {
        struct auth_register registration;
        struct auth_login login;
        struct auth_logout logout;
        struct auth_resolve resolve;
        struct group_resolve group_resolve;
        struct group_create create;
        struct delivery_send send;
    } body;
    static const struct parting partings[] = {
        {"{'msgType':113,'msgBody':{'userId':'alice'}}", false, AUTH, &message_AUTH_REGISTER},
        {"{'msgType':1,'msgBody':{'loginUserId':'alice'}}", false, AUTH, &message_AUTH_LOGIN},
        {"{'msgType':9,'msgBody':{'logoutUserId':'alice','token':'token-1001'}}", true, AUTH,
         &message_AUTH_LOGOUT},
        {"{'msgType':5,'msgBody':{'fromUserId':'alice','token':'token-1001','toUserId':'bob',"
         "'msg':'hi'}}",
         true, AUTH, &message_AUTH_RESOLVE},
        {"{'msgType':7,'msgBody':{'fromUserId':'alice','token':'token-1001','toGroup':'us',"
         "'msg':'hi'}}",
         true, GROUP, &message_GROUP_RESOLVE},
        {"{'msgType':114,'msgBody':{'ownerId':'alice','token':'token-1001','groupId':'us'}}", true,
         GROUP, &message_GROUP_CREATE},
        {"{'msgType':5,'msgBody':{'fromUserId':'alice','token':'token-1001','toUserId':'7',"
         "'msg':'hi'}}",
         true, DELIVERY, &message_DELIVERY_SEND},
    };
    for (size_t i = 0; i < 2 * (sizeof partings / sizeof partings[0]); i++) {
        const struct parting *parting = &partings[i / 2];
        struct talker *alice = stage_talker(stage, i % 3 == 0);
        struct delivery_pull pull;
        struct asked *page = NULL;
        if (parting->logs_in) {
            stage_log_in(stage, alice, ALICE, "alice");
            page = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &pull);
        }
        talker_say(alice, "%s", parting->says);
        struct asked *asked = stage_expect(stage, parting->asked, parting->message, &body);
        stage_hang_up(stage, &alice);
        stage_let_time_pass(stage);
        if (i % 2 == 0)
            played_answer(&asked, NULL);
        else
            played_refuse(&asked, ERR_OVERLOADED);
        if (page != NULL)
            stage_answer_pull(&page, NULL, 0);
    }
    assert_well(stage);
}

/* Session knows the connection by then, or may, so its end is reported. */
STAGED(a_client_that_goes_while_it_is_bound_is_unbound) {
    struct session_bind bind;
    for (int i = 0; i < 2; i++) {
        struct talker *alice = stage_talker(stage, true);
        stage_begin_login(stage, alice, ALICE, "alice", "t");
        struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
        uint64_t connection = bind.connections.items[0];
        stage_hang_up(stage, &alice);
        stage_let_time_pass(stage);
        if (i == 0)
            played_answer(&asked, NULL);
        else
            played_refuse(&asked, ERR_TIMEOUT);
        stage_expect_unbind(stage, SESSION, ALICE, connection);
    }
    while (played_count(stage->played[DELIVERY], &message_DELIVERY_PULL) > 0)
        stage_expect_pull(stage, ALICE, NULL, 0); /* it was live for a moment */
    stage_quiet(stage);
    assert_well(stage);
}

/* --- services that answer nonsense --------------------------------------------------------- */

STAGED(an_answer_that_does_not_fit_is_an_error) {
    struct talker *alice = stage_talker(stage, true);
    struct auth_login login;
    struct delivery_send send;
    struct auth_resolve resolve;
    static char longest[600];
    memset(longest, 'x', sizeof longest - 1);
    const struct auth_login_reply replies[] = {
        {.account = ALICE, .id = slice_text(longest), .token = slice_text("t")},
        {.account = ALICE, .id = slice_text("alice"), .token = slice_text(longest)}};
    for (int i = 0; i < 3; i++) {
        talker_say(alice, "{'msgType':1,'msgBody':{'loginUserId':'alice'}}");
        struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
        played_answer(&asked, i == 2 ? NULL : &replies[i]);
        stage_hears(stage, alice, "{'msgType':2,'resultCode':'fail','token':'~'}");
    }
    stage_log_in_ext(stage, alice, ALICE, "alice");
    struct delivery_pull pull;
    struct asked *asked = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &pull);
    played_answer(&asked, NULL);
    stage_say(alice, "alice", "2002", "hello", "r");
    asked = stage_expect_send(stage, DELIVERY, &send);
    played_answer(&asked, NULL);
    stage_hears(stage, alice, "{'msgType':300,'ref':'r','ok':false,'error':'internal','text':'~'}");
    stage_say(alice, "alice", "bob", "hello", "r");
    asked = stage_expect(stage, AUTH, &message_AUTH_RESOLVE, &resolve);
    played_answer(&asked, &(struct auth_resolve_reply){.accounts = {(uint64_t[]){1, 2}, 2}});
    stage_hears(stage, alice,
                "{'msgType':300,'ref':'r','ok':false,'error':'no_account','text':'~'}");
    assert_well(stage);
}

STAGED(a_kick_closes_with_the_reason) {
    struct talker *alice = stage_live(stage, ALICE, "alice");
    struct talker *other = stage_enter(stage, BY_WEBSOCKET, ALICE, NULL);
    uint64_t connections[] = {alice->connection, 999999, other->connection};
    struct gateway_kick kick = {.connections = {connections, 3}, .reason = slice_text("go away")};
    played_send(stage->played[SESSION], &message_GATEWAY_KICK, &kick);
    stage_hears_system(stage, alice, "the operator closed this connection: go away");
    stage_sees_close(stage, alice, 0);
    stage_hears(stage, other,
                "{'code':0,'time':#,'data':{'cid':0,'sender':{'ocid':0,'private_id':1001},'msg':"
                "'the operator closed this connection: go away'}}");
    stage_sees_close(stage, other, 1008);
    assert_well(stage);
}

/* --- the beginning and the end ------------------------------------------------------------- */

STAGED(everyone_gets_the_reason_when_it_stops) {
    struct talker *websocket = stage_talker(stage, true), *tcp = stage_live(stage, ALICE, "alice");
    struct talker *busy = stage_live(stage, CAROL, "carol");
    struct delivery_send send;
    struct entry entry = stage_text(11, 10, ALICE, "the last");
    stage_say(busy, "carol", "2002", "on its way", NULL);
    stage_expect_send(stage, DELIVERY, &send);
    stage_push_to(stage, &entry, tcp);
    stage_hears_bob(stage, tcp, "the last");
    assert_int_equal(stage_stop_gateway(stage), 0);
    stage_sees_close(stage, websocket, 1001);
    stage_sees_close(stage, tcp, 0);
    stage_sees_close(stage, busy, 0);
}

STAGED_WITH(it_does_not_begin_without_its_peers, stage_set_up_empty) {
    for (enum role missing = AUTH; missing <= DELIVERY; missing++) {
        played_destroy(&stage->played[missing]);
        stage_start(stage, (const char *[]){"--peer-wait-ms=300", NULL});
        STAGE_UNTIL(stage, !service_process_is_running(stage->gateway));
        assert_int_equal(service_process_wait_exit(stage->gateway), 1);
        assert_null(strstr(service_process_output(stage->gateway), "event=ready"));
        service_process_kill(&stage->gateway);
        stage_play(stage, missing);
    }
}

/* Requests that arrive before all peers are there wait for them. */
STAGED_WITH(it_begins_when_the_last_peer_is_found, stage_set_up_empty) {
    played_destroy(&stage->played[GROUP]);
    stage_start(stage, NULL);
    stage_wait_live(stage, AUTH);
    stage_let_time_pass(stage);
    assert_null(strstr(service_process_output(stage->gateway), "event=ready"));
    stage_play(stage, GROUP);
    stage_wait_ready(stage);
    assert_well(stage);
}

STAGED_WITH(a_port_that_is_taken_is_one_line, stage_set_up_empty) {
    static const char *const ports[] = {"http", "tcp", "gateway"};
    for (size_t i = 0; i < 3; i++) {
        const char *option = test_text("--%s-port=%u", ports[i], (unsigned)stage->ports[AUTH]);
        stage_start(stage, (const char *[]){option, "--log-level=error", NULL});
        STAGE_UNTIL(stage, !service_process_is_running(stage->gateway));
        assert_int_equal(service_process_wait_exit(stage->gateway), 1);
        const char *output = service_process_output(stage->gateway);
        assert_non_null(strstr(output, test_text("%u", (unsigned)stage->ports[AUTH])));
        assert_ptr_equal(strchr(output, '\n'), output + strlen(output) - 1);
        service_process_kill(&stage->gateway);
    }
}

int main(void) { return test_run_all(NULL, NULL); }
