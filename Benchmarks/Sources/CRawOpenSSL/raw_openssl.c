// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors
#include "raw_openssl.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
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
    BN_CTX *numbers;
    BN_MONT_CTX *montgomery;
    BIGNUM *modulus, *scale, *start, *inverse, *base, *power, *product;
};

enum { hash_bits = 256, low_bits = hash_bits + 64 };

/// For raw_verify_bare; all stay NULL for what is no RSA key.
static void prepare_bare(raw_verification *verification) {
    static const unsigned char information[19] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                                  0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    unsigned char encoding[1024] = {0x00, 0x01};
    int size = (int)verification->signature_length, end = size - 51;
    if (size > 1024 || end < 11 || !EVP_PKEY_get_bn_param(verification->key, "n", &verification->modulus)) return;
    BIGNUM *n = verification->modulus;
    BN_CTX *numbers = verification->numbers = BN_CTX_new();
    BN_MONT_CTX *montgomery = verification->montgomery = BN_MONT_CTX_new();
    BN_MONT_CTX_set(montgomery, n, numbers);
    verification->base = BN_new();
    verification->power = BN_new();
    verification->product = BN_new();
    // R to the power of 65536, and its inverse.
    BIGNUM *r = verification->scale = BN_new();
    BN_one(r);
    BN_to_montgomery(r, r, montgomery, numbers);
    BN_to_montgomery(r, r, montgomery, numbers);
    for (int i = 0; i < 16; i++) BN_mod_mul_montgomery(r, r, r, montgomery, numbers);
    BN_from_montgomery(r, r, montgomery, numbers);
    BN_mod_inverse(r, r, n, numbers);
    // The encoding of a hash of zeros, scaled.
    memset(encoding + 2, 0xff, (size_t)(end - 3));
    memcpy(encoding + end, information, sizeof information);
    BIGNUM *start = verification->start = BN_bin2bn(encoding, size, NULL);
    BN_mod_mul(start, start, r, n, numbers);
    BN_add(start, start, n);
    BN_one(verification->product);
    BN_lshift(verification->product, verification->product, low_bits);
    verification->inverse = BN_mod_inverse(NULL, n, verification->product, numbers);
}

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
    prepare_bare(verification);
    return verification;
failed:
    raw_free(verification);
    return NULL;
}

static int hash_message(raw_verification *verification, unsigned char *hash) {
    unsigned int length = 0;
    return EVP_DigestInit_ex2(verification->digest_context, verification->digest, NULL) == 1
        && EVP_DigestUpdate(verification->digest_context, verification->message, verification->message_length) == 1
        && EVP_DigestFinal_ex(verification->digest_context, hash, &length) == 1 && length == 32;
}

int raw_verify_bare(raw_verification *verification) {
    unsigned char hash[32];
    BN_CTX *numbers = verification->numbers;
    BN_MONT_CTX *montgomery = verification->montgomery;
    BIGNUM *n = verification->modulus, *s = verification->base, *r = verification->power, *t = verification->product;
    if (!n || !hash_message(verification, hash)) return 0;
    if (!BN_bin2bn(verification->signature, (int)verification->signature_length, s) || BN_ucmp(s, n) >= 0) return 0;
    BN_mod_mul_montgomery(r, s, s, montgomery, numbers);
    for (int i = 1; i < 16; i++) BN_mod_mul_montgomery(r, r, r, montgomery, numbers);
    BN_mod_mul_montgomery(r, r, s, montgomery, numbers);
    // Good where what it must be and what it is differ by a multiple of the modulus.
    BN_bin2bn(hash, sizeof hash, s);
    BN_mul(t, s, verification->scale, numbers);
    BN_uadd(t, t, verification->start);
    BN_usub(t, t, r);
    BN_copy(s, t);
    BN_mask_bits(s, low_bits);
    BN_mul(r, s, verification->inverse, numbers);
    BN_mask_bits(r, low_bits);
    return BN_mul(s, r, n, numbers) && !BN_ucmp(s, t);
}

int raw_verify(raw_verification *verification) {
    if (!verification->context) {
        return EVP_DigestVerify(verification->digest_context, verification->signature, verification->signature_length,
                                verification->message, verification->message_length);
    }
    unsigned char hash[32];
    if (!hash_message(verification, hash)) return 0;
    return EVP_PKEY_verify(verification->context, verification->signature, verification->signature_length, hash, 32);
}

void raw_free(raw_verification *verification) {
    EVP_PKEY_CTX_free(verification->context);
    EVP_MD_CTX_free(verification->digest_context);
    EVP_MD_free(verification->digest);
    EVP_PKEY_free(verification->key);
    BN_CTX_free(verification->numbers);
    BN_MONT_CTX_free(verification->montgomery);
    BN_free(verification->modulus);
    BN_free(verification->scale);
    BN_free(verification->start);
    BN_free(verification->inverse);
    BN_free(verification->product);
    BN_free(verification->base);
    BN_free(verification->power);
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

const char *raw_openssl_version(void) { return OpenSSL_version(OPENSSL_VERSION_STRING); }

const char *raw_jansson_version(void) { return jansson_version_str(); }
