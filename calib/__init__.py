"""Which samples stand for the world: chosen by a rule, seeded, and told apart from what is evaluated on."""
