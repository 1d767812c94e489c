// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors
#ifndef BEARERGUARD_COPENSSL_SHIM_H
#define BEARERGUARD_COPENSSL_SHIM_H

#if !__has_include(<openssl/evp.h>)
#error "BearerGuard needs the headers of OpenSSL 3. On Debian and Ubuntu: apt-get install libssl-dev"
#endif

#include <openssl/opensslv.h>
#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "BearerGuard needs OpenSSL 3.0 or later; these are the headers of an older one"
#endif

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// A macro of two masks, which Swift does not import.
static const int bearerguard_public_key_selection = EVP_PKEY_PUBLIC_KEY;
static const int bearerguard_key_pair_selection = EVP_PKEY_KEYPAIR;

#if defined(__linux__)
// The C library has it in no header without _GNU_SOURCE. Contexts are pooled by the core that a thread runs on.
int sched_getcpu(void);
#endif

// BIO_get_mem_data is a macro with a cast, which Swift does not import.
static inline long bearerguard_bio_contents(BIO *bio, char **start) {
    return BIO_ctrl(bio, BIO_CTRL_INFO, 0, (char *)start);
}

#endif
