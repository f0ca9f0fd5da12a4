"""Stages, and the moves between them."""

from opencrm.core.pipeline.definition import Pipeline, Stage
from opencrm.core.pipeline.moves import StageMove, move_rule, moved, stage_moves
from opencrm.core.pipeline.requirements import Requirement, required

__all__ = ["Pipeline", "Requirement", "Stage", "StageMove", "move_rule", "moved", "required", "stage_moves"]
