"""The claims of the note, as data. Modules whose names start with an underscore hold no claims."""
