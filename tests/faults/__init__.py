"""Fault injection: random stacks of resources that fail, hang and are cancelled."""
