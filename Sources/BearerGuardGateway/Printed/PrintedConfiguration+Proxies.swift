// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard

/// nginx, Caddy, HAProxy and Traefik.
extension PrintedConfiguration {
    static func nginx(_ document: GatewayDocument) throws(ConfigurationError) -> String {
        let socket = document.listeners.first { if case .unixSocket = $0 { true } else { false } }
        let service = if let socket { socket.description } else { try document.serviceAuthority() }
        let names = document.identityNames
        func variable(_ name: String) -> String {
            "upstream_http_"
                + name.lowercased().split(separator: "-", omittingEmptySubsequences: false)
                .joined(separator: "_")
        }
        let remembered = names.enumerated().map { "auth_request_set $bearerguard_identity_\($0) $\(variable($1));" }
        let sent = names.enumerated().map { "proxy_set_header \($1) $bearerguard_identity_\($0);" }
        let blanked = names.map { "proxy_set_header \($0) \"\";" }
        return """
            # For the http block of nginx. The service answers at \(service).
            upstream bearerguard { server \(service); keepalive 64; }
            upstream protected { server \(document.site.upstream); keepalive 64; }

            server {
                listen \(document.site.listen);
                # What is judged is what is forwarded, and no x_auth_subject passes for X-Auth-Subject.
                merge_slashes off;
                underscores_in_headers off;
                ignore_invalid_headers on;

                location / {
                    auth_request /_bearerguard;
                    auth_request_set $bearerguard_status $upstream_status;
                    auth_request_set $bearerguard_challenge $upstream_http_www_authenticate;
                    auth_request_set $bearerguard_retry $upstream_http_retry_after;
                    \(block(remembered, indent: 8))
                    error_page 403 = @bearerguard_forbidden;
                    # nginx knows no answer to a question but 2xx, 401 and 403: all others are 500 here.
                    error_page 500 = @bearerguard_other;

                    # These replace what a client may have sent under the same names.
                    \(block(sent, indent: 8))
                    proxy_set_header Authorization "";
                    proxy_set_header Host $http_host;
                    proxy_set_header Connection "";
                    proxy_http_version 1.1;
                    proxy_pass http://protected;
                }

                location = /_bearerguard {
                    internal;
                    proxy_pass http://bearerguard/authorize;
                    proxy_http_version 1.1;
                    proxy_pass_request_body off;
                    proxy_set_header Connection "";
                    proxy_set_header Content-Length "";
                    proxy_set_header Host bearerguard;
                    proxy_set_header X-Original-Method $request_method;
                    proxy_set_header X-Original-URI $request_uri;
                    proxy_set_header X-Original-Host $http_host;
                    \(block(blanked, indent: 8))
                    proxy_connect_timeout 2s;
                    proxy_read_timeout 15s;
                }

                location @bearerguard_forbidden {
                    internal;
                    add_header WWW-Authenticate $bearerguard_challenge always;
                    return 403;
                }

                location @bearerguard_other {
                    internal;
                    add_header WWW-Authenticate $bearerguard_challenge always;
                    add_header Retry-After $bearerguard_retry always;
                    if ($bearerguard_status = 400) { return 400; }
                    if ($bearerguard_retry = "") { set $bearerguard_retry 1; }
                    return 503;
                }
            }
            """
    }

    static func caddy(_ document: GatewayDocument) throws(ConfigurationError) -> String {
        let service = try document.serviceAuthority()
        let names = document.identityNames
        let listen = GatewayDocument.parts(document.site.listen)
        let stripped = document.identitySpellings.map { "request_header -\($0)" }
        let unset = names.enumerated().flatMap { index, name in
            [
                "@unset\(index) header_regexp \(name) ^\\{http\\.reverse_proxy\\.header\\.",
                "request_header @unset\(index) -\(name)",
            ]
        }
        return """
            {
                admin off
                auto_https off
            }

            http://:\(listen.port) {
                bind \(listen.host)
                # In a route directives run as they are written; outside, the headers would go after they are set.
                route {
                    \(block(stripped, indent: 8))
                    forward_auth \(service) {
                        # The question mark keeps the client's query out of the question.
                        uri /forward-auth?
                        \(block(names.isEmpty ? [] : ["copy_headers \(names.joined(separator: " "))"], indent: 12))
                    }
                    # Of a field that the answer has not, Caddy 2.6 copies the name of its placeholder.
                    \(block(unset, indent: 8))
                    reverse_proxy \(document.site.upstream) {
                        header_up -Authorization
                    }
                }
                handle_errors {
                    @down expression `{http.error.status_code} == 502 || {http.error.status_code} == 504`
                    header @down Retry-After 1
                    respond @down 503
                    respond "{http.error.status_code}" {http.error.status_code}
                }
            }
            """
    }

    static func haproxy(_ document: GatewayDocument) -> String {
        let stripped = document.identitySpellings.map { "http-request del-header \($0.lowercased())" }
        return """
            # The action is in bearerguard.lua: bearerguard serve --print haproxy-lua > bearerguard.lua
            global
                lua-load bearerguard.lua
                # The question names an address, so nothing is looked up.
                httpclient.ssl.verify required

            defaults
                mode http
                timeout connect 2s
                timeout client 60s
                timeout server 60s

            frontend site
                bind \(document.site.listen)
                \(block(stripped, indent: 4))
                http-request lua.bearerguard
                http-request del-header authorization
                default_backend protected

            backend protected
                server upstream \(document.site.upstream)
            """
    }

    static func haproxyLua(_ document: GatewayDocument) throws(ConfigurationError) -> String {
        let service = try document.serviceAuthority()
        let names = document.identityNames.map { "\"\($0.lowercased())\"" }.joined(separator: ", ")
        return """
            -- Asks the service about each request; whatever it does not answer 200 to is refused.
            local identity = { \(names) }

            core.register_action("bearerguard", { "http-req" }, function(txn)
              local asked = txn.http:req_get_headers()
              local function values(name)
                local list = {}
                if asked[name] then
                  for i = 0, #asked[name] do list[#list + 1] = asked[name][i] end
                end
                return list
              end
              local host = values("host")
              local question = {
                ["x-original-method"] = { txn.sf:method() },
                ["x-original-uri"] = { txn.sf:pathq() },
              }
              if #host > 0 then question["x-original-host"] = host end
              local authorization = values("authorization")
              if #authorization > 0 then question["authorization"] = authorization end

              local answer = core.httpclient():get{
                url = "http://\(service)/authorize", timeout = 15000, headers = question
              }
              if answer and answer.status == 200 then
                for _, name in ipairs(identity) do
                  if answer.headers[name] then txn.http:req_set_header(name, answer.headers[name][0]) end
                end
                return
              end

              local status = 503
              if answer and (answer.status == 400 or answer.status == 401 or answer.status == 403) then
                status = answer.status
              end
              local reply = txn:reply()
              reply:set_status(status)
              for _, name in ipairs({ "www-authenticate", "retry-after" }) do
                local list = answer and answer.headers and answer.headers[name]
                if list then
                  for i = 0, #list do reply:add_header(name, list[i]) end
                end
              end
              txn:done(reply)
            end, 0)
            """
    }

    static func traefik(_ document: GatewayDocument) throws(ConfigurationError) -> String {
        let service = try document.serviceAuthority()
        let names = document.identityNames.map { "- \($0)" }
        return """
            # Dynamic configuration (file provider).
            http:
              middlewares:
                bearerguard:
                  forwardAuth:
                    address: "http://\(service)/forward-auth"
                    trustForwardHeader: false
                    authResponseHeaders:
                      \(block(names, indent: 10))
              routers:
                site:
                  rule: "PathPrefix(`/`)"
                  middlewares: [bearerguard]
                  service: protected
              services:
                protected:
                  loadBalancer:
                    servers:
                      - url: "http://\(document.site.upstream)"
            """
    }
}
#endif
