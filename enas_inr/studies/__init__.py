"""Study files: several searches that belong together, as the paper's tables and figures do."""
