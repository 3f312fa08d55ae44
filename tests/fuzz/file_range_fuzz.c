/*
 * Fuzz target of the header Range: whatever it says, what is sent lies within the file, and a part
 * is less than all, or was asked for. The first byte is the file's size, doubled so many times.
 */
#include "services/gateway/file_range.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    uint64_t file = UINT64_C(1) << (data[0] & 63), from = 7, end = 3;
    file += data[0] >> 6;
    const struct slice header = slice_make((const char *)data + 1, size - 1);
    switch (file_range_read(header, file, &from, &end)) {
    case FILE_RANGE_WHOLE:
        require(from == 0 && end == file);
        break;
    case FILE_RANGE_PART:
        require(from < end && end <= file);
        break;
    case FILE_RANGE_NONE:
        break;
    }
    return 0;
}
