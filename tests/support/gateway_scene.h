/*
 * Steps that many tests of the gateway do on the stage in the same way: live clients, logins by
 * hand, and services of which there are two. See gateway_fixture.h, which this only calls.
 */
#ifndef PARLEY_TESTS_GATEWAY_SCENE_H
#define PARLEY_TESTS_GATEWAY_SCENE_H

#include "tests/support/gateway_fixture.h"

/* Says a text through YouIM, to an account or, as "@id", to a group; with a `ref` unless that is
 * NULL. */
void stage_say(struct talker *talker, const char *from, const char *to, const char *text,
               const char *ref);

/* The log-in of an account up to its answer; the first pull is the test's to answer. Through YouIM
 * with that id; through OurChat where `id` is NULL. */
void stage_log_in(struct stage *stage, struct talker *talker, uint64_t account, const char *id);
/* The same with `"ext":1`. */
void stage_log_in_ext(struct stage *stage, struct talker *talker, uint64_t account, const char *id);
/* And with `"confirm":true`. */
void stage_log_in_confirming(struct stage *stage, struct talker *talker, uint64_t account,
                             const char *id);
/* Waits until pushes go straight to the client, whose pulls have all been answered. */
void stage_wait_talker_live(struct stage *stage, struct talker *talker);
/* A client that is logged in through YouIM over TCP, and live. */
struct talker *stage_live(struct stage *stage, uint64_t account, const char *id);

/* How a client is connected, and the extensions that it opts in to; 0 for a plain one over TCP. */
enum { BY_WEBSOCKET = 1, WITH_EXT = 2, CONFIRMING = 4 };

/* A client that is logged in, through OurChat where `id` is NULL; its first pull was answered with
 * nothing. */
struct talker *stage_enter(struct stage *stage, unsigned how, uint64_t account, const char *id);
/* The same, and pushes go straight to it. */
struct talker *stage_live_as(struct stage *stage, unsigned how, uint64_t account, const char *id);
/* Answers the talker's pull with nothing, and waits until pushes go straight to it. */
void stage_goes_live(struct stage *stage, struct talker *talker);

/* A login through YouIM, which auth takes: session is asked next. */
void stage_begin_login(struct stage *stage, struct talker *talker, uint64_t account, const char *id,
                       const char *token);
/* The instance is asked to unbind that one connection, and does. */
void stage_expect_unbind(struct stage *stage, enum role role, uint64_t account,
                         uint64_t connection);

/* The next text to the client, which uses YouIM, is from bob. */
void stage_hears_bob(struct stage *stage, struct talker *talker, const char *text);
/* The same for a client that opted in. */
void stage_hears_bob_ext(struct stage *stage, struct talker *talker, const char *text,
                         uint64_t cid);
/* Says a 301 through YouIM: all up to `cid`; `peer` as JSON; `ref` may be NULL. */
void stage_say_received(struct talker *talker, const char *peer, uint64_t cid, const char *ref);
/* As stage_quiet, and delivery was not asked to move a cursor. */
void stage_no_moves(struct stage *stage);

/* The next text to the client, which uses YouIM, is from SYSTEM; matched as talker_matches does. */
void stage_hears_system(struct stage *stage, struct talker *talker, const char *pattern);
/* The same for a client that uses OurChat; `account`: its own, 0 before it logs in. */
void stage_hears_system_as(struct stage *stage, struct talker *talker, uint64_t account,
                           const char *pattern);

/* A gateway with two instances of one service, both live. */
int stage_set_up_two(void **state, enum role first, enum role second);
/* Waits until one of the two is asked for something, and returns it. */
enum role stage_which_is_asked(struct stage *stage, enum role first, enum role second);

#endif
