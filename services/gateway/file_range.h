/* The part of a file that a request over HTTP asks for: its header Range (RFC 9110, 14). Pure. */
#ifndef PARLEY_GATEWAY_FILE_RANGE_H
#define PARLEY_GATEWAY_FILE_RANGE_H

#include "common/record.h"

enum file_range_result {
    FILE_RANGE_WHOLE, /* all of it: no range is asked for, or several are, or it makes no sense */
    FILE_RANGE_PART,
    FILE_RANGE_NONE /* it begins behind the end */
};

/* `from_r` and `end_r` (behind the last byte) are set in any case, of a file of `size` bytes. */
enum file_range_result file_range_read(struct slice range, uint64_t size, uint64_t *from_r,
                                       uint64_t *end_r);

#endif
