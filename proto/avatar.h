/*
 * What accounts and groups have as their avatar: the id of a file, as services store and send it.
 *
 * 16 hexadecimal digits: its preview is shown. With a `+` behind them it has none, and is shown
 * itself.
 */
#ifndef PARLEY_PROTO_AVATAR_H
#define PARLEY_PROTO_AVATAR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/record.h"

/* false: it is none. */
bool avatar_read(struct slice avatar, uint64_t *file_r, bool *has_preview_r);

#endif
