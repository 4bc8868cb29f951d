"""What the service promises under attack and load, measured: `sunspot bench reliability`."""
