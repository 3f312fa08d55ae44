/*
 * The store `folder`: the files of a folder, `kept/XX/ID` and `kept/XX/ID.preview`, where XX are
 * the first two digits of ID (so a folder has a 128th of all files).
 */
#ifndef PARLEY_FILES_STORE_FOLDER_H
#define PARLEY_FILES_STORE_FOLDER_H

#include "services/files/store.h"

/* In this folder; what is to be put must be on the same file system. NULL: without memory, or the
 * name is too long. */
struct store *store_folder_new(const char *files_folder) __attribute__((warn_unused_result));

#endif
