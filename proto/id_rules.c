/* Normal forms of ids and names, and which may be chosen; see ids.h. */
#include <string.h>

#include "proto/ids.h"

/* --- normal forms ---------------------------------------------------------------------------- */

/* A text, character by character, with those on both sides of the one that is looked at. */
struct walk {
    struct slice rest;
    uint32_t before, character, after; /* 0: none */
    size_t bytes;                      /* of the character; 0 at the end, or where it is no UTF-8 */
};

static struct walk walk_begin(struct slice text) {
    struct walk walk = {.rest = text};
    walk.bytes = unicode_read(walk.rest, &walk.character);
    if (walk.bytes > 0)
        unicode_read(slice_make(text.data + walk.bytes, text.length - walk.bytes), &walk.after);
    return walk;
}

static void walk_on(struct walk *walk) {
    uint32_t before = walk->character;
    *walk = walk_begin(slice_make(walk->rest.data + walk->bytes, walk->rest.length - walk->bytes));
    walk->before = before;
}

/* A joiner between letters that look the same without it. */
static bool is_idle_joiner(const struct walk *walk) {
    return unicode_is_joiner(walk->character) && walk->before != 0 && walk->after != 0 &&
           unicode_is_letter(walk->before) && unicode_is_letter(walk->after) &&
           !unicode_may_join(walk->before);
}

/* Takes idle joiners out of a text, in place; whether there were any. */
static bool drop_idle_joiners(char *text, size_t *length) {
    size_t kept = 0;
    /* The kept characters never lie behind the read ones. */
    for (struct walk walk = walk_begin(slice_make(text, *length)); walk.bytes > 0; walk_on(&walk)) {
        if (is_idle_joiner(&walk))
            continue;
        memmove(text + kept, walk.rest.data, walk.bytes);
        kept += walk.bytes;
    }
    bool dropped = kept < *length;
    *length = kept;
    return dropped;
}

static struct slice normal(struct slice text, char *room, size_t room_bytes) {
    struct slice nfc = unicode_convert(text, UNICODE_NFC, room, room_bytes);
    size_t length = nfc.length;
    /* ASCII has none, and only that is not in the room. */
    if (nfc.data != room || !drop_idle_joiners(room, &length))
        return nfc;
    return unicode_convert(slice_make(room, length), UNICODE_NFC, room, room_bytes);
}

struct slice id_normal(struct slice text, char room[ID_ROOM]) {
    return normal(text, room, ID_ROOM);
}

struct slice name_normal(struct slice text, char room[NAME_ROOM]) {
    return normal(text, room, NAME_ROOM);
}

struct slice about_normal(struct slice text, char room[ABOUT_ROOM]) {
    return normal(text, room, ABOUT_ROOM);
}

struct slice email_normal(struct slice text, char room[EMAIL_ROOM]) {
    struct slice email = normal(text, room, EMAIL_ROOM);
    return unicode_convert(email, UNICODE_CASELESS, room, EMAIL_ROOM);
}

/* --- what may be chosen -------------------------------------------------------------------- */

/* Whether a character without a shape of its own has a use where it stands: a joiner in a script
 * that knows it, one that joins several pictures to one, or one that asks for a picture. */
static bool has_use(const struct walk *walk) {
    uint32_t before = walk->before, after = walk->after;
    bool in_picture = unicode_is_pictograph(before) || before == 0xfe0f ||
                      (before >= 0x1f3fb && before <= 0x1f3ff);
    if (before == 0)
        return false;
    if (walk->character == 0xfe0f)
        return unicode_is_pictograph(before) || after == 0x20e3;
    if (!unicode_is_joiner(walk->character) || after == 0)
        return false;
    return (unicode_is_letter(before) && unicode_is_letter(after)) ||
           (walk->character == 0x200d && in_picture && unicode_is_pictograph(after));
}

static const char *fault_of(struct slice text, size_t *characters_r) {
    *characters_r = 0;
    struct walk walk = walk_begin(text);
    if (text.length == 0)
        return "is empty";
    for (; walk.bytes > 0; walk_on(&walk), ++*characters_r) {
        if (unicode_is_control(walk.character))
            return "holds a control character";
        if (unicode_is_line_end(walk.character))
            return "holds a line separator";
        if (unicode_is_invisible(walk.character) && !has_use(&walk))
            return "holds an invisible character";
        if (unicode_is_space(walk.character) && (walk.before == 0 || walk.after == 0))
            return "begins or ends with a space";
    }
    return walk.rest.length > 0 ? "is not UTF-8" : NULL;
}

/* Whether `text` reads as `word`, whatever its case, form and spacing. */
static bool reads_as(struct slice text, const char *word) {
    char room[NAME_ROOM];
    struct slice skeleton = unicode_convert(text, UNICODE_SKELETON, room, sizeof room);
    size_t at = 0, length = strlen(word);
    for (struct walk walk = walk_begin(skeleton); walk.bytes > 0; walk_on(&walk)) {
        if (unicode_is_space(walk.character))
            continue;
        if (at == length || walk.character != (unsigned char)word[at])
            return false;
        at++;
    }
    return at == length;
}

const char *id_fault(struct slice normal) {
    size_t characters;
    if (normal.length > ID_MAX_BYTES)
        return "is longer than 64 bytes";
    const char *fault = fault_of(normal, &characters);
    if (fault == NULL && (reads_as(normal, "system") || reads_as(normal, "0")))
        fault = "stands for the server";
    return fault;
}

const char *name_fault(struct slice normal) {
    size_t characters;
    const char *fault = fault_of(normal, &characters);
    if (fault == NULL && characters > NAME_MAX_CHARACTERS)
        fault = "is longer than 64 characters";
    if (fault == NULL && reads_as(normal, "system"))
        fault = "stands for the server";
    return fault;
}

const char *about_fault(struct slice normal) {
    size_t characters;
    const char *fault = fault_of(normal, &characters);
    return fault == NULL && characters > ABOUT_MAX_CHARACTERS ? "is longer than 512 characters"
                                                              : fault;
}

/* Checks only as much as distinguishes an address from another login name; nobody sends mail to
 * it. */
const char *email_fault(struct slice normal) {
    size_t characters, ats = 0;
    if (normal.length > EMAIL_MAX_BYTES)
        return "is longer than 254 bytes";
    const char *fault = fault_of(normal, &characters);
    if (fault != NULL)
        return fault;
    for (struct walk walk = walk_begin(normal); walk.bytes > 0; walk_on(&walk)) {
        bool at = walk.character == '@';
        if (unicode_is_space(walk.character) || (at && (walk.before == 0 || walk.after == 0)))
            return "is not an e-mail address";
        ats += at;
    }
    return ats == 1 ? NULL : "is not an e-mail address";
}

/* --- which are the same -------------------------------------------------------------------- */

static bool has_at(struct slice text) {
    return text.length > 0 && memchr(text.data, '@', text.length) != NULL;
}

struct slice id_address(struct slice normal, char room[ID_ROOM]) {
    if (!has_at(normal))
        return slice_make(NULL, 0);
    return unicode_convert(normal, UNICODE_CASELESS, room, ID_ROOM);
}

bool id_same(struct slice a, struct slice b) {
    char rooms[4][ID_ROOM];
    if (slice_equal(a, b))
        return true;
    struct slice normal_a = id_normal(a, rooms[0]), normal_b = id_normal(b, rooms[1]);
    if (normal_a.length > 0 && slice_equal(normal_a, normal_b))
        return true;
    struct slice address = id_address(normal_a, rooms[2]);
    return address.length > 0 && slice_equal(address, id_address(normal_b, rooms[3]));
}

static void add_form(struct id_forms *forms, struct slice form) {
    if (!id_may_exist(form))
        return;
    for (size_t i = 0; i < forms->count; i++)
        if (slice_equal(forms->items[i], form))
            return;
    forms->items[forms->count++] = form;
}

void id_forms_of(struct slice given, struct id_forms *forms_r) {
    forms_r->count = 0;
    add_form(forms_r, given);
    if (given.length > ID_ROOM)
        return;
    add_form(forms_r, id_normal(given, forms_r->rooms[0]));
    add_form(forms_r, unicode_convert(given, UNICODE_NFD, forms_r->rooms[1], ID_ROOM));
}
