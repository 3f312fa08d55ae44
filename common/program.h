/*
 * The programs that messages are sent by. Each message names those that may send it, in a line
 * `from ...` of its table (proto/messages.def).
 */
#ifndef PARLEY_COMMON_PROGRAM_H
#define PARLEY_COMMON_PROGRAM_H

/* The name is the one of its folder of keys, too (keys.h). */
#define PARLEY_PROGRAMS(X)                                                                         \
    X(GATEWAY, "gateway")                                                                          \
    X(AUTH, "auth")                                                                                \
    X(SESSION, "session")                                                                          \
    X(GROUP, "group")                                                                              \
    X(DELIVERY, "delivery")                                                                        \
    X(FILES, "files")                                                                              \
    X(HOOKS, "hooks")                                                                              \
    X(CTL, "parleyctl")

enum program {
#define X(name, word) PROGRAM_##name,
    PARLEY_PROGRAMS(X)
#undef X
        PROGRAM_COUNT
};

/* A set of programs is a number with a bit for each. */
enum program_bit {
#define X(name, word) PROGRAM_BIT_##name = 1 << PROGRAM_##name,
    PARLEY_PROGRAMS(X)
#undef X
};

#endif
