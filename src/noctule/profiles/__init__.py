"""Profiles: what browsers remember of sites, kept from one session to another."""
