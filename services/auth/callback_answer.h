/* What auth_url says, of a login that it lets in. Pure. */
#ifndef PARLEY_AUTH_CALLBACK_ANSWER_H
#define PARLEY_AUTH_CALLBACK_ANSWER_H

#include "common/record.h"

/* Whether it is {"id":...,"name":...}, of which `name` may be missing. The texts are in the arena;
 * whether they can be an id and a name here is not looked at. */
bool callback_answer_read(struct slice answer, struct record_arena *arena, struct slice *id_r,
                          struct slice *name_r);

#endif
