/* Forms of ids and names: any bytes, as a request may hold them. */
#include "proto/ids.h"
#include "tests/fuzz/fuzz.h"

/* The normal form of a normal form is itself, and judged as it is. */
static void check_normal(struct slice text, struct slice (*normal)(struct slice, char *),
                         const char *(*fault)(struct slice)) {
    char room[EMAIL_ROOM + NAME_ROOM], again[EMAIL_ROOM + NAME_ROOM];
    struct slice once = normal(text, room);
    require(slice_equal(once, normal(once, again)));
    if (fault(once) == NULL)
        require(once.length > 0 && text_is_plain(once));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice text = slice_make((const char *)data, size);
    char room[ID_ROOM], address[ID_ROOM];
    struct id_forms forms;
    check_normal(text, id_normal, id_fault);
    check_normal(text, name_normal, name_fault);
    check_normal(text, email_normal, email_fault);
    struct slice id = id_normal(text, room);
    require(id.length == 0 || id_same(text, id));
    require(id_address(id, address).length <= ID_ROOM);
    id_forms_of(text, &forms);
    for (size_t i = 0; i < forms.count; i++)
        require(id_may_exist(forms.items[i]));
    return 0;
}
