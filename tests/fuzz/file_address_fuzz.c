/*
 * Fuzz target of files' addresses: a path and a query that nobody signed are good only where they
 * say what a signed address says.
 */
#include "services/gateway/file_address.h"

#include "tests/fuzz/fuzz.h"

#define NOW_MS UINT64_C(1798000000000)

static const char key[] = "0123456789abcdef0123456789abcdef";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct file_address *address = file_address_new("");
    char text[FILE_ADDRESS_BYTES];
    uint64_t file = 0, again = 0;
    bool preview, expired, other;
    const uint8_t *mark = size == 0 ? NULL : memchr(data, '?', size);
    size_t end = mark == NULL ? size : (size_t)(mark - data);
    struct slice path = slice_make((const char *)data, end);
    struct slice query = slice_make((const char *)data + (mark == NULL ? end : end + 1),
                                    mark == NULL ? 0 : size - end - 1);
    require(address != NULL);
    file_address_set_key(address, slice_text(key));
    if (file_address_check(address, path, query, NOW_MS, &file, &preview, &expired))
        require(file_address_until_s(query) != 0 &&
                expired == (file_address_until_s(query) * 1000 <= NOW_MS));
    if (file_address_write(address, file + size, (size & 1) != 0, path, NOW_MS, text,
                           sizeof text)) {
        const char *question = strchr(text, '?');
        require(question != NULL &&
                file_address_check(address, slice_make(text, (size_t)(question - text)),
                                   slice_text(question + 1), NOW_MS, &again, &other, &expired));
        require(again == file + size && other == ((size & 1) != 0) && !expired);
    }
    file_address_destroy(&address);
    return 0;
}
