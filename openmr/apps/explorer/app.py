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
    from openmr.apps.explorer.screen import Refusal, Settings, answer

    return Refusal, Settings, answer, mo, om, page


@app.cell
def header(mo, page):
    """Title."""
    mo.Html(page.header())


@app.cell
def controls(Settings, mo, page):
    """One slider per field of `Settings`."""
    start = Settings()

    def slider(name, label, *, low=0.0, high, step=1.0):
        """Slider that starts at the default; a screen reader says the value itself."""
        return mo.ui.slider(
            low, high, step, getattr(start, name), label=label, show_value=True, full_width=True
        )

    coupling = {"low": -3.0, "high": 3.0, "step": 0.05}
    sliders = mo.ui.dictionary(
        {
            "temperature": slider("temperature", "temperature T (K)", low=1.0, high=300.0),
            "field": slider("field", "field B (T)", high=30.0, step=0.25),
            "polar": slider("polar", "polar angle θ (°)", high=180.0, step=5.0),
            "azimuth": slider("azimuth", "azimuth φ (°)", high=360.0, step=5.0),
            "exchange_x": slider("exchange_x", "n<sub>S</sub>J along x (meV)", **coupling),
            "exchange_y": slider("exchange_y", "n<sub>S</sub>J along y (meV)", **coupling),
            "exchange_z": slider("exchange_z", "n<sub>S</sub>J along z (meV)", **coupling),
            "spin": slider("spin", "spin S", low=0.5, high=10.0, step=0.5),
            "weiss": slider("weiss", "Weiss J₀ (meV)", low=-2.0, high=5.0, step=0.05),
            "thickness": slider("thickness", "thickness d (nm)", high=50.0, step=0.5),
        }
    )
    mo.Html(
        page.controls(
            [
                (heading, note, [f"{sliders[name]}" for name in names])
                for heading, note, names in (
                    ("Temperature and field", "", ("temperature", "field", "polar", "azimuth")),
                    (
                        "Exchange with the electrons",
                        "negative: antiferromagnetic; z is along the field",
                        ("exchange_x", "exchange_y", "exchange_z"),
                    ),
                    (
                        "Moments and film",
                        "J₀ couples the moments; positive: they order",
                        ("spin", "weiss", "thickness"),
                    ),
                )
            ]
        )
    )
    return (sliders,)


@app.cell
def work(Refusal, Settings, answer, mo, page, sliders):
    """All numbers at once, or the reason why there are none."""
    settings = Settings(**sliders.value)
    found = answer(settings)
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
