// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors
#ifndef RAW_OPENSSL_H
#define RAW_OPENSSL_H

#include <stddef.h>

/// One signature with everything prepared that can be, for OpenSSL to verify its own way: what others are measured by.
typedef struct raw_verification raw_verification;

/// Prepares; NULL where OpenSSL refuses. `pss` is for RSA, `raw_digest` for keys that take no digest (Ed25519).
raw_verification *raw_prepare(
    const char *pem, int pss, int raw_digest, const unsigned char *message, size_t message_length,
    const unsigned char *signature, size_t signature_length);

/// Verifies once, digest included; 1 when the signature is good.
int raw_verify(raw_verification *verification);

/// Verifies an RS256 signature by as few multiplications as it takes: the library's own way for a key with the exponent
/// 65537, in C, with nothing around it. 1 when the signature is good.
int raw_verify_bare(raw_verification *verification);

void raw_free(raw_verification *verification);

/// Between these two callgrind counts, where it was told not to from the start.
void raw_start_counting(void);
void raw_stop_counting(void);

/// Allocations of the calling thread since it began.
long raw_allocations(void);

/// Bytes that they were for.
long raw_allocated_bytes(void);

/// Versions of the libraries that do the work.
const char *raw_openssl_version(void);
const char *raw_jansson_version(void);

#endif
