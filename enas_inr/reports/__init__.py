"""Tables and figures of what a study found."""
