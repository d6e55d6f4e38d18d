"""The searches that the benchmark of growth asks for: rare and common words, short ones, in several orders."""

from urllib.parse import quote

from bench.bulk import make_vin
from padron.domain.query import SORT_FIELDS

# SQLite has no index for these orders, with or without a search.
_SORTS = ("", *(name for name in SORT_FIELDS if name in {"plate", "ownerName", "vehicleStatusId"}), "-createdAt")


def list_searches(vehicles: int) -> dict[str, str]:
    """Give the pages of searches by their names, for an account with this number of vehicles."""
    words = {
        "whole VIN": make_vin(vehicles - 1),
        "end of a VIN": make_vin(vehicles // 2)[-7:],
        "one vehicle's plate": f"p{vehicles - 1}",
        "some owners": "owner 499",
        "every owner": "owner",
        "every VIN": "3padrn",
        "two words": "c199 owner",
        "two characters": "99",
        "one character": "7",
        "nobody's two characters": "zz",
        "nobody's three characters": "zzz",
    }
    pages = {
        f"search {name} sort {sort}".strip(): f"?q={quote(text)}{f'&sort={sort}' if sort else ''}"
        for name, text in words.items()
        for sort in _SORTS
    }
    filters = {"filter brandName": "brandName=brand%207", "filter assetStatusId": "assetStatusId=4"}
    return pages | {f"search some owners, {name}": f"?q=owner%20499&{query}" for name, query in filters.items()}


def list_several() -> dict[str, str]:
    """Give the pages of a filter with three values, in orders that walk the filter's index, and in another one."""
    several = "&".join(f"brandName=brand%20{number}" for number in (7, 8, 9))
    return {f"filter three brandName{end}": f"?{several}{end}" for end in ("", "&sort=brandName", "&sort=plate")}
