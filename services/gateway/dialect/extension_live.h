/* 301, 302 and 313: how far somebody has received and read, and that somebody is typing. */
#ifndef PARLEY_GATEWAY_DIALECT_EXTENSION_LIVE_H
#define PARLEY_GATEWAY_DIALECT_EXTENSION_LIVE_H

#include "services/gateway/dialect/form.h"

/* 301 and 302. */
void extension_read_cursor(struct reading *reading);
extension_notice_writer extension_write_cursor;
/* 313. */
void extension_read_typing(struct reading *reading);
extension_notice_writer extension_write_typing;

#endif
