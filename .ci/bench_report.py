"""The results of the benchmark as a table and a picture."""
import datetime
import os
import platform
import statistics

SERVERS = ["mustserv", "nginx", "lighttpd", "apache"]
COLOURS = {"mustserv": "#2a8c96", "nginx": "#c07a1a", "lighttpd": "#808080", "apache": "#a05a8c"}

# (part, title, unit as a divisor and its name, compared as ratios)
PARTS = [
    ("idle", "memory of the idle server", (1e6, "MB"), True),
    ("memory", "memory per stream", (1000, "kB"), True),
    ("PSS", "memory in all, PSS", (1e6, "MB"), True),
    ("RSS", "memory in all, RSS", (1e6, "MB"), True),
    ("cpu", "processor time per GB", (1, "s"), True),
    ("machine", "the same of the whole machine, players included", (1, "s"), True),
    ("served", "sent of what is promised, start burst included", (1, "%"), False),
    ("unthrottled", "unthrottled", (1, "MB/s"), True),
    ("unthrottled cpu", "processor time per GB, unthrottled", (1, "s"), True),
]


def median(values, key):
    return statistics.median(values[key]) if values.get(key) else None


def table(values):
    """table is all that was measured, in Markdown."""
    lines = ["| | " + " | ".join(SERVERS) + " | mustserv : nginx | : apache |", "| --- |" + " --- |" * (len(SERVERS) + 2)]
    for part, title, (divisor, unit), compared in PARTS:
        for what in whats(values, part):
            cells = [median(values, (part, what, s)) for s in SERVERS]
            of = [ratio(cells[0], cells[SERVERS.index(s)]) if compared else "" for s in ("nginx", "apache")]
            lines.append(f"| {title}, {what} | " + " | ".join(number(c, divisor, unit) for c in cells) + f" | **{of[0]}** | {of[1]} |".replace("****", ""))
    for what, title, factor, unit in (("rate_error_median", "rate over 5 s, median error", 100, "%"), ("rate_error_p99", "rate over 5 s, 99th percentile", 100, "%"),
                                      ("largest_burst_ms", "largest burst after the first 5 s", 1, "ms")):
        cells = [median(values, ("pace", what, s)) for s in SERVERS]
        if any(c is not None for c in cells):
            lines.append(f"| {title}, 500 clients | " + " | ".join(number(c, 1 / factor, unit) for c in cells) + " | | |")
    return "\n".join(lines + links(values)) + "\n"


def ratio(ours, theirs):
    return f"{ours / theirs:.2f}" if ours is not None and theirs else ""


def links(values):
    """links is the table of the slow links."""
    found = sorted({w.split(":")[0] for w in whats(values, "links")}, key=lambda w: int(w.split()[0]))
    lines = []
    for link in found:
        def of(server, what):
            return median(values, ("links", f"{link}: {what}", server))
        lines += ["", f"{link}: {of('all', 'wanted'):.0f} want to watch, the sum of the rates allows {of('mustserv', 'sum of the rates allows'):.0f}:", "",
                  "| | without a stall | started | stalls | standing still | median start | packets lost |", "| --- | --- | --- | --- | --- | --- | --- |"]
        for server, label in (("mustserv", "mustserv"), ("mustserv, smooth = 0", "the same, `smooth = 0`"), ("nginx", "nginx, limit_rate 1.1 x average"),
                              ("nginx, alone", "the same, one viewer of each film"), ("nginx, unpaced", "nginx, unpaced")):
            lines.append(f"| {label} | {of(server, 'smooth'):.0f} | {of(server, 'started'):.0f} | {of(server, 'stalls'):.0f} | "
                         f"{of(server, 'stall_seconds'):.0f} s | {of(server, 'startup_median'):.1f} s | {of(server, 'lost'):.0f} |")
    return lines


def whats(values, part):
    return list(dict.fromkeys(what for p, what, _ in values if p == part))


def number(value, divisor, unit):
    if value is None:
        return "-"
    value /= divisor
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def write(values, folder):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "table.md"), "w") as f:
        f.write(f"# MuStServ beside other servers\n\nMade by `.ci/bench` on {datetime.date.today()}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}; medians of three runs and more.\n[What it measures](../figures.md#beside-other-servers), and how.\n\n![Ratios to nginx](ratios.svg)\n\n" + table(values))
    with open(os.path.join(folder, "ratios.svg"), "w") as f:
        f.write(chart(values))


# --- the picture ----------------------------------------------------------

WIDTH, LEFT, BAR, GAP, RIGHT = 640, 210, 11, 12, 70
CUT = 3.0  # longer bars are cut off, with their number beside them


def chart(values):
    """chart draws ratios to nginx: shorter is better, but for speed and viewers."""
    rows = [("idle", "RSS", "memory, idle"), *[("memory", w, f"memory each, {w}") for w in whats(values, "memory")],
            *[("cpu", w, f"CPU per GB, {w}") for w in whats(values, "cpu") if not w.startswith("10 ")],
            *[("unthrottled", w, f"speed, {w}") for w in whats(values, "unthrottled")],
            *[("links", w, f"viewers, {w.split(':')[0]}") for w in whats(values, "links") if w.endswith(": smooth")]]
    rows = [r for r in rows if median(values, (r[0], r[1], "nginx"))]
    step = BAR * len(SERVERS) + GAP
    height = 40 + step * len(rows)
    scale = (WIDTH - LEFT - RIGHT) / CUT
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11" role="img">'
           "<title>MuStServ, lighttpd and Apache in ratios to nginx</title>"]
    x = LEFT
    for s in SERVERS:
        out.append(f'<rect x="{x}" y="6" width="10" height="10" fill="{COLOURS[s]}"/><text x="{x + 14}" y="15" fill="#808080">{s}</text>')
        x += 80
    out.append(f'<line x1="{LEFT + scale:.1f}" x2="{LEFT + scale:.1f}" y1="24" y2="{height}" stroke="#808080" stroke-dasharray="2 3"/>')
    for i, (part, what, title) in enumerate(rows):
        y = 28 + i * step
        out.append(f'<text x="{LEFT - 8}" y="{y + step / 2 - 2:.0f}" text-anchor="end" fill="#808080">{title}</text>')
        base = median(values, (part, what, "nginx"))
        for k, s in enumerate(SERVERS):
            value = median(values, (part, what, s))
            if value is None:
                continue
            ratio = max(0, value / base)
            wide = min(ratio, CUT) * scale
            out.append(f'<rect x="{LEFT}" y="{y + k * BAR}" width="{wide:.1f}" height="{BAR - 2}" fill="{COLOURS[s]}"/>'
                       f'<text x="{LEFT + wide + 4:.1f}" y="{y + k * BAR + 9}" fill="#808080" font-size="10">{ratio:.2f}</text>')
    return "\n".join(out) + "\n</svg>\n"
