/*
 * URLs of others: which are taken, and how they are shown, without a password.
 *
 *     char room[URL_ROOM];
 *     shown = url_without_password(slice_text("https://anna:secret@host/path"), room);
 *
 * What stands before the `@` of the authority (userinfo in RFC 3986) becomes three asterisks.
 */
#ifndef PARLEY_COMMON_URL_H
#define PARLEY_COMMON_URL_H

#include <stdbool.h>

#include "common/record.h"

/* no limit: room for any URL that is stored */
#define URL_ROOM 4096

/* In `room`; a text without a password is returned as it is. A URL that has no room is the
 * asterisks alone. */
struct slice url_without_password(struct slice text, char room[URL_ROOM]);

/* Whether it is an absolute http or https URL of visible ASCII characters, with a host. */
bool url_is_http(struct slice text);

#endif
