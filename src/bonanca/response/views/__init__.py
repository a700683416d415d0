"""What others see of responses: frozen values, no rows."""

from bonanca.response.views.approvals import Approval
from bonanca.response.views.criteria import Answer, Criteria, Criterion, criteria_from_json
from bonanca.response.views.deployments import PinChoice
from bonanca.response.views.previews import CheckResult, Preview, StepPreview, TableAtRisk, preview_from_json

__all__ = [
    "Answer",
    "Approval",
    "CheckResult",
    "Criteria",
    "Criterion",
    "PinChoice",
    "Preview",
    "StepPreview",
    "TableAtRisk",
    "criteria_from_json",
    "preview_from_json",
]
