"""Tables and plots of what tests/bench/paths measured."""
import os
import statistics

HEADROOM = 1.3  # the emulator must carry so many times the cell's rate for a run to count
STALL = 250_000  # µs that no packet may be late: the machine stood still
TEXT_SHARE = 1448 / 1500  # of a full packet with timestamps
MSS_BITS = 1448 * 8
MARKS = {"virtual": "#4477aa", "kernel": "#bbbbbb", "sluice to kernel": "#228833", "sluice to sluice": "#4477aa"}


def counts(run):
    fast = run["capacity"] >= HEADROOM * run["cell"]["rate"]
    return run["lineup"]["part"] == "a" or (fast and run["late_max"] <= STALL)


def theory(cell, control):
    """Mbit/s of text that a flow could have: the link's share, and under random loss what the control's law allows
    (Mathis et al. for Reno, RFC 9438 5.1 for CUBIC, which is never below Reno); queues and timeouts are left out."""
    link = cell["rate"] * TEXT_SHARE
    loss, rtt = cell.get("loss", 0), cell["rtt"] / 1e3
    if loss == 0 or control not in ("reno", "cubic"):
        return link
    window = (3 / (2 * loss)) ** 0.5
    if control == "cubic":
        window = max(window, (0.4 * 3.7 / (4 * 0.3)) ** 0.25 * (rtt / loss) ** 0.75)
    return min(link, window * MSS_BITS / rtt / 1e6)


def jain(values):
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 0.0


class Medians:
    """Of the seeds' runs of one cell, line-up and congestion control."""

    def __init__(self, runs):
        self.groups = {}
        for run in runs:
            key = run["cell"]["name"], run["lineup"]["name"], run["lineup"]["congestion"]
            self.groups.setdefault(key, []).append(run)
        self.cells = list({run["cell"]["name"]: run["cell"] for run in runs}.values())
        self.controls = sorted({run["lineup"]["congestion"] for run in runs}, key=("reno cubic bbr".split() + [""]).index)

    def runs(self, cell, name, control):
        return [run for run in self.groups.get((cell["name"], name, control), []) if counts(run)]

    def of(self, cell, name, control, figure):
        """None when nothing of it counts. `figure`: a key, or a function of a run."""
        take = figure if callable(figure) else lambda run: run[figure]
        values = [take(run) for run in self.runs(cell, name, control)]
        return statistics.median(values) if values else None

    def ratio(self, cell, name, control):
        """Median of the seeds' ratios of `name` to the kernel's own goodput."""
        base = {run["seed"]: run["goodput"][0] for run in self.runs(cell, "kernel", control)}
        ratios = [run["goodput"][0] / base[run["seed"]] for run in self.runs(cell, name, control) if base.get(run["seed"])]
        return statistics.median(ratios) if ratios else None


def goodput(run):
    return run["goodput"][0]


def resent(run):
    return run["retransmitted"][0] * 100


def shown(value, form):
    return "–" if value is None else form.format(value)


def table(title, head, rows):
    if not rows:
        return
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    print(f"\n{title}")
    for row in [head] + rows:
        print("  ".join(text.ljust(width) if i == 0 else text.rjust(width) for i, (text, width) in enumerate(zip(row, widths))))


def virtual_table(medians, control):
    rows = []
    for cell in medians.cells:
        if not medians.runs(cell, "virtual", control):
            continue
        value = lambda figure: medians.of(cell, "virtual", control, figure)
        law = theory(cell, control)
        rows.append([cell["name"], f"{law:.2f}", f"{value(goodput):.2f}", f"{value(goodput) / law:.2f}",
                     f"{value(resent):.2f}", f"{value('queue_p50'):.1f}", f"{value('queue_p99'):.1f}",
                     medians.runs(cell, "virtual", control)[0]["notes"].replace("fast_retransmits", "recoveries")])
    table(f"a: sluice to sluice in virtual time, {control} (medians of the seeds; notes: seed 1's)",
          ["cell", "theory", "Mbit/s", "of it", "resent %", "queue p50 ms", "p99 ms", "notes"], rows)


def real_table(medians, control):
    rows = []
    for cell in medians.cells:
        names = ("kernel", "sluice to kernel", "sluice to sluice")
        if not any(medians.groups.get((cell["name"], name, control)) for name in names):
            continue
        row = [cell["name"]]
        row += [shown(medians.of(cell, name, control, goodput), "{:.2f}") for name in names]
        row += [shown(medians.ratio(cell, name, control), "{:.2f}") for name in names[1:]]
        row += [shown(medians.of(cell, name, control, resent), "{:.2f}") for name in names[:2]]
        row += [shown(medians.of(cell, name, control, "queue_p99"), "{:.1f}") for name in names[:2]]
        row += [shown(medians.of(cell, "kernel", control, lambda run: run["capacity"] / run["cell"]["rate"]), "{:.1f}×"),
                shown(medians.of(cell, "kernel", control, "late_p99"), "{:.0f}")]
        rows.append(row)
    table(f"b, c: {control} in real time, Mbit/s (b: kernel to kernel; c: sluice to kernel, to sluice; – : does not count)",
          ["cell", "b", "c →kernel", "c →sluice", "c/b", "c/b", "resent % b", "c", "queue p99 ms b", "c", "emulator",
           "late µs"], rows)


def shared_table(medians):
    rows = []
    for control in medians.controls:
        for cell in medians.cells:
            for name in ("two virtual", "two kernels", "two sluices", "sluice and kernel"):
                if not medians.runs(cell, name, control):
                    continue
                value = lambda figure: medians.of(cell, name, control, figure)
                rows.append([cell["name"], control, name, f"{value(lambda run: run['second_half'][0]):.2f}",
                             f"{value(lambda run: run['second_half'][1]):.2f}",
                             f"{value(lambda run: jain(run['second_half'])):.3f}", f"{value('queue_p99'):.1f}"])
    table("two flows on one path: Mbit/s of each in the second half, and Jain's index of fairness",
          ["cell", "control", "flows", "first", "second", "Jain", "queue p99 ms"], rows)


def verdicts(medians):
    for control in medians.controls:
        for name in ("sluice to kernel", "sluice to sluice"):
            ratios = {cell["name"]: medians.ratio(cell, name, control) for cell in medians.cells}
            known = {cell: ratio for cell, ratio in ratios.items() if ratio is not None}
            if not known:
                continue
            good = sum(1 for ratio in known.values() if ratio >= 1.0)
            least = min(known, key=known.get)
            print(f"verdict, {control}, {name} / kernel to kernel: {good} of {len(known)} cells ≥ 1.0 "
                  f"({100 * good / len(known):.0f} %), median {statistics.median(known.values()):.2f}, "
                  f"least {known[least]:.2f} ({least})")


def tables(results):
    medians = Medians(results)
    for control in medians.controls:
        virtual_table(medians, control)
    for control in medians.controls:
        real_table(medians, control)
    shared_table(medians)
    weak = sum(1 for run in results if not counts(run))
    real = sum(1 for run in results if run["lineup"]["part"] != "a")
    print()
    if real:
        print(f"{real - weak} of {real} runs in real time count: the emulator alone carried at least {HEADROOM} times the rate, "
              f"and no packet was more than {STALL / 1e6:g} s late")
    verdicts(medians)


# --- plots -----------------------------------------------------------------------------------------------------------


def bars(path, title, axis, rows, series, limit, line=None, left=170):
    """Horizontal bars: `rows` of (label, [value or None for each of the series]). `series`: (name, colour). `left`: pixels
    for the labels."""
    right, top, bar, gap = 60, 66, 8, 7
    plot_width = 520
    pitch = bar * len(series) + gap
    width, height = left + plot_width + right, top + pitch * len(rows) + 34
    scale = lambda value: left + plot_width * min(value, limit) / limit
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
           f'font-family="sans-serif" font-size="11">', f'<rect width="{width}" height="{height}" fill="white"/>',
           f'<text x="12" y="20" font-size="14" font-weight="bold">{title}</text>']
    at = left
    for name, colour in series:
        out.append(f'<rect x="{at}" y="32" width="10" height="10" fill="{colour}"/><text x="{at + 14}" y="41">{name}</text>')
        at += 30 + 7 * len(name)
    for step in range(6):
        x = scale(limit * step / 5)
        out.append(f'<line x1="{x:.1f}" y1="{top - 6}" x2="{x:.1f}" y2="{height - 28}" stroke="#dddddd"/>')
        out.append(f'<text x="{x:.1f}" y="{height - 14}" text-anchor="middle">{limit * step / 5:g}</text>')
    out.append(f'<text x="{left - 8}" y="{height - 14}" text-anchor="end">{axis}</text>')
    for number, (label, values) in enumerate(rows):
        y = top + pitch * number
        out.append(f'<text x="{left - 8}" y="{y + pitch / 2 + 1:.1f}" text-anchor="end">{label}</text>')
        for i, value in enumerate(values):
            if value is None:
                continue
            out.append(f'<rect x="{left}" y="{y + bar * i}" width="{max(scale(value) - left, 1):.1f}" height="{bar - 1}" '
                       f'fill="{series[i][1]}"/>')
            out.append(f'<text x="{scale(value) + 3:.1f}" y="{y + bar * i + bar - 1}" font-size="8">{value:.2f}</text>')
    if line is not None:
        out.append(f'<line x1="{scale(line):.1f}" y1="{top - 6}" x2="{scale(line):.1f}" y2="{height - 28}" stroke="#cc3311" '
                   f'stroke-dasharray="4 3"/>')
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out + ["</svg>"]) + "\n")


def plot(path, title, axis, medians, series, value, limit=None, line=None):
    rows = [(cell["name"], [value(cell, name) for name, _ in series]) for cell in medians.cells]
    rows = [(label, values) for label, values in rows if any(one is not None for one in values)]
    if rows:
        top = max(one for _, values in rows for one in values if one is not None)
        bars(path, title, axis, rows, series, limit or max(top, 1e-9) * 1.05, line)


def plots(results, folder):
    os.makedirs(folder, exist_ok=True)
    medians = Medians(results)
    share = lambda control: lambda cell, name: (
        None if (value := medians.of(cell, name, control, goodput)) is None else value / (cell["rate"] * TEXT_SHARE))
    three = [(name, MARKS[name]) for name in ("kernel", "sluice to kernel", "sluice to sluice")]
    colours = {"reno": "#4477aa", "cubic": "#228833", "bbr": "#ee7733"}
    virtual = [(control, colours[control]) for control in medians.controls]
    plot(os.path.join(folder, "paths-virtual.svg"), "Goodput of sluice in virtual time, share of the link", "share", medians,
         virtual, lambda cell, control: share(control)(cell, "virtual"), limit=1)
    for control in medians.controls:
        plot(os.path.join(folder, f"paths-goodput-{control}.svg"), f"Goodput with {control}, share of the link", "share",
             medians, three, share(control), limit=1)
        plot(os.path.join(folder, f"paths-ratio-{control}.svg"), f"Goodput beside the kernel's own with {control}", "ratio",
             medians, three[1:], lambda cell, name: medians.ratio(cell, name, control), limit=2, line=1)
        plot(os.path.join(folder, f"paths-queue-{control}.svg"), f"99th percentile of the queue's delay with {control}", "ms",
             medians, three, lambda cell, name: medians.of(cell, name, control, "queue_p99"))
