/* 319 and 320: the logins of an account. */
#ifndef PARLEY_GATEWAY_DIALECT_EXTENSION_DEVICES_H
#define PARLEY_GATEWAY_DIALECT_EXTENSION_DEVICES_H

#include "services/gateway/dialect/form.h"

/* The fields of a 320: `result->reply`. */
struct devices_shown {
    const struct auth_devices_reply *devices;
    struct u64_list logins; /* under which the account is connected now */
    uint64_t own;           /* the login of the client that asks */
};

void extension_devices_read(struct reading *reading);
extension_answer_writer extension_devices_write;

#endif
