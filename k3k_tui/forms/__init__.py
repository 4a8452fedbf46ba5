"""Forms made from the model of the values file."""
