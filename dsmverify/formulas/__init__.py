"""The paper's exact formulas, each written once and run in five number systems."""
