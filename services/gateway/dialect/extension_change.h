/* 315, 327, 329: recalls, edits and reactions. */
#ifndef PARLEY_GATEWAY_DIALECT_EXTENSION_CHANGE_H
#define PARLEY_GATEWAY_DIALECT_EXTENSION_CHANGE_H

#include "services/gateway/dialect/form.h"

void extension_read_recall(struct reading *reading);
void extension_read_edit(struct reading *reading);
void extension_read_react(struct reading *reading);

extension_notice_writer extension_write_recalled, extension_write_edited, extension_write_reacted;

#endif
