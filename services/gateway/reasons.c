/* Why a request was refused, in a sentence that names the ids as the client wrote them. */
#include "services/gateway/reasons.h"
#include "proto/ids.h"

#include <inttypes.h>
#include <stdio.h>

/* An id of ID_MAX_BYTES with its 0; one that was written is never longer. */
#define ID_TEXT_BYTES (ID_MAX_BYTES + 1)

struct names_of_request {
    char group[ID_TEXT_BYTES], person[ID_TEXT_BYTES];
};

static void print_id(const struct dialect_id *id, char out[ID_TEXT_BYTES]) {
    if (id->text.length > 0)
        snprintf(out, ID_TEXT_BYTES, "%.*s", (int)id->text.length, id->text.data);
    else
        snprintf(out, ID_TEXT_BYTES, "%" PRIu64, id->number);
}

static bool changes_a_text(const struct dialect_request *request) {
    return request->operation == OPERATION_RECALL || request->operation == OPERATION_EDIT ||
           request->operation == OPERATION_REACT;
}

/* The sentence for each error, with G for the group and P for the person; NULL: its usual text will
 * do. */
static const char *pattern_of_person(const struct dialect_request *request, enum err err) {
    bool send = request->operation == OPERATION_SEND;
    bool text = send || changes_a_text(request) || request->operation == OPERATION_TYPING;
    switch (err) {
    case ERR_NO_ACCOUNT:
        return "user P does not exist";
    case ERR_UNKNOWN_OUTCOME:
        return send ? "it is not known whether the message to P was stored: look before you send it"
                      " again"
                    : NULL;
    case ERR_NO_MESSAGE:
        return request->operation == OPERATION_QUIET
                   ? "there is no conversation with P yet"
                   : "there is no message with that cid in the conversation with P";
    case ERR_NO_REQUEST:
        return request->operation == OPERATION_ANSWER_FRIEND
                   ? "there is no open request for friendship from P"
                   : "there is no open request from P to join group G";
    case ERR_ALREADY_FRIENDS:
        return "P is your friend already";
    case ERR_NOT_FRIENDS:
        return request->operation == OPERATION_ADMIT || request->operation == OPERATION_ANSWER_JOIN
                   ? "P has not asked to join group G and is not your friend"
                   : "P is not your friend";
    case ERR_ALREADY_ADMIN:
        return "P is an administrator of group G already";
    case ERR_NOT_ADMIN:
        return "P is not an administrator of group G";
    case ERR_BLOCKED:
        return text ? "P does not take messages from you" : "P does not take requests from you";
    case ERR_STRANGERS:
        return text ? "you and P are not friends: ask P for friendship first"
                    : "P takes requests only from those who share a group with P";
    case ERR_BANNED:
        return "P is banned from group G";
    case ERR_TO_ONESELF:
        return send ? "you cannot send messages to yourself"
                    : "P is you: that cannot be done with yourself";
    case ERR_NOT_MEMBER:
        return "P is not a member of group G";
    case ERR_ALREADY_MEMBER:
        return "P is a member of group G already";
    default:
        return NULL;
    }
}

static const char *pattern_of_group(const struct dialect_request *request, enum err err) {
    switch (err) {
    case ERR_NO_GROUP:
        return "group G does not exist";
    case ERR_UNKNOWN_OUTCOME:
        return request->operation == OPERATION_SEND
                   ? "it is not known whether the message to group G was stored: look before you"
                     " send it again"
                   : NULL;
    case ERR_NO_MESSAGE:
        return "there is no message with that cid in group G";
    case ERR_NOT_MEMBER:
        return "you are not a member of group G";
    case ERR_ALREADY_MEMBER:
        return "you are a member of group G already";
    case ERR_BANNED:
        return "you are banned from group G";
    case ERR_SLOW_MODE:
        return "group G lets you write only once in a while";
    case ERR_MUTED:
        return "you are muted in group G";
    case ERR_OWNER_STAYS:
        return "the owner cannot leave group G, only dissolve it";
    case ERR_NOT_ALLOWED:
        if (request->operation == OPERATION_REMOVE_MEMBER)
            return "you may not remove P from group G";
        if (request->operation == OPERATION_MUTE)
            return "you may not mute P in group G";
        if (request->operation == OPERATION_BAN)
            return "you may not ban P from group G";
        return request->operation == OPERATION_SET_ADMIN || request->operation == OPERATION_DISSOLVE
                   ? "only the owner of group G may do that"
                   : "only the owner and the administrators of group G may do that";
    default:
        return NULL;
    }
}

/* The same of requests that change a text, where it differs. */
static const char *pattern_of_change(const struct dialect_request *request, enum err err) {
    bool recall = request->operation == OPERATION_RECALL;
    switch (err) {
    case ERR_NO_MESSAGE:
        return request->group.present || request->person.present
                   ? NULL
                   : "messages of user 0, SYSTEM, cannot be changed";
    case ERR_NOT_ALLOWED:
        return recall ? "only its sender, or an administrator of its group, can recall a text"
                      : "only its sender can edit a text";
    case ERR_TOO_LATE:
        return recall ? "it is too late to recall that text" : "it is too late to edit that text";
    case ERR_TOO_MANY:
        return "that text has as many kinds of emoji as it may have";
    default:
        return NULL;
    }
}

/* Appends as much of `text` as there is room for; ids and sentences are bounded, so all of it. */
static size_t append(char *out, size_t length, const char *text) {
    int printed = snprintf(out + length, DIALECT_FAULT_BYTES - length, "%s", text);
    size_t room = DIALECT_FAULT_BYTES - 1 - length;
    return length + ((size_t)printed < room ? (size_t)printed : room);
}

/* Capital letters stand for ids alone. */
static size_t fill_in(const char *pattern, const struct names_of_request *names, char *out) {
    size_t length = 0;
    for (; *pattern != '\0'; pattern++) {
        const char letter[2] = {*pattern, '\0'};
        length = append(out, length,
                        *pattern == 'G'   ? names->group
                        : *pattern == 'P' ? names->person
                                          : letter);
    }
    return length;
}

struct slice reason_of(const struct dialect_request *request, enum err err,
                       char out[DIALECT_FAULT_BYTES]) {
    struct names_of_request names;
    bool to_group = request->recipient_kind == RECIPIENT_GROUP,
         to_person = request->recipient_kind == RECIPIENT_USER;
    bool group = request->group.present || to_group, person = request->person.present || to_person;
    if (err == ERR_NOT_ALLOWED && request->operation == OPERATION_PROFILE)
        return slice_text("nobody is found by an e-mail address on this server");
    if (err == ERR_NO_FILE && request->file != 0)
        return slice_make(
            out, (size_t)snprintf(out, DIALECT_FAULT_BYTES,
                                  "file %016" PRIx64 " does not exist, is not"
                                  " uploaded to its end,%s or is not yours to show",
                                  request->file,
                                  request->file_kind == FILE_NONE ? " is no picture," : ""));
    if (err == ERR_TAKEN && request->operation == OPERATION_REGISTER)
        return slice_make(out,
                          (size_t)snprintf(out, DIALECT_FAULT_BYTES, "the id %.*s is taken",
                                           (int)request->account.length, request->account.data));
    print_id(to_group ? &request->recipient : &request->group, names.group);
    print_id(to_person ? &request->recipient : &request->person, names.person);
    const char *pattern = changes_a_text(request) ? pattern_of_change(request, err) : NULL;
    if (pattern == NULL && person)
        pattern = pattern_of_person(request, err);
    if (pattern == NULL && group)
        pattern = err == ERR_TAKEN ? "the id G is taken" : pattern_of_group(request, err);
    return slice_make(out, pattern == NULL ? 0 : fill_in(pattern, &names, out));
}
