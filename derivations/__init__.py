"""From the paper's assumptions to the engine's formulas, in SymPy, one formula to a file.

Loaded by `dsmverify.content`, never imported by name: modules here import `dsmverify` and,
relatively, each other. A module whose name starts with an underscore is not a derivation.
"""
