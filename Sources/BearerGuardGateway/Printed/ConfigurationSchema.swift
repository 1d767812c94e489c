// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard

/// The JSON Schema (2020-12) of the configuration, for editors.
enum ConfigurationSchema {
    static let text = #"""
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "title": "BearerGuard configuration",
          "type": "object",
          "required": ["issuers"],
          "additionalProperties": false,
          "properties": {
            "issuers": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/issuer"}},
            "realm": {"type": "string", "minLength": 1, "default": "api", "description": "Named in challenges."},
            "require": {"$ref": "#/$defs/requirement"},
            "gateway": {"$ref": "#/$defs/gateway"}
          },
          "$defs": {
            "texts": {
              "oneOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}
              ]
            },
            "issuer": {
              "type": "object",
              "required": ["issuer", "audience"],
              "additionalProperties": false,
              "properties": {
                "alias": {"type": "string", "description": "Its name in logs and metrics."},
                "issuer": {"type": "string", "description": "'iss' of its tokens, to the letter."},
                "preset": {
                  "enum": [\#(presets)]
                },
                "audience": {"$ref": "#/$defs/texts", "description": "What tokens for this API carry in 'aud'."},
                "algorithms": {
                  "oneOf": [
                    {"$ref": "#/$defs/algorithm"},
                    {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/algorithm"}}
                  ]
                },
                "tokenKind": {
                  "oneOf": [
                    {"enum": ["accessToken", "rfc9068"]},
                    {
                      "type": "object",
                      "required": ["types"],
                      "additionalProperties": false,
                      "properties": {"types": {"type": "array", "minItems": 1, "items": {"type": "string"}}}
                    }
                  ]
                },
                "clockSkew": {"type": "integer", "minimum": 0, "maximum": 300, "default": 30},
                "requiredClaims": {"$ref": "#/$defs/texts"},
                "maximumAge": {"type": "integer", "minimum": 1, "description": "Seconds since 'iat'."},
                "roles": {"description": "Where roles are: a claim, or paths of names from the outside inwards."},
                "claims": {"type": "object", "description": "Claims and the values they must have."},
                "keys": {"$ref": "#/$defs/keys"},
                "tenants": {"oneOf": [{"const": "any"}, {"type": "array", "items": {"type": "string"}}]},
                "allowLoopbackHTTP": {"type": "boolean", "default": false}
              }
            },
            "algorithm": {
              "enum": [\#(algorithms)]
            },
            "keys": {
              "oneOf": [
                {"const": "discovery"},
                {
                  "type": "object",
                  "additionalProperties": false,
                  "properties": {
                    "jwksURL": {"type": "string"},
                    "metadataURL": {"type": "string"},
                    "file": {"type": "string", "description": "A JWK Set, read again when it changes."},
                    "jwks": {"type": "object"},
                    "pem": {"type": "string"},
                    "secretFile": {"type": "string"},
                    "kid": {"type": "string"},
                    "caFile": {"type": "string"},
                    "tokenFile": {"type": "string"}
                  }
                }
              ]
            },
            "requirement": {
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "scopes": {"$ref": "#/$defs/texts", "description": "All of them."},
                "anyScope": {"$ref": "#/$defs/texts"},
                "roles": {"$ref": "#/$defs/texts", "description": "All of them."},
                "anyRole": {"$ref": "#/$defs/texts"},
                "claims": {"type": "object", "description": "Claims and the values they must have."},
                "freshKeys": {"type": "integer", "minimum": 1, "description": "Seconds."}
              }
            },
            "gateway": {
              "type": "object",
              "required": ["rules"],
              "additionalProperties": false,
              "properties": {
                "listen": {"$ref": "#/$defs/texts", "description": "host:port, grpc:host:port for Envoy, or unix:/path.", "default": "127.0.0.1:9191"},
                "tls": {
                  "type": "object",
                  "required": ["certificate", "key"],
                  "additionalProperties": false,
                  "properties": {
                    "certificate": {"type": "string"},
                    "key": {"type": "string"},
                    "clientAuthorities": {"type": "string", "description": "Gateways must show a certificate of these."}
                  }
                },
                "trustedPeers": {"$ref": "#/$defs/texts", "description": "Who may ask: addresses or ranges."},
                "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}},
                "identity": {
                  "type": "object",
                  "propertyNames": {"pattern": "^[A-Za-z0-9-]+$"},
                  "additionalProperties": {"$ref": "#/$defs/texts"},
                  "description": "Header names, and the claims that upstreams get in them."
                },
                "internalToken": {
                  "type": "object",
                  "required": ["issuer", "audience"],
                  "additionalProperties": false,
                  "properties": {
                    "header": {"type": "string", "default": "X-Internal-Token"},
                    "issuer": {"type": "string"},
                    "audience": {"type": "string"},
                    "claims": {"$ref": "#/$defs/texts", "description": "Taken over from the access token."},
                    "lifetimeSeconds": {"type": "integer", "minimum": 1, "maximum": 300, "default": 60},
                    "keyFile": {"type": "string", "description": "PEM of a P-256 private key."}
                  },
                  "description": "A short-lived token that upstreams can verify by /internal/jwks.json."
                },
                "limits": {
                  "type": "object",
                  "additionalProperties": false,
                  "properties": {
                    "connections": {"type": "integer", "minimum": 1, "default": 10000},
                    "concurrentRequests": {"type": "integer", "minimum": 1, "default": 4096},
                    "idleSeconds": {"type": "integer", "minimum": 1, "default": 75},
                    "drainSeconds": {"type": "integer", "minimum": 0, "default": 10},
                    "threads": {
                      "type": "integer", "minimum": 1, "maximum": 1024, "description": "Half the cores by default."
                    }
                  }
                },
                "logLevel": {"enum": ["debug", "info", "warning"], "default": "info"},
                "shadow": {"type": "string", "description": "A configuration to compare with, never answered by."},
                "site": {
                  "type": "object",
                  "additionalProperties": false,
                  "properties": {"listen": {"type": "string"}, "upstream": {"type": "string"}},
                  "description": "For --print: where the gateway listens and what it protects."
                }
              }
            },
            "rule": {
              "type": "object",
              "required": ["path"],
              "additionalProperties": false,
              "properties": {
                "host": {"type": "string"},
                "path": {"type": "string", "pattern": "^/"},
                "methods": {"$ref": "#/$defs/texts"},
                "access": {"enum": ["public", "optional", "required", "denied"], "default": "required"},
                "require": {"$ref": "#/$defs/requirement"}
              }
            }
          }
        }
        """#

    private static var presets: String { quoted(IssuerPreset.all.map(\.name)) }
    private static var algorithms: String { quoted(SignatureAlgorithm.allCases.map(\.rawValue)) }

    private static func quoted(_ names: [String]) -> String { names.map { "\"\($0)\"" }.joined(separator: ", ") }
}
#endif
