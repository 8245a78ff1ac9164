"""Scenarios with the help of a model: it writes data, our engine decides.

    domain_form     the form a domain is asked for in, and back
    domain_ideas    what the next domain should be about, and whether it is new
    domains         domains, checked and tried out
    rebuilt         scenarios of a pack as candidates, to be proved again with other words
    anchors         what a paraphrase must keep, word for word
    paraphrases     other words for what users say
    translation     back from a request to a plan, and guesses without tools
    documents       other words for what tools say of themselves
    runs            a run: endpoint, cache, caps, journal, and the pack that comes of it

Nothing a model writes is taken for true: golds come from the world, verdicts from the gates.
"""
