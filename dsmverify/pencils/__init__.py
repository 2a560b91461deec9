"""Linear pencils of random matrices: exact block identities, and their matrix Dyson equation."""
