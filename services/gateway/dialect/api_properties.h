/* What the tables of the HTTP API's objects are written with: api_schemas.c,
 * api_schemas_operator.c. Macros alone. */
#ifndef PARLEY_GATEWAY_DIALECT_API_PROPERTIES_H
#define PARLEY_GATEWAY_DIALECT_API_PROPERTIES_H

#define PROPERTIES (const struct api_property[])

#define NUMBER_OF(field_)                                                                          \
    {                                                                                              \
        .name = "number", .shape = API_SHOW_NUMBER, .always = true, .field = (field_),             \
        .help = "its number"                                                                       \
    }
#define ID_OF(field_)                                                                              \
    {                                                                                              \
        .name = "id", .shape = API_SHOW_ID, .always = true, .field = (field_), .other = "id",      \
        .help = "its id"                                                                           \
    }
#define TEXT(name_, help_)                                                                         \
    { .name = (name_), .shape = API_SHOW_TEXT, .field = (name_), .help = (help_) }
#define NUMBER(name_, help_)                                                                       \
    { .name = (name_), .shape = API_SHOW_NUMBER, .field = (name_), .help = (help_) }
#define FLAG(name_, help_)                                                                         \
    { .name = (name_), .shape = API_SHOW_FLAG, .always = true, .field = (name_), .help = (help_) }
#define MORE                                                                                       \
    {                                                                                              \
        .name = "more", .shape = API_SHOW_FLAG, .always = true, .field = "more",                   \
        .help = "whether there are further ones"                                                   \
    }
#define NEXT(list_, field_, help_)                                                                 \
    { .name = "next", .shape = API_SHOW_NEXT, .field = (list_), .other = (field_), .help = (help_) }
#define AFTER "where there are more: the `after` of the next page"

#endif
