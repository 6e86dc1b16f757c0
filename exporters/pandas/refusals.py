"""Ways out for what the traced pandas refuses, by the name of the attribute."""

from __future__ import annotations

_LOOP = "compute on whole columns: operators, np.where, map with a dict"
_BATCH = "the answer for one row would depend on the other rows of the batch: compute it when fitting and keep it on self"
_ROWS = "the number or order of the rows would depend on the rows: do it before the pipeline"
_LABELS = "leave the index as it is: a graph has none"

_WAYS = {
    **dict.fromkeys(("apply", "applymap", "transform", "agg", "aggregate", "iterrows", "itertuples", "items", "to_dict", "to_list", "tolist", "to_records", "item", "combine", "eval", "query"), _LOOP),
    **dict.fromkeys(
        (
            "groupby", "rolling", "expanding", "ewm", "shift", "diff", "pct_change", "cumsum", "cumprod", "cummax", "cummin", "rank", "value_counts", "nunique", "unique", "duplicated", "ffill", "bfill",
            "interpolate", "mean", "sum", "min", "max", "std", "var", "median", "mode", "quantile", "describe", "factorize", "corr", "cov", "skew", "kurt", "idxmax", "idxmin", "argmax", "argmin", "any", "all", "hasnans", "count", "is_unique", "prod", "sem",
        ),
        _BATCH,
    ),
    **dict.fromkeys(("dropna", "drop_duplicates", "head", "tail", "sample", "sort_values", "sort_index", "nlargest", "nsmallest", "explode", "melt", "pivot", "pivot_table", "stack", "unstack", "merge", "join", "append", "truncate"), _ROWS),
    **dict.fromkeys(("set_index", "reindex", "align", "set_axis", "swaplevel", "xs", "at", "iat", "lookup"), _LABELS),
}  # fmt: skip


def way_out(name: str) -> str:
    """What to do instead of ``name``."""
    return _WAYS.get(
        name, "compute the same with operators, np.where, map with a dict, isin, fillna, .str or .dt"
    )
