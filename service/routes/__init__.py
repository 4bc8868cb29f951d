"""The HTTP routes: parse, call one function, answer."""
