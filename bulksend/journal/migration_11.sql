-- From version 10 (of 2026-11-27) to 11.

-- The tables stay as they are; there is an arrow more.
