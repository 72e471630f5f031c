# the closed forms stand in for QuTiP, which this page cannot have
theory = om.relaxation(film, temperature, field)


def record(axis, times, noise, seed):
    """<sigma_x>, <sigma_y>, <sigma_z> at times in ps, from a spin along axis 0 (x), 1 or 2."""
    along_field = np.exp(-PS * theory.longitudinal * times)
    across = np.exp((1j * theory.precession - theory.transverse) * PS * times)
    none = np.zeros_like(times)
    exact = [
        (across.real, across.imag, none),
        (-across.imag, across.real, none),
        (none, none, along_field),
    ][axis]
    shape = (3, len(times))
    return exact + noise * np.random.default_rng(seed).normal(size=shape)
