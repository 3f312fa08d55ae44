/* Forms of ids and names: any bytes, as a request may hold them. */
#include <stdlib.h>

#include "proto/ids.h"
#include "tests/fuzz/fuzz.h"

static void check(bool holds) {
    if (!holds)
        abort();
}

/* The normal form of a normal form is itself, and judged as it is. */
static void check_normal(struct slice text, struct slice (*normal)(struct slice, char *),
                         const char *(*fault)(struct slice)) {
    char room[EMAIL_ROOM + NAME_ROOM], again[EMAIL_ROOM + NAME_ROOM];
    struct slice once = normal(text, room);
    check(slice_equal(once, normal(once, again)));
    if (fault(once) == NULL)
        check(once.length > 0 && text_is_plain(once));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    struct slice text = slice_make((const char *)data, length);
    char room[ID_ROOM], address[ID_ROOM];
    struct id_forms forms;
    check_normal(text, id_normal, id_fault);
    check_normal(text, name_normal, name_fault);
    check_normal(text, email_normal, email_fault);
    struct slice id = id_normal(text, room);
    check(id.length == 0 || id_same(text, id));
    check(id_address(id, address).length <= ID_ROOM);
    id_forms_of(text, &forms);
    for (size_t i = 0; i < forms.count; i++)
        check(id_may_exist(forms.items[i]));
    return 0;
}
