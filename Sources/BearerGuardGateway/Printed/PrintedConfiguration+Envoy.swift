// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard

extension PrintedConfiguration {
    static func envoy(_ document: GatewayDocument) throws(ConfigurationError) -> String {
        let listen = GatewayDocument.parts(document.site.listen)
        let upstream = GatewayDocument.parts(document.site.upstream)
        let (host, port) = if let grpc = document.grpcAddress { grpc } else { try document.serviceAddress() }
        let service = GatewayDocument.Listener.address(host: host, port: port).description
        let asksByGRPC = document.grpcAddress != nil
        let names = document.identityNames.map { $0.lowercased() }
        let mutations = document.identitySpellings.map { "- remove: \($0.lowercased())" }
        let passed = names.map { "- exact: \($0)" }
        let grpcService = [
            "grpc_service:", "  envoy_grpc: { cluster_name: bearerguard }", "  timeout: 15s",
            "# Fields that come twice stay two.", "encode_raw_headers: true",
        ]
        let httpService =
            [
                "http_service:",
                "  server_uri: { uri: \"http://\(service)\", cluster: bearerguard, timeout: 15s }",
                "  path_prefix: /envoy", "  authorization_response:", "    allowed_upstream_headers:",
                "      patterns:",
            ]
            + (passed.isEmpty ? ["- exact: x-bearerguard-unused"] : passed).map { "        \($0)" }
            + [
                "    allowed_client_headers:", "      patterns:", "        - exact: www-authenticate",
                "        - exact: retry-after",
            ]
        let http2 = [
            "typed_extension_protocol_options:", "  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:",
            "    \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "    explicit_http_config: { http2_protocol_options: {} }",
        ]
        return """
            static_resources:
              listeners:
                - name: site
                  address:
                    socket_address: { address: "\(listen.host)", port_value: \(listen.port) }
                  filter_chains:
                    - filters:
                        - name: envoy.filters.network.http_connection_manager
                          typed_config:
                            "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                            stat_prefix: site
                            # What is judged is what is forwarded.
                            normalize_path: false
                            merge_slashes: false
                            path_with_escaped_slashes_action: KEEP_UNCHANGED
                            common_http_protocol_options:
                              headers_with_underscores_action: DROP_HEADER
                            route_config:
                              virtual_hosts:
                                - name: all
                                  domains: ["*"]
                                  request_headers_to_remove: [authorization]
                                  routes:
                                    - match: { prefix: "/" }
                                      route: { cluster: protected }
                            http_filters:
                              - name: envoy.filters.http.header_mutation
                                typed_config:
                                  "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
                                  mutations:
                                    request_mutations:
                                      \(block(mutations.isEmpty ? ["- remove: x-bearerguard-unused"] : mutations, indent: 26))
                              - name: envoy.filters.http.ext_authz
                                typed_config:
                                  "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
                                  transport_api_version: V3
                                  failure_mode_allow: false
                                  status_on_error: { code: ServiceUnavailable }
                                  \(block(asksByGRPC ? grpcService : httpService, indent: 22))
                              - name: envoy.filters.http.router
                                typed_config:
                                  "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
              clusters:
                - name: bearerguard
                  connect_timeout: 2s
                  type: STRICT_DNS
                  \(block(asksByGRPC ? http2 : [], indent: 6))
                  load_assignment:
                    cluster_name: bearerguard
                    endpoints:
                      - lb_endpoints:
                          - endpoint: { address: { socket_address: { address: "\(host)", port_value: \(port) } } }
                - name: protected
                  connect_timeout: 2s
                  type: STRICT_DNS
                  load_assignment:
                    cluster_name: protected
                    endpoints:
                      - lb_endpoints:
                          - endpoint: { address: { socket_address: { address: "\(upstream.host)", port_value: \(upstream.port) } } }
            """
    }
}
#endif
