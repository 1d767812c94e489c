# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
"""The measuring of gateway.sh: starts the servers, drives wrk, reads processor times from /proc, ends what it started."""
import base64, json, os, re, resource, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

program, rounds, seconds, saturated = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
group = sys.argv[5]
folder = tempfile.mkdtemp()
started = []


def free_ports(names):
    """A port for each name; held until all are chosen, so that no two are the same."""
    sockets = {name: socket.socket() for name in names}
    for s in sockets.values(): s.bind(("127.0.0.1", 0))
    ports = {name: s.getsockname()[1] for name, s in sockets.items()}
    for s in sockets.values(): s.close()
    return ports


def start(name, *command):
    log = open(f"{folder}/{name}.log", "w")
    process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    started.append(process)
    return process


def wait(port):
    for _ in range(200):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nobody listens on port {port}; see {folder}")


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token_and_keys():
    """An RS256 token shaped as Okta's, and the files that it is verified by."""
    key = f"{folder}/key.pem"
    openssl = lambda *arguments, **more: subprocess.run(["openssl", *arguments], check=True, capture_output=True, **more).stdout
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
    open(f"{folder}/public.pem", "wb").write(openssl("pkey", "-in", key, "-pubout"))
    modulus = openssl("rsa", "-in", key, "-noout", "-modulus").decode().strip().split("=")[1]
    keys = {"keys": [{"kty": "RSA", "kid": "k1", "alg": "RS256", "use": "sig", "e": "AQAB", "n": encode(bytes.fromhex(modulus))}]}
    json.dump(keys, open(f"{folder}/keys.json", "w"))
    now = int(time.time())
    claims = {
        "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", "iss": "https://issuer.test", "aud": "https://api.test",
        "iat": now - 60, "exp": now + 36000, "cid": "0oa8p5vq2qO1FFfdI4x7", "uid": "00u8p5vq2qO1FFfdI4x7", "sub": "user-1",
        "client_id": "client-1", "scp": ["orders:read", "orders:write", "profile", "email", "openid"], "scope": "orders:read",
        "groups": [f"group-{n}-of-the-company" for n in range(10)],
    }
    message = f"{encode(json.dumps({'alg': 'RS256', 'kid': 'k1', 'typ': 'at+jwt'}).encode())}.{encode(json.dumps(claims).encode())}"
    signature = openssl("dgst", "-sha256", "-sign", key, input=message.encode())
    return f"{message}.{encode(signature)}"


def ticks(process):
    """Processor time of a process and its children, in ticks."""
    total = 0
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
    for pid in [str(process.pid), *children]:
        fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total


def nginx(name, blocks, before=""):
    paths = "".join(f"{kind}_temp_path {folder}/{name}-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    text = (f"{before}\ndaemon off; master_process off; pid {folder}/{name}.pid; error_log stderr;\n"
            f"events {{ worker_connections 20000; }}\nhttp {{ access_log off; keepalive_requests 1000000000; {paths}\n{blocks}\n}}")
    open(f"{folder}/{name}.conf", "w").write(text)
    return start(name, "/usr/sbin/nginx", "-p", folder, "-c", f"{folder}/{name}.conf")


token = token_and_keys()
ports = free_ports(("upstream", "trivial", "service", "openidc", "unprotected", "by-trivial", "by-service", "by-openidc", "static", "by-module"))
open(f"{folder}/gateway.yaml", "w").write(f"""
issuers:
  - {{alias: main, issuer: https://issuer.test, audience: https://api.test, algorithms: [RS256], keys: {{file: keys.json}}}}
gateway:
  listen: ["127.0.0.1:{ports['service']}"]
  limits: {{connections: 20000}}
  rules: [{{path: /orders, require: {{scopes: [orders:read]}}}}]
  identity: {{X-Auth-Subject: sub}}
""")


def guarded(name, backend, path):
    return f"""
    upstream {name} {{ server 127.0.0.1:{ports[backend]}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
      listen 127.0.0.1:{ports['by-' + backend]};
      location / {{ auth_request /_ask; auth_request_set $subject $upstream_http_x_auth_subject;
        proxy_set_header X-Auth-Subject $subject; proxy_set_header Connection ""; proxy_http_version 1.1; proxy_pass http://up; }}
      location = /_ask {{ internal; proxy_pass http://{name}{path}; proxy_http_version 1.1; proxy_pass_request_body off;
        proxy_set_header Connection ""; proxy_set_header Content-Length ""; proxy_set_header Host x;
        proxy_set_header X-Original-Method $request_method; proxy_set_header X-Original-URI $request_uri; }}
    }}"""


try:
    hasOpenIDC = os.path.exists("/usr/lib/apache2/modules/mod_auth_openidc.so")
    processes = {
        "upstream": nginx("upstream", f"server {{ listen 127.0.0.1:{ports['upstream']}; location / {{ return 200 'ok'; }} }}"),
        "trivial": nginx("trivial", f"server {{ listen 127.0.0.1:{ports['trivial']}; location / {{ return 204; }} }}"),
        "service": start("service", os.path.abspath(program), "serve", "--config", f"{folder}/gateway.yaml"),
        "gateway": nginx("gateway", f"""
    upstream up {{ server 127.0.0.1:{ports['upstream']}; keepalive 64; keepalive_requests 1000000000; }}
    server {{ listen 127.0.0.1:{ports['unprotected']};
      location / {{ proxy_set_header Connection ""; proxy_http_version 1.1; proxy_pass http://up; }} }}"""
            + guarded("trivial", "trivial", "/") + guarded("service", "service", "/authorize") + guarded("openidc", "openidc", "/")),
    }
    module = os.environ.get("MODULE", "")
    if module:
        policy = {"issuers": [{"alias": "main", "issuer": "https://issuer.test", "audience": "https://api.test",
                               "algorithms": ["RS256"], "keys": {"file": "keys.json"}}]}
        json.dump(policy, open(f"{folder}/policy.json", "w"))
        os.makedirs(f"{folder}/static", exist_ok=True)
        open(f"{folder}/static/orders", "w").write("ok")
        processes["module"] = nginx("module", f"""
    root {folder}/static; bearerguard_policy {folder}/policy.json;
    server {{ listen 127.0.0.1:{ports['static']}; }}
    server {{ listen 127.0.0.1:{ports['by-module']}; bearerguard on; bearerguard_scopes orders:read; }}""",
                                    f"load_module {os.path.abspath(module)};")
    if hasOpenIDC:
        modules = "".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so\n"
                          for m in ("mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "rewrite", "dir"))
        open(f"{folder}/apache.conf", "w").write(f"""
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
ServerName localhost
User www-data
ErrorLog {folder}/apache-errors.log
{modules}
Listen 127.0.0.1:{ports['openidc']}
KeepAlive On
MaxKeepAliveRequests 0
DocumentRoot {folder}/www
OIDCOAuthVerifyCertFiles k1#{folder}/public.pem
OIDCOAuthRemoteUserClaim sub
<Location "/">
  AuthType oauth20
  Require claim aud:https://api.test
</Location>
""")
        os.makedirs(f"{folder}/www")
        open(f"{folder}/www/index.html", "w").write("ok")
        os.chmod(folder, 0o755)
        processes["openidc"] = start("apache", "/usr/sbin/apache2", "-D", "FOREGROUND", "-f", f"{folder}/apache.conf")
    for name in ("upstream", "trivial", "service", "unprotected"): wait(ports[name])
    if hasOpenIDC: wait(ports["openidc"])
    involved = {"unprotected": [], "by-trivial": ["trivial"], "by-service": ["service"], "by-openidc": ["openidc"]}
    if module: involved |= {"static": ["module"], "by-module": ["module"]}
    groups = {"hops": list(involved)[:4] if hasOpenIDC else list(involved)[:3], "module": list(involved)[4:]}
    if group not in groups and group != "all": sys.exit(f"what to measure is all, {' or '.join(groups)}")
    cases = sum(groups.values(), []) if group == "all" else groups[group]
    if not cases: sys.exit("MODULE names no module")

    def wrk(name, seconds, connections=16):
        return subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {token}",
             f"http://127.0.0.1:{ports[name]}/orders"], capture_output=True, text=True, check=True).stdout

    def measure(name, seconds):
        """Microseconds of processor time that the servers took for a request."""
        own = [processes[other] for other in involved[name]]
        all = own if name in ("static", "by-module") else [processes["gateway"], processes["upstream"], *own]
        before = sum(map(ticks, all))
        told = wrk(name, seconds)
        if "Non-2xx" in told: sys.exit(f"{name}: {told}")
        for process in all:
            if process.poll() is not None: sys.exit(f"{process.args[0]} ended; see {folder}")
        requests = int(re.search(r"(\d+) requests in", told)[1])
        return 1e6 / os.sysconf("SC_CLK_TCK") * (sum(map(ticks, all)) - before) / requests

    for name in cases:
        status = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Authorization: Bearer {token}",
                                 f"http://127.0.0.1:{ports[name]}/orders"], capture_output=True, text=True).stdout
        if status != "200": sys.exit(f"{name} answers {status}; see {folder}")
        measure(name, 1)

    def round_trip():
        """There and back, so that a machine that slows down or speeds up meanwhile favours nobody."""
        legs = [{name: measure(name, max(1, seconds // 2)) for name in order} for order in (cases, cases[::-1])]
        return {name: statistics.mean(leg[name] for leg in legs) for name in cases}

    rows = [round_trip() for _ in range(rounds)]

    def hop(name): return [row[name] - row["unprotected"] for row in rows]

    for name in [name for name in cases if name in ("by-trivial", "by-service", "by-openidc")]:
        ratios = sorted(a / b for a, b in zip(hop(name), hop("by-trivial")))
        print(f"  gateway.{name:12} {statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) × the hop to a trivial backend, "
              f"{statistics.median(hop(name)):.0f} µs of processor time a request", flush=True)

    if "by-module" in cases:
        extra = sorted(row["by-module"] - row["static"] for row in rows)
        ratios = sorted(row["by-module"] / row["static"] for row in rows)
        print(f"  gateway.by-module    {statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) × a static file without it, "
              f"{statistics.median(extra):.1f} µs more of processor time a request", flush=True)

    if saturated:
        # Idle connections stay open, to the service itself, while the gateway is asked as fast as it goes.
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        wanted = min(10_000, soft - 200)
        idle = []
        for n in range(wanted):
            s = socket.socket()
            s.connect(("127.0.0.1", ports["service"]))
            # Every second one has begun a request that it never ends.
            if n % 2: s.send(b"GET /authorize HTTP/1.1\r\nHost: x\r\nX-Original-")
            idle.append(s)
        memory = lambda: int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{processes['service'].pid}/status").read())[1]) // 1024
        before = memory()
        told = wrk("by-service", saturated, 64)
        p99 = re.search(r"99%\s+(\S+)", told)[1]
        rate = re.search(r"Requests/sec:\s+(\S+)", told)[1]
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
        print(f"  gateway.saturated    {rate} requests a second for {saturated} s beside {wanted} idle connections, "
              f"{refused[1] if refused else 0} unexpected, p99 {p99}, {before} → {memory()} MiB")
finally:
    for process in started:
        process.send_signal(signal.SIGTERM)
    for process in started:
        try: process.wait(10)
        except subprocess.TimeoutExpired: process.kill()
shutil.rmtree(folder)
