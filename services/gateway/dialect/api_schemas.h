/*
 * How replies of services look as JSON: each schema is a table of the properties of an object. A
 * property that is 0, false or empty is left out unless it is `always` there.
 */
#ifndef PARLEY_GATEWAY_DIALECT_API_SCHEMAS_H
#define PARLEY_GATEWAY_DIALECT_API_SCHEMAS_H

#include "common/record.h"

enum api_shape {
    API_SHOW_NUMBER,
    API_SHOW_FLAG,
    API_SHOW_TEXT,
    API_SHOW_HEX,         /* 64 bits as 16 hexadecimal digits */
    API_SHOW_ID,          /* a string id: the text `other`, or the number's decimal form */
    API_SHOW_PEER,        /* as an id, unless it is the one who reads */
    API_SHOW_IDS,         /* the same of lists */
    API_SHOW_WORD,        /* `words`, at the number's place */
    API_SHOW_KIND,        /* of a conversation's number */
    API_SHOW_LIST,        /* records, each as `schema` has it */
    API_SHOW_PACKED,      /* a packed record */
    API_SHOW_PACKED_LIST, /* a list of such */
    API_SHOW_FIRST,       /* the first number of a list */
    API_SHOW_PAIRS,       /* `{"number":...,"connections":...}` of two lists, `other` the second */
    API_SHOW_QUEUES,      /* of a service's status, `{"name":...,"depth":...,"limit":...}` */
    API_SHOW_NEXT,        /* where there are more: the number `other` of the last of a list */
    API_SHOW_URL,         /* of a file, whose record this is */
    API_SHOW_PREVIEW,     /* of its preview */
    API_SHOW_UPLOAD,      /* of an upload */
    API_SHOW_AVATAR,      /* of the file that an avatar is */
};

struct api_property {
    const char *name;
    enum api_shape shape;
    bool always;
    const char *field, *other;
    const struct api_schema *schema;
    const char *const *words; /* ends with NULL */
    const char *help;
};

struct api_schema {
    const char *name;
    const struct record_desc *desc;
    const struct api_property *properties; /* ends with one without a name */
};

extern const struct api_schema api_account, api_accounts, api_account_made, api_login, api_devices,
    api_sessions, api_group, api_groups, api_group_made, api_members, api_message_sent,
    api_messages, api_found_messages, api_conversations, api_friends, api_profile, api_upload,
    api_file, api_audit, api_hooks, api_instance, api_services;

#endif
