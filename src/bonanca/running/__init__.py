"""How a declared service runs: the steps that stop it, start it, ask it and open or close its way in.

Deployments, rollbacks, restores and promotions are made of the same parts; they are compiled here once. What runs a
service (processes of this host, …) is a `Runner`, chosen from what the service declares.
"""
