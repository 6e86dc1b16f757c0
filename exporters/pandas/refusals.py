"""Ways out for what the traced pandas refuses, by the name of the attribute."""

from __future__ import annotations

_WAYS = {
    "compute on whole columns: operators, np.where, map with a dict": """
        apply applymap transform agg aggregate iterrows itertuples to_dict to_list tolist to_records item
        combine eval query""",
    "one row's answer would depend on the other rows: compute it when fitting and keep it on self": """
        groupby rolling expanding ewm shift diff pct_change cumsum cumprod cummax cummin rank value_counts
        nunique unique duplicated ffill bfill interpolate mean sum min max std var median mode quantile
        describe factorize corr cov skew kurt idxmax idxmin argmax argmin argsort hasnans count is_unique
        prod sem qcut""",
    "the number or order of the rows would depend on the rows: do it before the pipeline": """
        dropna drop_duplicates head tail sample sort_values sort_index nlargest nsmallest explode melt pivot
        pivot_table stack unstack truncate repeat searchsorted""",
    "map the key column with a dict fixed when fitting, once for each joined column": """
        merge merge_asof merge_ordered join""",
    "leave the index as it is: a graph has none": """
        set_index reindex align set_axis swaplevel xs at iat""",
    "the columns would depend on the rows: use OneHotEncoder, or compare with each category": """
        get_dummies from_dummies crosstab""",
}

_BY_NAME = {name: way for way, names in _WAYS.items() for name in names.split()}
_ELSE = "compute the same with operators, np.where, map with a dict, isin, fillna, .str or .dt"


def way_out(name: str) -> str:
    """What to do instead of ``name``."""
    return _BY_NAME.get(name, _ELSE)
