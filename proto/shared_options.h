/*
 * Options that stand in the tables of several services, under one name and with one meaning. One
 * file and one environment set them for all. The gateway enforces none of them; those that it has
 * it tells clients (GET /api/info).
 */
#ifndef PARLEY_PROTO_SHARED_OPTIONS_H
#define PARLEY_PROTO_SHARED_OPTIONS_H

#include "common/config_options.h"

/* Who may make an account; auth enforces it. */
enum registration_rule { REGISTRATION_OPEN, REGISTRATION_CLOSED, REGISTRATION_TOKEN };
#define REGISTRATION_WORDS "open|closed|token"
#define OPTION_REGISTRATION(settings_)                                                             \
    CONFIG_CHOICE(settings_, registration, REGISTRATION_OPEN, REGISTRATION_WORDS,                  \
                  "who may make an account: anybody, the operator alone (parleyctl user add), or " \
                  "whoever has a token (parleyctl registration-token); the same at auth and the "  \
                  "gateway")

/* For how long texts may be changed; delivery enforces it. */
#define OPTION_RECALL_MINUTES(settings_)                                                           \
    CONFIG_U64(                                                                                    \
        settings_, recall_minutes, 2, 0, 525600, "minutes",                                        \
        "for so long a sender may recall a text; administrators of a group always may; the "       \
        "same at delivery and the gateway")
#define OPTION_EDIT_MINUTES(settings_)                                                             \
    CONFIG_U64(settings_, edit_minutes, 15, 0, 525600, "minutes",                                  \
               "for so long a sender may edit a text; the same at delivery and the gateway")

/* What people who are not friends may send each other; delivery and group enforce it. */
enum strangers_rule { STRANGERS_OPEN, STRANGERS_REQUEST, STRANGERS_CLOSED };
#define STRANGERS_WORDS "open|request|closed"
#define OPTION_STRANGERS(settings_)                                                                \
    CONFIG_CHOICE(settings_, strangers, STRANGERS_OPEN, STRANGERS_WORDS,                           \
                  "what people who are not friends may send each other: texts, requests for "      \
                  "friendship alone, or, where they share no group, nothing; the same at "         \
                  "delivery and group")

/* Of the addresses that hooks tells, and of the one that delivery asks. */
#define OPTION_HOOK_CA_FILE(settings_)                                                             \
    CONFIG_STRING(settings_, hook_ca_file, "",                                                     \
                  "certificates that hooks and delivery trust of the addresses that they tell "    \
                  "and ask; empty: the system's")

#endif
