"""How it runs: stages as Beam jobs over plain parts."""
