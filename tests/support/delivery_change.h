/* Changes of stored texts, as tests of delivery ask for them, and their rows in the database.
 */
#ifndef PARLEY_TESTS_DELIVERY_CHANGE_H
#define PARLEY_TESTS_DELIVERY_CHANGE_H

#include "tests/support/delivery_fixture.h"

/* `done_r` may be NULL. */
enum err try_recall(struct delivery_fixture *f, const struct delivery_recall *ask,
                    struct done *done_r);
enum err try_edit(struct delivery_fixture *f, const struct delivery_edit *ask, struct done *done_r);
enum err try_react(struct delivery_fixture *f, const struct delivery_react *ask,
                   struct done *done_r);

/* Rows of the message log that hold this text, which has no quotes. */
uint64_t rows_with(struct delivery_fixture *f, const char *text);
/* Reactions to a text. */
uint64_t reactions(struct delivery_fixture *f, uint64_t cid);
/* The conversation of two accounts. */
uint64_t pair_of(struct delivery_fixture *f, uint64_t a, uint64_t b);
/* As if the text had been stored so much earlier. */
void make_older(struct delivery_fixture *f, uint64_t cid, uint64_t seconds);

#endif
