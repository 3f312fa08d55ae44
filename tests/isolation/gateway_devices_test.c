/* The gateway alone: the list of an account's logins (319), and the end of one. */
#include "proto/login_number.h"
#include "tests/support/gateway_scene.h"
#include "tests/support/test_list.h"

#define ALICE ((uint64_t)1001)

static void say(struct talker *talker, const char *body, const char *ref) {
    talker_say(talker,
               talker->websocket ? "{'code':319,'ref':'%s','data':%s}"
                                 : "{'msgType':319,'ref':'%s','msgBody':%s}",
               ref, body);
}

static void answer_logins(struct stage *stage, uint64_t login) {
    struct session_logins ask;
    struct asked *asked = stage_expect(stage, SESSION, &message_SESSION_LOGINS, &ask);
    assert_true(ask.account == ALICE);
    played_answer(&asked, &(struct session_logins_reply){.logins = {&login, 1}});
}

static void answer_devices(struct stage *stage, uint64_t own, uint64_t other) {
    struct auth_devices ask;
    struct device devices[] = {{.id = 0xab,
                                .login = own,
                                .device = slice_text("phone"),
                                .transport = TRANSPORT_WEBSOCKET,
                                .address = slice_text("192.0.2.1"),
                                .since_ms = 1,
                                .heard_ms = 2},
                               {.id = UINT64_MAX, .login = other, .since_ms = 3, .heard_ms = 4}};
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_DEVICES, &ask);
    assert_true(ask.account == ALICE);
    played_answer(&asked,
                  &(struct auth_devices_reply){.devices = {devices, 2}, .more = other == 0});
}

#define FIRST                                                                                      \
    "{'id':'00000000000000ab','device':'phone','transport':'websocket','address':'192.0.2.1',"     \
    "'since_ms':1,'heard_ms':2,'online':%s,'this':%s},"                                            \
    "{'id':'ffffffffffffffff','device':'','address':'','since_ms':3,'heard_ms':4,'online':%s,"     \
    "'this':false}"

STAGED(each_device_is_shown) {
    struct talker *ourchat = stage_live_as(stage, BY_WEBSOCKET | WITH_EXT, ALICE, NULL);
    struct talker *youim = stage_live_as(stage, WITH_EXT, ALICE, "alice");
    uint64_t ourchats = login_number(slice_text(ourchat->token)),
             youims = login_number(slice_text(youim->token));
    say(ourchat, "{}", "r1");
    answer_logins(stage, ourchats);
    answer_devices(stage, ourchats, 5);
    stage_hears(stage, ourchat,
                "{'code':320,'time':#,'data':{'ref':'r1','devices':[" FIRST "],'more':false}}",
                "true", "true", "false");
    stage_hears(stage, ourchat, "{'code':300,'time':#,'data':{'ref':'r1','ok':true}}");
    say(youim, "{}", "r2");
    answer_logins(stage, 5);
    answer_devices(stage, youims, 0);
    stage_hears(stage, youim, "{'msgType':320,'ref':'r2','devices':[" FIRST "],'more':true}",
                "false", "true", "false");
    stage_hears(stage, youim, "{'msgType':300,'ref':'r2','ok':true}");
    talker_say(youim, "{'msgType':319,'msgBody':{}}"); /* without a ref */
    answer_logins(stage, 5);
    answer_devices(stage, 7, 5);
    stage_hears(stage, youim, "{'msgType':320,'devices':[" FIRST "],'more':false}", "false",
                "false", "true");
    stage_hears_nothing(stage, youim);
}

STAGED(one_is_ended_before_they_are_listed) {
    struct talker *youim = stage_live_as(stage, WITH_EXT, ALICE, "alice");
    struct auth_end_device device;
    struct session_end_login login;
    say(youim, "{'close':'00000000000000ab'}", "r");
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_END_DEVICE, &device);
    assert_true(device.account == ALICE && device.id == 0xab);
    played_answer(&asked, &(struct auth_end_device_reply){.login = 71});
    asked = stage_expect(stage, SESSION, &message_SESSION_END_LOGIN, &login);
    assert_true(login.account == ALICE && login.login == 71);
    played_refuse(&asked, ERR_UNAVAILABLE); /* it is asked again */
    asked = stage_expect(stage, SESSION, &message_SESSION_END_LOGIN, &login);
    assert_true(login.account == ALICE && login.login == 71);
    played_answer(&asked, NULL);
    answer_logins(stage, 5);
    answer_devices(stage, 5, 6);
    stage_hears(stage, youim, "{'msgType':320,'ref':'r','devices':[" FIRST "],'more':false}",
                "true", "false", "false");
    stage_hears(stage, youim, "{'msgType':300,'ref':'r','ok':true}");
    /* One that is not connected, or that the release before issued. */
    say(youim, "{'close':'ffffffffffffffff'}", "r");
    asked = stage_expect(stage, AUTH, &message_AUTH_END_DEVICE, &device);
    assert_true(device.id == UINT64_MAX);
    played_answer(&asked, NULL);
    answer_logins(stage, 5);
    struct auth_devices ask;
    asked = stage_expect(stage, AUTH, &message_AUTH_DEVICES, &ask);
    played_refuse(&asked, ERR_INTERNAL);
    stage_hears(stage, youim, "{'msgType':300,'ref':'r','ok':false,'error':'internal','text':'~'}");
    stage_quiet(stage);
}

STAGED(an_ended_connection_says_why) {
    struct talker *talker = stage_live_as(stage, BY_WEBSOCKET | WITH_EXT, ALICE, "alice");
    struct gateway_kick kick = {.connections = {&talker->connection, 1}, .cause = KICK_ENDED};
    played_send(stage->played[SESSION], &message_GATEWAY_KICK, &kick);
    stage_hears_system(stage, talker, "this login was ended from another device");
    stage_expect_unbind(stage, SESSION, ALICE, talker->connection);
    stage_sees_close(stage, talker, 1008);
}

STAGED(a_request_without_a_device_is_a_fault) {
    struct talker *youim = stage_live_as(stage, WITH_EXT, ALICE, "alice");
    static const char *const bodies[] = {"{'close':5}",
                                         "{'close':'ab'}",
                                         "{'close':'00000000000000AB'}",
                                         "{'close':'00000000000000abc'}",
                                         "{'close':''}",
                                         "{'close':{}}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        say(youim, bodies[i], "r");
        stage_hears(stage, youim,
                    "{'msgType':300,'ref':'r','ok':false,'error':'bad_request','text':'~'}");
    }
    stage_quiet(stage);
}

int main(void) { return test_run_all(NULL, NULL); }
