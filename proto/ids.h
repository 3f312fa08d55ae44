/*
 * Which texts may be an id or a name, and which ids are the same.
 *
 * An id is kept, and a name too, in its normal form: NFC, without the joiners (ZWJ, ZWNJ) that
 * stand between letters whose look they don't change. So a person who writes it in another form
 * finds it, and nobody else can have it:
 *
 *     char room[ID_ROOM];
 *     struct slice id = id_normal(chosen, room);
 *     const char *fault = id_fault(id);              "holds an invisible character", or NULL
 *
 * Ids that were registered before there was this rule are kept as they were: look-ups try all the
 * forms that struct id_forms holds, the given one first.
 *
 * Where there is an '@', an id is in one namespace with e-mail addresses, and case counts no more:
 * the result of id_address must not be somebody else's.
 */
#ifndef PARLEY_PROTO_IDS_H
#define PARLEY_PROTO_IDS_H

#include "common/record.h"
#include "common/unicode.h"

/* no limit: a range */
/* Numbers of accounts and groups are below this, so that every JSON reader holds them exactly. */
#define NUMBER_LIMIT ((uint64_t)1 << 53)
/* Those that the server allocates: of nine and ten digits. */
#define NUMBER_FIRST_ALLOCATED UINT64_C(100000000)
#define NUMBER_LAST_ALLOCATED UINT64_C(9999999999)
/* limit: client | string id | {ID_MAX_BYTES} | a fault that names the field */
/* Most bytes of a string id, in its normal form; of an e-mail address. */
#define ID_MAX_BYTES 64
#define EMAIL_MAX_BYTES 254
/*
 * limit: client | nickname, group's name | {NAME_MAX_CHARACTERS} characters | a fault that
 * names the field
 */
/* Most characters of a nickname or a group's name, as the database holds them. */
#define NAME_MAX_CHARACTERS 64
/*
 * limit: client | remark about a friend, nick in a group; `about` in a profile |
 * {NAME_MAX_CHARACTERS} characters; {ABOUT_MAX_CHARACTERS} characters | a fault that names the
 * field
 */
/* Most characters of `about` in the profile of an account or group. */
#define ABOUT_MAX_CHARACTERS 512

/* Room for the forms of an id, a name, an address. */
#define ID_ROOM UNICODE_ROOM(ID_MAX_BYTES)
#define NAME_ROOM UNICODE_ROOM(4 * NAME_MAX_CHARACTERS)
#define ABOUT_ROOM UNICODE_ROOM(4 * ABOUT_MAX_CHARACTERS)
#define EMAIL_ROOM UNICODE_ROOM(EMAIL_MAX_BYTES)

/* Whether `text` is the decimal form of a number below NUMBER_LIMIT, without leading zeros. */
bool id_is_decimal(struct slice text, uint64_t *number_r);
/* An id as it stands beside its number: empty where it is that number's decimal form. */
struct slice id_beside_number(struct slice id);
/* A number to give to a new account or group, at random: nobody can take the next ones beforehand,
 * or count by them. It may be taken. */
uint64_t number_allocate(void);

/* Whether `text` is UTF-8; an empty one is, here and below. */
bool text_is_utf8(struct slice text);
/* Whether `text` is UTF-8 without control characters. */
bool text_is_plain(struct slice text);
/* Whether `text` may be an id that somebody has: chosen by today's rules or by earlier ones. */
bool id_may_exist(struct slice text);

/*
 * The normal form; `text` itself, or in `room`. Empty where it is empty, no UTF-8 or does not fit.
 */
struct slice id_normal(struct slice text, char room[ID_ROOM]);
struct slice name_normal(struct slice text, char room[NAME_ROOM]);
struct slice about_normal(struct slice text, char room[ABOUT_ROOM]);
struct slice email_normal(struct slice text, char room[EMAIL_ROOM]); /* caseless besides */

/*
 * Why a text in its normal form can't be chosen, as the end of a sentence that begins with its
 * name: "is empty", "holds an invisible character". NULL when it can. Static.
 */
const char *id_fault(struct slice normal);
const char *name_fault(struct slice normal);
const char *about_fault(struct slice normal);
const char *email_fault(struct slice normal);

/* Whether two ids are one: in their normal forms the same, without case where there is an '@'. */
bool id_same(struct slice a, struct slice b);
/* Of an id with an '@' that is in its normal form, the text that is compared with e-mail addresses;
 * empty for any other. */
struct slice id_address(struct slice normal, char room[ID_ROOM]);

/* The forms in which an account may have the id `given`, in the order in which they are tried; no
 * two are equal. */
#define ID_FORMS 3
struct id_forms {
    struct slice items[ID_FORMS];
    size_t count; /* 0: nobody can */
    char rooms[ID_FORMS - 1][ID_ROOM];
};
void id_forms_of(struct slice given, struct id_forms *forms_r);

#endif
