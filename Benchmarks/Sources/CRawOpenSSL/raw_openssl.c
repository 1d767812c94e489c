// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors
#include "raw_openssl.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

struct raw_verification {
    EVP_PKEY *key;
    EVP_PKEY_CTX *context;
    EVP_MD_CTX *digest_context;
    EVP_MD *digest;
    unsigned char *message;
    size_t message_length;
    unsigned char *signature;
    size_t signature_length;
};

raw_verification *raw_prepare(
    const char *pem, int pss, int raw_digest, const unsigned char *message, size_t message_length,
    const unsigned char *signature, size_t signature_length) {
    raw_verification *verification = calloc(1, sizeof(raw_verification));
    if (!verification) return NULL;
    BIO *input = BIO_new_mem_buf(pem, -1);
    verification->key = PEM_read_bio_PUBKEY(input, NULL, NULL, NULL);
    BIO_free(input);
    if (!verification->key) goto failed;
    verification->digest_context = EVP_MD_CTX_new();
    if (raw_digest) {
        if (EVP_DigestVerifyInit(verification->digest_context, NULL, NULL, NULL, verification->key) != 1) goto failed;
    } else {
        verification->digest = EVP_MD_fetch(NULL, "SHA256", NULL);
        verification->context = EVP_PKEY_CTX_new(verification->key, NULL);
        if (EVP_PKEY_verify_init(verification->context) != 1) goto failed;
        if (pss) EVP_PKEY_CTX_set_rsa_padding(verification->context, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_signature_md(verification->context, verification->digest);
        if (pss) EVP_PKEY_CTX_set_rsa_pss_saltlen(verification->context, RSA_PSS_SALTLEN_DIGEST);
    }
    verification->message = malloc(message_length);
    memcpy(verification->message, message, message_length);
    verification->message_length = message_length;
    verification->signature = malloc(signature_length);
    memcpy(verification->signature, signature, signature_length);
    verification->signature_length = signature_length;
    return verification;
failed:
    raw_free(verification);
    return NULL;
}

int raw_verify(raw_verification *verification) {
    if (!verification->context) {
        return EVP_DigestVerify(verification->digest_context, verification->signature, verification->signature_length,
                                verification->message, verification->message_length);
    }
    unsigned char hash[32];
    unsigned int length = 0;
    if (EVP_DigestInit_ex2(verification->digest_context, verification->digest, NULL) != 1
        || EVP_DigestUpdate(verification->digest_context, verification->message, verification->message_length) != 1
        || EVP_DigestFinal_ex(verification->digest_context, hash, &length) != 1) return 0;
    return EVP_PKEY_verify(verification->context, verification->signature, verification->signature_length, hash, length);
}

void raw_free(raw_verification *verification) {
    EVP_PKEY_CTX_free(verification->context);
    EVP_MD_CTX_free(verification->digest_context);
    EVP_MD_free(verification->digest);
    EVP_PKEY_free(verification->key);
    free(verification->message);
    free(verification->signature);
    free(verification);
}

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT
#endif

void raw_start_counting(void) { CALLGRIND_TOGGLE_COLLECT; }
void raw_stop_counting(void) { CALLGRIND_TOGGLE_COLLECT; }

// The C library's allocator under our own names for it: everything in the process is counted, this thread's apart.
#if defined(__GLIBC__)
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static __thread long allocations;
static __thread long allocated;

void *malloc(size_t size) { allocations++; allocated += (long)size; return __libc_malloc(size); }
void *calloc(size_t count, size_t size) {
    allocations++;
    allocated += (long)(count * size);
    return __libc_calloc(count, size);
}
void *realloc(void *pointer, size_t size) { allocations++; allocated += (long)size; return __libc_realloc(pointer, size); }
int posix_memalign(void **pointer, size_t alignment, size_t size) {
    allocations++;
    allocated += (long)size;
    *pointer = __libc_memalign(alignment, size);
    return *pointer ? 0 : 12;
}

long raw_allocations(void) { return allocations; }
long raw_allocated_bytes(void) { return allocated; }
#else
long raw_allocations(void) { return 0; }
long raw_allocated_bytes(void) { return 0; }
#endif
