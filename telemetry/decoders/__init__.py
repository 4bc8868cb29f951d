"""One module per wire format of signals."""
