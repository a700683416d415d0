"""What others see of responses: frozen values, no rows."""

from bonanca.response.views.previews import CheckResult, Preview, StepPreview, TableAtRisk, preview_from_json

__all__ = ["CheckResult", "Preview", "StepPreview", "TableAtRisk", "preview_from_json"]
