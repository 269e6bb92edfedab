"""The customer's own words, told apart from what stands around them.

Pure functions over text: markup becomes plain text when a message is imported (`html`); when it is read, quoted
replies, signatures, legal notices, the labels of forms, automatic messages and what many conversations share are spans
with a reason (`reading`). Nothing is cut out of what is stored, so every offset stays true.
"""
