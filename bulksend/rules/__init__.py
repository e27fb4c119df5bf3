"""When a person may be texted: dated, sourced rules, and what they come to.

pack     the rules as data: `*.yaml` beside this file, checked when they are read
place    where a person may be, and who says so
profile  which of the rules hold for a place
hours    the hours at which all of them agree, as moments

Not legal advice.  A rule says where it comes from and when that was checked; whether it
holds for you is for a lawyer to say.
"""
