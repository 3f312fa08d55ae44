/*
 * The extensions: numbers from 300 on, which clients that opted in use in any dialect. Their tables
 * stand here; each area's readers and writers are in an extension_AREA file (form.h).
 */
#ifndef PARLEY_GATEWAY_DIALECT_EXTENSION_H
#define PARLEY_GATEWAY_DIALECT_EXTENSION_H

#include "services/gateway/dialect/form.h"

/* Smaller numbers are the dialect's own. */
#define EXTENSION_FIRST 300

/* NULL: no extension has this number. */
const struct request_row *extension_find_row(uint64_t number);

/* The answer with content that a request has; nothing where it has none, or failed. It carries the
 * request's `ref`. */
void extension_write_answer(const struct dialect_form *form, const struct dialect_account *self,
                            const struct dialect_request *request,
                            const struct dialect_result *result, struct buffer *out);
void extension_write_300(const struct dialect_form *form, const struct dialect_request *request,
                         const struct dialect_result *result, struct buffer *out);

/* Whether an extension shows entries of this type. No client without extensions gets these. */
bool extension_has_notice(enum entry_type type);
enum dialect_view extension_entry_view(const struct entry *entry);
void extension_write_entry(const struct dialect_form *form, const struct entry *entry,
                           uint64_t account, struct buffer *out);
void extension_write_skipped(const struct dialect_form *form, const struct dialect_account *self,
                             const struct entry *entry, uint64_t skipped, uint64_t time_ms,
                             struct buffer *out);

#endif
