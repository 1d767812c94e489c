// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors
// libjwt (Debian's libjwt-dev) on the same token: header, algorithm, signature, iss, aud, exp, scope; prints seconds a
// token. It knows no key sets in Debian's version, so the key is given as PEM and its work is smaller by that look-up; it
// knows no typ but JWT, so the token has that one.
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) exit(2);
    char *text = calloc(1, 1 << 20);
    size_t length = fread(text, 1, (1 << 20) - 1, file);
    (void)length;
    fclose(file);
    return text;
}

int main(int count, char **arguments) {
    if (count != 7) return 2;
    char *token = read_file(arguments[1]), *pem = read_file(arguments[2]);
    int repetitions = atoi(arguments[6]);
    struct timespec start, end;
    for (int round = -1; round < repetitions; round++) {
        if (round == 0) clock_gettime(CLOCK_MONOTONIC, &start);
        jwt_t *jwt = NULL;
        if (jwt_decode(&jwt, token, (unsigned char *)pem, (int)strlen(pem)) != 0) return 1;
        const char *issuer = jwt_get_grant(jwt, "iss"), *audience = jwt_get_grant(jwt, "aud");
        char *scopes = jwt_get_grants_json(jwt, "scp");
        int is_right = jwt_get_alg(jwt) == jwt_str_alg(arguments[5]) && issuer && !strcmp(issuer, arguments[3])
            && audience && !strcmp(audience, arguments[4]) && jwt_get_grant_int(jwt, "exp") > time(NULL) && scopes
            && strstr(scopes, "\"orders:read\"");
        free(scopes);
        jwt_free(jwt);
        if (!is_right) return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
    printf("%.12f Debian\n", seconds / repetitions);
    return 0;
}
