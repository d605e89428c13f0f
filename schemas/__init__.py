"""What flows through Weft: typed rows, Arrow schemas, reasons, manifests, the run folder. Imports nothing of ours."""
