/*
 * Leaves comments out of a page's scripts and sheets; pure.
 *
 * Only comments that take up whole lines: the first characters of a line are neither within a
 * string nor within a regular expression, since both end on their line. So no parser is needed.
 * Three things span lines all the same, and no line of theirs may begin as a comment does: a
 * template literal, a string with a backslash at its line's end, and a comment that begins behind
 * code. `make lint-web` (deploy/lint-lean) fails where a file of services/web has such a line.
 */
#ifndef PARLEY_GATEWAY_EDGE_LEAN_H
#define PARLEY_GATEWAY_EDGE_LEAN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Shortens `text` in place; returns its new length. An empty line stands in for each line that is
 * left out, so that errors name the line of the file. A comment with code behind its end stays, and
 * so does one without an end. `slashes`: "//" begins a comment, as in JavaScript but not in CSS.
 */
size_t edge_lean_text(char *text, size_t length, bool slashes);

#endif
