"""The proofs, as chains of symbolic steps; a module that starts with an underscore is none."""
