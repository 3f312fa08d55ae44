/* The end of an account; see extension_forget.h. */
#include "services/gateway/dialect/extension_forget.h"

void extension_read_forget(struct reading *reading) {
    struct dialect_request *request = reading->request;
    struct slice texts = slice_text("keep");
    if (field_given(reading->body, "password"))
        reading_text(reading, reading->body, "password", PASSWORD_MAX_BYTES, &request->password);
    else if (field_given(reading->body, "confirm"))
        reading_flag(reading, reading->body, "confirm", &request->accept);
    if (request->password.length == 0 && !request->accept)
        reading_fail(reading, "password is missing, or \"confirm\":true of an account without one");
    if (field_given(reading->body, "texts"))
        reading_text(reading, reading->body, "texts", 0, &texts);
    request->blank = slice_equal(texts, slice_text("blank"));
    if (!request->blank && !slice_equal(texts, slice_text("keep")))
        reading_fail(reading, "texts must be keep or blank");
}
