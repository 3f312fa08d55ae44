/* 321, 333, 335: accounts that are blocked, muted, banned. See extension.h. */
#ifndef PARLEY_GATEWAY_DIALECT_EXTENSION_MODERATION_H
#define PARLEY_GATEWAY_DIALECT_EXTENSION_MODERATION_H

#include "services/gateway/dialect/form.h"

void extension_read_block(struct reading *reading);
void extension_read_mute(struct reading *reading);
void extension_read_ban(struct reading *reading);

extension_notice_writer extension_write_blocked, extension_write_muted, extension_write_banned;

#endif
