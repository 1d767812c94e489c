// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors
#ifndef BEARERGUARD_CJANSSON_SHIM_H
#define BEARERGUARD_CJANSSON_SHIM_H

#if !__has_include(<jansson.h>)
#error "BearerGuard needs the headers of jansson. On Debian and Ubuntu: apt-get install libjansson-dev"
#endif

#include <jansson.h>

// json_decref is `static inline` with an internal reference count, which Swift imports inconsistently
// across jansson versions; the error code is packed into the last byte of the text by another inline function.
static inline void bearerguard_json_release(json_t *value) { json_decref(value); }
static inline int bearerguard_json_type(const json_t *value) { return (int)json_typeof(value); }
static inline int bearerguard_json_error_code(const json_error_t *error) { return (int)json_error_code(error); }

#endif
