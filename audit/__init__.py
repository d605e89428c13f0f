"""How a run is inspected. Reads the run folder through `schemas`; never imports the pipeline."""
