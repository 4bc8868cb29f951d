"""A challenger that scores beside the champion and pages nobody."""
