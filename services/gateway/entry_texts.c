/* The texts of one entry: per dialect and ext. */
#include <stdlib.h>

#include "services/gateway/entry_texts.h"
#include "services/gateway/gateway.h"

#define DIALECTS 3
/* limit: gateway | memory that the JSON of one entry leaves for the next | {KEEP_BYTES} for each
 * form | freed */
/* A text of ordinary size keeps its memory for the next entry. */
#define KEEP_BYTES 4096

struct entry_texts {
    struct dialect_addresses addresses;
    struct buffer texts[DIALECTS][2]; /* the common view */
    struct buffer own;                /* the last account's */
};

#define TEXTS ((size_t)DIALECTS * 2 + 1)

static struct buffer *each(struct entry_texts *self, size_t i) {
    return i + 1 < TEXTS ? &self->texts[0][0] + i : &self->own;
}

struct entry_texts *entry_texts_new(struct dialect_addresses addresses) {
    struct entry_texts *self = calloc(1, sizeof *self);
    if (self != NULL)
        self->addresses = addresses;
    for (size_t i = 0; self != NULL && i < TEXTS; i++)
        *each(self, i) = buffer_make(GATEWAY_TEXT_BYTES);
    return self;
}

void entry_texts_destroy(struct entry_texts **self_p) {
    for (size_t i = 0; *self_p != NULL && i < TEXTS; i++)
        buffer_free(each(*self_p, i));
    free(*self_p);
    *self_p = NULL;
}

void entry_texts_clear(struct entry_texts *self) {
    for (size_t i = 0; i < TEXTS; i++) {
        if (each(self, i)->capacity > KEEP_BYTES)
            buffer_free(each(self, i));
        buffer_clear(each(self, i));
    }
}

int entry_texts_get(struct entry_texts *self, const struct entry_viewer *viewer,
                    const struct entry *entry, struct slice *text_r) {
    enum dialect_view view =
        dialect_entry_view(viewer->dialect, viewer->ext, entry, viewer->account);
    *text_r = slice_make(NULL, 0);
    if (view == DIALECT_VIEW_NOTHING)
        return 0;
    struct buffer *text = &self->texts[viewer->dialect][viewer->ext];
    if (view == DIALECT_VIEW_OWN) {
        text = &self->own;
        buffer_clear(text);
    }
    if (text->length == 0)
        dialect_write_entry(viewer->dialect, viewer->ext, &self->addresses, entry, viewer->account,
                            text);
    *text_r = slice_make(text->data, text->length);
    return text->failed ? -1 : 0;
}
