// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard

/// Apache httpd, which has no directive to ask another service: mod_lua asks, with LuaSocket.
extension PrintedConfiguration {
    static func apache(_ document: GatewayDocument) -> String {
        """
        # The hook is in bearerguard.lua: bearerguard serve --print apache-lua > bearerguard.lua
        # Debian: apt install lua-socket; a2enmod lua proxy proxy_http
        Listen \(document.site.listen)
        <VirtualHost \(document.site.listen)>
            # What is judged is what is forwarded: neither decoded nor tidied up.
            AllowEncodedSlashes NoDecode
            MergeSlashes Off
            HttpProtocolOptions Strict
            TraceEnable Off

            LuaHookAccessChecker bearerguard.lua authorize
            <Location "/">
                Require all granted
            </Location>

            ProxyPreserveHost On
            ProxyPass "/" "http://\(document.site.upstream)/" nocanon
        </VirtualHost>
        """
    }

    static func apacheLua(_ document: GatewayDocument) throws(ConfigurationError) -> String {
        let service = try document.serviceAuthority()
        let names = document.identityNames.map { "\"\($0)\"" }.joined(separator: ", ")
        return """
            -- Asks the service about each request; whatever it does not answer 200 to is refused.
            local http = require "socket.http"
            local ltn12 = require "ltn12"
            local identity = { \(names) }

            -- To many servers X-Auth-Subject and x_auth_subject are one header.
            local function plain(name) return (name:lower():gsub("_", "-")) end

            -- Apache may run this more than once for a request; what it was given then must not be asked with.
            local function strip(r)
              local stripped = {}
              for _, name in ipairs(identity) do stripped[plain(name)] = true end
              local found = {}
              for name in pairs(r:headers_in_table()) do
                if stripped[plain(name)] then found[#found + 1] = name end
              end
              for _, name in ipairs(found) do r.headers_in[name] = nil end
            end

            local function ask(r)
              http.TIMEOUT = 15
              local question = {
                ["x-original-method"] = r.method,
                ["x-original-uri"] = r.unparsed_uri,
                ["x-original-host"] = r.headers_in["Host"],
                ["authorization"] = r.headers_in["Authorization"],
              }
              local done, status, answer = http.request {
                url = "http://\(service)/authorize",
                headers = question, redirect = false, sink = ltn12.sink.null()
              }
              return done and status, answer or {}
            end

            function authorize(r)
              if not r.is_initial_req then return apache2.DECLINED end
              strip(r)
              local asked, status, answer = pcall(ask, r)
              if asked and status == 200 then
                for _, name in ipairs(identity) do
                  local value = answer[name:lower()]
                  if value then r.headers_in[name] = value end
                end
                r.headers_in["Authorization"] = nil
                return apache2.OK
              end
              if not asked or type(answer) ~= "table" then answer = {} end
              r.err_headers_out["WWW-Authenticate"] = answer["www-authenticate"]
              r.err_headers_out["Retry-After"] = answer["retry-after"]
              if status == 400 or status == 401 or status == 403 then return status end
              return 503
            end
            """
    }
}
#endif
