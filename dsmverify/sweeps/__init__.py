"""Sweeps: many cells of one kind of work, run anywhere, kept in one store.

| module | what it holds |
|---|---|
| `configuration` | `load(path) -> Sweep`: sweep files and packaged experiments, read strictly |
| `lines` | the line of a sweep file that a message is about |
| `samples` | the samples that a sweep file names, read when the file is read |
| `cells` | `expand(sweep) -> list[Cell]`, in a fixed order, each with the hash of what decides it |
| `origins` | `of(kind) -> Origin`: digest of the code and versions of the libraries behind a kind |
| `kinds` | `run(cell) -> Result`: what a cell does, in any process |
| `packaged` | groups of networks of the packaged experiments, as cells |
| `reading` | what a store has of an experiment, for its tables and figures |
| `store` | `Store.open(path, write=...)`: one database file, written by one process |
| `rows` | a cell's rows in it, sealed when they are written and compared when they are read |
| `databases` | its file: opening, the log beside it, SQLite's errors in words |
| `repair` | what becomes of a damaged store: damaged cells go, the others stay |
| `schema` | its tables, their versions and migrations |
| `locks` | one writer at a time, and who it is |
| `arrays` | arrays in the database or, if large, in files beside it |
| `export` | the rows of a sweep as CSV or parquet, in the order of the cells |
| `status` | how many cells are done, failed and left, and how long the rest may take |
| `workers` | a bundle of cells in a worker process, within limits of time and memory |
| `needs` | cells that wait for the results of others: claims for their derivations |
| `bundles` | how many cells go into one task |
| `executors` | processes of this machine, a Dask cluster, any `concurrent.futures.Executor` |
| `runner` | `run(cells, store, engine)`: what is missing, whoever is killed on the way |

How a runner uses them:

    sweep = configuration.load("sweep.toml")
    todo = cells.expand(sweep)                       # deterministic; 10^5 cells in about a second
    with Store.open("sweep.db", write=True) as store:
        done = store.has([cell.key for cell in todo])     # a set of keys
        for cell in todo:
            if cell.key not in done:
                store.put(kinds.run(cell))           # or store.fail(cell, "why")
        export.write_csv(store, todo, sys.stdout)

`Cell` and `Result` are picklable and `kinds.run` is a module-level function, so a spawned worker
can run it. It refuses a cell that was expanded by other code or other libraries (`VersionError`).
A cell that is running is not in the store: if it is killed it is just absent. `store.put` and
`store.put_many` store everything given or nothing; when they raise, the store is as before.
"""
