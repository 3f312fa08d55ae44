/* 307, 309, 311, 325, 337: the extensions about people and groups; see form.h. */
#ifndef PARLEY_GATEWAY_DIALECT_EXTENSION_PEOPLE_H
#define PARLEY_GATEWAY_DIALECT_EXTENSION_PEOPLE_H

#include "services/gateway/dialect/form.h"

void extension_read_friends(struct reading *reading);
void extension_read_members(struct reading *reading);
void extension_read_profile(struct reading *reading);
/* Decides on the operation. */
void extension_read_set(struct reading *reading);
void extension_read_quiet(struct reading *reading);

extension_answer_writer extension_write_friends, extension_write_members;
extension_answer_writer extension_write_profile;

extension_notice_writer extension_write_profile_changed, extension_write_group_changed;
extension_notice_writer extension_write_nick, extension_write_quiet;

#endif
