"""The conformance kit: it plays the server for a cabinet and checks what the cabinet does. PURE.

``python -m lockers.conformance`` runs it; ``lastmile/docs/lockers.md`` says how.
"""
