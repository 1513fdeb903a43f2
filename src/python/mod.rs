//! What the formats of Python mean: wheels, `RECORD`, launchers, interpreters, virtual environments.
