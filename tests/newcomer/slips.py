"""What a newcomer gets wrong: every line that is marked is an error of types before it runs."""

import openmr as om

film = om.presets.pt_py()
rates = om.relaxation(film, 10.0, 5.0)
rho = om.magnetoresistance(film, 10.0, 5.0, direction=(1, 0, 0))

om.relaxation(film, 10.0, 5.0, method="bloch_redfield")  # slip
om.magnetoresistance(film, 10.0, 5.0, (1, 0, 0), method="blochredfield")  # slip
om.sweep(film, temperature=[10.0], field=[5.0], method="closed form")  # slip
om.face_conductances(om.presets.pt_yig("Vlietstra2013"), 300.0, 0.1, method="formula")  # slip
om.relaxation(film, 10.0, 5.0, half_with=1.0)  # slip
om.equilibrium(film, 10.0, 5.0, branch="highest")  # slip
print(rates.tau_parallel)  # slip
print(rates.equilibrium.magnetisation)  # slip
print(rho.rho_xx)  # slip
print(rho.longitudinal.shapes)  # slip
om.plotting.resistance_curve(rho)  # slip
om.Film(thickness="5 nm", spin_hall_angle=0.1, diffusion=1e-6, resistivity=2e-6)  # slip
om.presets.pt_yig("Chen")  # slip
om.presets.pt_py(disorder="ordered")  # slip
om.scan_directions("xz", [0.0, 90.0], "deg")  # slip
om.scan_directions("xy", [0.0, 90.0], "degree")  # slip
om.magnetoresistance(film, 10.0, 5.0, (1, 0, 0), order="third")  # slip
om.diffusion.profile(film.film, rates, (1, 0, 0), method="closed form")  # slip
om.validity(film, 10.0, 5.0, routes=["hierarchy"])  # slip
om.ledger(verdict="misprints")  # slip
om.plotting.resistance_curves(rho, against="B")  # slip
om.plotting.spin_profile(om.diffusion.profile(film.film, rates, (1, 0, 0)), quantity="mu")  # slip
om.magneto_resistance(film, 10.0, 5.0)  # slip
