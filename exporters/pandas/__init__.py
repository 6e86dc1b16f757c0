PANDAS: dict[str, object] = {}
