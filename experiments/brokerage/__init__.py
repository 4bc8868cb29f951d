"""A simulated mobile brokerage with known faults."""
