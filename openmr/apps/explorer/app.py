# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""The explorer as a marimo app: sliders in, HTML out. `marimo edit` opens it, too."""

import marimo

app = marimo.App(
    width="full", app_title="openmr explore", css_file="style.css", html_head_file="head.html"
)


@app.cell
def imports():
    """Everything that is worked out is worked out in these modules."""
    import marimo as mo

    import openmr as om
    from openmr.apps.explorer import page
    from openmr.apps.explorer.own_film import LARGEST_FILE, asked, film_of
    from openmr.apps.explorer.screen import SLIDERS, Refusal, answer, moved
    from openmr.sample.parameters import POINT, parameter

    return (
        LARGEST_FILE, POINT, SLIDERS, Refusal, answer, asked, film_of, mo, moved, om, page,
        parameter,
    )  # fmt: skip


@app.cell
def header(mo, page):
    """Title."""
    mo.Html(page.header())


@app.cell
def own(LARGEST_FILE, mo):
    """A button for a file of TOML."""
    file = mo.ui.file(filetypes=[".toml"], max_size=LARGEST_FILE, label="Own film (TOML)")
    mo.Html(f'<section class="om-own" aria-label="Own film">{file}</section>')
    return (file,)


@app.cell
def begin(Refusal, asked, file, film_of, mo, page):
    """Start of the sliders: the file's film, or what the address asks for, or the start."""
    start, told = asked(mo.query_params().to_dict()), ""
    if isinstance(start, Refusal):
        start, told = start.settings, page.unread(start)
    if file.value:
        start = film_of(file.value[0].contents, start)
        told = page.unread(start) if isinstance(start, Refusal) else ""
        start = start.settings if isinstance(start, Refusal) else start
    mo.Html(told)
    return (start,)


@app.cell
def controls(POINT, SLIDERS, mo, page, parameter, start):
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
        ("Moments", "J₀ couples them; positive: they order. D < 0: easy axis along the normal"): {
            "spin": ("spin S", "1"),
            "weiss": ("Weiss J₀", unit("weiss")),
            "density": ("density n<sub>S</sub>a³ (a of Pt)", "1"),
            "anisotropy": ("anisotropy D", unit("weiss")),
            "rhombicity": ("anisotropy E", unit("weiss")),
        },
        ("Film and electrons", ""): {
            "thickness": ("thickness d", unit("thickness")),
            "spin_hall_angle": ("spin Hall angle θ<sub>SH</sub>", "1"),
            "diffusion_length": ("diffusion length ℓ₀", unit("diffusion_length")),
            "diffusion": ("diffusion log₁₀ D", unit("diffusion")),
            "resistivity": ("resistivity ρ<sub>L0</sub>", unit("resistivity")),
            "fermi_energy": ("Fermi energy E<sub>F</sub>", "eV itself"),
            "mass": ("mass m<sub>F</sub>/m<sub>e</sub>", "1"),
        },
        ("Insulating magnet on the film", "its spin-mixing conductance; both 0: none"): {
            "real_mixing": ("G<sub>r</sub>", unit("top.G_r")),
            "imaginary_mixing": ("G<sub>i</sub>", unit("top.G_i")),
        },
    }
    units = {  # of `Settings`
        "eV": " (meV)", "m": " (nm)", "S/m^2": " (10¹⁴ S/m²)", "1": "", "m^2/s": " (m²/s)",
        "Ohm m": " (µΩ m)", "eV itself": " (eV)",
    }  # fmt: skip

    def slider(name, label, unit):
        """Slider that starts at the default; a screen reader says the value itself."""
        return mo.ui.slider(
            *SLIDERS[name],
            getattr(start, name),
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
    mo.Html(
        f'<section class="om-measure" aria-label="Costs">{button}</section>' if found.small else ""
    )
    return (button,)


@app.cell
def measured(button, found, mo, om, page):
    """The whole table, on request."""
    mo.stop(not button.value)
    report = om.validity(
        found.sample, found.settings.temperature, found.settings.field, direction=found.direction
    )
    mo.Html(page.report(report))


@app.cell
def code(found, mo, page, settings):
    """The Python that prints the same numbers, and the film as a file."""
    mo.Html(page.code(settings, found.methods))


if __name__ == "__main__":
    app.run()
