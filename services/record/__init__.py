"""Recordings and their life: started with the agent's answer, collected, checked, stored, found again."""
