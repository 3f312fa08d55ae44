/* Entries in the answer of an extension; see entry_list.h. */
#include "services/gateway/dialect/entry_list.h"

#include "services/gateway/dialect/json.h"

/* no limit: what is left of LIST_MAX_BYTES for the other fields of an answer */
#define OTHER_FIELDS_BYTES 2048
/* no limit: room for the entries and one that does not fit any more */
#define ROOM_BYTES ((size_t)2 * (LIST_MAX_BYTES + 6 * TEXT_MAX_BYTES))

/* Where an entry's object stands; empty: it is not shown. */
struct text {
    size_t start, end;
};

struct entry_list {
    const struct dialect_form *form;
    const struct dialect_account *self;
    const struct slice_list *entries;
    struct buffer room;
    struct text texts[LIST_MAX];
    size_t from, upto; /* the entries that stay */
    size_t bytes;      /* that their objects take */
};

static bool is_shown(const struct dialect_form *form, const struct dialect_account *self,
                     const struct entry *entry) {
    return entry->type == ENTRY_RECALLED_TEXT ||
           form->entry_view(true, entry, self->number) != DIALECT_VIEW_NOTHING;
}

static bool unpack(struct slice packed, struct record_arena *arena, struct entry *entry_r) {
    const char *fault;
    return record_unpack(&entry_desc, packed, arena, entry_r, &fault) == 0;
}

bool entry_list_write_one(const struct dialect_form *form, const struct dialect_account *self,
                          struct slice packed, struct buffer *out) {
    struct record_arena arena = {0};
    struct entry entry;
    size_t before = out->length;
    if (unpack(packed, &arena, &entry) && is_shown(form, self, &entry))
        form->write_entry(form, true, &entry, self->number, out);
    record_arena_free(&arena);
    return out->length > before; /* YouIM has nothing for a recalled text that is no person's */
}

static uint64_t cid_of(struct slice packed) {
    struct record_arena arena = {0};
    struct entry entry;
    uint64_t cid = unpack(packed, &arena, &entry) ? entry.cid : 0;
    record_arena_free(&arena);
    return cid;
}

size_t entry_list_place(const struct slice_list *entries, uint64_t cid) {
    size_t place = 0;
    while (place < entries->count && cid_of(entries->items[place]) < cid)
        place++;
    return place;
}

/* Writes an entry at the end of `room`; false: it does not fit beside those that stay. */
static bool take(struct entry_list *list, size_t i) {
    size_t start = list->room.length;
    entry_list_write_one(list->form, list->self, list->entries->items[i], &list->room);
    size_t length = list->room.length - start;
    list->texts[i] = (struct text){start, start + length};
    if (list->bytes > 0 && list->bytes + length > LIST_MAX_BYTES - OTHER_FIELDS_BYTES)
        return false;
    list->bytes += length == 0 ? 0 : length + 1; /* and a comma */
    return true;
}

/* From the place on in both directions; false: some did not fit. */
static bool take_all(struct entry_list *list, size_t place) {
    list->from = list->upto = place;
    while (list->from > 0 || list->upto < list->entries->count) {
        if (list->upto < list->entries->count) {
            if (!take(list, list->upto))
                return false;
            list->upto++;
        }
        if (list->from > 0) {
            if (!take(list, list->from - 1))
                return false;
            list->from--;
        }
    }
    return true;
}

static void write_texts(const struct entry_list *list, struct buffer *out) {
    const char *separator = "[";
    for (size_t i = list->from; i < list->upto; i++) {
        struct text text = list->texts[i];
        if (text.start == text.end)
            continue;
        json_raw(out, separator);
        buffer_add(out, list->room.data + text.start, text.end - text.start);
        separator = ",";
    }
    json_raw(out, *separator == '[' ? "[]" : "]");
}

struct entry_span entry_list_write(const struct dialect_form *form,
                                   const struct dialect_account *self,
                                   const struct slice_list *entries, size_t place,
                                   struct buffer *out) {
    struct entry_list list = {
        .form = form, .self = self, .entries = entries, .room = buffer_make(ROOM_BYTES)};
    struct entry_span span = {.first_cid = 0};
    span.cut = !take_all(&list, place);
    write_texts(&list, out);
    if (list.from < list.upto) {
        span.first_cid = cid_of(entries->items[list.from]);
        span.last_cid = cid_of(entries->items[list.upto - 1]);
    }
    out->failed = out->failed || list.room.failed;
    buffer_free(&list.room);
    return span;
}
