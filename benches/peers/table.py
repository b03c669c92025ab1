"""The results as tables in Markdown. What is best in a row is found by computing it, never by hand."""

from statistics import median


class Row:
    """One thing that was measured: the values of each service, by its name, one for each round."""

    def __init__(self, name, unit, values, most_is_best=False, errors=None):
        self.name, self.unit, self.most_is_best = name, unit, most_is_best
        self.errors = errors or {}
        self.middle = {service: median(found) for service, found in values.items()}
        self.spread = max((max(found) - min(found)) / (median(found) or 1) for found in values.values())

    def best(self):
        """Who is best: nobody who made errors."""
        flawless = {service: value for service, value in self.middle.items() if not self.errors.get(service)}
        pick = max if self.most_is_best else min
        return [service for service, value in flawless.items() if value == pick(flawless.values())]

    def ahead(self, first):
        """The peers that are better than the first service, and how often its value theirs is."""
        base, sign = self.middle[first], 1 if self.most_is_best else -1
        peers = {name: value for name, value in self.middle.items() if not name.startswith("Latchkey")}
        better = [name for name, value in peers.items() if sign * value > sign * base and not self.errors.get(name)]
        return [f"{name} ({self.middle[name] / base:.2f}×)" for name in better]

    def cell(self, service, first):
        value, base = self.middle[service], self.middle[first]
        text = number(value)
        if service in self.best():
            text = f"**{text}**"
        if service != first and base:
            text += f" ({value / base:.2f}×)"
        if self.errors.get(service):
            text += f", {self.errors[service]} errors"
        return text

    def line(self, services):
        cells = " | ".join(self.cell(service, services[0]) for service in services)
        return f"| {self.name}, {self.unit} | {cells} | {self.spread:.0%} |"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(title, rows, services):
    """A table whose first service is what the others are divided by."""
    head = f"| {title} | {' | '.join(services)} | spread |\n|---|{'---:|' * (len(services) + 1)}"
    return "\n".join([head, *(row.line(services) for row in rows)])


def who_is_ahead(rows, first):
    """Where a peer is better than Latchkey."""
    lines = [f"- {row.name}, {row.unit}: {', '.join(row.ahead(first))}" for row in rows if row.ahead(first)]
    return "\n".join([f"Where a peer is ahead of {first}:", "", *(lines or ["- nowhere"])])
