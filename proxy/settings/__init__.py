"""The settings: `config.yaml` as unchangeable, validated values, overridden by `DOSEKEEPER_SECTION__KEY` (DESIGN §9)."""

from proxy.settings.load import load_settings
from proxy.settings.model import Settings

__all__ = ["Settings", "load_settings"]
