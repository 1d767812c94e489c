/* SPDX-License-Identifier: Apache-2.0
 * SPDX-FileCopyrightText: The BearerGuard authors
 *
 * BearerGuard for programs that are not written in Swift: gateway modules, Python by ctypes.
 *
 * Every function may be called from every thread. No function keeps a pointer that it was given.
 */
#ifndef BEARERGUARD_H
#define BEARERGUARD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A guard: a policy and the keys of its issuers. */
typedef struct bearerguard bearerguard;

/* What was decided about one request. */
typedef struct bearerguard_answer {
    /* 200 where the request may pass; 400, 401, 403 or 503 where it may not (RFC 6750 §3.1). */
    int32_t status;
    /* Seconds for Retry-After; 0 for none. */
    int32_t retry_after;
    /* "authorized", or the stable code of the reason. Never null. */
    const char *code;
    /* The value for WWW-Authenticate; null for none. */
    const char *challenge;
    /* The claims as a JSON object, as the issuer wrote it; null where the request may not pass. */
    const char *claims;
    size_t claims_length;
    /* The claim sub; null where there is none or it has a NUL. */
    const char *subject;
} bearerguard_answer;

/* Makes a guard of a policy document in JSON.
 *
 * policy     the text, of policy_length bytes.
 * directory  where relative file names in it start; null for the working directory.
 * fault      where it is not null and the guard cannot be made, gets a text that says why; free it with
 *            bearerguard_text_free.
 *
 * Keys are those of the document or of files; files are read again when they change. Nothing is fetched: a policy whose
 * issuers have their keys elsewhere is refused.
 */
bearerguard *bearerguard_open(const char *policy, size_t policy_length, const char *directory, char **fault);

/* Frees a guard, which no thread may use any more. */
void bearerguard_close(bearerguard *guard);

/* Decides about a request; never waits for a network. Null where a pointer is null that must not be, or memory ran out;
 * take that for a refusal.
 *
 * authorization  the values of all Authorization fields, field_count of them, each NUL-terminated.
 * scopes         all of these must be granted, parted by spaces; null or empty for none.
 *
 * Free the answer with bearerguard_answer_free.
 */
bearerguard_answer *bearerguard_judge(
    bearerguard *guard,
    const char *const *authorization,
    size_t field_count,
    const char *scopes
);

void bearerguard_answer_free(bearerguard_answer *answer);
void bearerguard_text_free(char *text);

/* The version of the library, such as "0.1.0". */
const char *bearerguard_version(void);

#ifdef __cplusplus
}
#endif

#endif
