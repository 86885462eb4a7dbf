"""Tables and plots of what tests/bench/device measured."""
import math
import os
import statistics

import device_systems as systems
import paths_report


class Results:
    """The rows of all rounds: {round, figure, system, value, processor, memory}."""

    def __init__(self, rows):
        self.of = {}
        for row in rows:
            self.of.setdefault((row["figure"], row["system"]), {})[row["round"]] = row
        self.systems = list(dict.fromkeys(row["system"] for row in rows))

    def figures(self):
        return [figure for figure in systems.UNITS if any(key[0] == figure for key in self.of)]

    def values(self, figure, system, key="value"):
        return [row[key] for row in self.of.get((figure, system), {}).values()]

    def median(self, figure, system, key="value"):
        values = self.values(figure, system, key)
        return statistics.median(values) if values else None

    def cost(self, figure, system):
        return systems.cost_text(figure, self.median(figure, system), self.median(figure, system, "processor"))

    def ratios(self, figure, system, other_figure, other):
        """Of the rounds in which both were measured."""
        ours, theirs = self.of.get((figure, system), {}), self.of.get((other_figure, other), {})
        return [ours[number]["value"] / theirs[number]["value"] for number in ours if theirs.get(number, {}).get("value")]

    def comparisons(self):
        rows = []
        for figure, system, other_figure, other, goal in systems.COMPARISONS:
            ratios = self.ratios(figure, system, other_figure, other)
            if not ratios:
                continue
            ratio = statistics.median(ratios)
            beside = other if other_figure == figure else f"{other}, {other_figure}"
            rows.append({"figure": figure, "system": system, "beside": beside, "ratio": ratio, "least": min(ratios),
                         "most": max(ratios), "goal": goal, "better": "lower" if figure in systems.LOWER_IS_BETTER else "higher",
                         "met": None if goal is None else systems.is_met(figure, goal, ratio)})
        return rows


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.2f}"


def figure_table(results):
    rows = []
    for figure in results.figures():
        for system in results.systems:
            values = results.values(figure, system)
            if not values:
                continue
            rows.append([figure, system, number(statistics.median(values)), systems.UNITS[figure],
                         f"{number(min(values))} … {number(max(values))}",
                         results.cost(figure, system),
                         f"{results.median(figure, system, 'memory'):.1f}"])
    paths_report.table("figures, medians of the rounds", ["figure", "system", "median", "", "range", "server's CPU", "peak MiB"],
                       rows)


def comparison_table(results):
    rows = []
    for row in results.comparisons():
        sign = "≤" if row["better"] == "lower" else "≥"
        goal = "" if row["goal"] is None else f"{sign} {row['goal']:g}"
        verdict = "" if row["met"] is None else "met" if row["met"] else "MISSED"
        rows.append([row["figure"], row["system"], row["beside"], f"{row['ratio']:.2f}", f"{row['least']:.2f} … {row['most']:.2f}",
                     goal, verdict])
    paths_report.table("ratios, medians of the rounds' pairs", ["figure", "of", "beside", "ratio", "range", "goal", ""], rows)


def tables(found):
    results = Results(found["rows"])
    machine = found["machine"]
    print(f"{machine['processors']} processors, {machine['model']}, Linux {machine['kernel']}; {found['rounds']} rounds of "
          f"{found['seconds']:g} s, text goes round in {found['block']:,} KiB; load {machine['load_before']:.2f} before, {machine['load_after']:.2f} after")
    figure_table(results)
    comparison_table(results)
    print("\nThe server's CPU is its process alone: what a kernel does for a veth's TCP runs largely in the client's system\n"
          "calls. Peak memory holds the block of text that bare, veth and sluice's source (bulk out) send from.")
    judged = [row for row in results.comparisons() if row["met"] is not None]
    if judged:
        print(f"goals: {sum(row['met'] for row in judged)} of {len(judged)} met")
    for text in found["skipped"]:
        print(f"SKIPPED: {text}")
    for text, count in found["failed"].items():
        print(f"FAILED {count} times: {text}")


def axis_end(value):
    """A little more than `value`, that five round steps lead to."""
    power = 10 ** math.floor(math.log10(value / 5))
    return 5 * power * next(step for step in (1, 2, 2.5, 5, 10, 20) if 5 * step * power >= value * 1.03)


# --- plots -----------------------------------------------------------------------------------------------------------


def plots(found, folder):
    os.makedirs(folder, exist_ok=True)
    results = Results(found["rows"])
    judged = [row for row in results.comparisons() if row["goal"] is not None]
    if judged:
        rows = [(f"{row['figure']} / {row['beside']}", [row["ratio"], row["goal"]]) for row in judged]
        top = max(max(values) for _, values in rows)
        paths_report.bars(os.path.join(folder, "device-ratios.svg"), "sluice beside others: ratios, and the goals", "ratio", rows,
                          [("measured", "#4477aa"), ("goal (ping-pong: at most)", "#bbbbbb")], axis_end(top), line=1, left=280)
    for name, title, figures in (
        ("bulk", "Bulk transfer, one connection", [systems.BULK_IN, systems.BULK_OUT]),
        ("latency", "One byte there and back", [systems.P50, systems.P99]),
        ("connections", "Connections opened and closed", [systems.MANY, systems.ONE]),
        ("http", "Static files: requests", [systems.SMALL, systems.TLS_SMALL]),
    ):
        rows = [(system, [results.median(figure, system) for figure in figures]) for system in results.systems]
        rows = [(system, values) for system, values in rows if any(value is not None for value in values)]
        if not rows:
            continue
        top = max(value for _, values in rows for value in values if value is not None)
        paths_report.bars(os.path.join(folder, f"device-{name}.svg"), title, systems.UNITS[figures[0]], rows,
                          list(zip(figures, ("#4477aa", "#228833"))), axis_end(top), left=210)
