"""The paper's claims as data, one family to a file.

Loaded by `dsmverify.content`, never imported by name: modules here import `dsmverify` and,
relatively, each other. A module whose name starts with an underscore holds no claims.
"""
