"""How many passwords a second are hashed as in app.py, on all cores."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

from app import password_helper

SECONDS = 3


def hash_on_and_on(begun):
    made = 0
    while time.monotonic() - begun < SECONDS:
        password_helper.hash("correct horse battery staple")
        made += 1
    return made


begun = time.monotonic()
with ThreadPoolExecutor(os.cpu_count()) as pool:
    made = sum(pool.map(hash_on_and_on, [begun] * os.cpu_count()))
print(made / (time.monotonic() - begun))
