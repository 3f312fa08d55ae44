/* See gateway_scene.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/gateway_scene.h"
#include "tests/support/test_caller.h"

void stage_say(struct talker *talker, const char *from, const char *to, const char *text,
               const char *ref) {
    bool group = to[0] == '@'; /* no account of these tests is called so */
    talker_say(talker,
               "{'msgType':%d,'msgBody':{'fromUserId':'%s','token':'%s','%s':'%s','msg':'%s'}%s}",
               group ? 7 : 5, from, talker->token, group ? "toGroup" : "toUserId", to + group, text,
               ref == NULL ? "" : test_text(",'ref':'%s'", ref));
}

/* token-1001, or, while another client has that, token-1001-2: as with auth, no two are equal. */
static const char *new_token(struct stage *stage, uint64_t account) {
    const char *token = test_text("token-%llu", (unsigned long long)account);
    for (size_t i = 0; i < stage->talker_count; i++) {
        const struct talker *other = stage->talkers[i];
        if (other != NULL && other->token != NULL && strcmp(other->token, token) == 0)
            return test_text("%s-%zu", token, ++stage->logins);
    }
    return token;
}

static void log_in(struct stage *stage, struct talker *talker, uint64_t account, const char *id,
                   const char *ext) {
    struct auth_login login;
    struct session_bind bind;
    size_t pulls = played_count(stage->played[DELIVERY], &message_DELIVERY_PULL);
    talker->token = new_token(stage, account);
    talker->account = account;
    if (id == NULL)
        talker_say(talker, "{'code':6,'time':1,'data':{'account':%llu,'password':'secret'%s}}",
                   (unsigned long long)account, ext);
    else
        talker_say(talker, "{'msgType':1,'msgBody':{'loginUserId':'%s'%s}}", id, ext);
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
    const char *full = id == NULL ? test_text("%llu", (unsigned long long)account) : id;
    assert_slice_text(login.login, full);
    assert_slice_text(login.password, id == NULL ? "secret" : "");
    assert_int_equal(login.open, id != NULL);
    assert_slice_text(login.address, "127.0.0.1");
    assert_int_equal(played_count(stage->played[SESSION], &message_SESSION_BIND), 0);
    played_answer(&asked, &(struct auth_login_reply){.account = account,
                                                     .id = slice_text(full),
                                                     .name = slice_text("Somebody"),
                                                     .token = slice_text(talker->token)});
    asked = stage_expect(stage, SESSION, &message_SESSION_BIND, &bind);
    assert_int_equal(bind.accounts.count, 1);
    assert_int_equal(bind.accounts.items[0], account);
    assert_int_equal(bind.connections.count, 1);
    talker->connection = bind.connections.items[0];
    assert_int_equal(talker->text_count, 0);
    assert_int_equal(played_count(stage->played[DELIVERY], &message_DELIVERY_PULL), pulls);
    played_answer(&asked, NULL);
    if (id == NULL)
        stage_hears(stage, talker, "{'code':7,'time':#,'data':{'state':0,'ocid':%llu%s}}",
                    (unsigned long long)account,
                    ext[0] == '\0' ? "" : test_text(",'token':'%s'", talker->token));
    else
        stage_hears(stage, talker, "{'msgType':2,'resultCode':'success','token':'%s'%s}",
                    talker->token, ext[0] == '\0' ? "" : test_text(",'user':'%s'", id));
}

void stage_log_in(struct stage *stage, struct talker *talker, uint64_t account, const char *id) {
    log_in(stage, talker, account, id, "");
}

void stage_log_in_ext(struct stage *stage, struct talker *talker, uint64_t account,
                      const char *id) {
    log_in(stage, talker, account, id, ",'ext':1");
}

void stage_log_in_confirming(struct stage *stage, struct talker *talker, uint64_t account,
                             const char *id) {
    log_in(stage, talker, account, id, ",'ext':1,'confirm':true");
}

static size_t unanswered_pulls(const struct stage *stage) {
    size_t count = 0;
    for (enum role role = 0; role < ROLE_COUNT; role++)
        if (stage->played[role] != NULL)
            count += played_unanswered(stage->played[role], &message_DELIVERY_PULL);
    return count;
}

static size_t depth_of_pulls(struct test_caller *observer) {
    struct service_status status;
    assert_err(
        test_caller_ask(observer, &message_SERVICE_STATUS, &(struct service_ping){0}, &status),
        ERR_OK);
    for (size_t i = 0; i < status.queues.count; i++)
        if (slice_equal(status.queues.items[i], slice_text("pulls")))
            return status.depths.items[i];
    fail_msg("the gateway reports no queue of pulls");
    return 0;
}

/* A page and a push travel on links of their own, so that a push may be read before a page that was
 * sent earlier. */
static void wait_until_pages_are_read(struct stage *stage) {
    struct test_caller *observer = test_caller_new("observer", stage->port);
    STAGE_UNTIL(stage, depth_of_pulls(observer) == unanswered_pulls(stage));
    test_caller_destroy(&observer);
}

/* Whether one that is pushed and not stored arrives: it only does when the client is logged in. */
static bool try_push(struct stage *stage, struct talker *talker, const char *text) {
    struct entry entry = stage_text(0, 0, talker->account, text);
    entry.from = 9999; /* YouIM shows nobody their own texts */
    int64_t until_ms = loop_now_ms() + 20;
    stage_push_to(stage, &entry, talker);
    while (talker->text_count == 0 && loop_now_ms() < until_ms)
        stage_turn(stage);
    return talker->text_count > 0;
}

void stage_wait_talker_live(struct stage *stage, struct talker *talker) {
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    wait_until_pages_are_read(stage);
    while (!try_push(stage, talker, "are you live?"))
        if (loop_now_ms() >= deadline_ms)
            fail_msg("the client does not become live; %s", stage_now(stage));
    /* Some of the others may have arrived too: up to this one they are passed over. */
    struct entry last = stage_text(0, 0, talker->account, "now you are live");
    last.from = 9999;
    stage_push_to(stage, &last, talker);
    for (bool seen = false; !seen;) {
        STAGE_UNTIL(stage, talker->text_count > 0);
        char *text = talker_take(talker);
        seen = strstr(text, "now you are live") != NULL;
        free(text);
    }
}

struct talker *stage_enter(struct stage *stage, unsigned how, uint64_t account, const char *id) {
    struct talker *talker = stage_talker(stage, how & BY_WEBSOCKET);
    if (how & CONFIRMING)
        stage_log_in_confirming(stage, talker, account, id);
    else if (how & WITH_EXT)
        stage_log_in_ext(stage, talker, account, id);
    else
        stage_log_in(stage, talker, account, id);
    stage_expect_pull(stage, account, NULL, 0);
    return talker;
}

struct talker *stage_live_as(struct stage *stage, unsigned how, uint64_t account, const char *id) {
    struct talker *talker = stage_enter(stage, how, account, id);
    stage_wait_talker_live(stage, talker);
    return talker;
}

struct talker *stage_live(struct stage *stage, uint64_t account, const char *id) {
    return stage_live_as(stage, 0, account, id);
}

void stage_goes_live(struct stage *stage, struct talker *talker) {
    stage_expect_pull(stage, talker->account, NULL, 0);
    stage_wait_talker_live(stage, talker);
}

void stage_begin_login(struct stage *stage, struct talker *talker, uint64_t account, const char *id,
                       const char *token) {
    struct auth_login login;
    talker_say(talker, "{'msgType':1,'msgBody':{'loginUserId':'%s'}}", id);
    struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
    assert_slice_text(login.login, id);
    played_answer(&asked, &(struct auth_login_reply){.account = account,
                                                     .id = slice_text(id),
                                                     .token = slice_text(token)});
}

void stage_expect_unbind(struct stage *stage, enum role role, uint64_t account,
                         uint64_t connection) {
    struct session_unbind unbind;
    struct asked *asked = stage_expect(stage, role, &message_SESSION_UNBIND, &unbind);
    assert_int_equal(unbind.accounts.count, 1);
    assert_int_equal(unbind.accounts.items[0], account);
    assert_int_equal(unbind.connections.count, 1);
    assert_int_equal(unbind.connections.items[0], connection);
    played_answer(&asked, NULL);
}

void stage_hears_bob(struct stage *stage, struct talker *talker, const char *text) {
    stage_hears(stage, talker, "{'msg':'%s','msgType':6,'fromUserId':'bob'}", text);
}

void stage_hears_bob_ext(struct stage *stage, struct talker *talker, const char *text,
                         uint64_t cid) {
    stage_hears(stage, talker, "{'msg':'%s','msgType':6,'fromUserId':'bob','cid':%llu,'time_ms':#}",
                text, (unsigned long long)cid);
}

void stage_say_received(struct talker *talker, const char *peer, uint64_t cid, const char *ref) {
    talker_say(talker, "{'msgType':301,'msgBody':{'peer':{%s},'cid':%llu}%s}", peer,
               (unsigned long long)cid, ref == NULL ? "" : test_text(",'ref':'%s'", ref));
}

void stage_no_moves(struct stage *stage) {
    stage_quiet(stage);
    assert_int_equal(stage->move_count, 0);
}

void stage_hears_system(struct stage *stage, struct talker *talker, const char *pattern) {
    stage_hears(stage, talker, "{'msg':'%s','msgType':101,'fromUserId':'SYSTEM'}", pattern);
}

void stage_hears_system_as(struct stage *stage, struct talker *talker, uint64_t account,
                           const char *pattern) {
    stage_hears(stage, talker,
                "{'code':0,'time':#,'data':{'cid':0,'sender':{'ocid':0,'private_id':%llu},"
                "'msg':'%s'}}",
                (unsigned long long)account, pattern);
}

int stage_set_up_two(void **state, enum role first, enum role second) {
    stage_set_up_empty(state);
    stage_play(*state, second);
    stage_start(*state, NULL);
    stage_wait_ready(*state);
    stage_wait_live(*state, first);
    stage_wait_live(*state, second);
    return 0;
}

enum role stage_which_is_asked(struct stage *stage, enum role first, enum role second) {
    STAGE_UNTIL(stage, played_waiting(stage->played[first]) != NULL ||
                           played_waiting(stage->played[second]) != NULL);
    return played_waiting(stage->played[first]) != NULL ? first : second;
}
