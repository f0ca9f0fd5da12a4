"""Stages, and the moves between them."""

from opencrm.core.pipeline.definition import Pipeline, Stage
from opencrm.core.pipeline.moves import StageMove, move_rule, moved, stage_moves

__all__ = ["Pipeline", "Stage", "StageMove", "move_rule", "moved", "stage_moves"]
