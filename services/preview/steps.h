/*
 * The command line of parley-preview and its exit statuses, for it and for those who start it.
 *
 *     parley-preview STEP PARENT MEMORY CPU FILE [OPTION...]
 *
 * PARENT: the process id with which it ends; MEMORY: bytes of address space; CPU: seconds of
 * processor time; FILE: bytes of the output. The picture is standard input, a file, read from its
 * beginning. Standard output is:
 *
 *     means              what the kernel and the system have: a line of PREVIEW_MEANS_FORMAT
 *     look               a report (report.h)
 *     clean PREVIEW      a file: the picture without metadata; PREVIEW: 1: it is a preview, of
 * which only WebP is one, in sRGB's colours head               what vipsheader prints:
 * `WIDTHxHEIGHT` and more shrink PAGES SRGB  a file: a preview (WebP); PAGES: frames, -1: all;
 * SRGB: 1: its colours are turned into sRGB's
 */
#ifndef PARLEY_PREVIEW_STEPS_H
#define PARLEY_PREVIEW_STEPS_H

/* Landlock's version, 0: none; seccomp, and libvips' tools: 1: there, 0: not. */
#define PREVIEW_MEANS_FORMAT "%u %u %u\n"

/* limit: files | the longer side of a preview | {PREVIEW_SIDE_PIXELS} pixels; never larger than the
 * picture | the picture is made smaller */
#define PREVIEW_SIDE_PIXELS 480

enum preview_status {
    PREVIEW_STATUS_DONE,
    PREVIEW_STATUS_NO_PICTURE,
    PREVIEW_STATUS_NOT_WRITTEN, /* the output took no more */
    PREVIEW_STATUS_NO_SANDBOX,
    PREVIEW_STATUS_USAGE
};

#endif
