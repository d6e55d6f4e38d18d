"""PostgreSQL's hash of a bigint, by which Citus chooses the shard of an account.

The function is Bob Jenkins' lookup3, as PostgreSQL uses it for an integer (``hashint8``). It never changes, because it
decides where rows lie on disks. A server that computes it needs no question to find an account's shard.
"""

_WORD = 0xFFFFFFFF
_SEED = 0x9E3779B9 + 4 + 3_923_095  # for four bytes
_ROUNDS = (14, 11, 25, 16, 4, 14, 24)


def hash_account(account_id: int) -> int:
    """Give the hash of an account's number, from -2**31 to 2**31 - 1."""
    low, high = account_id & _WORD, (account_id >> 32) & _WORD
    # So the number has the same hash as a smaller integer type's.
    low ^= high if account_id >= 0 else ~high & _WORD
    words = [(_SEED + low) & _WORD, _SEED & _WORD, _SEED & _WORD]
    # Each step changes the last word by the one before it, in turn: c by b, a by c, b by a, and so on.
    for step, bits in enumerate(_ROUNDS):
        changed, other = (2 + step) % 3, (1 + step) % 3
        turned = (words[other] << bits | words[other] >> (32 - bits)) & _WORD
        words[changed] = ((words[changed] ^ words[other]) - turned) & _WORD
    return words[2] - (1 << 32) if words[2] >> 31 else words[2]
