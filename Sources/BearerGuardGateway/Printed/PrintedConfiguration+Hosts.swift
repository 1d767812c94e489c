// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard

/// systemd and Kubernetes.
extension PrintedConfiguration {
    static func systemd(_ document: GatewayDocument, _ file: String) -> String {
        let path = file.hasPrefix("/") ? file : "/etc/bearerguard/\(file.split(separator: "/").last ?? "gateway.yaml")"
        return """
            # /etc/systemd/system/bearerguard.service
            [Unit]
            Description=BearerGuard: answers gateways that ask whether a request may pass
            Wants=network-online.target
            After=network-online.target

            [Service]
            Type=exec
            ExecStart=/usr/local/bin/bearerguard serve --config \(path)
            ExecReload=/bin/kill -HUP $MAINPID
            Restart=on-failure
            RestartSec=1
            TimeoutStopSec=\(document.limits.drainSeconds + 5)
            DynamicUser=yes
            RuntimeDirectory=bearerguard
            LimitNOFILE=\(document.limits.connections + 1024)

            CapabilityBoundingSet=
            LockPersonality=yes
            MemoryDenyWriteExecute=yes
            NoNewPrivileges=yes
            PrivateDevices=yes
            PrivateTmp=yes
            ProtectClock=yes
            ProtectControlGroups=yes
            ProtectHome=yes
            ProtectHostname=yes
            ProtectKernelLogs=yes
            ProtectKernelModules=yes
            ProtectKernelTunables=yes
            ProtectProc=invisible
            ProtectSystem=strict
            RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
            RestrictNamespaces=yes
            RestrictRealtime=yes
            RestrictSUIDSGID=yes
            SystemCallArchitectures=native
            SystemCallFilter=@system-service

            [Install]
            WantedBy=multi-user.target
            """
    }

    static func kubernetes(_ document: GatewayDocument) throws(ConfigurationError) -> String {
        let port = try document.serviceAddress().port
        let scheme = document.tls == nil ? "" : ", scheme: HTTPS"
        return """
            # kubectl create configmap bearerguard --from-file=gateway.yaml, with a --from-file for each file that it
            # names; there listen must be "0.0.0.0:\(port)" and trustedPeers the range of the gateway's pods.
            apiVersion: apps/v1
            kind: Deployment
            metadata: { name: bearerguard }
            spec:
              replicas: 2
              selector: { matchLabels: { app: bearerguard } }
              template:
                metadata: { labels: { app: bearerguard } }
                spec:
                  automountServiceAccountToken: false
                  terminationGracePeriodSeconds: \(document.limits.drainSeconds + 5)
                  containers:
                    - name: bearerguard
                      image: bearerguard:0.1.0
                      args: ["serve", "--config", "/etc/bearerguard/gateway.yaml"]
                      ports: [{ name: http, containerPort: \(port) }]
                      livenessProbe: { httpGet: { path: /livez, port: http\(scheme) } }
                      readinessProbe: { httpGet: { path: /readyz, port: http\(scheme) } }
                      resources: { requests: { cpu: 100m, memory: 64Mi }, limits: { memory: 256Mi } }
                      securityContext:
                        allowPrivilegeEscalation: false
                        readOnlyRootFilesystem: true
                        runAsNonRoot: true
                        capabilities: { drop: [ALL] }
                        seccompProfile: { type: RuntimeDefault }
                      volumeMounts: [{ name: configuration, mountPath: /etc/bearerguard, readOnly: true }]
                  volumes: [{ name: configuration, configMap: { name: bearerguard } }]
            ---
            apiVersion: v1
            kind: Service
            metadata: { name: bearerguard }
            spec:
              selector: { app: bearerguard }
              ports: [{ name: http, port: \(port), targetPort: http }]
            """
    }
}
#endif
