/* The stage for the gateway's isolation tests; see gateway_fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/gateway_fixture.h"

#include <czmq.h>

#include <signal.h>

#include "proto/conversation.h"
#include "services/gateway/positions.h"

/* How long a turn waits for input. */
#define TURN_MS 2

static const char *const role_names[ROLE_COUNT] = {[AUTH] = "auth",
                                                   [GROUP] = "group",
                                                   [SESSION] = "session",
                                                   [DELIVERY] = "delivery",
                                                   [SESSION_2] = "session (2)",
                                                   [DELIVERY_2] = "delivery (2)",
                                                   [GROUP_2] = "group (2)",
                                                   [FILES] = "files"};

/* --- setting up --- */

static const char *address(const struct stage *stage, enum role role) {
    return test_text("tcp://127.0.0.1:%u", (unsigned)stage->ports[role]);
}

/* How often the gateway has found it to be live. */
static size_t count_live(const struct stage *stage, enum role role) {
    if (stage->gateway == NULL)
        return 0;
    const char *line = test_text("address=%s state=live", address(stage, role));
    const char *found = service_process_output(stage->gateway);
    size_t count = 0;
    for (; (found = strstr(found, line)) != NULL; found += strlen(line))
        count++;
    return count;
}

void stage_play(struct stage *stage, enum role role) {
    assert_null(stage->played[role]);
    stage->lives[role] = count_live(stage, role);
    stage->played[role] = played_new(role_names[role], stage->ports[role]);
}

int stage_set_up_empty(void **state) {
    static struct stage stage;
    stage = (struct stage){.port = test_free_port(),
                           .http_port = test_free_port(),
                           .tcp_port = test_free_port(),
                           .youim_port = test_free_port()};
    for (size_t i = 0; i < ROLE_COUNT; i++)
        stage.ports[i] = test_free_port();
    for (enum role role = AUTH; role <= DELIVERY; role++)
        stage_play(&stage, role);
    *state = &stage;
    return 0;
}

void stage_start(struct stage *stage, const char *const *options) {
    const char *arguments[TEST_MAX_ARGUMENTS + 1] = {
        test_text("--gateway-port=%u", (unsigned)stage->port),
        test_text("--http-port=%u", (unsigned)stage->http_port),
        test_text("--tcp-port=%u", (unsigned)stage->tcp_port),
        test_text("--youim-port=%u", (unsigned)stage->youim_port),
        test_text("--auth-peers=%s", address(stage, AUTH)),
        test_text("--group-peers=%s,%s", address(stage, GROUP), address(stage, GROUP_2)),
        test_text("--session-peers=%s,%s", address(stage, SESSION), address(stage, SESSION_2)),
        test_text("--delivery-peers=%s,%s", address(stage, DELIVERY), address(stage, DELIVERY_2)),
        test_text("--files-peers=%s", address(stage, FILES)),
        "--heartbeat-ms=50",
        test_text("--peer-timeout-ms=%d", STAGE_PEER_TIMEOUT_MS),
        "--request-timeout-ms=60000",
        "--reach-interval-ms=10",
        "--cursor-flush-ms=10",
        "--ourchat-tcp-pace-ms=0"};
    size_t count = 0;
    while (arguments[count] != NULL)
        count++;
    for (; options != NULL && *options != NULL; options++) {
        assert_true(count < TEST_MAX_ARGUMENTS);
        arguments[count++] = *options;
    }
    stage->gateway = service_process_start("parley-gateway", NULL, arguments);
}

void stage_wait_ready(struct stage *stage) {
    STAGE_UNTIL(stage, !service_process_is_running(stage->gateway) ||
                           strstr(service_process_output(stage->gateway), " event=ready") != NULL);
    service_process_wait_ready(stage->gateway);
}

int stage_set_up_with(void **state, const char *const *options) {
    stage_set_up_empty(state);
    stage_start(*state, options);
    stage_wait_ready(*state);
    return 0;
}

int stage_set_up(void **state) { return stage_set_up_with(state, NULL); }

static void take_moves(struct stage *stage, struct played *delivery) {
    struct delivery_advance body;
    struct asked *asked;
    while ((asked = played_take(delivery, &message_DELIVERY_ADVANCE, &body)) != NULL) {
        assert_int_equal(body.conversations.count, body.accounts.count);
        assert_int_equal(body.cids.count, body.accounts.count);
        for (size_t i = 0; i < body.accounts.count; i++) {
            assert_true(stage->move_count < STAGE_MAX_MOVES);
            stage->moves[stage->move_count++] = (struct stage_move){
                body.accounts.items[i], body.conversations.items[i], body.cids.items[i]};
        }
        played_answer(&asked, NULL);
    }
}

static bool is_matter_of_time(const void *body) {
    const struct session_sync *sync = body;
    return sync->last || sync->accounts.count == 0;
}

static void take_syncs(struct played *session) {
    struct session_sync body;
    struct asked *asked;
    while ((asked = played_take_if(session, &message_SESSION_SYNC, &body, is_matter_of_time)) !=
           NULL)
        played_answer(&asked, NULL);
}

/* A gateway that ends waits until session knows which accounts have gone. */
static void take_unbinds(struct played *session) {
    struct session_unbind body;
    struct asked *asked;
    while (session != NULL &&
           (asked = played_take(session, &message_SESSION_UNBIND, &body)) != NULL)
        played_answer(&asked, NULL);
}

int stage_stop_gateway(struct stage *stage) {
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    stage->keeps_moves = stage->keeps_syncs = false;
    kill(service_process_pid(stage->gateway), SIGTERM);
    while (service_process_is_running(stage->gateway) && loop_now_ms() < deadline_ms) {
        stage_turn(stage);
        take_unbinds(stage->played[SESSION]);
        take_unbinds(stage->played[SESSION_2]);
    }
    return service_process_stop(&stage->gateway);
}

int stage_tear_down(void **state) {
    struct stage *stage = *state;
    int status = stage->gateway == NULL ? 0 : stage_stop_gateway(stage);
    for (size_t i = 0; i < stage->talker_count; i++)
        talker_destroy(&stage->talkers[i]);
    for (size_t i = 0; i < ROLE_COUNT; i++)
        played_destroy(&stage->played[i]);
    return status;
}

void stage_turn(struct stage *stage) {
    zmq_pollitem_t items[ROLE_COUNT + STAGE_MAX_TALKERS];
    int count = 0;
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (stage->played[i] != NULL)
            items[count++] =
                (zmq_pollitem_t){.socket = played_socket(stage->played[i]), .events = ZMQ_POLLIN};
    for (size_t i = 0; i < stage->talker_count; i++)
        if (stage->talkers[i] != NULL && !stage->talkers[i]->ended && !stage->talkers[i]->deaf)
            items[count++] = (zmq_pollitem_t){.fd = stage->talkers[i]->fd, .events = ZMQ_POLLIN};
    zmq_poll(items, count, TURN_MS);
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (stage->played[i] != NULL)
            played_poll(stage->played[i]);
    if (!stage->keeps_moves && stage->played[DELIVERY] != NULL)
        take_moves(stage, stage->played[DELIVERY]);
    if (!stage->keeps_moves && stage->played[DELIVERY_2] != NULL)
        take_moves(stage, stage->played[DELIVERY_2]);
    if (!stage->keeps_syncs && stage->played[SESSION] != NULL)
        take_syncs(stage->played[SESSION]);
    if (!stage->keeps_syncs && stage->played[SESSION_2] != NULL)
        take_syncs(stage->played[SESSION_2]);
    for (size_t i = 0; i < stage->talker_count; i++)
        if (stage->talkers[i] != NULL)
            talker_poll(stage->talkers[i]);
}

void stage_wait_live(struct stage *stage, enum role role) {
    STAGE_UNTIL(stage, count_live(stage, role) > stage->lives[role]);
}

/* --- the services' side --- */

struct asked *stage_expect(struct stage *stage, enum role role, const struct message_desc *message,
                           void *body_r) {
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    struct asked *asked;
    while ((asked = played_take(stage->played[role], message, body_r)) == NULL) {
        const char *waiting = played_waiting(stage->played[role]);
        if (loop_now_ms() >= deadline_ms)
            fail_msg("%s did not come to %s, %s", message->name, role_names[role],
                     waiting == NULL ? "nor anything else" : waiting);
        stage_turn(stage);
    }
    return asked;
}

void stage_expect_move(struct stage *stage, uint64_t account, uint64_t conversation, uint64_t cid) {
    STAGE_UNTIL(stage, stage->move_count > 0);
    assert_int_equal(stage->moves[0].account, account);
    assert_int_equal(stage->moves[0].conversation, conversation);
    assert_int_equal(stage->moves[0].cid, cid);
    memmove(stage->moves, stage->moves + 1, --stage->move_count * sizeof stage->moves[0]);
}

struct turns {
    unsigned pings[ROLE_COUNT], with_pings[ROLE_COUNT];
};

/* Pings that gathered while the test stood still are read in one turn, and are one. */
static bool has_time_passed(const struct stage *stage, struct turns *turns) {
    bool passed = true;
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (stage->played[i] == NULL)
            continue;
        const unsigned pings = played_pings(stage->played[i]);
        turns->with_pings[i] += pings != turns->pings[i];
        turns->pings[i] = pings;
        passed &= turns->with_pings[i] >= STAGE_QUIET_PINGS;
    }
    return passed;
}

void stage_let_time_pass(struct stage *stage) {
    struct turns turns = {0};
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (stage->played[i] != NULL)
            turns.pings[i] = played_pings(stage->played[i]);
    STAGE_UNTIL(stage, has_time_passed(stage, &turns));
}

void stage_quiet(struct stage *stage) {
    stage_let_time_pass(stage);
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (stage->played[i] != NULL && played_waiting(stage->played[i]) != NULL)
            fail_msg("%s was asked for %s", role_names[i], played_waiting(stage->played[i]));
}

struct entry stage_text(uint64_t cid, uint64_t prev, uint64_t to, const char *text) {
    return (struct entry){.conversation = STAGE_PAIR,
                          .cid = cid,
                          .prev = prev,
                          .time_ms = 1700000000123,
                          .type = ENTRY_TEXT,
                          .from = 2002,
                          .from_id = slice_text("bob"),
                          .to = to,
                          .text = slice_text(text)};
}

struct entry stage_group_text(uint64_t cid, uint64_t prev, const char *text) {
    struct entry entry = stage_text(cid, prev, STAGE_GROUP, text);
    entry.conversation = conversation_of_group(STAGE_GROUP);
    return entry;
}

static void push(struct stage *stage, uint64_t seq, const struct entry *entry,
                 struct talker *const *to, size_t count) {
    uint64_t connections[STAGE_MAX_TALKERS];
    struct buffer packed = buffer_make(1 << 20);
    assert_true(count <= STAGE_MAX_TALKERS);
    for (size_t i = 0; i < count; i++)
        connections[i] = to[i]->connection;
    record_pack(&entry_desc, entry, &packed);
    struct push_item item = {.connections = {connections, count},
                             .entry = slice_make(packed.data, packed.length)};
    struct gateway_push body = {.seq = seq, .items = {&item, 1}};
    played_send(stage->played[SESSION], &message_GATEWAY_PUSH, &body);
    buffer_free(&packed);
}

void stage_push(struct stage *stage, const struct entry *entry, struct talker *const *to,
                size_t count) {
    push(stage, played_next_seq(stage->played[SESSION]), entry, to, count);
}

void stage_push_to(struct stage *stage, const struct entry *entry, struct talker *to) {
    stage_push(stage, entry, &to, 1);
}

void stage_push_as(struct stage *stage, uint64_t seq, const struct entry *entry,
                   struct talker *to) {
    played_set_pushed(stage->played[SESSION], seq);
    push(stage, seq, entry, &to, 1);
}

/* `reply` is filled but for its entries and, unless it has some, its positions. */
static void answer_pull(struct asked **pull, const struct entry *entries, size_t count,
                        struct delivery_pull_reply reply) {
    uint64_t conversations[] = {STAGE_PAIR, conversation_of_group(STAGE_GROUP)};
    uint64_t positions[] = {STAGE_PAIR_CID, STAGE_GROUP_CID};
    struct slice *packed = calloc(count + 1, sizeof *packed);
    struct buffer *buffers = calloc(count + 1, sizeof *buffers);
    assert_true(packed != NULL && buffers != NULL);
    for (size_t i = 0; i < count; i++) {
        buffers[i] = buffer_make(1 << 20);
        record_pack(&entry_desc, &entries[i], &buffers[i]);
        packed[i] = slice_make(buffers[i].data, buffers[i].length);
    }
    reply.entries.items = packed;
    reply.entries.count = count;
    /* In every reply: the gateway only looks at them when it asked for them. */
    if (reply.conversations.count == 0) {
        reply.conversations = (struct u64_list){conversations, 2};
        reply.positions = (struct u64_list){positions, 2};
    }
    played_answer(pull, &reply);
    for (size_t i = 0; i < count; i++)
        buffer_free(&buffers[i]);
    free(buffers);
    free(packed);
}

void stage_answer_pull(struct asked **pull, const struct entry *entries, size_t count) {
    answer_pull(pull, entries, count, (struct delivery_pull_reply){.complete = false});
}

void stage_answer_page(struct asked **pull, const struct entry *entries, size_t count,
                       struct delivery_pull_reply reply) {
    reply.complete = true;
    reply.count = reply.brief ? 0 : 2;
    answer_pull(pull, entries, count, reply);
}

struct delivery_pull_reply stage_full_page(struct slice *items, size_t count, bool partial) {
    static uint64_t conversations[POSITIONS_MAX], positions[POSITIONS_MAX];
    for (uint64_t i = 0; i < POSITIONS_MAX; i++)
        conversations[i] = STAGE_FULL_FIRST + i;
    return (struct delivery_pull_reply){.entries = {items, count},
                                        .conversations = {conversations, POSITIONS_MAX},
                                        .positions = {positions, POSITIONS_MAX},
                                        .partial = partial};
}

void stage_expect_pull(struct stage *stage, uint64_t account, const struct entry *entries,
                       size_t count) {
    struct delivery_pull body;
    struct asked *pull = stage_expect(stage, DELIVERY, &message_DELIVERY_PULL, &body);
    assert_int_equal(body.account, account);
    stage_answer_pull(&pull, entries, count);
}

struct asked *stage_expect_send(struct stage *stage, enum role role, struct delivery_send *body_r) {
    struct asked *asked = stage_expect(stage, role, &message_DELIVERY_SEND, body_r);
    assert_true(body_r->texts.count > 0);
    assert_int_equal(body_r->nonces.count, body_r->texts.count);
    for (size_t i = 0; i < body_r->nonces.count; i++)
        assert_int_equal(body_r->nonces.items[i].length, 16);
    return asked;
}

void stage_answer_send(struct asked **send, uint64_t cid) {
    uint64_t cids[DELIVERY_SEND_MAX], times_ms[DELIVERY_SEND_MAX];
    struct delivery_send body;
    played_read(*send, &body);
    for (size_t i = 0; i < body.texts.count; i++) {
        cids[i] = cid + i;
        times_ms[i] = 1700000000000 + cid + i;
    }
    played_answer(send, &(struct delivery_send_reply){.conversation = STAGE_PAIR,
                                                      .cids = {cids, body.texts.count},
                                                      .times_ms = {times_ms, body.texts.count}});
}

/* --- the clients' side --- */

struct talker *stage_talker(struct stage *stage, bool websocket) {
    struct talker *talker =
        talker_new(websocket ? stage->http_port : stage->tcp_port, websocket, 0);
    size_t i = 0; /* the place of one that has hung up, or a new one */
    while (i < stage->talker_count && stage->talkers[i] != NULL)
        i++;
    assert_true(i < STAGE_MAX_TALKERS);
    stage->talkers[i] = talker;
    stage->talker_count += i == stage->talker_count;
    return talker;
}

void stage_hang_up(struct stage *stage, struct talker **talker) {
    for (size_t i = 0; i < stage->talker_count; i++)
        if (stage->talkers[i] == *talker)
            stage->talkers[i] = NULL;
    talker_destroy(talker);
}

const char *stage_now(struct stage *stage) {
    const struct played *delivery = stage->played[DELIVERY];
    const char *asked = delivery == NULL ? NULL : played_waiting(delivery);
    return test_text("delivery is asked for %s; the gateway wrote:\n%s",
                     asked == NULL ? "nothing" : asked, service_process_output(stage->gateway));
}

void stage_hears(struct stage *stage, struct talker *talker, const char *pattern, ...) {
    char *expected;
    va_list arguments;
    va_start(arguments, pattern);
    assert_true(vasprintf(&expected, pattern, arguments) >= 0);
    va_end(arguments);
    int64_t deadline_ms = loop_now_ms() + TEST_DEADLINE_MS;
    while (talker->text_count == 0) {
        if (talker->ended || loop_now_ms() >= deadline_ms)
            fail_msg("%s instead of %s; %s", talker->ended ? "the server closed" : "nothing came",
                     expected, stage_now(stage));
        stage_turn(stage);
    }
    char *text = talker_take(talker);
    if (!talker_matches(expected, text))
        fail_msg("this came: %s\ninstead of: %s", text, expected);
    free(text);
    free(expected);
}

void stage_sees_close(struct stage *stage, struct talker *talker, unsigned status) {
    STAGE_UNTIL(stage, talker->ended);
    if (talker->text_count > 0)
        fail_msg("before the end came: %s", talker->texts[0]);
    assert_int_equal(talker->close_status, status);
}

void stage_hears_nothing(struct stage *stage, struct talker *talker) {
    talker_say(talker, "{'msgType':7777,'msgBody':{}}");
    stage_hears(stage, talker,
                "{'msg':'msgType 7777 is not known','msgType':101,'fromUserId':'SYSTEM'}");
}
