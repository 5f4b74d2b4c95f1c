"""The embeddable picker: ``/widget.js`` defines the element ``<lastmile-picker>``."""
