/*
 * The stage for the gateway's isolation tests: a real parley-gateway, the four services around it
 * played by the test, and clients.
 *
 *     STAGED(a_test) {
 *     ...
 *     struct talker *alice = stage_talker(stage, false);
 *     talker_say(alice, "{'msgType':1,'msgBody':{'loginUserId':'alice'}}");
 *     struct auth_login login;
 *     struct asked *asked = stage_expect(stage, AUTH, &message_AUTH_LOGIN, &login);
 *     played_refuse(&asked, ERR_BAD_LOGIN);
 *     stage_hears(stage, alice, "{'msgType':2,'resultCode':'fail','token':'...'}");
 *
 * Everything is on the test's thread: while a function below waits, all played services answer
 * pings and all clients read. A message that is not as expected, or takes longer than
 * TEST_DEADLINE_MS, fails the test. The teardown stops the gateway, which must end with status 0.
 */
#ifndef PARLEY_TESTS_GATEWAY_FIXTURE_H
#define PARLEY_TESTS_GATEWAY_FIXTURE_H

#include "common/loop.h"
#include "tests/support/assertions.h"
#include "tests/support/played.h"
#include "tests/support/service_process.h"
#include "tests/support/talker.h"
#include "tests/support/test_list.h"

/* The second of each, and files, are on the gateway's list from the start, but played only on
 * demand. */
enum role { AUTH, GROUP, SESSION, DELIVERY, SESSION_2, DELIVERY_2, GROUP_2, FILES, ROLE_COUNT };

#define STAGE_MAX_TALKERS 64
#define STAGE_MAX_MOVES 1024
/* The gateway's peer_timeout_ms: so long that a busy machine is not taken for a lost instance. */
#define STAGE_PEER_TIMEOUT_MS 10000
/* The gateway's ticks are far apart by less than this many of its heartbeats. */
#define STAGE_QUIET_PINGS 4
/* Conversations that every account of these tests is in, and its cursor there. */
#define STAGE_PAIR ((uint64_t)7)
#define STAGE_PAIR_CID ((uint64_t)10)
#define STAGE_GROUP ((uint64_t)500)
#define STAGE_GROUP_CID ((uint64_t)20)

struct stage_move {
    uint64_t account, conversation, cid;
};

struct stage {
    struct service_process *gateway;
    uint16_t port, http_port, tcp_port, youim_port, ports[ROLE_COUNT];
    struct played *played[ROLE_COUNT];
    struct talker *talkers[STAGE_MAX_TALKERS];
    size_t talker_count, logins;
    size_t lives[ROLE_COUNT]; /* how often the gateway had found it live before it was played */
    /* The moves of cursors that delivery was asked for; these requests are answered at once, unless
     * the test keeps them to itself. */
    struct stage_move moves[STAGE_MAX_MOVES];
    size_t move_count;
    bool keeps_moves;
    /* The list of all connections, or of none, that the gateway sends to sessions so that they
     * forget others is answered by the stage unless a test keeps it: when it arrives is a matter of
     * time.
     */
    bool keeps_syncs;
};

/* Turns the stage until `condition_` holds. */
#define STAGE_UNTIL(stage_, condition_)                                                            \
    do {                                                                                           \
        int64_t end_ms_ = loop_now_ms() + TEST_DEADLINE_MS;                                        \
        while (!(condition_)) {                                                                    \
            if (loop_now_ms() >= end_ms_)                                                          \
                fail_msg("waited in vain for %s", #condition_);                                    \
            stage_turn(stage_);                                                                    \
        }                                                                                          \
    } while (0)

/* --- setting up --- */

/* Ports, and the first of each service; no gateway. */
int stage_set_up_empty(void **state);
/* With the gateway, ready. */
int stage_set_up(void **state);
/* With options of its own, NULL-terminated, that win over those of stage_set_up. */
int stage_set_up_with(void **state, const char *const *options);
int stage_tear_down(void **state);
/* A test with a `stage` of its own. */
#define STAGED(name_) STAGED_WITH(name_, stage_set_up)
#define STAGED_WITH(name_, set_up_) TEST_WITH(name_, struct stage *stage, set_up_, stage_tear_down)
void stage_start(struct stage *stage, const char *const *options);
void stage_wait_ready(struct stage *stage);
/* SIGTERM, and the status that it ends with; the played services go on meanwhile. */
int stage_stop_gateway(struct stage *stage);

void stage_play(struct stage *stage, enum role role);
/* Waits until the gateway counts the instance that was played last among the live ones. */
void stage_wait_live(struct stage *stage, enum role role);

/* Once everybody has had a turn; waits for input for a few milliseconds at most. */
void stage_turn(struct stage *stage);

/* --- the services' side --- */

/* Waits for a request; one of that kind that is there already counts. */
struct asked *stage_expect(struct stage *stage, enum role role, const struct message_desc *message,
                           void *body_r);
/* The next move that is reported to delivery. */
void stage_expect_move(struct stage *stage, uint64_t account, uint64_t conversation, uint64_t cid);
/* Nobody was asked anything that the test has not taken, and nobody is for some ticks. */
void stage_quiet(struct stage *stage);
/* Several turns of the gateway's clocks. */
void stage_let_time_pass(struct stage *stage);

/* An entry of the log; text, from bob (2002) to `to`, in the pair conversation or, with a `group`,
 * in that. */
struct entry stage_text(uint64_t cid, uint64_t prev, uint64_t to, const char *text);
struct entry stage_group_text(uint64_t cid, uint64_t prev, const char *text);
/* Pushes one entry to these clients. */
void stage_push(struct stage *stage, const struct entry *entry, struct talker *const *to,
                size_t count);
void stage_push_to(struct stage *stage, const struct entry *entry, struct talker *to);
/* The same under a number of the test's choice. */
void stage_push_as(struct stage *stage, uint64_t seq, const struct entry *entry, struct talker *to);

/* Answers a pull with these entries, and, to a first pull, where the account stands; as a delivery
 * of release 0.1, after which there is always another pull until one brings nothing. */
void stage_answer_pull(struct asked **pull, const struct entry *entries, size_t count);
/* The same as a delivery that names conversations with more to read: in `reply`, which may also
 * have other positions; its entries are filled in. */
void stage_answer_page(struct asked **pull, const struct entry *entries, size_t count,
                       struct delivery_pull_reply reply);
/* The answer to a first pull, with these packed entries, of an account in as many conversations as
 * a connection keeps positions in, STAGE_FULL_FIRST and on; `partial`: and in others. */
struct delivery_pull_reply stage_full_page(struct slice *items, size_t count, bool partial);
#define STAGE_FULL_FIRST ((uint64_t)1000)
/* Waits for a pull of that account and answers it. */
void stage_expect_pull(struct stage *stage, uint64_t account, const struct entry *entries,
                       size_t count);

/* Waits for texts to be stored. */
struct asked *stage_expect_send(struct stage *stage, enum role role, struct delivery_send *body_r);
/* They are stored, the first under that cid. */
void stage_answer_send(struct asked **send, uint64_t cid);

/* --- the clients' side --- */

struct talker *stage_talker(struct stage *stage, bool websocket);
/* The client is gone. */
void stage_hang_up(struct stage *stage, struct talker **talker);
/* The next text to the client is `pattern`; matched as talker_matches does. */
/* Delivery's requests, and the gateway's output: for the message of a test that fails. */
const char *stage_now(struct stage *stage);
void stage_hears(struct stage *stage, struct talker *talker, const char *pattern, ...)
    __attribute__((format(printf, 3, 4)));
/* The server closes, without a further text; `status` as the close frame has it, 0 for TCP. */
void stage_sees_close(struct stage *stage, struct talker *talker, unsigned status);
/* The client, logged in through YouIM, has been sent nothing in answer to earlier requests. */
void stage_hears_nothing(struct stage *stage, struct talker *talker);

#endif
