"""A language model as judge of what a run found: optional, within a budget, and never above a person.

`subjects` finds what is worth asking about and writes it down without what is private; `questions` says what is asked
and checks what is answered, in code; `asking` puts the questions and keeps each answer; `verdicts` turns an answer into
a decision of the actor `model:NAME`, which the ledger shows and any person may undo; `session` is the way through all.
"""
