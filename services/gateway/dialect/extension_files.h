/* 323 and 324, 341 to 344: uploads, and an account's stickers. */
#ifndef PARLEY_GATEWAY_DIALECT_EXTENSION_FILES_H
#define PARLEY_GATEWAY_DIALECT_EXTENSION_FILES_H

#include "services/gateway/dialect/form.h"

void extension_read_upload(struct reading *reading);
void extension_read_sticker(struct reading *reading);

extension_answer_writer extension_write_upload, extension_write_sticker, extension_write_stickers;

#endif
