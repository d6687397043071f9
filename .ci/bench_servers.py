"""The servers of the benchmark, and the links that they stand on."""
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def raise_limit():
    """raise_limit lets this process and its children open many files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (65536, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, max(limit, hard)))
            return
        except (ValueError, OSError):
            continue


def machine_cpu():
    """machine_cpu returns a clock that runs while processors are not idle, in processor seconds. What the kernel does on
    nobody's account, as in timers, it does not count as work, but not as idleness either."""
    with open("/proc/stat") as f:
        _, _, _, idle, iowait, _, _, steal = map(int, f.readline().split()[1:9])
    return time.monotonic() * os.cpu_count() - (idle + iowait + steal) / TICKS


def rates():
    """rates of the steady films in KiB/s, and the KiB that are sent at once:
    as MuStServ does, two seconds or 256 KiB, and 64 KiB for each request."""
    return [(kib, int(max(256, 2 * kib / 1.05)) + 64) for kib in (610, 244, 146)]


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Link:
    """Link is a cable of so many Mbit/s between two network namespaces. All of
    10.97.1.0/24 is the client's."""

    def __init__(self, name, mbit):
        self.server, self.client = name + "s", name + "c"
        for ns in (self.server, self.client):
            run("ip", "netns", "add", ns)
        run("ip", "link", "add", name + "0", "netns", self.server, "type", "veth", "peer", "name", name + "1", "netns", self.client)
        for ns, dev, addr in ((self.server, name + "0", "10.97.0.1/16"), (self.client, name + "1", "10.97.0.2/16")):
            run("ip", "-n", ns, "addr", "add", addr, "dev", dev)
            # What is larger than tbf's bucket would be dropped: no large frames.
            run("ip", "-n", ns, "link", "set", dev, "gso_max_size", "15000", "gso_max_segs", "10", "up")
            run("ip", "-n", ns, "link", "set", "lo", "up")
            run("tc", "-n", ns, "qdisc", "add", "dev", dev, "root", "tbf", "rate", f"{mbit}mbit", "burst", str(max(16000, mbit * 500)), "latency", "50ms")
        self.device = name + "0"
        # One neighbour, not one for each address: all links together may have 1024.
        run("ip", "-n", self.server, "route", "add", "10.97.1.0/24", "via", "10.97.0.2")
        run("ip", "-n", self.client, "route", "add", "local", "10.97.1.0/24", "dev", "lo")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for ns in (self.server, self.client):
            run("ip", "netns", "del", ns)

    def lost(self):
        """lost is how many of the server's packets found no room in the queue."""
        out = subprocess.run(["tc", "-n", self.server, "-s", "-j", "qdisc", "show", "dev", self.device], check=True, capture_output=True, text=True).stdout
        return json.loads(out)[0]["drops"]


class Server:
    """Server is a running one, until stop, or the end of a with block."""
    name = ""
    prefix = "/"

    def __init__(self, program, media, work, clients=0, link=None, capacity="off", film_rates=None):
        self.program, self.media, self.clients, self.capacity, self.film_rates = program, media, clients, capacity, film_rates or {}
        self.link, self.host = link, "10.97.0.1" if link else "127.0.0.1"
        self.port = 8000 if link else free_port()
        self.dir = os.path.join(work, f"{type(self).__name__}{link.server if link else ''}")
        shutil.rmtree(self.dir, ignore_errors=True)
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o755)
        with open(os.path.join(self.dir, "conf"), "w") as f:
            f.write(self.config())
        command, env = self.command(os.path.join(self.dir, "conf"))
        if link:
            command = ["ip", "netns", "exec", link.server] + command
        self.log = open(os.path.join(self.dir, "log"), "w")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=dict(os.environ, **env), start_new_session=True)
        self.wait()
        time.sleep(0.5)  # for its children

    def wait(self):
        for _ in range(600):
            if self.process.poll() is None and self.ready():
                return
            time.sleep(0.1)
        with open(self.log.name) as f:
            text = f.read()[-2000:]
        self.stop()
        raise SystemExit(f"{self.name} does not serve: {text}")

    def ready(self):
        return self.head(self.prefix + "fast/big.mkv")

    def head(self, path):
        command = ["curl", "-sfI", "-o", os.devnull, "-m", "1", f"http://{self.host}:{self.port}{path}"]
        if self.link:
            command = ["ip", "netns", "exec", self.link.server] + command
        return subprocess.run(command).returncode == 0

    def url(self, path):
        return f"http://{self.host}:{self.port}{self.prefix}{path}"

    def stop(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
                self.process.wait(5)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def pids(self):
        """pids of the server and its children; all are in one session."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            fields = stat(pid)
            if fields and int(fields[3]) == self.process.pid:
                found.append(pid)
        return found

    def cpu(self):
        """cpu seconds of all processes, also of those that have ended."""
        return sum(sum(map(int, (stat(p) or ["0"] * 15)[11:15])) for p in self.pids()) / TICKS

    def rss(self):
        return self.sum("status", ("VmRSS",))

    def pss(self):
        return self.sum("smaps_rollup", ("Pss",))

    def memory(self):
        return self.pss() + self.sum("status", ("VmPTE",))

    def files(self):
        return sum(len(os.listdir(f"/proc/{p}/fd")) for p in self.pids())

    def sum(self, file, keys):
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/{file}") as f:
                    total += sum(int(line.split()[1]) for line in f if line.split(":")[0] in keys)
            except (FileNotFoundError, ProcessLookupError):
                continue  # a child that has ended
        return total * 1024


class MuStServ(Server):
    name = "mustserv"
    prefix = "/media/m/"
    smooth = 2.5

    def config(self):
        return f"""[[share]]
name = "m"
path = "{self.media}"
[stream]
listen = "{self.host}:{self.port}"
smooth = {self.smooth}
[library]
quiet = "0s"
[ratelimit]
capacity = "{self.capacity}"
unmeasured = "off"
"""

    def command(self, config):
        return [self.program, "serve", "-config", config], {"STATE_DIRECTORY": self.dir}

    def ready(self):
        """ready when all is measured."""
        out = subprocess.run((["ip", "netns", "exec", self.link.server] if self.link else []) +
                             ["curl", "-sf", "-m", "1", f"http://{self.host}:{self.port}/api/v1/status"], capture_output=True).stdout
        status = json.loads(out or "{}")
        return status.get("items", 0) > 0 and not status["unmeasured"] and not status["scanning"]


class RoughMustServ(MuStServ):
    """RoughMustServ sends each step as fast as it goes."""
    name = "mustserv, smooth = 0"
    smooth = 0.0


class Nginx(Server):
    """Nginx as Debian has it, with room for all clients; that takes memory."""
    name = "nginx"
    unpaced = False

    def config(self):
        limits = "".join(f"location /{kib}/ {{ limit_rate {kib}k; limit_rate_after {burst}k; }}\n" for kib, burst in rates())
        limits += "".join(f"location = /{n} {{ limit_rate {int(r)}; limit_rate_after {int(2 * r)}; }}\n" for n, r in self.film_rates.items())
        return f"""daemon off; worker_processes auto; worker_rlimit_nofile 19000; pid {self.dir}/pid; error_log {self.dir}/error crit;
events {{ worker_connections {768 + self.clients}; }}
http {{
	access_log off; sendfile on; tcp_nopush on; types {{ }} default_type video/mp4;
	client_body_temp_path {self.dir}; proxy_temp_path {self.dir}; fastcgi_temp_path {self.dir}; uwsgi_temp_path {self.dir}; scgi_temp_path {self.dir};
	server {{ listen {self.host}:{self.port} backlog=4096; root {self.media}; {'' if self.unpaced else limits} }}
}}
"""

    def command(self, config):
        return ["/usr/sbin/nginx", "-c", config, "-e", "stderr"], {}


class UnpacedNginx(Nginx):
    name = "nginx, unpaced"
    unpaced = True


class NginxAlone(Nginx):
    """NginxAlone has the link for a viewer of each film."""
    name = "nginx, alone"


class Apache(Server):
    """Apache as Debian has it, with room for all clients."""
    name = "apache"

    def threads(self):
        """threads are Debian's, or as many as all clients need, in fewer processes."""
        return (25, 150) if self.clients <= 150 else (64, 6400)

    def config(self):
        each, most = self.threads()
        limits = "".join(f'<Location "/{kib}/">\nSetOutputFilter RATE_LIMIT\nSetEnv rate-limit {kib}\nSetEnv rate-initial-burst {burst}\n</Location>\n'
                         for kib, burst in rates())
        modules = "".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so\n" for m in ("mpm_event", "authz_core", "env", "ratelimit"))
        return f"""{modules}
ServerRoot {self.dir}
ServerName bench
PidFile {self.dir}/pid
ErrorLog {self.dir}/error
Listen {self.host}:{self.port}
ListenBacklog 4096
DocumentRoot {self.media}
StartServers 2
MinSpareThreads 25
MaxSpareThreads 75
ThreadLimit 64
ThreadsPerChild {each}
ServerLimit {most // each}
MaxRequestWorkers {most}
MaxConnectionsPerChild 0
User www-data
Group www-data
{limits}
"""

    def command(self, config):
        return ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", config], {}


class Lighttpd(Server):
    name = "lighttpd"

    def config(self):
        limits = "".join(f'$HTTP["url"] =~ "^/{kib}/" {{ connection.kbytes-per-second = {kib} }}\n' for kib, _ in rates())
        return f"""server.document-root = "{self.media}"
server.bind = "{self.host}"
server.port = {self.port}
server.max-fds = 16384
server.max-connections = 8192
server.listen-backlog = 4096
server.username = "www-data"
server.errorlog = "{self.dir}/error"
mimetype.assign = ( "" => "video/mp4" )
{limits}
"""

    def command(self, config):
        open(os.path.join(self.dir, "error"), "w").close()
        shutil.chown(os.path.join(self.dir, "error"), "www-data")
        return ["/usr/sbin/lighttpd", "-D", "-f", config], {}


ALL = [MuStServ, Nginx, Apache, Lighttpd]
LINKED = [MuStServ, RoughMustServ, Nginx, NginxAlone, UnpacedNginx]


def stat(pid):
    """stat of a process from its state on, None if it has gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
