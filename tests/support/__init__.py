"""What the tests and the recorder of reference values share. NumPy only: the recorder has no jax."""
