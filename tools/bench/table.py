# SPDX-License-Identifier: MIT
"""Markdown out of what was measured. Computes medians and ratios, measures nothing.

RESULTS is a list of {"name", "group", "variants": {name: {"samples": [..], "error"}}} as measure.py
makes them; the plain run is "plain".
"""
import math
import statistics

OURS, PEER = "memprof", "heaptrack -r"


def rows(lines, text=1):
    """LINES of cells, the first of them the head. The first TEXT columns hold no numbers."""
    head, *body = lines
    rule = ["---"] * text + ["---:"] * (len(head) - text)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *body])


def value_of(sample, key):
    return sample["user"] + sample["system"] if key == "cpu" else sample[key]


def median(result, variant, key):
    """None if there is no figure."""
    samples = result["variants"].get(variant, {}).get("samples", [])
    return statistics.median(value_of(s, key) for s in samples) if samples else None


def factor(result, variant, key="wall"):
    """The median as a factor of the plain run's."""
    value, plain = median(result, variant, key), median(result, "plain", key)
    return value / plain if value is not None and plain else None


def paired(result, variant, key="wall"):
    """The ratios to the plain run of the same round, in order of size."""
    plain = {s["round"]: value_of(s, key) for s in result["variants"]["plain"]["samples"]}
    return sorted(value_of(s, key) / plain[s["round"]]
                  for s in result["variants"].get(variant, {}).get("samples", [])
                  if plain.get(s["round"]))


def show(value, form="%.2f"):
    return "-" if value is None else form % value


def show_paired(result, variant, key="wall"):
    """Median and extremes, or quartiles where there are enough rounds for them."""
    ratios = paired(result, variant, key)
    if not ratios:
        return "-"
    if len(ratios) < 2:
        return "%.2f" % ratios[0]
    low, high = ratios[0], ratios[-1]
    if len(ratios) >= 8:
        low, _, high = statistics.quantiles(ratios, n=4)
    return "%.2f (%.2f to %.2f)" % (statistics.median(ratios), low, high)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def mean_factor(results, variant, among=()):
    """Over the programs that VARIANT and all AMONG have figures for. And how many these are."""
    chosen = [result for result in results
              if all(factor(result, name) for name in (variant, *among))]
    return geometric_mean([factor(result, variant) for result in chosen]), len(chosen)


def factors(results, variants):
    """Wall time: medians over all rounds."""
    lines = [["program", "plain s", *variants]]
    for result in results:
        lines.append([result["name"], show(median(result, "plain", "wall"), "%.3f"),
                      *(show(factor(result, name)) for name in variants)])
    means = [mean_factor(results, name) for name in variants]
    lines.append(["geometric mean (of how many)", "",
                  *("-" if mean is None else "%.3f (%d)" % (mean, n) for mean, n in means)])
    return rows(lines)


def show_plain(result, key):
    """Seconds of the plain run, with the extremes: how noisy the machine was."""
    values = [value_of(s, key) for s in result["variants"]["plain"]["samples"]]
    if not values:
        return "-"
    return "%.2f (%.2f to %.2f)" % (statistics.median(values), min(values), max(values))


def spread(results, variants, key):
    lines = [["program", "plain s", *variants]]
    for result in results:
        lines.append([result["name"], show_plain(result, key),
                      *(show_paired(result, name, key) for name in variants)])
    return rows(lines)


def sizes(results, variants, key):
    shown = ["plain", *variants] if key == "rss" else variants
    lines = [["program", *shown]]
    for result in results:
        lines.append([result["name"], *(show(median(result, name, key), "%.1f" if key == "rss"
                                             else "%.3f") for name in shown)])
    return rows(lines)


def request_rates(results, variants):
    served = [result for result in results if median(result, "plain", "rate")]
    if not served:
        return ""
    lines = [["requests per second", "plain", *variants]]
    for result in served:
        lines.append([result["name"], *(show(median(result, name, "rate"), "%.0f")
                                        for name in ("plain", *variants))])
    return rows(lines) + "\n"


def overhead_line(results):
    """How many times ours the peer's overhead is."""
    mine, count = mean_factor(results, OURS, [PEER])
    theirs, _ = mean_factor(results, PEER, [OURS])
    if mine is None:
        return ""
    text = f"Geometric means over the {count} programs that both have: {OURS} {mine:.3f}, " \
           f"{PEER} {theirs:.3f}. "
    if mine > 1:
        text += f"Overhead of {PEER} / overhead of {OURS}: {(theirs - 1) / (mine - 1):.1f}."
    else:
        text += f"{OURS} has no overhead that shows."
    return text + "\n"


def notes(results):
    """Why there is no figure where there is none."""
    seen = {}
    for result in results:
        for name, entry in result["variants"].items():
            if entry["error"]:
                seen.setdefault((name, entry["error"]), []).append(result["name"])
    return "".join(f"- {name}: {error} ({', '.join(programs)})\n"
                   for (name, error), programs in seen.items())


def start_up(seconds):
    """SECONDS: {variant: [wall of /bin/true, ..]}."""
    return rows([["nothing but start and end (/bin/true)", *seconds],
                 ["median ms", *(show(statistics.median(times) * 1000 if times else None, "%.1f")
                                 for times in seconds.values())]])


def group(title, results, variants):
    """Everything about one group of programs."""
    parts = [
        f"## {title}\n",
        "Wall time as a factor of the plain run's, medians:\n",
        factors(results, variants) + "\n",
        overhead_line(results) if results[0]["group"] == "real" else "",
        request_rates(results, variants),
        "Wall time as a factor of the plain run of the same round, median (lowest to highest, or "
        "quartiles of 8 rounds and more):\n",
        spread(results, variants, "wall") + "\n",
        "CPU time (user and system), the same way:\n",
        spread(results, variants, "cpu") + "\n",
        "Peak RSS in MiB:\n",
        sizes(results, variants, "rss") + "\n",
        "Written, in MiB:\n",
        sizes(results, variants, "written") + "\n",
        notes(results),
    ]
    return "\n".join(part for part in parts if part)
