/* Types of files for browsers; see file_type.h. */
#include "services/gateway/file_type.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* No SVG, HTML, XML, PDF: they may hold scripts. */
static const char *const shown[] = {"image/jpeg", "image/png",  "image/gif",      "image/webp",
                                    "image/avif", "image/bmp",  "audio/mpeg",     "audio/mp4",
                                    "audio/aac",  "audio/ogg",  "audio/opus",     "audio/wav",
                                    "audio/webm", "audio/flac", "audio/amr",      "video/mp4",
                                    "video/webm", "video/ogg",  "video/quicktime"};

/* Its own spelling here; NULL: it is saved. Parameters (`; codecs=...`) don't count. */
static const char *find_shown(struct slice mime) {
    size_t length = 0;
    while (length < mime.length && mime.data[length] != ';' && mime.data[length] != ' ')
        length++;
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (strlen(shown[i]) == length && strncasecmp(shown[i], mime.data, length) == 0)
            return shown[i];
    return NULL;
}

/* For programs that don't know the other form. */
static void write_plain(struct slice name, struct buffer *out) {
    for (size_t i = 0; i < name.length; i++) {
        unsigned char byte = (unsigned char)name.data[i];
        bool safe = byte >= ' ' && byte < 0x7f && strchr("\"\\%/", byte) == NULL;
        buffer_printf(out, "%c", safe ? byte : '_');
    }
}

/* RFC 8187. */
static void write_encoded(struct slice name, struct buffer *out) {
    for (size_t i = 0; i < name.length; i++) {
        unsigned char byte = (unsigned char)name.data[i];
        if (byte < 0x80 && (isalnum(byte) || (byte != 0 && strchr("-._~", byte) != NULL)))
            buffer_printf(out, "%c", byte);
        else
            buffer_printf(out, "%%%02X", (unsigned)byte);
    }
}

void file_type_write(struct slice mime, struct slice name, struct buffer *out) {
    const char *type = find_shown(mime);
    buffer_printf(out, "Content-Type: %s\r\nContent-Disposition: %s; filename=\"",
                  type != NULL ? type : "application/octet-stream",
                  type != NULL ? "inline" : "attachment");
    write_plain(name, out);
    buffer_add_text(out, "\"; filename*=UTF-8''");
    write_encoded(name, out);
    buffer_add_text(out, "\r\n");
}
