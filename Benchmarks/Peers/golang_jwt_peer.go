// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

// golang-jwt (Debian's golang-github-golang-jwt-jwt-dev) on the same token: header, key by kid, algorithm, signature, iss,
// aud, exp, scope; prints seconds a token. It knows no key sets: the keys are made of theirs beforehand.
package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt"
)

type jwk struct{ Kty, Kid, N, E, X, Y string }

type claims struct {
	jwt.RegisteredClaims
	Scopes []string `json:"scp"`
}

func bytes(text string) []byte {
	value, err := base64.RawURLEncoding.DecodeString(text)
	check(err)
	return value
}

func number(text string) *big.Int { return new(big.Int).SetBytes(bytes(text)) }

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	token, err := os.ReadFile(os.Args[1])
	check(err)
	text, err := os.ReadFile(os.Args[2])
	check(err)
	issuer, audience, algorithm := os.Args[3], os.Args[4], os.Args[5]
	repetitions, err := strconv.Atoi(os.Args[6])
	check(err)
	var set struct{ Keys []jwk }
	check(json.Unmarshal(text, &set))
	keys := map[string]interface{}{}
	for _, key := range set.Keys {
		switch key.Kty {
		case "RSA":
			keys[key.Kid] = &rsa.PublicKey{N: number(key.N), E: int(number(key.E).Int64())}
		case "EC":
			keys[key.Kid] = &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(key.X), Y: number(key.Y)}
		case "OKP":
			keys[key.Kid] = ed25519.PublicKey(bytes(key.X))
		}
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{algorithm}))
	find := func(token *jwt.Token) (interface{}, error) {
		kid, _ := token.Header["kid"].(string)
		if key, known := keys[kid]; known {
			return key, nil
		}
		return nil, errors.New("unknown kid")
	}
	verify := func() {
		var found claims
		_, err := parser.ParseWithClaims(string(token), &found, find)
		check(err)
		if !found.VerifyIssuer(issuer, true) || !found.VerifyAudience(audience, true) ||
			!found.VerifyExpiresAt(time.Now(), true) {
			check(errors.New("wrong claims"))
		}
		for _, scope := range found.Scopes {
			if scope == "orders:read" {
				return
			}
		}
		check(errors.New("wrong scope"))
	}
	verify()
	start := time.Now()
	for count := 0; count < repetitions; count++ {
		verify()
	}
	fmt.Printf("%.12f Debian\n", time.Since(start).Seconds()/float64(repetitions))
}
