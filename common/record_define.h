/*
 * Makes structures and descriptions of records from one list of fields each.
 *
 *     #define AUTH_LOGIN_FIELDS(F, S)                                              \
 *         F(S, TEXT, login, REQUIRED, 320, "e-mail, number or id")                 \
 *         F(S, TEXT, password, OPTIONAL, 256, "as the client sent it")
 *
 * RECORD_STRUCT(auth_login, AUTH_LOGIN_FIELDS) in a header gives `struct auth_login` and declares
 * `auth_login_desc`; RECORD_DEFINE(auth_login, AUTH_LOGIN_FIELDS, "...") in one source defines it.
 * A list of records names its element's record: F(S, NESTED(route_item), items, ...). A U64 may be
 * any number, as a random one is; a NUMBER, or each of NUMBERS, is at most RECORD_NUMBER_MOST: what
 * is counted, a cid, a time.
 */
#ifndef PARLEY_COMMON_RECORD_DEFINE_H
#define PARLEY_COMMON_RECORD_DEFINE_H

#include "common/record.h"

#define RECORD_REQUIRED true
#define RECORD_OPTIONAL false

#define RECORD_C_U64 uint64_t
#define RECORD_C_NUMBER uint64_t
#define RECORD_C_BOOL bool
#define RECORD_C_TEXT struct slice
#define RECORD_C_BYTES struct slice
#define RECORD_C_U64S struct u64_list
#define RECORD_C_NUMBERS struct u64_list
#define RECORD_C_TEXTS struct slice_list
#define RECORD_C_BLOBS struct slice_list
#define RECORD_C_NESTED(element_) struct record_list

#define RECORD_INIT_U64 .type = RECORD_U64
#define RECORD_INIT_NUMBER .type = RECORD_U64, .most = RECORD_NUMBER_MOST
#define RECORD_INIT_BOOL .type = RECORD_BOOL
#define RECORD_INIT_TEXT .type = RECORD_TEXT
#define RECORD_INIT_BYTES .type = RECORD_BYTES
#define RECORD_INIT_U64S .type = RECORD_U64S
#define RECORD_INIT_NUMBERS .type = RECORD_U64S, .most = RECORD_NUMBER_MOST
#define RECORD_INIT_TEXTS .type = RECORD_TEXTS
#define RECORD_INIT_BLOBS .type = RECORD_BLOBS
#define RECORD_INIT_NESTED(element_) .type = RECORD_LIST, .element = &element_##_desc

#define RECORD_MEMBER(S, type_, member_, need_, max_, help_) RECORD_C_##type_ member_;
#define RECORD_FIELD(S, type_, member_, need_, max_, help_)                                        \
    {.name = #member_,                                                                             \
     RECORD_INIT_##type_,                                                                          \
     .required = RECORD_##need_,                                                                   \
     .offset = offsetof(struct S, member_),                                                        \
     .max = (max_),                                                                                \
     .help = (help_)},

#define RECORD_STRUCT(name_, fields_)                                                              \
    struct name_ {                                                                                 \
        fields_(RECORD_MEMBER, name_)                                                              \
    };                                                                                             \
    extern const struct record_desc name_##_desc;

#define RECORD_DEFINE(name_, fields_, help_)                                                       \
    static const struct record_field name_##_fields[] = {fields_(RECORD_FIELD, name_)};            \
    const struct record_desc name_##_desc = {#name_, sizeof(struct name_), name_##_fields,         \
                                             sizeof name_##_fields / sizeof name_##_fields[0],     \
                                             help_};

/* A message: who takes it, its body and its reply (NULL for an event). */
struct message_desc {
    const char *name;
    const struct record_desc *body;
    const struct record_desc *reply;
    const char *help;
};

#endif
