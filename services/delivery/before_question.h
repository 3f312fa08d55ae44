/*
 * What hook_before's address is asked about texts, and what the database has to say before.
 *
 *     err = before_look_up(db, arena, &texts, &found);            on a worker
 *     if (found.stored == 0) char *json = before_question_write(&texts, &found, i);
 */
#ifndef PARLEY_DELIVERY_BEFORE_QUESTION_H
#define PARLEY_DELIVERY_BEFORE_QUESTION_H

#include "common/db.h"
#include "proto/messages.h"
#include "services/webhook/event_json.h"

/* Texts of one account to one conversation; an edit is one text, of which the lists have but
 * `texts` and `nonces`. */
struct before_texts {
    struct delivery_send send;
    uint64_t target; /* the text that an edit changes; 0: these are new */
};

struct before_found {
    size_t stored; /* of the nonces: so many are in the message log already */
    struct event_party from;
    struct event_conversation conversation;
    struct slice *files; /* packed, of each text; NULL: none shows one */
};

/* The results live in the arena. ERR_NO_FILE: a text shows a file that its sender may not show, so
 * that nothing is asked about a file that nobody can look at. */
enum err before_look_up(struct db *db, struct record_arena *arena, const struct before_texts *texts,
                        struct before_found *found_r) __attribute__((warn_unused_result));

/* Of the `i`-th text; NULL without memory. The caller frees it with cJSON_free. */
char *before_question_write(const struct before_texts *texts, const struct before_found *found,
                            size_t i);

/* The words of the `i`-th text. */
struct slice *before_words(const struct delivery_send *send, size_t i);

#endif
