"""Two programs to run on a project: doctor tells the truth, migrate rewrites."""
