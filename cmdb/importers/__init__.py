"""One module per CMDB source."""
