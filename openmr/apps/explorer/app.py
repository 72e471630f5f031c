# /// script
# [tool.marimo.display]
# theme = "light"
# ///
"""The explorer as a marimo app: sliders in, HTML out. `marimo edit` opens it, too."""

import marimo

app = marimo.App(
    width="full",
    app_title="openmr explore",
    css_file="style.css",
    html_head_file="head.html",
)


@app.cell
def imports():
    """Everything that is worked out is worked out in these modules."""
    import marimo as mo

    import openmr as om
    from openmr.apps.explorer import page
    from openmr.apps.explorer.screen import SLIDERS, Refusal, Settings, answer, moved
    from openmr.sample.parameters import POINT, parameter

    return POINT, SLIDERS, Refusal, Settings, answer, mo, moved, om, page, parameter


@app.cell
def header(mo, page):
    """Title."""
    mo.Html(page.header())


@app.cell
def controls(POINT, SLIDERS, Settings, mo, page, parameter):
    """One slider per field of `Settings`: label, unit of the table, ends and step."""

    def unit(name):
        return parameter(name).unit

    groups = {
        ("Temperature and field", ""): {
            "temperature": ("temperature T", POINT["temperature"]),
            "field": ("field B", POINT["field"]),
            "polar": ("polar angle θ", "°"),
            "azimuth": ("azimuth φ", "°"),
        },
        ("Exchange with the electrons", "negative: antiferromagnetic; z is along the field"): {
            f"exchange_{v}": (f"n<sub>S</sub>J along {v}", unit("exchange_energy")) for v in "xyz"
        },
        ("Moments and film", "J₀ couples the moments; positive: they order"): {
            "spin": ("spin S", "1"),
            "weiss": ("Weiss J₀", unit("weiss")),
            "thickness": ("thickness d", unit("thickness")),
        },
        ("Insulating magnet on the film", "its spin-mixing conductance; both 0: none"): {
            "real_mixing": ("G<sub>r</sub>", unit("top.G_r")),
            "imaginary_mixing": ("G<sub>i</sub>", unit("top.G_i")),
        },
    }
    units = {"eV": " (meV)", "m": " (nm)", "S/m^2": " (10¹⁴ S/m²)", "1": ""}  # of `Settings`

    def slider(name, label, unit):
        """Slider that starts at the default; a screen reader says the value itself."""
        return mo.ui.slider(
            *SLIDERS[name],
            getattr(Settings(), name),
            label=label + units.get(unit, f" ({unit})"),
            show_value=True,
            full_width=True,
        )

    sliders = mo.ui.dictionary(
        {name: slider(name, *row) for rows in groups.values() for name, row in rows.items()}
    )
    shown = [(*about, [f"{sliders[name]}" for name in rows]) for about, rows in groups.items()]
    mo.Html(page.controls(shown))
    return (sliders,)


@app.cell
def work(Refusal, answer, mo, moved, page, sliders):
    """All numbers at once, or the reason why there are none."""
    settings = moved(sliders.value)
    found = settings if isinstance(settings, Refusal) else answer(settings)
    if isinstance(found, Refusal):
        mo.stop(True, mo.Html(page.refusal(found)))
    mo.Html(page.numbers(found))
    return found, settings


@app.cell
def figures(found, mo, page):
    """Decay, resistivity, profile, and the small parameters, which cost nothing."""
    mo.Html(page.figures(found))


@app.cell
def measure(found, mo):
    """A button that is unpressed again after every move of a slider."""
    button = mo.ui.run_button(label="Measure what each costs (some seconds)")
    mo.Html(f'<div class="om-measure">{button}</div>' if found else "")
    return (button,)


@app.cell
def measured(button, found, mo, om, page):
    """The whole table, on request."""
    mo.stop(not button.value)
    report = om.validity(
        found.sample,
        found.settings.temperature,
        found.settings.field,
        direction=found.direction,
    )
    mo.Html(page.report(report))


@app.cell
def code(mo, page, settings):
    """The Python that prints the same numbers."""
    mo.Html(page.code(settings))


if __name__ == "__main__":
    app.run()
