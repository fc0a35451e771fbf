"""What is done to a network before it is traced: named rewrites, each of which keeps the depth (1e-5 relative)."""
