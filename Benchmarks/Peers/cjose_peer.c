// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors
// cjose and jansson (Debian's libcjose-dev) on the same token: header, key by kid, algorithm, signature, iss, aud, exp,
// scope; prints seconds a token.
#include <cjose/cjose.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { most_keys = 16 };

static size_t read_file(const char *path, char *text, size_t room) {
    FILE *file = fopen(path, "rb");
    if (!file) exit(2);
    size_t length = fread(text, 1, room - 1, file);
    text[length] = 0;
    fclose(file);
    return length;
}

static int has_text(json_t *claims, const char *name, const char *wanted) {
    const char *text = json_string_value(json_object_get(claims, name));
    return text && !strcmp(text, wanted);
}

static int is_right(json_t *claims, char **arguments) {
    if (!has_text(claims, "iss", arguments[3]) || !has_text(claims, "aud", arguments[4])) return 0;
    if (json_integer_value(json_object_get(claims, "exp")) <= time(NULL)) return 0;
    size_t index;
    json_t *scope;
    json_array_foreach(json_object_get(claims, "scp"), index, scope) {
        const char *text = json_string_value(scope);
        if (text && !strcmp(text, "orders:read")) return 1;
    }
    return 0;
}

int main(int count, char **arguments) {
    static char token[1 << 16], keys[1 << 16];
    if (count != 7) return 2;
    size_t length = read_file(arguments[1], token, sizeof token);
    read_file(arguments[2], keys, sizeof keys);
    json_t *set = json_loads(keys, 0, NULL), *entry;
    cjose_jwk_t *known[most_keys];
    size_t known_count = 0, index;
    json_array_foreach(json_object_get(set, "keys"), index, entry) {
        cjose_jwk_t *key = cjose_jwk_import_json((cjose_header_t *)entry, NULL);
        if (key && known_count < most_keys) known[known_count++] = key;
    }
    int repetitions = atoi(arguments[6]);
    struct timespec start, end;
    for (int round = -1; round < repetitions; round++) {
        if (round == 0) clock_gettime(CLOCK_MONOTONIC, &start);
        cjose_jws_t *jws = cjose_jws_import(token, length, NULL);
        if (!jws) return 1;
        cjose_header_t *header = cjose_jws_get_protected(jws);
        const char *kid = cjose_header_get(header, "kid", NULL), *algorithm = cjose_header_get(header, "alg", NULL);
        if (!kid || !algorithm || strcmp(algorithm, arguments[5])) return 1;
        cjose_jwk_t *key = NULL;
        for (size_t place = 0; place < known_count && !key; place++) {
            const char *name = cjose_jwk_get_kid(known[place], NULL);
            if (name && !strcmp(name, kid)) key = known[place];
        }
        uint8_t *payload = NULL;
        size_t size = 0;
        if (!key || !cjose_jws_verify(jws, key, NULL) || !cjose_jws_get_plaintext(jws, &payload, &size, NULL)) return 1;
        json_t *claims = json_loadb((const char *)payload, size, JSON_REJECT_DUPLICATES, NULL);
        if (!claims || !is_right(claims, arguments)) return 1;
        json_decref(claims);
        cjose_jws_release(jws);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
    printf("%.12f %s\n", seconds / repetitions, cjose_version());
    return 0;
}
